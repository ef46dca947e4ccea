"""The ceremony's window where the browser or the back button gets in its way, on Tryton's web client."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, expect

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


@contextmanager
def start_page(body: str) -> Iterator[str]:
    """A page of a firm's own server; its address. Of the same domain as the CRM: to pages of others within pages, browsers give no
    storage, and Tryton's client does not start without."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *words: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://start.crm.localhost:{server.server_port}/"
        finally:
            server.shutdown()


def framed(address: str, name: str) -> str:
    return f'<iframe name="{name}" width="1240" height="820" src="{address}"></iframe>'


def test_a_crm_in_a_frame_of_a_frame_holds_asks_and_releases(chromium: Browser, demo: Demo):
    """A firm's own start page may show its CRM within: the window opens from there, and the file arrives there."""
    context = chromium.new_context(locale="de-DE", viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    with start_page(framed(f"{demo.crm_url}/", "crm")) as inner, start_page(framed(inner, "start")) as outer:
        page.goto(outer)
        page.frame_locator("[name=start]").frame_locator("[name=crm]").locator("#login").wait_for()
        crm = page.frame(name="crm")
        assert crm is not None
        sao.sign_in(crm, "carla", demo.password("carla"))
        sao.open_list(crm, sao.these(demo.book("carla")[50:53], "Drei"))
        sao.mark_all(crm)
        with context.expect_page() as opened:
            sao.save(sao.open_export(crm, FIELDS))
        with page.expect_download() as download:
            opened.value.locator("#demo").click()
        assert Path(download.value.path()).read_text(encoding="utf-8").count("@") >= 3
    context.close()
