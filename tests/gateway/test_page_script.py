"""The script on the CRM's pages, in a browser, before a gateway's reserved paths that this test plays."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

import gateway

SCRIPT = Path(gateway.__file__).parent / "static" / "page.js"
SHELL = (
    b'<!doctype html><html lang="de"><title>CRM</title><script src="/.torwart/page.js" defer></script>'
    b"<main><h1>CRM</h1><button>Export</button></main>"
)
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'none'; frame-src http:"


@dataclass
class Held:
    """What `/.torwart/held` tells, and what it was asked."""

    acts: list[dict[str, Any]] = field(default_factory=list)
    version: int = 1
    polls: int = 0
    open_polls: int = 0
    most_open_polls: int = 0
    foreign: int = 0
    """Requests without our own header."""
    cancelled: list[str] = field(default_factory=list)
    failing: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    url: str = ""

    def tell(self, *acts: dict[str, Any]) -> None:
        with self.changed:
            self.acts, self.version = list(acts), self.version + 1
            self.changed.notify_all()

    def act(self, act_id: str = "A1", **members: Any) -> dict[str, Any]:
        text = "Angehalten, nichts verloren: Dieser Export braucht Ihren Schlüssel."
        link = f"{self.url}/popup/{act_id}"
        return {"id": act_id, "text": text, "asked": 3_000, "allowed": 300, "expires_in": 118, "link": link, "state": "open", **members}

    def wait(self, seen: str) -> bytes:
        with self.changed:
            self.polls, self.open_polls = self.polls + 1, self.open_polls + 1
            self.most_open_polls = max(self.most_open_polls, self.open_polls)
            self.changed.wait_for(lambda: str(self.version) != seen, 5)
            self.open_polls -= 1
            return json.dumps({"version": self.version, "acts": self.acts}).encode()


def _handler(held: Held) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path == "/.torwart/page.js":
                self.give(SCRIPT.read_bytes(), "text/javascript")
            elif path == "/.torwart/held":
                held.foreign += self.headers.get("X-Torwart-Held") != "1"
                if held.failing:
                    held.failing -= 1
                    self.give(b"", "text/plain", 502)
                else:
                    self.give(held.wait(query.removeprefix("seen=")), "application/json")
            else:
                self.give(SHELL if path == "/" else b"<title>popup</title>", "text/html")

        def do_POST(self) -> None:
            held.foreign += self.headers.get("X-Torwart-Held") != "1"
            held.cancelled.append(self.path)
            held.tell(*({**act, "state": "cancelled"} for act in held.acts))
            self.give(b"{}", "application/json")

        def give(self, body: bytes, kind: str, status: int = 200) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", POLICY)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return  # the page has gone

    return Handler


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    server.daemon_threads = True
    made.url = f"http://crm.localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.tell()
    server.shutdown()
    server.server_close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(locale="de-DE")
    made.set_default_timeout(15_000)
    yield made
    made.close()


NO_CLICK = "Object.defineProperty(navigator, 'userActivation', {value: {isActive: false, hasBeenActive: false}})"
"""Playwright's own commands count as a person's click now and then: then the ceremony would open by itself."""


def opened(context: BrowserContext, held: Held, *, after_a_click: bool = False) -> Page:
    page = context.new_page()
    if not after_a_click:
        page.add_init_script(NO_CLICK)
    with page.expect_response("**/.torwart/page.js"):
        page.goto(held.url)
    return page


def test_a_held_act_is_shown_over_the_page_with_both_numbers_and_the_time_left(context: BrowserContext, held: Held):
    page = opened(context, held)
    held.tell(held.act())
    overlay = page.get_by_role("alertdialog", name="Angehalten, nichts verloren")
    expect(overlay).to_be_visible()
    for said in ("Dieser Export braucht Ihren Schlüssel.", "3.000", "300", "Noch 1:5"):
        expect(overlay).to_contain_text(said)
    expect(page.get_by_role("button", name="Mit Schlüssel bestätigen")).to_be_focused()
    assert held.foreign == 0


def test_the_button_opens_the_ceremony(context: BrowserContext, held: Held):
    page = opened(context, held)
    held.tell(held.act())
    with context.expect_page() as popup:
        page.get_by_role("button", name="Mit Schlüssel bestätigen").click()
    expect(popup.value).to_have_url(f"{held.url}/popup/A1", timeout=15_000)
    expect(page.get_by_role("alertdialog")).to_contain_text("Das Bestätigungsfenster ist offen.")


def test_the_ceremony_opens_by_itself_right_after_a_click(context: BrowserContext, held: Held):
    page = opened(context, held, after_a_click=True)
    page.bring_to_front()
    page.get_by_role("button", name="Export").click()
    with context.expect_page() as popup:
        held.tell(held.act())
    expect(popup.value).to_have_url(f"{held.url}/popup/A1", timeout=15_000)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
def test_a_link_that_is_no_web_address_is_never_opened(context: BrowserContext, held: Held, link: str):
    page = opened(context, held)
    held.tell(held.act(link=link))
    page.get_by_role("button", name="Mit Schlüssel bestätigen").click()
    held.tell(held.act(state="released", link=link))
    expect(page.get_by_text("Freigegeben. Der Vorgang geht weiter.").first).to_be_visible()
    assert len(context.pages) == 1


def test_escape_asks_and_never_discards_by_itself(context: BrowserContext, held: Held):
    page = opened(context, held)
    held.tell(held.act())
    expect(page.get_by_role("alertdialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alertdialog")).to_contain_text("Diesen Vorgang verwerfen?")
    expect(page.get_by_role("button", name="Weiter warten")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Mit Schlüssel bestätigen")).to_be_visible()
    assert held.cancelled == []


def test_discarding_ends_the_act_and_says_that_nothing_left(context: BrowserContext, held: Held):
    page = opened(context, held)
    held.tell(held.act())
    page.get_by_role("button", name="Verwerfen").click()
    page.get_by_role("button", name="Verwerfen").click()
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    expect(page.get_by_text("Nicht bestätigt, nichts hat das Haus verlassen.").first).to_be_visible()
    assert held.cancelled == ["/.torwart/held/A1/cancel"]


@pytest.mark.parametrize(
    ("state", "said"), [("released", "Freigegeben."), ("expired", "Die Zeit ist abgelaufen."), ("cancelled", "Nicht bestätigt")]
)
def test_the_end_of_an_act_takes_the_overlay_away_and_is_said(context: BrowserContext, held: Held, state: str, said: str):
    page = opened(context, held)
    held.tell(held.act())
    expect(page.get_by_role("alertdialog")).to_be_visible()
    held.tell(held.act(state=state))
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    expect(page.get_by_text(said).first).to_be_visible()


def test_a_denial_is_a_card_with_the_way_to_its_reason(context: BrowserContext, held: Held):
    page = opened(context, held)
    held.tell(held.act(state="denied", text="Angehalten: Das ist für Sie nicht freigegeben."))
    expect(page.get_by_role("link", name="Warum?")).to_have_attribute("href", f"{held.url}/popup/A1")
    expect(page.get_by_role("alertdialog")).to_be_hidden()


def test_of_three_tabs_one_asks_and_all_are_told(context: BrowserContext, held: Held):
    tabs = [opened(context, held) for _ in range(3)]
    held.tell(held.act())
    for tab in tabs:
        expect(tab.get_by_role("alertdialog")).to_be_visible()
    assert held.most_open_polls == 1


def test_another_tab_takes_over_when_the_asking_one_closes(context: BrowserContext, held: Held):
    first, second = opened(context, held), opened(context, held)
    first.close()
    held.tell(held.act())
    expect(second.get_by_role("alertdialog")).to_be_visible()


def test_a_failing_poll_is_tried_again(context: BrowserContext, held: Held):
    held.failing = 2
    page = opened(context, held)
    held.tell(held.act())
    expect(page.get_by_role("alertdialog")).to_be_visible()


def test_hostile_words_are_only_text(context: BrowserContext, held: Held):
    page = opened(context, held)
    held.tell(held.act(text="<img src=x onerror=alert(1)>: <b>fett</b>"))
    expect(page.get_by_role("alertdialog")).to_contain_text("<b>fett</b>")
    assert page.evaluate("() => document.querySelector('torwart-held').shadowRoot.querySelectorAll('img, b').length") == 0


def test_the_script_leaves_no_name_on_the_page(context: BrowserContext, held: Held):
    plain = context.new_page()
    plain.goto(f"{held.url}/popup/none")
    before = plain.evaluate("() => Object.keys(window).sort()")
    page = opened(context, held)
    held.tell(held.act())
    expect(page.get_by_role("alertdialog")).to_be_visible()
    assert page.evaluate("() => Object.keys(window).sort()") == before


EMBED = """url => {
  const frame = document.createElement("iframe");
  Object.assign(frame, {src: url, name: "crm", width: 800, height: 600});
  document.body.append(frame);
}"""


def embedded(page: Page, held: Held) -> Frame:
    """The CRM within this page, once its script is there."""
    with page.expect_response("**/.torwart/page.js"):
        page.evaluate(EMBED, held.url)
    frame = page.frame("crm")
    assert frame is not None
    frame.wait_for_load_state("load")
    return frame


def test_of_pages_of_the_crm_within_each_other_the_outer_one_shows(context: BrowserContext, held: Held):
    page = opened(context, held)
    frame = embedded(page, held)
    held.tell(held.act())
    expect(page.get_by_role("alertdialog")).to_be_visible()
    assert frame.locator("torwart-held").count() == 0


def test_within_a_page_of_another_server_it_shows_inside(context: BrowserContext, held: Held):
    page = context.new_page()
    page.add_init_script(NO_CLICK)
    page.goto(f"{held.url.replace('crm.', 'start.crm.')}/popup/none")
    frame = embedded(page, held)
    held.tell(held.act())
    expect(frame.get_by_role("alertdialog")).to_be_visible()
    frame.get_by_role("button", name="Verwerfen").click()
    frame.get_by_role("button", name="Verwerfen").click()
    expect(frame.get_by_text("Nicht bestätigt").first).to_be_visible()
    assert held.foreign == 0


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_in_the_overlay(chromium: Browser, held: Held, axe: Callable[[Page], list[str]], width: int):
    context = chromium.new_context(locale="de-DE", viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page = opened(context, held)
    held.tell(held.act())
    expect(page.get_by_role("alertdialog")).to_be_visible()
    found = axe(page)
    page.get_by_role("button", name="Verwerfen").click()
    found += axe(page)
    page.get_by_role("button", name="Verwerfen").click()
    expect(page.get_by_text("Nicht bestätigt").first).to_be_visible()
    found += axe(page)
    context.close()
    assert found == []
