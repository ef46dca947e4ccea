"""The touch before something that gives authority, in a real browser: by keyboard, with what was typed kept, in German and English."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from auth.tables import Person
from deploy.demo.keyring import KeyringClient
from deploy.demo.notes import Notes
from deploy.demo.pages import router
from tests.services.browser import VirtualKey
from tests.services.console import Pages
from tests.services.waiting import until

WORDS = {
    "de": ("Schlüssel anmelden", "Berühren Sie dafür Ihren Schlüssel", "Meinen Schlüssel berühren", "Einmal-Link"),
    "en": ("Register the key", "Touch your key for this", "Touch my own key", "One-time link"),
}


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(locale="de-DE", viewport={"width": 900, "height": 900})
    made.set_default_timeout(20_000)
    yield made
    made.close()


def signed_in(context: BrowserContext, pages: Pages, person: Person, language: str) -> tuple[Page, VirtualKey]:
    """The person's page after the registration of a key and a sign-in with it."""
    key, page = VirtualKey(), context.new_page()
    page.goto(f"{pages.url}/enrol/{pages.services.keys.issue_token(person.id, None)}?lang={language}")
    key.plug_into(page)
    page.get_by_role("button", name=WORDS[language][0], exact=True).click()
    expect(page.locator("#next")).to_be_visible()
    (registered,) = pages.services.keys.of(person.id)
    token = pages.services.console_sessions.open(person.id, registered.id)
    context.add_cookies([{"name": "torwart", "value": token, "url": pages.url, "httpOnly": True, "sameSite": "Strict"}])
    return page, key


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_link_is_issued_after_one_more_touch_by_keyboard(
    context: BrowserContext, served_pages: Pages, language: str, axe: Callable[[Page], list[str]]
):
    owner, anna = served_pages.add("Oskar Brandt", "owner", language=language), served_pages.add("Anna Feldmann")
    page, _ = signed_in(context, served_pages, owner, language)
    _, heading, button, link = WORDS[language]
    page.goto(f"{served_pages.url}/people/{anna.id}")
    page.locator(f'form[action="/people/{anna.id}/token"] button').click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.get_by_text("Anna Feldmann")).to_be_visible()
    assert axe(page) == []
    before = next(one for one in context.cookies() if one["name"] == "torwart")
    expect(page.get_by_role("button", name=button)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=link)).to_be_visible()
    after = next(one for one in context.cookies() if one["name"] == "torwart")
    assert after["value"] != before["value"]
    assert served_pages.services.console_sessions.find(before["value"]) is None


def test_what_was_typed_is_kept_and_shown_and_each_step_needs_its_own_touch(context: BrowserContext, served_pages: Pages):
    owner, anna = served_pages.add("Oskar Brandt", "owner"), served_pages.add("Anna Feldmann")
    page, _ = signed_in(context, served_pages, owner, "de")
    for team in ('Süd "1" & <Ost>', "Nord"):
        page.goto(f"{served_pages.url}/people/{anna.id}")
        page.get_by_text("Angaben ändern").first.click()
        page.get_by_label("Team").fill(team)
        page.locator(f'form[action="/people/{anna.id}/change"] button').click()
        expect(page.locator("dd").filter(has_text=team)).to_be_visible()
        page.get_by_role("button", name="Meinen Schlüssel berühren").click()
        expect(page.get_by_text("Es ist geändert")).to_be_visible()
        found = served_pages.services.people.by_id(anna.id)
        assert found is not None
        assert found.team == team


def test_without_a_key_nothing_happens_and_one_can_go_back(context: BrowserContext, served_pages: Pages):
    owner, anna = served_pages.add("Oskar Brandt", "owner"), served_pages.add("Anna Feldmann")
    page, key = signed_in(context, served_pages, owner, "de")
    key.pull()
    VirtualKey().plug_into(page)  # somebody else's
    page.goto(f"{served_pages.url}/people/{anna.id}")
    page.locator(f'form[action="/people/{anna.id}/token"] button').click()
    page.get_by_role("button", name="Meinen Schlüssel berühren").click()
    expect(page.get_by_role("status")).to_contain_text("Es wurde kein Schlüssel berührt")
    page.get_by_role("link", name="Zurück").click()
    expect(page.get_by_role("heading", name="Anna Feldmann")).to_be_visible()
    assert served_pages.services.keys.enrolment.person_of("") is None


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[KeyringClient]:
    """The demo's software keys in their own process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "deploy.demo.keyring", str(tmp_path), str(port)])
    client = KeyringClient(port)
    until(client.answers, what="the keys")
    yield client
    process.terminate()
    process.wait(10)


def test_the_software_key_of_the_demo_does_as_well(
    context: BrowserContext, served_pages: Pages, keyring: KeyringClient, tmp_path: Path
) -> None:
    owner, anna = served_pages.add("Oskar Brandt", "owner"), served_pages.add("Anna Feldmann")
    served_pages.app.state.services = replace(served_pages.services, demo=True)
    served_pages.app.include_router(router(Notes(tmp_path), keyring, origin=served_pages.url, crm_origin="http://crm.localhost:1"))
    keys = served_pages.services.keys
    token = keys.issue_token(owner.id, None, demo=True)
    options, _ = keys.begin_registration(token)
    registered = keys.complete_registration(token, keyring.touch("create", options, served_pages.url))
    cookie = served_pages.services.console_sessions.open(owner.id, registered.id)
    context.add_cookies([{"name": "torwart", "value": cookie, "url": served_pages.url, "httpOnly": True, "sameSite": "Strict"}])
    page = context.new_page()
    page.goto(f"{served_pages.url}/people/{anna.id}")
    page.locator(f'form[action="/people/{anna.id}/token"] button').click()
    page.get_by_role("button", name="Demo-Schlüssel berühren").click()
    expect(page.get_by_role("heading", name="Einmal-Link")).to_be_visible()
