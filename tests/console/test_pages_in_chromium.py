"""The pages as people meet them: in a browser, with a key of its own, on a telephone and on a desk, in both languages."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from audit_store.alerts import Signal
from auth.policy_signature import PolicyKey
from auth.standing import local_day
from auth.tables import Person
from policies import reasons
from policies.needs import RequirementKind
from policies.store import PolicyStore
from tests.services.browser import VirtualKey
from tests.services.console import Pages, story

SIZES = {"desk": (1280, 800), "telephone": (390, 844)}


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(locale="de-DE", viewport={"width": 460, "height": 720})
    made.set_default_timeout(20_000)
    yield made
    made.close()


def sign_in(context: BrowserContext, pages: Pages, person: Person) -> None:
    token = pages.services.console_sessions.open(person.id, None)
    context.add_cookies([{"name": "torwart", "value": token, "url": pages.url, "httpOnly": True, "sameSite": "Strict"}])


def enrolled(context: BrowserContext, pages: Pages, person: Person, key: VirtualKey) -> Page:
    token = pages.services.keys.issue_token(person.id, None)
    page = context.new_page()
    page.goto(f"{pages.url}/enrol/{token}")
    key.plug_into(page)
    page.get_by_label("Name des Schlüssels").fill("der blaue")
    page.get_by_role("button", name="Schlüssel anmelden", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Angemeldet")
    return page


def test_a_person_enrols_signs_in_and_confirms_an_act(context: BrowserContext, served_pages: Pages, virtual_key: VirtualKey):
    boris = served_pages.add("Boris Hartwig")
    page = enrolled(context, served_pages, boris, virtual_key)
    page.get_by_role("link", name="Anmelden").click()
    page.get_by_role("button", name="Mit Schlüssel anmelden").click()
    expect(page).to_have_url(f"{served_pages.url}/keys")
    expect(page.get_by_role("heading", name="der blaue")).to_be_visible()

    served_pages.hold(boris, asked=40, allowed=40)
    page.goto(f"{served_pages.url}/act/act-1")
    expect(page.get_by_role("heading", name="Export bestätigen")).to_be_visible()
    button = page.get_by_role("button", name="Mit Schlüssel bestätigen")
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_role("heading", name="Bestätigt")).to_be_visible()
    act = served_pages.services.stepup.get("act-1")
    assert act is not None
    assert act.state == "confirmed"
    # Nobody's popup: the way back to the CRM is a link.
    way_back = page.get_by_role("link", name="Weiter im CRM")
    expect(way_back).to_have_attribute("href", f"{served_pages.services.installation.crm_url}/.torwart/go/act-1")


def test_what_the_rules_ask_for_is_given_before_the_touch(context: BrowserContext, served_pages: Pages, virtual_key: VirtualKey):
    boris = served_pages.add("Boris Hartwig")
    page = enrolled(context, served_pages, boris, virtual_key)
    asks = frozenset({RequirementKind.KEY, RequirementKind.JUSTIFY, RequirementKind.ACKNOWLEDGE})
    served_pages.hold(boris, asked=40, allowed=40, asks=asks, reason=reasons.SEND_WARNED)
    page.goto(f"{served_pages.url}/act/act-1")
    expect(page.get_by_text("Ist der Empfänger der richtige?")).to_be_visible()
    button = page.get_by_role("button", name="Mit Schlüssel bestätigen")
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_role("status")).to_contain_text("Bitte schreiben Sie in ein paar Worten, warum.")
    page.get_by_label("Warum?").fill("Der Kunde hat darum gebeten.")
    button.click()
    expect(page.get_by_role("status")).to_contain_text("Bitte bestätigen Sie, dass Sie es gelesen haben.")
    page.get_by_label("Ich habe das gelesen").check()
    button.click()
    expect(page.get_by_role("heading", name="Bestätigt")).to_be_visible()
    act = served_pages.services.stepup.get("act-1")
    assert act is not None
    assert (act.state, act.summary["said"], act.summary["read"]) == ("confirmed", "Der Kunde hat darum gebeten.", True)


def test_the_popup_closes_itself_after_the_touch(context: BrowserContext, served_pages: Pages, virtual_key: VirtualKey):
    boris = served_pages.add("Boris Hartwig")
    page = enrolled(context, served_pages, boris, virtual_key)
    served_pages.hold(boris)
    with context.expect_page() as opening:
        page.evaluate(f"() => {{ window.open('{served_pages.url}/act/act-1?popup=1', 'torwart', 'popup,width=460,height=720') }}")
    popup = opening.value
    virtual_key.plug_into(popup)
    with popup.expect_event("close"):
        popup.get_by_role("button", name="Mit Schlüssel bestätigen").click()
    act = served_pages.services.stepup.get("act-1")
    assert act is not None
    assert act.state == "confirmed"


def test_cancelling_ends_the_act(context: BrowserContext, served_pages: Pages):
    served_pages.hold(served_pages.add("Boris Hartwig"))
    page = context.new_page()
    page.goto(f"{served_pages.url}/act/act-1")
    page.get_by_role("button", name="Abbrechen").click()
    expect(page.get_by_role("heading", name="Nicht bestätigt")).to_be_visible()
    act = served_pages.services.stepup.get("act-1")
    assert act is not None
    assert act.state == "cancelled"


def test_an_act_cancelled_elsewhere_ends_in_the_popup_too(context: BrowserContext, served_pages: Pages):
    served_pages.hold(served_pages.add("Boris Hartwig"))
    page = context.new_page()
    page.goto(f"{served_pages.url}/act/act-1")
    served_pages.services.stepup.cancel("act-1")
    expect(page.get_by_role("heading", name="Nicht bestätigt")).to_be_visible()
    expect(page.get_by_role("button", name="Mit Schlüssel bestätigen")).to_be_hidden()


def test_a_key_of_somebody_else_gets_one_neutral_sentence(context: BrowserContext, served_pages: Pages, virtual_key: VirtualKey):
    boris, anna = served_pages.add("Boris Hartwig"), served_pages.add("Anna Feldmann")
    enrolled(context, served_pages, boris, virtual_key)
    enrolled(context, served_pages, anna, VirtualKey())
    served_pages.hold(anna)
    page = context.new_page()
    page.goto(f"{served_pages.url}/act/act-1")
    virtual_key.plug_into(page)
    page.get_by_role("button", name="Mit Schlüssel bestätigen").click()
    expect(page.locator("#said")).to_contain_text(re.compile("kein Schlüssel berührt|Nicht bestätigt"))
    act = served_pages.services.stepup.get("act-1")
    assert act is not None
    assert act.state == "open"


def test_a_new_alert_appears_without_a_reload(context: BrowserContext, served_pages: Pages):
    owner, anna = served_pages.add("Oskar Brandt", "owner"), served_pages.add("Anna Feldmann")
    logged = served_pages.record(*story(anna))
    sign_in(context, served_pages, owner)
    page = context.new_page()
    page.goto(f"{served_pages.url}/alerts")
    expect(page.get_by_role("heading", name="Nichts offen")).to_be_visible()
    page.evaluate("() => { window.stayed = true }")
    event_id = logged[-1].document["event"]["id"]
    signal = Signal("mass_export", anna.pseudonym, anna.created_at, "high", "export_stopped", {"asked": 3_000, "share": 100}, (event_id,))
    served_pages.services.alerts.raise_or_grow(signal)
    expect(page.get_by_role("link", name="Anna Feldmann")).to_be_visible()
    expect(page.locator("#told")).to_have_text("Die Meldungen haben sich geändert.")
    assert page.evaluate("() => window.stayed") is True


def test_a_freeze_works_from_the_keyboard(context: BrowserContext, served_pages: Pages):
    owner, anna = served_pages.add("Oskar Brandt", "owner"), served_pages.add("Anna Feldmann")
    sign_in(context, served_pages, owner)
    page = context.new_page()
    page.goto(f"{served_pages.url}/people/{anna.id}")
    page.get_by_text("Zugang sperren").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Jetzt sperren"
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Der Zugang ist gesperrt.")
    frozen = served_pages.services.people.by_id(anna.id)
    assert frozen is not None
    assert frozen.frozen


@pytest.mark.slow
@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_and_no_page_is_wider_than_the_screen(
    chromium: Browser, served_pages: Pages, axe: Callable[[Page], list[str]], size: str, language: str
):
    owner, anna = served_pages.add("Oskar Brandt", "owner"), served_pages.add("Anna Feldmann")
    state = served_pages.services.installation.state
    PolicyStore(state / "policies", PolicyKey(state / "keys")).prepare("torwart")
    logged = served_pages.record(*story(anna))
    event_ids = tuple(one.document["event"]["id"] for one in logged[-6:])
    token = served_pages.services.keys.issue_token(anna.id, owner.id)  # before the alert: then it takes two
    numbers: dict[str, int | str] = {"asked": 3_000, "share": 100, "attempts": 3}
    signal = Signal("mass_export", anna.pseudonym, anna.created_at, "high", "export_stopped", numbers, event_ids)
    alert = served_pages.services.alerts.raise_or_grow(signal)
    served_pages.hold(anna)
    with served_pages.services.engine.begin() as connection:  # the page Health says what to do
        connection.execute(text("UPDATE crm_accounts SET kind = 'rest' WHERE person_id = :id"), {"id": anna.id})
    width, height = SIZES[size]
    open_to_all = ("/act/act-1", "/act/none", "/why/everything", "/signin", f"/enrol/{token}", "/enrol/none")
    signed_in = (
        "/alerts",
        f"/alerts/{alert.id}",
        f"/alerts/{alert.id}/events?reason=0",
        "/events",
        f"/events?client=7&person={anna.pseudonym}",
        "/events?text=*",
        "/people",
        f"/people/{anna.id}",
        f"/people/{anna.id}/key",
        "/health",
        "/keys",
        "/me",
        "/why/rest",
    )
    found = []
    for paths, person in ((open_to_all, None), (signed_in, owner)):
        context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        context.set_default_timeout(30_000)
        context.add_cookies([{"name": "torwart-language", "value": language, "url": served_pages.url}])
        if person is not None:
            sign_in(context, served_pages, person)
        page = context.new_page()
        for path in paths:
            page.goto(served_pages.url + path)
            assert page.locator("html").get_attribute("lang") == language
            found += axe(page)
            if page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"):
                found.append(f"{path} is wider than the screen")
        context.close()
    assert found == []


def test_a_table_of_people_is_looked_at_taken_over_and_a_departure_planned(
    context: BrowserContext, served_pages: Pages, virtual_key: VirtualKey, tmp_path: Path
):
    owner, anna = served_pages.add("Oskar Brandt", "owner"), served_pages.add("Anna Feldmann")
    table = tmp_path / "people.csv"
    table.write_text("email;name;team;manager\nanna@firma.example;Anna Berg;Nord;oskar@firma.example\n", encoding="utf-8-sig")
    page = enrolled(context, served_pages, owner, virtual_key)
    sign_in(context, served_pages, owner)
    page.goto(f"{served_pages.url}/people")
    page.get_by_role("link", name="Tabelle der Personen").click()
    page.get_by_label("CSV-Datei").set_input_files(table)
    page.get_by_role("button", name="Zeigen, was sich ändern würde").click()
    expect(page.get_by_role("cell", name="Anna Berg")).to_be_visible()
    page.get_by_label("Ja, all das übernehmen").check()
    page.get_by_role("button", name="Tabelle übernehmen").click()
    page.get_by_role("button", name="Meinen Schlüssel berühren").click()
    expect(page.get_by_role("status")).to_contain_text("übernommen")
    page.goto(f"{served_pages.url}/people/{anna.id}")
    expect(page.get_by_role("heading", name="Anna Berg")).to_be_visible()
    page.get_by_text("Status ändern").first.click()
    page.get_by_label("Status", exact=True).select_option("last_day")
    page.get_by_label("Ab einem Tag").fill((local_day(datetime.now(UTC)) + timedelta(days=30)).isoformat())
    page.get_by_label("Ja, ändern").check()
    page.get_by_role("button", name="Status ändern").click()
    expect(page.get_by_role("status")).to_contain_text("geplant")
    (plan,) = served_pages.services.plans.of(anna.id)
    assert plan.status == "last_day"
