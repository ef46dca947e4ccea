"""The visit of the demo, as its start page leads a visitor, in Chromium on Tryton's real web client.

The tests are one visit: they run in this order over one demo, as the owner and as manager B.
"""

import csv
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Download, Locator, Page, ProxySettings, expect

from audit_store.client_sets import decode_ids
from deploy.demo import papers
from deploy.demo.people import ANNA, BORIS
from tests.scenarios.disguises import packed, with_password
from tests.services import sao
from tests.services.browser import VirtualKey
from tests.services.demo import Demo, until

FIELDS = ["name", "phone", "email"]
WIDTHS = (1280, 390)
SOON_SECONDS = 5.0
"""The issue's own promise: alert and mail are there within this time of the deed."""


type Axe = Callable[..., list[str]]


@dataclass
class Visitor:
    """A browser of one person, with the page that they work on."""

    context: BrowserContext
    page: Page


def browser_of(chromium: Browser, *, language: str = "de-DE", width: int = 1280, proxy: ProxySettings | None = None) -> Visitor:
    context = chromium.new_context(locale=language, viewport={"width": width, "height": 800}, accept_downloads=True, proxy=proxy)
    return Visitor(context, context.new_page())


@pytest.fixture(scope="module")
def owner(chromium: Browser, demo: Demo) -> Iterator[Visitor]:
    """The owner, signed in from the start page with the demo's key; the page shows the open alerts."""
    visitor = browser_of(chromium)
    visitor.page.goto(f"{demo.torwart_url}/start")
    visitor.page.locator("a.first[href^='/signin']").click()
    visitor.page.locator("#demo").click()
    visitor.page.locator("#live").wait_for()
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="module")
def manager(chromium: Browser, demo: Demo) -> Iterator[Visitor]:
    """Manager B, signed in to Tryton's web client from the start page; the way out of this browser is the proxy, as on every desk."""
    way = demo.notes["way_out"]
    inside = ",".join(str(urlsplit(url).hostname) for url in (demo.crm_url, demo.torwart_url))
    visitor = browser_of(
        chromium, proxy={"server": f"http://{way['proxy']}", "bypass": inside, "username": way["user"], "password": way["password"]}
    )
    visitor.page.goto(f"{demo.torwart_url}/start")
    with visitor.context.expect_page() as opened:
        visitor.page.locator(f"a.first[href^='{demo.crm_url}']").click()
    visitor.page = opened.value
    sao.sign_in(visitor.page, BORIS.login, demo.password(BORIS.login))
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="module")
def real_key() -> VirtualKey:
    """The key that B registers beside the demo's."""
    return VirtualKey()


def start_export(visitor: Visitor) -> tuple[Locator, Page]:
    """Press "save" in the export window; the window and the popup that opens."""
    window = sao.open_export(visitor.page, FIELDS)
    with visitor.context.expect_page() as opened:
        sao.save(window)
    return window, opened.value


def overlay(page: Page) -> Locator:
    return page.locator("torwart-held dialog")


def lines_of(download: Download) -> list[list[str]]:
    return list(csv.reader(Path(download.path()).read_text(encoding="utf-8").splitlines()))


def numbers(popup: Page) -> list[str]:
    return popup.locator(".counts dd").all_inner_texts()


def open_alerts(owner: Visitor) -> int:
    return owner.page.locator("#live ul.alerts").first.locator(":scope > [data-id]").count()


def test_the_story_held_before_the_visitor_came(demo: Demo):
    assert "✗" not in demo.said
    assert demo.said.count("✓") == len(demo.notes["story"])


@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_read_the_start_page_and_the_mailbox(demo: Demo, chromium: Browser, axe: Axe, language: str, width: int):
    page = browser_of(chromium, language=language, width=width).page
    for address in ("/start", "/demo/mailbox"):
        page.goto(demo.torwart_url + address)
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_the_start_page_leads_to_the_story_the_attacks_and_both_roles(demo: Demo, chromium: Browser):
    page = browser_of(chromium).page
    page.goto(f"{demo.torwart_url}/start")
    assert page.locator("ol.reasons > li").count() == len(demo.notes["story"])
    assert page.locator("section[aria-labelledby='out'] details").count() == 3
    assert page.locator("section[aria-labelledby='beat'] details").count() == 6
    expect(page.get_by_role("link", name="40 eigene Kunden")).to_have_attribute("href", re.compile(re.escape(demo.crm_url)))
    page.context.close()


def test_the_owner_sees_one_alert_that_says_who_what_how_many_left_and_what_now(owner: Visitor, demo: Demo):
    assert open_alerts(owner) == 1
    owner.page.locator("ul.alerts h2 a").first.click()
    alert = owner.page.locator("#alert")
    expect(alert.locator("h1")).to_have_text("Anna Feldmann wollte 3.000 Kunden mitnehmen. 40 haben das Haus verlassen.")
    expect(alert.locator(".facts .big")).to_have_text(["3.000", "40"])
    said = alert.locator("ol.reasons > li")
    expect(said).to_have_count(6)
    expect(said.filter(has_text="hinausgehen")).to_contain_text("40 Kunden sollten zu cloud.localhost")
    expect(said.filter(has_text="Stick")).to_contain_text("40 Kunden wurden auf einen Stick kopiert, davon 40 aus dem Export")
    export = alert.locator(".timeline li").filter(has_text="ausgeliefert").filter(has_text="Export")
    name = demo.released_export()
    expect(export.first).to_contain_text(f"Export {name}")
    expect(alert.locator(".timeline li.stopped").filter(has_text="auf dem Stick")).to_contain_text(f"aus Export {name}")
    expect(alert.get_by_role("heading", name="Was jetzt zu tun ist")).to_be_visible()
    assert demo.mails()[0].subject.startswith("Torwart:")
    owner.page.goto(f"{demo.torwart_url}/alerts")


def test_b_registers_a_real_key_and_the_link_worked_once(manager: Visitor, demo: Demo, real_key: VirtualKey):
    """Before B does anything that raises an alert: a link that one person gave alone lets no key in afterwards (promises E87)."""
    page = manager.context.new_page()
    page.goto(f"{demo.torwart_url}/enrol/{demo.notes['b_token']}")
    real_key.plug_into(page)
    page.locator("#touch").click()
    expect(page.locator("#said")).to_have_class(re.compile("good"))
    real_key.pull()
    page.goto(f"{demo.torwart_url}/enrol/{demo.notes['b_token']}")
    expect(page.locator(".result.none")).to_be_visible()
    page.close()
    manager.page.bring_to_front()


def test_marking_all_and_exporting_is_held_and_a_cancel_leaves_nothing(owner: Visitor, manager: Visitor, demo: Demo, axe: Axe):
    owner.page.evaluate("window.never_reloaded = true")
    mails = len(demo.mails())
    page, files = manager.page, list[Download]()
    page.on("download", lambda one: files.append(one))
    sao.rows(page)
    sao.mark_all(page)
    window, popup = start_export(manager)
    deed = time.monotonic()
    expect(overlay(page)).to_contain_text("Angehalten")
    expect(overlay(page)).to_contain_text("1.000")
    expect(popup.locator("h1").first).to_have_text("Export bestätigen")
    assert numbers(popup)[0].startswith("1.000")
    until(lambda: open_alerts(owner) == 2, SOON_SECONDS - (time.monotonic() - deed) + 1, "no new alert on the owner's open list")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert axe(page, "torwart-held") == []
        popup.set_viewport_size({"width": min(width, 480), "height": 840})
        assert axe(popup) == []
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    popup.locator("#cancel").click()
    popup.wait_for_event("close")
    expect(overlay(page)).to_be_hidden()
    said = page.locator(".modal.in .modal-body", has_text="Nicht bestätigt")
    expect(said).to_contain_text("/why/")
    until(lambda: len(demo.mails()) > mails, SOON_SECONDS, "no mail arrived")
    assert owner.page.evaluate("window.never_reloaded")
    expect(owner.page.locator("ul.alerts h2").first).to_contain_text("Boris Hartwig wollte 1.000 Kunden mitnehmen")
    assert files == []
    page.locator(".modal.in .modal-footer button").last.click()
    window.locator(".modal-footer button.btn-link").click()


def forty(manager: Visitor, demo: Demo) -> None:
    """What the start page's link "40 own clients" opens, in the tab that is there."""
    page = manager.context.new_page()
    page.goto(f"{demo.torwart_url}/start")
    link = page.get_by_role("link", name="40 eigene Kunden").get_attribute("href") or ""
    page.close()
    manager.page.evaluate("h => { location.hash = h }", link.partition("#")[2])
    manager.page.get_by_text("40 eigene Kunden").first.wait_for()
    sao.rows(manager.page)
    sao.mark_all(manager.page)


def forty_after(touch: Callable[[Page], None], manager: Visitor, demo: Demo) -> Download:
    forty(manager, demo)
    window, popup = start_export(manager)
    assert numbers(popup)[0].split() == ["40", "Kunden"]
    expect(popup.locator("dl.pairs")).to_contain_text("E-Mail, Name und Telefon")
    expect(popup.locator("dl.pairs")).to_contain_text("Boris Hartwig")
    with manager.page.expect_download() as saved:
        touch(popup)
    popup.wait_for_event("close")
    head, *rows, (mark, *rest) = lines_of(saved.value)
    assert head == ["Name", "Telefon", "E-Mail"]
    assert len(rows) == 40
    assert all("•" not in cell for row in rows for cell in row)
    assert re.fullmatch(r"Torwart-Export [0-9A-F]{4,} \| Boris Hartwig \| \d{4}-\d\d-\d\d \d\d:\d\d UTC \| [A-Z2-7-]{19}", mark)
    assert rest == ["", ""], "the web client's CSV, not an error of it"
    expect(overlay(manager.page)).to_be_hidden()
    window.locator(".modal-footer button.btn-link").click()
    return saved.value


def test_forty_own_clients_go_out_after_a_touch_of_the_demo_key(manager: Visitor, demo: Demo):
    forty_after(lambda popup: popup.locator("#demo").click(), manager, demo)


def test_forty_own_clients_go_out_after_a_touch_of_a_real_key(manager: Visitor, demo: Demo, real_key: VirtualKey):
    def touch(popup: Page) -> None:
        real_key.plug_into(popup)
        popup.locator("#touch").click()

    forty_after(touch, manager, demo)


def acts(demo: Demo, phase: str, action: str) -> list[dict[str, Any]]:
    """What the central log has of such acts, in its order."""
    found = [logged.document for logged in demo.recorded()]
    return [one for one in found if one["torwart"].get("act", {}).items() >= {"phase": phase, "action": action}.items()]


def upload(page: Page, demo: Demo, name: str, content: bytes) -> None:
    page.goto(demo.notes["way_out"]["cloud"])
    page.get_by_label("Datei hochladen").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": content})
    page.get_by_role("button", name="Hochladen", exact=True).click()


def test_s7_what_was_downloaded_is_stopped_at_the_cloud_and_leads_back_to_that_export(owner: Visitor, manager: Visitor, demo: Demo):
    asked: list[str] = []

    def touch(popup: Page) -> None:
        asked.append(urlsplit(popup.url).path.rpartition("/")[2])
        popup.locator("#demo").click()

    saved = forty_after(touch, manager, demo)
    (act_id,), file, rows = asked, Path(saved.path()).read_bytes(), lines_of(saved)[1:-1]

    def released() -> list[dict[str, Any]]:
        return [act for act in acts(demo, "released", "export") if act["torwart"]["act"]["id"] == act_id]

    until(released, SOON_SECONDS, "the export is not in the record")
    (export,) = released()
    name, exporter = export["torwart"]["manifest"], export["user"]["id"]
    own = frozenset(map(str, demo.book(BORIS.login)[:40]))
    assert demo.manifest(name) == (act_id, exporter, own)
    page = manager.context.new_page()
    upload(page, demo, "strand.png", papers.photograph())
    expect(page.get_by_role("status")).to_contain_text("strand.png")
    arrived = page.get_by_role("listitem").all_inner_texts()
    assert lines_of(saved)[-1][0].split()[1] == name
    for content, clients in (packed(file), 40), (papers.disguised(rows[::2]), 20), (with_password(file), 0):
        before = len(acts(demo, "denied", "upload"))
        upload(page, demo, "holiday.jpg", content)
        expect(page.get_by_role("heading", name="Angehalten, nichts gesendet")).to_be_visible()
        assert name not in page.content()  # whoever tries must not learn what was recognised (attacks X11)
        until(lambda before=before: len(acts(demo, "denied", "upload")) > before, SOON_SECONDS, "the upload is not in the record")  # type: ignore[misc]
        (act,) = acts(demo, "denied", "upload")[before:]
        facts = act["torwart"]
        assert (act["user"]["id"], facts["channel"], act["destination"]["domain"]) == (exporter, "cloud", "cloud.localhost")
        assert act["file"]["hash"]["sha256"] == sha256(content).hexdigest()
        links = [(link["name"], link["act"], link["clients"]) for link in facts.get("exports", ())]
        assert links == ([(name, act_id, clients)] if clients else [])
        assert [link.get("marked", False) for link in facts.get("exports", ())] == [clients == 40] * bool(clients)
        found = decode_ids(facts["clients"]["asked"]) if clients else frozenset()
        assert len(found) == clients
        assert found <= own
        owner.page.goto(page.get_by_role("link", name="Warum?").get_attribute("href") or "")
        said = f"aus Export {name}" if clients else "nicht prüfbar"
        expect(owner.page.get_by_role("region", name="Was Torwart aufgezeichnet hat")).to_contain_text(said)
        page.goto(demo.notes["way_out"]["cloud"])
        assert page.get_by_role("listitem").all_inner_texts() == arrived
    page.close()
    owner.page.goto(f"{demo.torwart_url}/alerts")
    owner.page.get_by_role("link", name="Boris Hartwig").first.click()
    alert = owner.page.locator("#alert")
    reasons = alert.locator("ol.reasons > li")
    expect(reasons.filter(has_text="40 Kunden sollten zu cloud.localhost")).to_contain_text(f"aus dem Export {name}")
    expect(reasons.filter(has_text="Nicht prüfbarer Inhalt")).to_contain_text("am selben Tag wie ein Export (40 Kunden hinausgegangen)")
    expect(alert.locator(".timeline li.stopped").filter(has_text=f"aus Export {name}")).to_have_count(2)
    assert demo.alerts_about(BORIS.login) == 1  # the one that the attempt at all clients opened


@pytest.mark.parametrize("width", WIDTHS)
def test_a_departing_manager_meets_a_page_in_neutral_words(chromium: Browser, demo: Demo, axe: Axe, width: int):
    visitor = browser_of(chromium)
    page = visitor.page
    page.goto(f"{demo.crm_url}/")
    sao.sign_in(page, ANNA.login, demo.password(ANNA.login))
    page.set_viewport_size({"width": width, "height": 800})
    answer = page.goto(f"{demo.crm_url}/crm/data/party.party?d=%5B%5D&f=name&f=email")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("main")).to_contain_text("Das ist für Sie nicht freigegeben")
    assert axe(page) == []
    page.get_by_role("link", name="Warum?").click()
    expect(page.locator("h1")).to_be_visible()
    assert axe(page) == []
    assert "gekündigt" not in page.content().lower()
    visitor.context.close()


def test_freezing_b_stops_the_next_click_and_lists_what_was_cut_until_it_is_lifted(owner: Visitor, manager: Visitor, demo: Demo):
    page = owner.page
    page.goto(f"{demo.torwart_url}/people")
    page.get_by_role("link", name="Boris Hartwig").click()
    page.locator("summary.stop").click()
    page.locator("form[action$='/freeze'] button").click()
    expect(page.locator(".flash")).to_be_visible()
    manager.page.locator(f"{sao.TAB} tbody tr").nth(1).dblclick()
    said = manager.page.locator(".modal.in .modal-body").first
    expect(said).to_contain_text("Ihr Zugang ist gesperrt", timeout=1_000)
    cut = page.get_by_role("region", name="Zugang ist gesperrt").or_(page.locator("section[aria-labelledby='cut']"))
    expect(cut.first).to_contain_text("Anmeldung am CRM boris")
    page.locator("form[action$='/unfreeze'] button").click()
    page.locator("#demo").click()  # what gives access back, the key confirms
    expect(page.locator("form[action$='/freeze']")).to_have_count(1)
    shown = manager.page.locator(".modal.in .modal-footer button")
    while shown.count():
        shown.last.click()
        manager.page.locator(".modal.in").first.wait_for(state="hidden")
    sao.open_list(manager.page, sao.these(demo.book(BORIS.login)[:3], "Wieder da"))
    manager.page.get_by_text("Wieder da").first.wait_for()
    expect(manager.page.locator(f"{sao.TAB} tbody tr")).to_have_count(3)


def test_no_step_of_the_visit_was_an_unknown_road(demo: Demo):
    unknown = [
        logged.document["torwart"]["reasons"]
        for logged in demo.recorded()
        if any(reason["code"] == "unknown_route" for reason in logged.document["torwart"].get("reasons", ()))
    ]
    assert unknown == [], json.dumps(unknown)
