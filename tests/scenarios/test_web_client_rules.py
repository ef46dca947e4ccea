"""Rules that ask for words, warn, or mask fields, as people meet them in Tryton's real web client, in both languages.

The rules hold for nobody but those who are watched more closely, and come into force on top of the shipped ones.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect

from tests.services import sao
from tests.services.demo import Demo, until

CASES = ("people.cases.yaml", "accounting.cases.yaml")
"""Those of nobody who is watched: the others say what exports are without these rules."""
RULES = """
rules:
  - {id: words, roles: [manager], actions: [export], resource: client, effect: require, require: justify, reason: export_justified,
     when: 'principal.level == "watched" && "email" in resource.contact_fields'}
  - {id: warn, roles: [manager], actions: [export], resource: client, effect: require, require: acknowledge, reason: export_warned,
     when: 'principal.level == "watched" && !("email" in resource.contact_fields)'}
  - id: masks
    roles: [manager]
    actions: [list, read, search, update]
    resource: client
    when: principal.level == "watched"
    effect: oblige
    for: all
    masks: {value: {last: 3}, city: hash, postal_code: pseudonym, street_unstructured: hide, sequence: {round: 10}, lang: "null"}
"""
SPEAKS = {"felix": "de-DE", "emily": "en-GB"}
SEQUENCE = 17
MARK = 1
"""Rows of a table that carry the mark of its export."""
RECORD_SECONDS, DRAWN_SECONDS = 30.0, 60.0
FILL_MILLISECONDS = 15_000


@dataclass
class Desk:
    """A watched person at work, and every error that the web client got."""

    login: str
    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)

    def heard(self, answer: Response) -> None:
        if answer.url.partition("#")[0].endswith("/rpc/") and (answer.status != 200 or '"error"' in answer.text()[:2_000]):
            self.errors.append(f"{answer.request.post_data} {answer.text()[:500]}")


def torwart(demo: Demo, *words: str) -> str:
    command = [sys.executable, "-m", "console.cli", *words, "--config", str(demo.folder / "torwart.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rpc(page: Page, method: str, *params: Any) -> Any:
    """A call as the web client makes it, from its page."""
    body = json.dumps({"id": 900, "method": method, "params": [*params, {}]})
    sent = """body => fetch("crm/rpc/", {method: "POST", body, headers: {"Content-Type": "application/json"}}).then(r => r.json())"""
    answer: dict[str, Any] = page.evaluate(sent, body)
    assert "result" in answer, answer
    return answer["result"]


def at_work(chromium: Browser, demo: Demo, login: str) -> Desk:
    context = chromium.new_context(locale=SPEAKS[login], viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(60_000)
    desk = Desk(login, context, context.new_page())
    desk.page.goto(f"{demo.crm_url}/")
    sao.sign_in(desk.page, login, demo.password(login))
    desk.page.on("response", desk.heard)
    desk.page.on("pageerror", lambda error: desk.errors.append(str(error)))
    return desk


@dataclass(frozen=True)
class Card:
    """A client of Felix with its address, as the CRM stores it."""

    party: int
    address: int
    stored: dict[str, Any]
    contacts: tuple[str, ...]


@pytest.fixture(scope="module")
def card(chromium: Browser, demo: Demo) -> Card:
    """Read, and its address numbered, before the rules are in force."""
    desk = at_work(chromium, demo, "felix")
    party = demo.book("felix")[3]
    (links,) = rpc(desk.page, "model.party.party.read", [party], ["addresses", "contact_mechanisms"])
    (address,) = links["addresses"]
    contacts = rpc(desk.page, "model.party.contact_mechanism.read", links["contact_mechanisms"], ["value"])
    rpc(desk.page, "model.party.party.write", [party], {"addresses": [["write", [address], {"sequence": SEQUENCE}]]})
    (stored,) = rpc(desk.page, "model.party.address.read", [address], ["attn", "city", "postal_code", "street_unstructured", "sequence"])
    assert stored["sequence"] == SEQUENCE
    desk.context.close()
    return Card(party, address, stored, tuple(contact["value"] for contact in contacts))


def put_in(demo: Demo, folder: Path) -> None:
    """The rules in force, for more of them beside: leaving out what another test has added would let more through."""
    torwart(demo, "policy", "copy", str(folder / "in-force"))
    for path in (folder / "in-force").glob("*.yaml"):
        if not path.name.endswith(".cases.yaml") or path.name in CASES:
            (folder / path.name).write_bytes(path.read_bytes())
    shutil.rmtree(folder / "in-force")


@pytest.fixture(scope="module")
def rules(demo: Demo, card: Card, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("rules")
    put_in(demo, folder)
    (folder / "more.yaml").write_text(RULES, encoding="utf-8")
    torwart(demo, "policy", "activate", str(folder))
    for login in SPEAKS:
        torwart(demo, "people", "level", login, "watched", "--reason", "a test looks on")
    yield
    for login in SPEAKS:
        torwart(demo, "people", "level", login, "normal", "--reason", "the test is over")


@pytest.fixture
def desk(request: pytest.FixtureRequest, chromium: Browser, demo: Demo, rules: None) -> Iterator[Desk]:
    found = at_work(chromium, demo, getattr(request, "param", "felix"))
    yield found
    found.context.close()


def start_export(desk: Desk, demo: Demo, start: int, fields: list[str]) -> tuple[Locator, Page]:
    """Three own clients; the window and the popup."""
    sao.open_list(desk.page, sao.these(demo.book(desk.login)[start : start + 3]))
    sao.mark_all(desk.page)
    window = sao.open_export(desk.page, fields)
    with desk.context.expect_page() as opened:
        sao.save(window)
    return window, opened.value


def act_of(popup: Page) -> str:
    return re.search(r"/act/([\w-]+)", popup.url)[1]  # type: ignore[index]


def rows_after(desk: Desk, popup: Page) -> list[list[str]]:
    """What the touch of the demo's key lets out."""
    with desk.page.expect_download() as saved:
        popup.locator("#demo").click()
    return list(csv.reader(Path(saved.value.path()).read_text(encoding="utf-8").splitlines()))


def released(demo: Demo, act: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        facts = [logged.document["torwart"] for logged in demo.recorded()]
        return [one for one in facts if (one.get("act") or {}).get("id") == act and one["act"].get("phase") == "released"]

    until(found, RECORD_SECONDS, "the release is not in the record")
    return found()[0]


def why(chromium: Browser, demo: Demo, act: str) -> Page:
    """The reviewer's page of an act."""
    page = chromium.new_context(locale="de-DE").new_page()
    page.goto(f"{demo.torwart_url}/signin")
    page.locator("#demo").click()
    page.locator("#live").wait_for()
    page.goto(f"{demo.torwart_url}/why/{act}")
    return page


PLEASE = {"felix": "Bitte schreiben Sie in ein paar Worten, warum.", "emily": "Please write why, in a few words."}


@pytest.mark.parametrize("desk", SPEAKS, indirect=True)
def test_an_export_that_asks_for_a_reason_goes_out_with_one_and_without_none(desk: Desk, chromium: Browser, demo: Demo):
    please = PLEASE[desk.login]
    window, popup = start_export(desk, demo, 0, ["name", "email"])
    overlay = desk.page.locator("torwart-held dialog")
    expect(overlay).to_be_visible()
    act, reason = act_of(popup), popup.locator("#reason")
    for short in ("", "  ", "ok", "  a    "):
        reason.fill(short)
        popup.locator("#demo").click()
        expect(popup.locator("#said")).to_have_text(please)
        expect(reason).to_be_focused()
        expect(overlay).to_be_visible()
        popup.locator("#said").evaluate("said => said.replaceChildren()")
    reason.fill("Serienbrief zur Messe <2027>")
    head, *rows = rows_after(desk, popup)
    assert (len(head), len(rows)) == (2, 3 + MARK)
    assert len([row for row in rows if "@" in row[1]]) >= 3
    popup.wait_for_event("close")
    expect(overlay).to_be_hidden()
    assert released(demo, act)["question"]["justified"] is True
    page = why(chromium, demo, act)
    expect(page.locator("main")).to_contain_text("Angegebener Grund")
    expect(page.locator("q")).to_have_text("Serienbrief zur Messe <2027>")
    page.context.close()
    window.locator(".modal-footer button.btn-link").click()
    assert desk.errors == []


@pytest.mark.parametrize("desk", SPEAKS, indirect=True)
def test_a_warning_is_read_before_the_export_goes_out(desk: Desk, demo: Demo):
    _, popup = start_export(desk, demo, 10, ["name", "code"])
    expect(popup.locator(".flash.warn")).to_contain_text(
        {"felix": "Daten von Kunden des Hauses", "emily": "data of the firm's clients"}[desk.login]
    )
    act = act_of(popup)
    popup.locator("#demo").click()
    expect(popup.locator("#said")).to_have_class(re.compile("bad"))
    expect(popup.locator("#read")).to_be_focused()
    popup.locator("#read").check()
    assert len(rows_after(desk, popup)) == 1 + 3 + MARK
    assert released(demo, act)["question"]["acknowledged"] is True
    assert desk.errors == []


def shown(desk: Desk, card: Card) -> Locator:
    """The card in the web client; its tab."""
    tabs = desk.page.locator("#tabcontent > .tab-pane")
    before = tabs.count()
    desk.page.evaluate("h => { location.hash = h }", f"{sao.PARTIES}/{card.party}")
    expect(tabs).to_have_count(before + 1)
    tab = desk.page.locator(sao.TAB)
    expect(tab.locator("input[name=city]").first).not_to_have_value("")
    return tab


def stored(chromium: Browser, demo: Demo, card: Card) -> dict[str, Any]:
    """What the CRM has now, as somebody sees it who is not watched."""
    torwart(demo, "people", "level", "felix", "normal", "--reason", "to look at what is stored")
    found = at_work(chromium, demo, "felix")
    (values,) = rpc(found.page, "model.party.address.read", [card.address], list(card.stored))
    found.context.close()
    torwart(demo, "people", "level", "felix", "watched", "--reason", "a test looks on")
    return dict(values)


def change(desk: Desk, tab: Locator, name: str, value: str) -> None:
    """Write into a field of the form and save; what came of it, the caller looks at."""
    save = tab.locator(".toolbar button#save")
    box = tab.locator(f"input[name={name}]").locator("visible=true").first
    """A number has two boxes: the web client hides the one that shows it while the one to write in has the focus."""

    def entered() -> bool:  # what is written while the web client still draws, it forgets
        if box.count():
            box.fill(value, timeout=FILL_MILLISECONDS)
            desk.page.keyboard.press("Tab")
        desk.page.wait_for_timeout(300)
        return save.is_enabled()

    until(entered, DRAWN_SECONDS, f"{name} cannot be changed")
    with desk.page.expect_response(lambda answer: 'party.write"' in (answer.request.post_data or "")):
        save.click()


def test_masks_stand_in_the_form_and_saving_it_stores_none_of_them(desk: Desk, chromium: Browser, demo: Demo, card: Card):
    tab = shown(desk, card)
    expect(tab.locator("input[name=city]").first).to_have_value(re.compile(r"^•••[A-Z2-7]{8}$"))
    expect(tab.locator("input[name=postal_code]").first).to_have_value(re.compile(r"^•••[A-Z2-7]{8}$"))
    expect(tab.locator("input[name=sequence]").first).to_have_value("20")
    for contact in card.contacts:
        last = "".join(letter for letter in contact if letter.isalnum())[-3:]
        expect(tab.locator("tbody tr").filter(has_text=f"•••{last}")).to_have_count(1)
    assert not [contact for contact in card.contacts if contact in tab.inner_text()]
    change(desk, tab, "attn", "Frau Probe")
    expect(tab.locator(".toolbar button#save")).to_be_disabled()
    change(desk, tab, "city", tab.locator("input[name=city]").first.input_value() + " Nord")
    assert desk.errors == []
    left = stored(chromium, demo, card)
    assert left.pop("attn") == "Frau Probe"
    assert left == {name: value for name, value in card.stored.items() if name != "attn"} | {"id": left["id"]}


def test_a_rounded_number_cannot_be_written_over_and_the_refusal_says_so(desk: Desk, chromium: Browser, demo: Demo, card: Card):
    tab = shown(desk, card)
    change(desk, tab, "sequence", "7")
    expect(desk.page.locator(".modal.in .modal-body")).to_contain_text("Den Wert dieses Feldes sehen Sie bei diesen Kunden nicht")
    assert stored(chromium, demo, card)["sequence"] == SEQUENCE
