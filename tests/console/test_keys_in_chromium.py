"""Real kinds of keys in a real browser: with and without PIN, U2F, synced, vouched for, copied; and a second one let in by the first."""

from base64 import b64decode
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from audit_store.event import EventAction
from auth.tables import Person
from policies.request import KeyClass
from tests.services.browser import VirtualKey
from tests.services.console import Pages
from tests.services.maker import SIGNER, Maker

SYNCED = {"transport": "internal", "defaultBackupEligibility": True, "defaultBackupState": True}
NO_PIN = {"hasUserVerification": False, "isUserVerified": False}
U2F = {"protocol": "u2f", "hasResidentKey": False, **NO_PIN}


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(locale="de-DE", viewport={"width": 460, "height": 900})
    made.set_default_timeout(20_000)
    yield made
    made.close()


def _enrol(context: BrowserContext, pages: Pages, person: Person, key: VirtualKey) -> Page:
    page = context.new_page()
    page.goto(f"{pages.url}/enrol/{pages.services.keys.issue_token(person.id, None)}")
    key.plug_into(page)
    page.get_by_role("button", name="Schlüssel anmelden", exact=True).click()
    return page


def _sign_in(page: Page) -> None:
    page.get_by_role("link", name="Anmelden").click()
    page.get_by_role("button", name="Mit Schlüssel anmelden").click()
    expect(page.get_by_role("heading", name="Meine Schlüssel")).to_be_visible()


def _confirm(page: Page, pages: Pages, act: str) -> None:
    page.goto(f"{pages.url}/act/{act}")
    button = page.get_by_role("button", name="Mit Schlüssel bestätigen")
    expect(button).to_be_enabled()
    button.click()


@pytest.mark.parametrize("kind", [NO_PIN, U2F], ids=["ctap2 without user verification", "u2f"])
def test_a_key_without_pin_is_not_registered(context: BrowserContext, served_pages: Pages, kind: dict[str, object]):
    boris = served_pages.add("Boris Hartwig")
    page = _enrol(context, served_pages, boris, VirtualKey(kind=kind))
    expect(page.get_by_role("status")).to_contain_text("Es wurde kein Schlüssel berührt")
    assert served_pages.services.keys.of(boris.id) == []


def test_a_synced_key_signs_in_and_confirms_nothing(context: BrowserContext, served_pages: Pages):
    boris = served_pages.add("Boris Hartwig")
    page = _enrol(context, served_pages, boris, VirtualKey(kind=SYNCED))
    expect(page.get_by_role("status")).to_contain_text("Angemeldet")
    _sign_in(page)
    expect(page.get_by_text("synchronisiert")).to_be_visible()
    act = served_pages.hold(boris)
    _confirm(page, served_pages, act.id)
    expect(page.get_by_role("status")).to_contain_text("Nicht bestätigt")
    held = served_pages.services.stepup.get(act.id)
    assert held is not None
    assert held.state == "open"


def test_the_life_of_a_key(context: BrowserContext, served_pages: Pages, axe: Callable[[Page], list[str]]):
    """Registered, vouched for by its maker, joined by a second one, and locked when a copy of it appears."""
    boris, keys = served_pages.add("Boris Hartwig"), served_pages.services.keys
    first = VirtualKey()
    page = _enrol(context, served_pages, boris, first)
    expect(page.get_by_role("status")).to_contain_text("Angemeldet")
    (key,) = keys.of(boris.id)
    assert (key.attestation, keys.class_of(key)) == ("packed", KeyClass.HARDWARE), "no list says what its certificate is worth"
    maker = Maker()
    entry = maker.entry(aaguid=key.aaguid, roots=[b64decode(key.trust_path[-1])])
    keys.models.load(maker.blob(entry), maker.root, SIGNER)
    assert keys.class_of(key) is KeyClass.VERIFIED

    _sign_in(page)
    expect(page.get_by_text("Hardware, geprüft")).to_be_visible()
    expect(page.get_by_text("Registrieren Sie einen zweiten")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Schlüssel hinzufügen").click()
    expect(page.get_by_role("heading", name="Schlüssel anmelden")).to_be_visible()
    first.pull()
    second = VirtualKey()
    second.plug_into(page)
    page.get_by_label("Name des Schlüssels").fill("der zweite")
    page.get_by_role("button", name="Schlüssel anmelden", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Angemeldet")
    assert [one.label for one in keys.of(boris.id)] == ["Mein Schlüssel", "der zweite"]

    second.pull()
    first.count_on(5)
    first.plug_into(page)
    act = served_pages.hold(boris)
    _confirm(page, served_pages, act.id)
    expect(page.get_by_role("heading", name="Bestätigt")).to_be_visible()
    first.pull()
    first.count_on(-3)  # the copy has not seen the last touches
    first.plug_into(page)
    act = served_pages.hold(boris, act_id="act-2")
    _confirm(page, served_pages, act.id)
    expect(page.get_by_role("status")).to_contain_text("Nicht bestätigt")
    assert [one.locked_why for one in keys.of(boris.id)] == ["possible_clone", None]
    served_pages.record()
    locked = [one for one in served_pages.services.log.tail(200) if one.document["event"]["action"] == EventAction.KEY_LOCKED]
    assert len(locked) == 1
