"""Four eyes on real Tryton: an export that a rule asks two people for, approved by the owner with a key of his own, and repeated."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.scenarios.test_web_client_rules import put_in, torwart
from tests.services import sao
from tests.services.browser import VirtualKey
from tests.services.demo import Demo

RULES = """
rules:
  - id: four-eyes
    roles: [manager]
    actions: [export]
    resource: client
    effect: require
    require: {all: [key, {approval: {count: 1, role: owner}}]}
    reason: export_needs_key
    when: has(principal.team) && principal.team == "four eyes"
"""
MANAGER, OWNER = "felix", "oskar"
FIELDS = ["name", "phone", "email"]


@pytest.fixture
def rules(demo: Demo, tmp_path: Path) -> Iterator[None]:
    put_in(demo, tmp_path)
    (tmp_path / "four-eyes.yaml").write_text(RULES, encoding="utf-8")
    torwart(demo, "policy", "activate", str(tmp_path))
    torwart(demo, "people", "change", MANAGER, "--team", "four eyes")
    yield
    torwart(demo, "people", "change", MANAGER, "--team", "none")


def owners_page(chromium: Browser, demo: Demo, key: VirtualKey) -> Page:
    """The owner, in a browser of his own, signed in with a key that he has just registered."""
    link = re.search(r"http\S+/enrol/\S+", torwart(demo, "people", "token", OWNER))
    assert link is not None
    context = chromium.new_context(locale="de-DE")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(link[0])
    key.plug_into(page)
    page.get_by_role("button", name="Schlüssel anmelden", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Angemeldet")
    page.goto(f"{demo.torwart_url}/signin")
    page.get_by_role("button", name="Mit Schlüssel anmelden").click()
    page.locator("#live").wait_for()
    return page


def test_an_export_over_the_limit_goes_out_once_after_the_owner_s_touch(
    chromium: Browser, demo: Demo, rules: None, virtual_key: VirtualKey
) -> None:
    owner = owners_page(chromium, demo, virtual_key)
    context = chromium.new_context(locale="de-DE", viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(60_000)
    desk = context.new_page()
    desk.goto(f"{demo.crm_url}/")
    sao.sign_in(desk, MANAGER, demo.password(MANAGER))
    sao.open_list(desk, sao.these(demo.book(MANAGER)[30:35]))
    sao.mark_all(desk)
    window = sao.open_export(desk, FIELDS)
    with context.expect_page() as opened:
        sao.save(window)
    popup = opened.value
    expect(popup.locator("h1").first).to_have_text("Um Zustimmung bitten")
    popup.locator("#reason").fill("Serienbrief zur Messe")
    popup.locator("#demo").click()
    expect(popup.locator("#asked h1")).to_have_text("Andere sind gefragt")
    popup.wait_for_event("close")
    refusal = desk.locator(".modal.in").filter(has_text="braucht es die Zustimmung anderer (owner)")
    expect(refusal).to_be_visible()
    refusal.get_by_role("button").last.click()

    owner.goto(f"{demo.torwart_url}/alerts")
    expect(owner.locator("nav .count")).to_have_text("1")
    owner.get_by_role("link", name=re.compile("Zustimmungen")).click()
    owner.locator("td.lead a").first.click()
    page = owner.locator("main")
    for said in ("Felix", "Serienbrief zur Messe", "5"):
        expect(page).to_contain_text(said)
    samples = owner.locator("table tbody tr")
    expect(samples).to_have_count(3)
    assert all("•••" in row and "@" not in row for row in samples.all_inner_texts())
    approve = owner.get_by_role("button", name="Mit Schlüssel zustimmen")
    expect(approve).to_be_enabled()
    approve.click()
    expect(owner.locator("#state")).to_have_text("zugestimmt, noch nicht verbraucht")

    with context.expect_page() as again:
        sao.save(window)
    touch = again.value
    expect(touch.locator("h1").first).to_have_text("Export bestätigen")
    with desk.expect_download() as saved:
        touch.locator("#demo").click()
    rows = list(csv.reader(Path(saved.value.path()).read_text(encoding="utf-8").splitlines()))
    assert len([row for row in rows if "@" in row[2]]) >= 5
    owner.reload()
    expect(owner.locator("#state")).to_have_text("zugestimmt und verbraucht")
    context.close()
    owner.context.close()
