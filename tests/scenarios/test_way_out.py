"""Scenarios S7 (with and without the password) and the web parts of S8 and S9: a real browser, a real proxy, real servers."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ProxySettings, expect

from audit_store.alerts import Alerts
from audit_store.event import Event
from audit_store.log import Log
from audit_store.manifests import Export, Manifests
from audit_store.spool import SpoolReader
from audit_store.tables import Alert
from auth.sealed_database import open_sealed
from deploy.demo.outside import Outside
from detectors.client_index.folder import desk_key, index_key
from detectors.client_index.hashing import Hashing
from detectors.client_index.identifier import Identifier, Kind
from policies import reasons
from policies.reasons import Because
from tests.scenarios.disguises import packed, with_password
from tests.services.browser import VirtualKey
from tests.services.waiting import until, until_it_listens
from tests.services.way_out import SECRET, Firm, clients_of, email, phone, rows

EXPORTED = tuple(range(1, 81, 2))
"""Forty clients of her own."""
STOPPED = Because(reasons.CLIENTS_LEAVE).for_employee("de").partition(": ")[2]
STOPPED_MARK = "way_out:upload_stopped"
UNREAD = Because(reasons.UNREAD_LEAVES).for_employee("de").partition(": ")[2]


@dataclass(frozen=True, slots=True)
class Desk:
    """A person at a browser whose way out is the proxy."""

    firm: Firm
    far: Outside
    context: BrowserContext

    def open(self, name: str, path: str) -> Page:
        """A page of a server outside."""
        page = self.context.new_page()
        page.goto(f"http://{name}.localhost:{self.far.port}{path}")
        return page

    def acts(self) -> list[Mapping[str, Any]]:
        """What was recorded of what wanted out."""
        reader = SpoolReader.open(self.firm.state / "spool" / "proxy")
        try:
            events = [json.loads(row.canonical) for row in reader.read(0, 100_000)]
        finally:
            reader.close()
        return [event for event in events if event["event"]["action"] in ("access", "refused", "connection-refused")]


@contextmanager
def process_of(firm: Firm, module: str, port: int) -> Iterator[Path]:
    """A part of the installation as a process of its own; the file with what it says."""
    said = firm.folder / f"{module}.log"
    with said.open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", module, str(firm.config)], stdout=log, stderr=log)
    try:
        until_it_listens(process, port, said)
        yield said
    finally:
        process.terminate()
        process.wait(20)
    assert process.returncode == 0


@contextmanager
def proxy_of(firm: Firm) -> Iterator[None]:
    """The forward proxy of this firm."""
    with process_of(firm, "gateway.forward.serve", firm.port) as said:
        yield
    assert said.read_text(encoding="utf-8") == ""


@contextmanager
def desk_of(chromium: Browser, firm: Firm, far: Outside) -> Iterator[Desk]:
    """Anna's desk in this firm; nothing of a client may have arrived outside at its end."""
    far.arrivals.seen.clear()
    far.arrivals.messages.clear()
    way: ProxySettings = {
        "server": f"http://127.0.0.1:{firm.port}",
        "username": "anna",
        "password": SECRET,
        "bypass": f"torwart.localhost:{firm.torwart}",
    }
    context = chromium.new_context(proxy=way, locale="de-DE")
    yield Desk(firm, far, context)
    context.close()
    values = [value.encode() for number in EXPORTED for value in (email(number), f"2{number:07d}")]
    assert not far.arrivals.hold(*values)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory, far: Outside) -> Iterator[Firm]:
    """A firm whose way out is watched."""
    firm = Firm(tmp_path_factory.mktemp("way-out") / "firm", [far.port])
    with proxy_of(firm):
        yield firm


@pytest.fixture
def desk(chromium: Browser, proxied: Firm, far: Outside) -> Iterator[Desk]:
    with desk_of(chromium, proxied, far) as one:
        yield one


@pytest.fixture
def guarded_desk(chromium: Browser, tmp_path: Path, far: Outside) -> Iterator[Desk]:
    """A desk in a firm of its own, whose console takes the record and runs the rules."""
    firm = Firm(tmp_path / "firm", [far.port])
    with proxy_of(firm), process_of(firm, "console.server", firm.torwart), desk_of(chromium, firm, far) as one:
        yield one


def alerts(firm: Firm) -> list[Alert]:
    """Every alert of this firm."""
    engine = open_sealed(firm.state / "torwart.db", firm.state)
    try:
        return Alerts(engine, nothing_to_record).list()
    finally:
        engine.dispose()


def nothing_to_record(event: Event) -> None:
    raise AssertionError(f"reading alerts recorded {event.action}")


def alert_events(firm: Firm) -> int:
    """Events that stand behind the alerts of this firm."""
    return sum(len(ids) for alert in alerts(firm) for ids in alert.event_ids.values())


def alert_record(firm: Firm) -> list[str]:
    """What the central log says has happened to alerts."""
    log = Log.open(firm.state / "log", reading=True)
    try:
        actions = [str(row.document["event"]["action"]) for row in log.read(0, 100_000)]
        return [action for action in actions if action.startswith("alert-")]
    finally:
        log.close()


def exported(firm: Firm) -> str:
    """Keep the manifest of an allowed export of forty, as the gateway does before it releases one; its name.

    A real export, made in the CRM, is carried out in `test_visit.py`.
    """
    hashing = Hashing(desk_key(firm.state), index_key(firm.state), ("DE",))
    values = [
        Identifier(str(number), kind, value)
        for number in EXPORTED
        for kind, value in ((Kind.EMAIL, email(number)), (Kind.PHONE, phone(number)))
    ]
    keys = {key for entry in hashing.entries(values) for found in entry.keys.values() for key in found}
    engine = open_sealed(firm.state / "torwart.db", firm.state)
    try:
        return Manifests(engine).put(
            Export(
                act_id=f"export-{time.monotonic_ns()}",
                pseudonym="P-ANNA",
                at=datetime.now(UTC),
                clients=frozenset(str(number) for number in EXPORTED),
                keys=frozenset(keys),
                fields=["name", "phone", "email"],
                digest=sha256(rows(*EXPORTED)).hexdigest(),
                rows=len(EXPORTED),
            )
        )
    finally:
        engine.dispose()


def disguised() -> bytes:
    """The exported table: half of it deleted, shuffled, its columns renamed."""
    kept = list(EXPORTED[::2])
    random.Random(7).shuffle(kept)  # noqa: S311 - an order, not a secret
    lines = ["a,b,c", *(f"{email(number)},x{number},{phone(number)}" for number in kept)]
    return "\n".join(lines).encode()


def upload(page: Page, name: str, kind: str, content: bytes) -> None:
    page.get_by_label("Datei hochladen").set_input_files({"name": name, "mimeType": kind, "buffer": content})
    page.get_by_role("button", name="Hochladen", exact=True).click()


def test_s7_an_export_in_disguise_is_stopped_and_leads_back_to_it(desk: Desk, tmp_path: Path) -> None:
    name = exported(desk.firm)
    page = desk.open("cloud", "/")
    before = len(desk.acts())
    content = packed(disguised())
    upload(page, "holiday.jpg", "image/jpeg", content)
    expect(page.get_by_role("heading", name="Angehalten, nichts gesendet")).to_be_visible()
    expect(page.get_by_text(STOPPED)).to_be_visible()
    (act,) = desk.acts()[before:]
    assert act["torwart"]["act"]["phase"] == "denied"
    assert clients_of(act) == {str(number) for number in EXPORTED[::2]}
    assert [link["name"] for link in act["torwart"]["exports"]] == [name]
    assert act["torwart"]["exports"][0]["clients"] == 20
    assert act["file"]["extension"] == "jpg"
    assert act["file"]["hash"]["sha256"] == sha256(content).hexdigest()
    why = page.get_by_role("link", name="Warum?")
    assert why.get_attribute("href") == f"http://torwart.localhost:{desk.firm.torwart}/why/{act['torwart']['act']['id']}"
    assert re.search(r"\b20\b", page.inner_text("main")) is None  # no count is told
    assert desk.far.arrivals.uploads() == []


def test_s7_with_a_password_it_cannot_be_read_and_is_stopped(desk: Desk) -> None:
    page = desk.open("cloud", "/")
    before = len(desk.acts())
    upload(page, "holiday.jpg", "image/jpeg", with_password(disguised()))
    expect(page.get_by_text(UNREAD)).to_be_visible()
    (act,) = desk.acts()[before:]
    assert act["event"]["reason"] == "unread_leaves"
    found = [(one["kind"], one["detector"], one["clients"]) for one in act["torwart"]["findings"]]
    assert ("uninspectable", "encrypted", 0) in found
    assert desk.far.arrivals.uploads() == []


def mail(desk: Desk, text: str) -> None:
    page = desk.open("webmail", "/mail")
    page.get_by_label("Text").fill(text)
    page.get_by_role("button", name="Senden").click()
    expect(page.get_by_role("status")).to_contain_text("403")
    expect(page.get_by_role("status")).to_contain_text("Daten von Kunden des Hauses")


def chat(desk: Desk, text: str) -> None:
    page = desk.open("chat", "/chat")
    page.get_by_label("Frage").fill(text)
    page.get_by_role("button", name="Fragen").click()
    expect(page.get_by_role("status")).to_contain_text("403")


def paste(desk: Desk, text: str) -> None:
    page = desk.open("paste", "/paste")
    page.get_by_label("Text").fill(text)
    page.get_by_role("button", name="Ablegen").click()
    expect(page.get_by_role("heading", name="Angehalten, nichts gesendet")).to_be_visible()


def test_s8_thirty_rows_are_stopped_in_webmail_chat_and_paste_and_are_one_alert_that_grows(guarded_desk: Desk) -> None:
    desk, copied = guarded_desk, rows(*EXPORTED[:30]).decode()
    told: list[Alert] = []
    for number, deed in enumerate((mail, chat, paste), 1):
        deed(desk, copied)
        until(lambda number=number: alert_events(desk.firm) >= number, 20, what=f"an alert that knows {number} events")  # type: ignore[misc]
        (alert,) = alerts(desk.firm)
        told.append(alert)
    acts = desk.acts()
    assert [act["torwart"]["channel"] for act in acts] == ["webmail", "website", "website"]
    assert [act["destination"]["domain"] for act in acts] == ["webmail.localhost", "chat.localhost", "paste.localhost"]
    assert {act["event"]["reason"] for act in acts} == {"clients_leave"}
    assert {frozenset(clients_of(act)) for act in acts} == {frozenset(str(number) for number in EXPORTED[:30])}
    assert len({act["user"]["id"] for act in acts}) == 1
    assert desk.far.arrivals.uploads() == []
    first, second, third = told
    assert first.id == second.id == third.id
    assert first.revision < second.revision < third.revision
    assert {alert.state for alert in told} == {"open"}
    assert {alert.pseudonym for alert in told} == {acts[0]["user"]["id"]}
    assert [alert.event_ids[STOPPED_MARK] for alert in told] == [[act["event"]["id"] for act in acts[:number]] for number in (1, 2, 3)]
    assert third.reasons == [STOPPED_MARK]
    assert third.numbers[STOPPED_MARK] == {"clients": 30, "place": "paste.localhost", "attempts": 3}
    until(lambda: alert_record(desk.firm) == ["alert-opened", "alert-grown", "alert-grown"], 20, what="the alert's own record")


def test_s9_twelve_telephones_by_a_messengers_web_client_are_stopped(desk: Desk) -> None:
    before = len(desk.acts())
    page = desk.open("messenger", "/im")
    page.get_by_label("Nachricht").fill("Guten Morgen")
    page.get_by_role("button", name="Senden").click()
    expect(page.get_by_role("status")).to_have_text("heard Guten Morgen")
    page.get_by_label("Nachricht").fill("; ".join(phone(number) for number in EXPORTED[:12]))
    page.get_by_role("button", name="Senden").click()
    expect(page.locator("#closed")).to_have_text("1008")
    (act,) = desk.acts()[before:]
    assert (act["torwart"]["channel"], act["event"]["reason"]) == ("messenger", "clients_leave")
    assert len(clients_of(act)) == 12
    assert desk.far.arrivals.messages == [b"Guten Morgen"]


WARNED = """
rules:
  - {id: goes, roles: any, actions: [upload], resource: content, effect: allow}
  - {id: warned, roles: any, actions: [upload], resource: content, channels: [cloud], when: resource.asked >= 1, effect: require,
     require: {all: [acknowledge, key]}, reason: send_warned}
"""
TWO = rows(2, 4)


@pytest.fixture
def asked_desk(chromium: Browser, tmp_path: Path, far: Outside) -> Iterator[Desk]:
    """A desk whose way out warns, and asks for the key."""
    firm = Firm(tmp_path / "firm", [far.port])
    firm.activate(WARNED)
    with proxy_of(firm), process_of(firm, "console.server", firm.torwart), desk_of(chromium, firm, far) as one:
        yield one


def register(desk: Desk, key: VirtualKey) -> None:
    page = desk.context.new_page()
    page.goto(f"{desk.firm.origin}/enrol/{desk.firm.token()}")
    key.plug_into(page)
    page.locator("#touch").click()
    expect(page.locator("#said")).to_have_class(re.compile("good"))
    key.pull()
    page.close()


def held(desk: Desk, page: Page) -> str:
    """The way to its confirmation, on the page that came in place of the cloud's."""
    expect(page.get_by_role("heading", name="Angehalten, nichts gesendet")).to_be_visible()
    expect(page.get_by_text("Bestätigen Sie, dann senden Sie noch einmal.")).to_be_visible()
    link = page.get_by_role("link", name="Mit Schlüssel bestätigen").get_attribute("href") or ""
    assert link.startswith(f"{desk.firm.origin}/act/")
    return link


def test_a_warning_that_was_read_and_a_touch_let_exactly_this_upload_out_once(
    asked_desk: Desk, virtual_key: VirtualKey, axe: Callable[[Page], list[str]]
) -> None:
    desk = asked_desk
    register(desk, virtual_key)
    page = desk.open("cloud", "/")
    upload(page, "angebot.csv", "text/csv", TWO)
    link = held(desk, page)
    assert re.search(r"\b2\b", page.inner_text("ol")) is None  # no count is told
    assert axe(page) == []
    assert desk.far.arrivals.uploads() == []

    page.keyboard.press("Tab")
    with desk.context.expect_page() as opened:
        page.keyboard.press("Enter")
    act = opened.value
    assert act.url == link
    expect(act.get_by_text(Because(reasons.SEND_WARNED).for_employee("de"))).to_be_visible()
    assert re.search(r"\b2\b", act.inner_text("#ask")) is None
    virtual_key.plug_into(act)
    act.locator("#read").check()
    act.locator("#touch").click()
    expect(act.locator("#confirmed")).to_be_visible()
    act.close()

    page.bring_to_front()
    page.go_back()
    upload(page, "angebot.csv", "text/csv", TWO)
    expect(page.get_by_role("status")).to_contain_text("angebot.csv")
    (arrival,) = desk.far.arrivals.uploads()
    assert TWO in arrival.body

    page.go_back()
    upload(page, "angebot.csv", "text/csv", TWO)
    assert held(desk, page) != link
    assert len(desk.far.arrivals.uploads()) == 1
    assert [one["torwart"]["act"]["phase"] for one in desk.acts()] == ["held", "allowed", "held"]
    first, second, third = [one["torwart"]["act"]["id"] for one in desk.acts()]
    assert link.endswith(f"/{first}")
    assert first == second != third


CONSENTED = """
rules:
  - {id: goes, roles: any, actions: [upload], resource: content, effect: allow}
  - {id: consented, roles: any, actions: [upload], resource: content, channels: [cloud], when: resource.asked >= 1, effect: require,
     require: {approval: {role: owner}}, reason: send_needs_consent}
"""


@pytest.fixture
def consented_desk(chromium: Browser, tmp_path: Path, far: Outside) -> Iterator[Desk]:
    """A desk whose way out needs the consent of an owner."""
    firm = Firm(tmp_path / "firm", [far.port])
    firm.activate(CONSENTED)
    with proxy_of(firm), process_of(firm, "console.server", firm.torwart), desk_of(chromium, firm, far) as one:
        yield one


def owner_at(chromium: Browser, firm: Firm, key: VirtualKey) -> Page:
    """Olga, an owner, in a browser of her own, signed in with a key that she has just registered."""
    with firm.people() as (people, _, _):
        olga = people.add("Olga Brandt", "olga@firma.example", ["owner"], accounts=["olga"])
    page = chromium.new_context(locale="de-DE").new_page()
    page.goto(f"{firm.origin}/enrol/{firm.token(olga.id)}")
    key.plug_into(page)
    page.locator("#touch").click()
    expect(page.locator("#said")).to_have_class(re.compile("good"))
    page.goto(f"{firm.origin}/signin")
    page.get_by_role("button", name="Mit Schlüssel anmelden").click()
    page.locator("#live").wait_for()
    return page


def test_an_owner_s_yes_lets_exactly_this_upload_out_once(
    chromium: Browser, consented_desk: Desk, virtual_key: VirtualKey, axe: Callable[[Page], list[str]]
) -> None:
    desk, owners_key = consented_desk, VirtualKey()
    owner = owner_at(chromium, desk.firm, owners_key)
    register(desk, virtual_key)
    page = desk.open("cloud", "/")
    upload(page, "angebot.csv", "text/csv", TWO)
    expect(page.get_by_text("Andere müssen zustimmen.")).to_be_visible()
    assert axe(page) == []
    with desk.context.expect_page() as opened:
        page.get_by_role("link", name="Um Zustimmung bitten").click()
    act = opened.value
    expect(act.locator("#ask")).to_contain_text("senden Sie dasselbe noch einmal")
    assert re.search(r"\b2\b", act.inner_text("#ask")) is None  # no count is told
    virtual_key.plug_into(act)
    act.locator("#reason").fill("Angebot für die Messe")
    act.locator("#touch").click()
    expect(act.locator("#asked h1")).to_have_text("Andere sind gefragt")
    expect(act.locator("#asked")).to_contain_text("es geht einmal hinaus")

    page.bring_to_front()
    page.go_back()
    upload(page, "angebot.csv", "text/csv", TWO)
    waiting = page.get_by_role("link", name="Sehen, wie es steht")
    expect(waiting).to_be_visible()
    assert waiting.get_attribute("href") == act.url
    assert desk.far.arrivals.uploads() == []

    owner.goto(f"{desk.firm.origin}/approvals")
    owner.locator("td.lead a").first.click()
    for said in ("Anna Adler", f"cloud.localhost:{desk.far.port}", "angebot.csv", "Angebot für die Messe", "Cloud-Speicher"):
        expect(owner.locator("main")).to_contain_text(said)
    expect(owner.locator(".counts")).to_contain_text("2")
    assert axe(owner) == []
    owners_key.plug_into(owner)
    owner.get_by_role("button", name="Mit Schlüssel zustimmen").click()
    expect(owner.locator("#state")).to_have_text("zugestimmt, noch nicht verbraucht")
    act.reload()
    expect(act.locator("main")).to_contain_text("Senden Sie dasselbe jetzt noch einmal")
    act.close()

    page.bring_to_front()
    page.go_back()
    upload(page, "angebot.csv", "text/csv", TWO)
    expect(page.get_by_role("status")).to_contain_text("angebot.csv")
    (arrival,) = desk.far.arrivals.uploads()
    assert TWO in arrival.body
    page.go_back()
    upload(page, "angebot.csv", "text/csv", TWO)
    expect(page.get_by_text("Andere müssen zustimmen.")).to_be_visible()
    assert len(desk.far.arrivals.uploads()) == 1
    assert [one["torwart"]["act"]["phase"] for one in desk.acts()] == ["held", "denied", "allowed", "held"]
    owner.reload()
    expect(owner.locator("#state")).to_have_text("zugestimmt und verbraucht")
    owner.context.close()


def test_ordinary_uploads_pass_without_a_word(desk: Desk) -> None:
    before = len(desk.acts())
    page = desk.open("cloud", "/")
    for name, content in (("rechnung.txt", b"Rechnung Nr. 4711 vom 3. Mai\n" * 50), ("preise.csv", b"Artikel;Preis\nSchraube;0,12\n" * 90)):
        upload(page, name, "text/plain", content)
        expect(page.get_by_role("status")).to_contain_text(name)
    assert [act["torwart"]["act"]["phase"] for act in desk.acts()[before:]] == ["allowed", "allowed"]
    assert len(desk.far.arrivals.uploads()) == 2


def test_a_browser_without_the_log_in_sees_nothing_of_the_world(chromium: Browser, proxied: Firm, far: Outside) -> None:
    far.arrivals.seen.clear()
    context = chromium.new_context(proxy={"server": f"http://127.0.0.1:{proxied.port}", "username": "anna", "password": "guessed"})
    page = context.new_page()
    answer = page.goto(f"http://cloud.localhost:{far.port}/")
    assert answer is None or answer.status == 407
    context.close()
    assert far.arrivals.seen == []
