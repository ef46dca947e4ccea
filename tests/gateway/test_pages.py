import base64
import hashlib
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from gateway.crm.profile import Refusal
from gateway.pages import PAGE_HEADERS, denial_page, gone_page, return_page
from policies import reasons
from policies.reasons import REASONS, Because

ACT = "VXhE3kq0v9o7m2xTqHb1sA"


def refusal(
    because: Because, *, status: int = 403, path: str = "why", language: str = "de", act_id: str = ACT, title: str = "Angehalten"
) -> Refusal:
    return Refusal(status, because, act_id, language, f"http://torwart.localhost:8401/{path}/{ACT}", title)


def texts() -> list[bytes]:
    return [
        denial_page(refusal(Because(reasons.NOT_FOR_YOU))),
        denial_page(refusal(Because(reasons.EXPORT_NEEDS_KEY), path="act")),
        denial_page(refusal(Because(reasons.UPSTREAM_DOWN), status=502)),
        return_page(ACT, "de"),
        gone_page("de"),
    ]


def test_a_denial_says_what_happened_what_to_do_and_its_number():
    page = denial_page(refusal(Because(reasons.NOT_FOR_YOU))).decode()
    assert "<h1>Angehalten</h1>" in page
    assert "Das ist für Sie nicht freigegeben. Wenden Sie sich an Ihre Leitung, wenn Sie es brauchen." in page
    assert ACT in page
    assert f'href="http://torwart.localhost:8401/why/{ACT}">Warum?</a>' in page


def test_a_form_without_the_script_is_confirmed_and_sent_again():
    page = denial_page(refusal(Because(reasons.EXPORT_NEEDS_KEY), path="act")).decode()
    assert "<h1>Angehalten, nichts verloren</h1>" in page
    assert "Dieser Export braucht Ihren Schlüssel." in page
    assert f'href="http://torwart.localhost:8401/act/{ACT}" target="_blank" rel="noopener noreferrer">Mit Schlüssel bestätigen</a>' in page
    assert "noch einmal ab" in page


def test_a_departing_person_reads_the_words_of_an_ordinary_rule():
    status_caused = denial_page(refusal(Because(reasons.EXPORT_NOT_NOW)))
    assert status_caused == denial_page(refusal(Because(reasons.NOT_FOR_YOU)))


def test_the_code_of_a_reason_is_on_no_page():
    for code, reason in REASONS.items():
        if "_" in code:
            assert code.encode() not in denial_page(refusal(Because(reason)))


@pytest.mark.parametrize("language", ["de", "en", "ru", ""])
def test_every_reason_has_a_page_in_every_language(language: str):
    for reason in REASONS.values():
        page = denial_page(refusal(Because(reason), language=language)).decode()
        assert f'<html lang="{language if language in ("de", "en") else "en"}">' in page


def test_the_way_back_leads_through_our_own_path_with_a_link_to_click():
    page = return_page("act 1/../x", "de").decode()
    assert 'href="/.torwart/open/act%201%2F..%2Fx"' in page
    assert "http-equiv" not in page


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x>', "a\u202eb"])
def test_a_hostile_number_is_only_text(hostile: str):
    page = denial_page(refusal(Because(reasons.UNREADABLE, {"what": hostile}), act_id=hostile, title=hostile)).decode()
    assert "<script" not in page
    assert "<img" not in page
    assert f"<bdi>{hostile}</bdi>" not in page or "<" not in hostile


def test_no_page_has_a_script_or_loads_anything():
    for page in texts():
        assert b"<script" not in page
        assert b"src=" not in page
        assert b"@import" not in page
        assert b"style=" not in page


def test_the_policy_admits_exactly_the_style_of_the_page():
    policy = dict(PAGE_HEADERS)["content-security-policy"]
    for page in texts():
        (style,) = re.findall(rb"<style>(.*?)</style>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_on_the_pages(chromium: Browser, axe: Callable[[Page], list[str]], width: int):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    bodies = iter([])
    page.route("**/*", lambda route: route.fulfill(body=next(bodies), headers=dict(PAGE_HEADERS)))
    found = []
    for body in (*texts(), denial_page(refusal(Because(reasons.NOT_FOR_YOU), language="en", title="Held"))):
        bodies = iter([body])
        page.goto("http://crm.localhost/x")
        found += axe(page)
        assert page.evaluate("() => getComputedStyle(document.querySelector('main')).maxWidth") != "none", "the style was not applied"
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
            found.append("wider than the screen")
    context.close()
    assert found == []
