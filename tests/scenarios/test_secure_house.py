"""One employee's first day, over https on both hosts with a private authority: the first key, sign-in, a held export, what is stopped.

The pictures of the employees' guide are taken on the way (`python -m docs.screenshots`).
"""

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from docs.screenshots import TARGET
from tests.services import sao
from tests.services.browser import VirtualKey
from tests.services.firefox import running_firefox
from tests.services.secure_house import CRM, TORWART, SecureHouse
from tests.services.waiting import until

pytestmark = [pytest.mark.needs("tryton"), pytest.mark.needs("chromium"), pytest.mark.needs("certutil")]
FIELDS = ["name", "phone", "email"]


@pytest.fixture(scope="module")
def desk(trusting_chromium: Browser) -> Iterator[BrowserContext]:
    context = trusting_chromium.new_context(locale="de-DE", viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture(scope="module")
def keys() -> dict[str, VirtualKey]:
    return {"oskar": VirtualKey(), "boris": VirtualKey()}


def picture(page: Page, name: str, *, both: bool = True) -> None:
    """Take the page's picture, if pictures are wanted; the English one in a browser of its own, so that the page stays as it is."""
    if (folder := os.environ.get(TARGET)) is None:
        return
    page.screenshot(path=Path(folder) / f"employee-{name}-de.png", animations="disabled", caret="hide")
    browser = page.context.browser
    if not both or browser is None:
        return
    english = browser.new_context(locale="en-GB", viewport=page.viewport_size)
    english.add_cookies([cookie for cookie in page.context.cookies() if cookie["name"] == "__Host-torwart"])  # type: ignore[misc]
    tab, address = english.new_page(), urlsplit(page.url)
    tab.goto(address._replace(query="&".join(filter(None, (address.query, "lang=en")))).geturl())
    tab.screenshot(path=Path(folder) / f"employee-{name}-en.png", animations="disabled", caret="hide")
    english.close()


def test_a_link_that_a_scanner_opens_with_scripts_and_all_still_registers_the_first_key(
    secure_house: SecureHouse, desk: BrowserContext, trusting_chromium: Browser, keys: dict[str, VirtualKey]
) -> None:
    """F90; and the first key of the house."""
    link = secure_house.link("oskar")
    scanner = trusting_chromium.new_context()
    looking = scanner.new_page()
    looking.goto(link)
    expect(looking.locator("#touch")).to_be_enabled()
    looking.goto(link)
    scanner.close()

    page = desk.new_page()
    page.goto(link)
    picture(page, "first-key")
    keys["oskar"].plug_into(page)
    page.get_by_role("button", name="Schlüssel anmelden", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Angemeldet")
    page.goto(link)
    expect(page.get_by_role("heading", name="Dieser Link gilt nicht mehr")).to_be_visible()
    keys["oskar"].pull()
    page.close()


def test_a_wrong_key_and_no_touch_are_told_kindly_and_the_right_key_signs_in(
    secure_house: SecureHouse, desk: BrowserContext, keys: dict[str, VirtualKey]
) -> None:
    page = desk.new_page()
    page.goto(f"{secure_house.torwart_url}/signin")
    page.evaluate("() => { navigator.credentials.get = () => Promise.reject(new DOMException('cancelled', 'NotAllowedError')) }")
    page.get_by_role("button", name="Mit Schlüssel anmelden").click()
    expect(page.get_by_role("status")).to_contain_text("Es wurde kein Schlüssel berührt. Sie können es noch einmal versuchen.")

    page.reload()
    picture(page, "sign-in")
    keys["oskar"].plug_into(page)
    page.get_by_role("button", name="Mit Schlüssel anmelden").click()
    expect(page).to_have_url(re.compile(r"/alerts$"))
    (cookie,) = [one for one in desk.cookies() if "torwart" in str(one.get("name")) and one.get("httpOnly") and one.get("secure")]
    assert (cookie["name"], cookie["path"], cookie["sameSite"]) == ("__Host-torwart", "/", "Strict")
    assert cookie["domain"] == urlsplit(secure_house.torwart_url).hostname, "of this host alone"
    answer = page.reload()
    assert answer is not None
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    keys["oskar"].pull()
    page.close()


def test_an_administrator_registers_a_colleague_s_key_on_the_same_machine(
    secure_house: SecureHouse, desk: BrowserContext, keys: dict[str, VirtualKey]
) -> None:
    before = {one["value"] for one in desk.cookies() if one["name"] == "__Host-torwart"}
    page = desk.new_page()
    page.goto(f"{secure_house.torwart_url}/people")
    page.get_by_role("link", name="Boris Hartwig").click()
    page.get_by_role("link", name="Schlüssel hier anmelden").click()
    keys["oskar"].plug_into(page)
    page.get_by_role("button", name="Meinen Schlüssel berühren").click()
    expect(page.get_by_role("heading", name="2. Der neue Schlüssel")).to_be_visible()
    keys["oskar"].pull()  # with both plugged in, either may take the new credential
    keys["boris"].plug_into(page)
    page.get_by_label("Name des Schlüssels").fill("der blaue")
    page.get_by_role("button", name="Schlüssel anmelden", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Angemeldet")
    keys["boris"].pull()
    assert {one["value"] for one in desk.cookies() if one["name"] == "__Host-torwart"} != before, "a new session id after the touch"
    page.get_by_role("link", name="Zurück").click()
    expect(page.get_by_text("der blaue")).to_be_visible()
    page.get_by_role("button", name="Abmelden").click()
    expect(page).to_have_url(re.compile(r"/signin$"))
    page.close()
    assert [key["label"] for key in secure_house.torwart("keys", "list", "boris")["keys"]] == ["der blaue"]


def held_export(page: Page) -> tuple[Locator, Page]:
    """Export what is marked; the export's window, and the popup that asks for the key."""
    window = sao.open_export(page, FIELDS)
    with page.context.expect_page() as opened:
        sao.save(window)
    expect(opened.value.locator("h1").first).to_have_text("Export bestätigen")
    expect(page.locator("torwart-held dialog")).to_contain_text("Angehalten")
    expect(opened.value.get_by_role("button", name="Mit Schlüssel bestätigen")).to_be_enabled()  # its script is there
    return window, opened.value


def test_an_export_is_held_cancelled_held_again_confirmed_with_the_key_and_arrives(
    secure_house: SecureHouse, desk: BrowserContext, keys: dict[str, VirtualKey]
) -> None:
    own = secure_house.book("boris")[:40]
    page = desk.new_page()
    page.goto(f"{secure_house.crm_url}/")
    sao.sign_in(page, "boris", secure_house.crm.passwords["boris"])
    sao.open_list(page, sao.these(own))
    sao.mark_all(page)
    window, popup = held_export(page)
    picture(popup, "confirm")
    popup.get_by_role("button", name="Abbrechen").click()
    popup.wait_for_event("close")
    expect(page.locator(".modal.in .modal-body", has_text="Nicht bestätigt")).to_contain_text("/why/")
    page.locator(".modal.in .modal-footer button").last.click()
    window.locator(".modal-footer button.btn-link").click()

    window, popup = held_export(page)
    keys["boris"].plug_into(popup)
    with page.expect_download() as downloading:
        popup.get_by_role("button", name="Mit Schlüssel bestätigen").click()
    keys["boris"].count_on(1)
    rows = list(csv.reader(Path(downloading.value.path()).read_text(encoding="utf-8").splitlines()))
    assert sum("@" in row[2] for row in rows if len(row) == 3) == 40
    (told,) = [one for one in desk.cookies() if one["name"] == "tryton_session"]
    assert told["secure"]
    page.close()


def test_what_is_stopped_says_so_and_one_s_own_sign_ins_can_be_ended(
    secure_house: SecureHouse, desk: BrowserContext, keys: dict[str, VirtualKey]
) -> None:
    page = desk.new_page()
    page.goto(f"{secure_house.crm_url}/crm/data/res.user?d=[]&f=name&f=login")
    expect(page.get_by_role("link").first).to_be_visible()
    picture(page, "stopped", both=False)
    page.goto(f"{secure_house.torwart_url}/signin?to=/me")
    key = keys["boris"]
    key.plug_into(page)
    page.get_by_role("button", name="Mit Schlüssel anmelden").click()
    expect(page).to_have_url(f"{secure_house.torwart_url}/me")
    expect(page.get_by_role("row")).to_have_count(3)  # the head, this one, the CRM's
    expect(page.get_by_text("Chrome · Linux")).to_be_visible()
    picture(page, "sign-ins")
    page.goto(f"{secure_house.torwart_url}/keys")
    picture(page, "keys")
    page.goto(f"{secure_house.torwart_url}/me")
    page.get_by_role("button", name="Alle anderen beenden").click()
    expect(page.get_by_role("status")).to_contain_text("Alle anderen Anmeldungen sind beendet.")
    expect(page.get_by_role("row")).to_have_count(2)
    (left,) = secure_house.torwart("people", "sessions", "boris")["sessions"]
    assert (left["kind"], left["device"]) == ("console", "Chrome · Linux")
    page.close()


def test_firefox_registers_a_key_signs_in_and_says_so_where_it_cannot(secure_house: SecureHouse, tmp_path: Path) -> None:
    """Debian's Firefox with its own virtual key; then without WebAuthn, as on a remote desktop."""
    link = secure_house.link("boris")
    with running_firefox(tmp_path, secure_house.authority, TORWART, CRM) as firefox:
        firefox.go(link)
        firefox.plug_in_a_key()
        firefox.click("#touch")
        until(lambda: firefox.text("#said") == "Angemeldet. Sie können diesen Schlüssel jetzt benutzen.", what="the registration")
        firefox.go(f"{secure_house.torwart_url}/signin?to=/me")
        firefox.click("#touch")
        until(lambda: firefox.address() == f"{secure_house.torwart_url}/me", what="the sign-in")
        assert "Firefox · Linux" in firefox.text("main")
        firefox.prefer("security.webauth.webauthn", False)
        firefox.go(f"{secure_house.torwart_url}/me")
        firefox.click("form.who button")
        firefox.go(f"{secure_house.torwart_url}/signin")
        firefox.click("#touch")
        assert firefox.text("#said").startswith("Dieser Browser kann keine Schlüssel benutzen.")
