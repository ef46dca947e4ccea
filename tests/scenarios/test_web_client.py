"""Tryton's real web client behind the gateway: ordinary work goes on as ever, and what is held is never a dead page."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect

from tests.services import sao
from tests.services.browser import VirtualKey
from tests.services.demo import Demo

NINTH_TAB_MS = 2_000
"""The issue's own promise for a ninth tab beside eight."""


@dataclass
class Desk:
    """Somebody at work in the web client, and every error that it got."""

    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", self._heard)

    def _heard(self, response: Response) -> None:
        if not response.url.partition("#")[0].endswith("/rpc/"):
            return
        if response.status != 200:
            self.errors.append(f"{response.status} {response.request.post_data}")
        elif (error := _json(response).get("error")) is not None:
            self.errors.append(f"{response.request.post_data} {error}")


def _json(response: Response) -> dict[str, Any]:
    try:
        found: dict[str, Any] = response.json()
    except ValueError:
        found = {"error": "no JSON"}
    return found


type SignIn = Callable[[str], Desk]


@pytest.fixture
def at_work(chromium: Browser, demo: Demo) -> Iterator[SignIn]:
    """Signs a person in to the web client; the browser is closed with the test."""
    opened: list[BrowserContext] = []

    def sign_in(login: str) -> Desk:
        context = chromium.new_context(locale="de-DE", viewport={"width": 1280, "height": 900}, accept_downloads=True)
        opened.append(context)
        desk = Desk(context, context.new_page())
        desk.page.goto(f"{demo.crm_url}/")
        sao.sign_in(desk.page, login, demo.password(login))
        desk.listen(desk.page)
        return desk

    yield sign_in
    for context in opened:
        context.close()


def card(page: Page, party: int) -> Locator:
    """Open one client by its address; the tab of the card."""
    tabs = page.locator("#tabcontent > .tab-pane")
    before = tabs.count()
    page.evaluate("h => { location.hash = h }", f"{sao.PARTIES}/{party}")
    expect(tabs).to_have_count(before + 1)
    tab = page.locator(sao.TAB)
    expect(tab.locator("input[name=name]").first).not_to_have_value("")
    return tab


def save(page: Page, call: str) -> None:
    """Save; the web client says so once it has read the record again."""
    with page.expect_response(asks(f'party.{call}"')):
        page.locator(f"{sao.TAB} .toolbar button#save").click()  # the web client drops its shortcut while it draws
    expect(page.locator(f"{sao.TAB} .infobar .alert-info").first).to_be_visible()


def asks(what: str) -> Callable[[Response], bool]:
    """An answer to a call that contains these words."""
    return lambda answer: "/rpc/" in answer.url and what in (answer.request.post_data or "")


def test_a_day_of_ordinary_work_meets_no_error_and_raises_no_alert(at_work: SignIn, demo: Demo):
    desk = at_work("carla")
    page, own = desk.page, demo.book("carla")
    tab = sao.open_list(page)
    tab.locator(".filter-box input, input[type=search], input[type=text]").first.fill("Becker")
    with page.expect_response(asks("Becker")):
        page.keyboard.press("Enter")
    expect(tab.locator("tbody tr").filter(has_text="Becker").first).to_be_visible()

    foreign = card(page, next(party for party in demo.party_ids.values() if party not in set(own)))
    expect(foreign.locator("tbody tr").filter(has_text="•••")).to_have_count(2)

    tab = card(page, own[0])
    tab.locator("ul.nav-tabs li a").nth(1).click()
    tab.locator("ul.nav-tabs li a").nth(0).click()
    tab.locator("tbody tr").filter(has_text="+49").get_by_text("+49").first.dblclick()
    tab.locator("tbody input[name=value]").fill("+49 40 23125999")
    with page.expect_response(asks("on_change_notify")):
        page.keyboard.press("Tab")
    save(page, "write")
    expect(tab.locator("tbody tr").filter(has_text="+49 40 23125999")).to_have_count(1)

    with page.expect_response(asks("party.address.default_get")):
        tab.locator(".toolbar button#new_").click()
    name = tab.locator("input[name=name]").first
    expect(name).to_have_value("")
    name.click()
    page.keyboard.type("Neue Firma GmbH")
    page.keyboard.press("Tab")
    expect(tab.locator(".toolbar button#save")).to_be_enabled()
    save(page, "create")
    expect(tab.locator("input[name=code]").first).not_to_have_value("")
    assert desk.errors == []
    assert demo.alerts_about("carla") == 0

    tab.locator(".toolbar a.navbar-brand").click()
    tab.locator("a#delete_").click()
    with desk.context.expect_page() as opened:
        page.locator(".modal.in .modal-footer button.btn-primary").click()
    popup = opened.value
    expect(popup.locator("h1").first).to_have_text("Löschen bestätigen")
    with page.expect_response(asks('party.delete"')):
        popup.locator("#demo").click()
    expect(name).not_to_have_value("Neue Firma GmbH")
    assert desk.errors == []
    assert demo.alerts_about("carla") == 0


def test_the_csv_link_leads_to_the_act_and_back_to_its_file(at_work: SignIn, demo: Demo):
    desk = at_work("carla")
    sao.open_list(desk.page, sao.these(demo.book("carla")[10:15], "Fünf"))
    sao.mark_all(desk.page)
    window = sao.open_export(desk.page, ["name", "phone", "email"])
    with desk.context.expect_page() as opened:
        window.locator("a[target=_blank]").click()
    tab = opened.value
    tab.wait_for_url(f"{demo.torwart_url}/act/*")
    expect(tab.locator(".counts dd")).to_contain_text("5")
    tab.locator("#demo").click()
    tab.locator("#confirmed a").click()
    tab.wait_for_url(f"{demo.crm_url}/.torwart/go/*")
    with tab.expect_download() as download:
        tab.locator("a.first").click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert len(rows) == 7
    assert all("@" in row[2] for row in rows[1:-1])
    assert rows[-1][0].startswith("Torwart-Export ")
    assert rows[-1][1:] == ["", ""]
    tab.locator("a.first").click()  # the release counted once
    tab.wait_for_url(f"{demo.torwart_url}/act/*")


def test_a_ninth_tab_beside_eight_is_there_at_once_and_one_of_them_listens(at_work: SignIn, demo: Demo):
    desk = at_work("felix")
    listening: set[int] = set()
    tabs = [desk.page]
    while len(tabs) < 8:
        tabs.append(desk.context.new_page())
        tabs[-1].goto(f"{demo.crm_url}/", wait_until="domcontentloaded")
    taken = NINTH_TAB_MS
    for _ in range(2):  # once more: a machine that is busy with something else is not what is measured
        ninth = desk.context.new_page()
        ninth.on("request", lambda request: listening.add(9) if "/.torwart/held" in request.url else None)
        ninth.goto(f"{demo.crm_url}/", wait_until="domcontentloaded")
        taken = min(taken, ninth.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
    assert taken < NINTH_TAB_MS
    assert not listening  # the first tab holds the lock, so the others cost no connection


def test_a_limit_on_a_card_never_freezes_the_page_and_the_card_opens_after_the_touch(at_work: SignIn, demo: Demo):
    desk = at_work("emily")
    page, own = desk.page, set(demo.book("emily"))
    foreign = [party for party in demo.party_ids.values() if party not in own]
    for start in range(0, 299, 100):  # what scrolling through a list reads
        assert read(page, foreign[start : min(start + 100, 299)])["result"]
    page.evaluate("h => { location.hash = h }", f"{sao.PARTIES}/{foreign[500]}")
    held = page.locator("torwart-held dialog")
    expect(held).to_be_visible()  # drawn by the page's script: the page is alive while the act is open
    with desk.context.expect_page() as opened:
        held.locator("button.first").click()
    popup = opened.value
    popup.locator("#demo").click()
    popup.wait_for_event("close")
    expect(held).to_be_hidden()
    expect(page.locator("torwart-held .notice.released")).to_have_text(re.compile("repeat|wiederholen"))
    page.locator(".modal.in .modal-footer button").click()
    expect(page.locator(".modal.in")).to_have_count(0)
    page.locator(f"{sao.TAB} .toolbar button#reload").click()
    expect(page.locator(f"{sao.TAB} input[name=name]").first).not_to_have_value("")


def read(page: Page, ids: list[int]) -> dict[str, Any]:
    """A call as the web client makes it, from its page."""
    body = json.dumps({"id": 900, "method": "model.party.party.read", "params": [ids, ["name"], {}]})
    answer: dict[str, Any] = page.evaluate(
        """body => fetch("crm/rpc/", {method: "POST", body, headers: {"Content-Type": "application/json"}}).then(r => r.json())""", body
    )
    return answer


def test_a_script_in_the_crm_can_use_no_key(at_work: SignIn, virtual_key: VirtualKey):
    page = at_work("felix").page
    virtual_key.plug_into(page)
    user = '{id: new Uint8Array(8), name: "x", displayName: "x"}'
    new = f'{{challenge: new Uint8Array(32), rp: {{name: "x"}}, user: {user}, pubKeyCredParams: [{{type: "public-key", alg: -7}}]}}'
    for call in (
        "navigator.credentials.get({publicKey: {challenge: new Uint8Array(32)}})",
        f"navigator.credentials.create({{publicKey: {new}}})",
    ):
        assert page.evaluate(f"{call}.then(() => 'signed', error => error.name)") == "NotAllowedError"
