"""The ceremony's window where the browser or the back button gets in its way, on Tryton's web client."""

from pathlib import Path

from playwright.sync_api import expect

from tests.scenarios.test_web_client import SignIn, at_work
from tests.services import sao
from tests.services.demo import Demo

__all__ = ["at_work"]
FIELDS = ["name", "phone", "email"]
BLOCKED = "() => { window.opens = window.open; window.open = () => null }"
"""What a browser that blocks a window does: the call gives nothing."""


def test_a_blocked_window_is_opened_by_hand_and_the_file_arrives(at_work: SignIn, demo: Demo):
    desk = at_work("carla")
    page = desk.page
    sao.open_list(page, sao.these(demo.book("carla")[30:33], "Drei"))
    sao.mark_all(page)
    page.evaluate(BLOCKED)
    sao.save(sao.open_export(page, FIELDS))
    held = page.locator("torwart-held dialog")
    expect(held).to_contain_text("Öffnen Sie das Bestätigungsfenster mit der Schaltfläche.")
    assert len(desk.context.pages) == 1
    page.evaluate("() => { window.open = window.opens }")
    with desk.context.expect_page() as opened:
        held.get_by_role("button", name="Mit Schlüssel bestätigen").click()
    with page.expect_download() as download:
        opened.value.locator("#demo").click()
    assert Path(download.value.path()).read_text(encoding="utf-8").count("@") >= 3


def test_back_from_a_released_file_meets_an_act_that_is_over(at_work: SignIn, demo: Demo):
    desk = at_work("carla")
    sao.open_list(desk.page, sao.these(demo.book("carla")[40:43], "Drei"))
    sao.mark_all(desk.page)
    with desk.context.expect_page() as opened:
        sao.open_export(desk.page, FIELDS).locator("a[target=_blank]").click()
    tab = opened.value
    tab.wait_for_url(f"{demo.torwart_url}/act/*")
    tab.locator("#demo").click()
    tab.locator("#confirmed a").click()
    tab.wait_for_url(f"{demo.crm_url}/.torwart/go/*")
    with tab.expect_download():
        tab.locator("a.first").click()
    tab.go_back()
    expect(tab.locator("#touch")).to_have_count(0)
    tab.reload()
    expect(tab.locator("#touch")).to_have_count(0)
