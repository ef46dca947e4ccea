"""Half-filled work in the web client while an act is held: the window is closed and opened again, the page is left, and nothing is lost."""

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.scenarios.test_web_client import Desk, SignIn, at_work, card, save
from tests.services import sao
from tests.services.demo import Demo

__all__ = ["at_work"]
TYPED = "Halb geschrieben GmbH"
START = """([body, name]) => { window[name] = fetch("crm/rpc/", {method: "POST", body, headers: {"Content-Type": "application/json"}})
  .then(r => r.json()) }"""


def export(page: Page, ids: list[int], name: str) -> None:
    """Begin an export as the web client makes it, beside what is on the page; its answer comes under this name."""
    body = json.dumps({"id": 901, "method": "model.party.party.export_data", "params": [ids, ["name", "email"], {}]})
    page.evaluate(START, [body, name])


def answer(page: Page, name: str) -> Any:
    return page.evaluate("name => window[name]", name)


def ceremony(desk: Desk) -> Page:
    """The ceremony's window, by the button of the overlay or by itself."""
    held = desk.page.locator("torwart-held dialog")
    expect(held).to_be_visible()
    with desk.context.expect_page() as opened:
        held.locator("button.first").click()
    return opened.value


def test_a_form_keeps_what_was_typed_while_an_act_is_held(at_work: SignIn, demo: Demo):
    desk = at_work("carla")
    page, own = desk.page, demo.book("carla")
    tab = card(page, own[20])
    name = tab.locator("input[name=name]").first
    name.fill(TYPED)

    export(page, own[:2], "first")
    popup = ceremony(desk)
    popup.close()  # without touching: the act goes on waiting
    expect(page.locator("torwart-held dialog")).to_be_visible()
    popup = ceremony(desk)
    popup.locator("#demo").dblclick()  # the second click meets a window that is done
    popup.wait_for_event("close")
    expect(page.locator("torwart-held dialog")).to_be_hidden()
    assert len(answer(page, "first")["result"]) == 3  # two clients and the mark
    expect(name).to_have_value(TYPED)
    save(page, "write")
    expect(name).to_have_value(TYPED)

    export(page, own[2:4], "second")
    expect(page.locator("torwart-held dialog")).to_be_visible()
    other = desk.context.new_page()
    other.goto(f"{demo.crm_url}/")
    expect(other.locator("torwart-held dialog")).to_be_visible()  # every tab of the session is told
    page.reload()  # the request is gone, and with it the act
    expect(other.locator("torwart-held dialog")).to_be_hidden()
    expect(page.locator(sao.TAB)).to_be_visible()
    expect(page.locator("torwart-held dialog")).to_be_hidden()
    assert demo.alerts_about("carla") == 0
