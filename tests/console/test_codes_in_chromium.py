"""The roads beside the key in a browser: an app is enrolled by its picture, confirms an act where a rule offers it, and an act is confirmed
on another device."""

import time
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from policies import reasons
from policies.needs import RequirementKind
from tests.console.test_pages_in_chromium import enrolled, sign_in
from tests.services.browser import VirtualKey
from tests.services.console import Pages


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(locale="de-DE", viewport={"width": 460, "height": 900})
    made.set_default_timeout(20_000)
    yield made
    made.close()


@pytest.mark.needs("chromium")
def test_an_app_by_its_picture_a_code_for_an_act_and_the_second_road(
    chromium: Browser, context: BrowserContext, served_pages: Pages, virtual_key: VirtualKey
) -> None:
    """One journey: a person with a key sets up the app, uses it once where it is offered, and then confirms for a screen without keys."""
    anna = served_pages.add("Anna Feldmann")
    page = enrolled(context, served_pages, anna, virtual_key)
    sign_in(context, served_pages, anna)

    page.goto(f"{served_pages.url}/codes")
    page.get_by_role("button", name="App einrichten").click()
    picture = page.get_by_alt_text("QR-Code für die App")
    expect(picture).to_be_visible()
    page.wait_for_function("() => document.getElementById('picture').naturalWidth > 100")  # drawn, under the strict policy
    seed = page.locator("#seed").inner_text().replace(" ", "")
    app = pyotp.TOTP(seed)
    page.get_by_label("Code, den die App jetzt zeigt").fill("12 34")
    page.get_by_role("button", name="Abschließen").click()
    expect(page.get_by_role("status")).to_contain_text("nicht angenommen")
    page.get_by_label("Code, den die App jetzt zeigt").fill(app.now())
    page.get_by_role("button", name="Abschließen").click()
    expect(page.get_by_role("status")).to_contain_text("Fertig")
    page.reload()
    expect(page.get_by_role("button", name="App entfernen")).to_be_visible()
    assert seed not in page.content()

    offered = frozenset({RequirementKind.KEY, RequirementKind.CODE})
    served_pages.hold(anna, asked=1, allowed=1, action="read", asks=offered, reason=reasons.CONFIRM_FIRST)
    bare = chromium.new_context(locale="de-DE")  # a browser without a key
    bare.set_default_timeout(20_000)
    screen = bare.new_page()
    screen.goto(f"{served_pages.url}/act/act-1")
    code = screen.get_by_label("Keinen Schlüssel zur Hand? Code Ihrer App")
    button = screen.get_by_role("button", name="Mit dem Code bestätigen")
    expect(button).to_be_enabled()
    code.fill("000000")
    button.click()
    expect(screen.get_by_role("status").first).to_contain_text("nicht bestätigt", ignore_case=True)
    expect(button).to_be_enabled()
    code.fill(app.at(time.time(), counter_offset=1))  # the step of the enrolment is used up; the next one is in the window
    button.click()
    expect(screen.get_by_role("heading", name="Bestätigt")).to_be_visible()

    served_pages.hold(anna, asked=40, allowed=40, act_id="act-2")
    screen.goto(f"{served_pages.url}/act/act-2")
    expect(screen.get_by_label("Keinen Schlüssel zur Hand? Code Ihrer App")).to_have_count(0)  # an export needs the key
    lead = screen.get_by_role("button", name="auf einem anderen Gerät bestätigen")
    expect(lead).to_be_enabled()
    lead.click()
    road = screen.locator("#road")
    expect(road).not_to_be_empty()
    shown = road.inner_text()
    page.goto(f"{served_pages.url}/second")
    page.get_by_label("Code").fill(shown.lower())
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_text(shown)).to_be_visible()  # the same code, the same words
    assert page.locator("dl.pairs").inner_text() == screen.locator("dl.pairs").inner_text()
    assert page.locator("dl.counts").inner_text() == screen.locator("dl.counts").inner_text()
    touch = page.get_by_role("button", name="Mit Schlüssel bestätigen")
    expect(touch).to_be_enabled()
    touch.click()
    expect(page.get_by_role("heading", name="Bestätigt")).to_be_visible()
    expect(screen.get_by_role("heading", name="Bestätigt")).to_be_visible()  # the waiting screen goes on
    act = served_pages.services.stepup.get("act-2")
    assert act is not None
    assert act.key_id is not None
    bare.close()
