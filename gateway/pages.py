"""The HTML pages that the gateway itself gives on the CRM's host: refusals, faults, and the way back after a touch.

Each page is one self-contained document: no script, no request of its own, one inline style sheet whose hash is in `PAGE_HEADERS`.
Nothing on them tells why a rule decided as it did beyond the sentence for the employee (attacks X32).
"""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from html import escape
from pathlib import Path
from urllib.parse import quote, urlsplit

from gateway.crm.profile import Refusal

_STYLE = (Path(__file__).parent / "static" / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_HEADERS: tuple[tuple[str, str], ...] = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
"""What every page of this file is sent with; without the style hash the page would be bare text."""

_MARK = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true">'
    '<path d="M3 21V5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v16"/><path d="M9 3v6M15 3v6M3 9h18" stroke-width="1" opacity=".55"/>'
    '<circle cx="12" cy="16" r="3.2" fill="currentColor" stroke="none"/></svg>'
)

_TEXTS: dict[str, dict[str, str]] = {
    "de": {
        "confirm": "Mit Schlüssel bestätigen",
        "confirm_first": "Bestätigen Sie den Vorgang mit Ihrem Schlüssel. Die Seite öffnet sich in einem neuen Fenster.",
        "confirm_then": "Kehren Sie hierher zurück und senden Sie das Formular noch einmal ab (Zurück-Taste, dann Absenden).",
        "confirm_once": "Die Bestätigung gilt einmal und nur für genau diesen Vorgang.",
        "send_again": "Kehren Sie hierher zurück und senden Sie dasselbe in den nächsten zwei Minuten noch einmal (Zurück, dann Senden).",
        "send_once": "Die Bestätigung gilt einmal: Anderer Inhalt oder ein anderes Ziel wird wieder angehalten.",
        "ask": "Um Zustimmung bitten",
        "ask_first": "Bitten Sie mit Ihrem Schlüssel um Zustimmung. Die Seite öffnet sich in einem neuen Fenster.",
        "ask_then": "Sobald andere zugestimmt haben, kehren Sie hierher zurück und senden dasselbe noch einmal (Zurück, dann Senden).",
        "ask_once": "Die Zustimmung gilt einmal, nur für Sie und nur eine Zeit lang: Anderer Inhalt oder ein anderes Ziel wird wieder "
        "angehalten.",
        "await": "Sehen, wie es steht",
        "why": "Warum?",
        "back": "Zurück zum CRM",
        "sign_in": "Zur Anmeldung",
        "again": "Noch einmal versuchen",
        "act": "Vorgang",
        "act_hint": "Nennen Sie diese Nummer, wenn Sie nachfragen.",
        "return_title": "Bestätigt",
        "return_text": "Ihr Schlüssel hat diesen Vorgang freigegeben. Ein Klick holt ihn jetzt ab; die Freigabe gilt einmal.",
        "return_go": "Weiter",
        "gone_title": "Hier ist nichts mehr offen",
        "gone_text": "Dieser Vorgang ist abgeschlossen, abgelaufen oder gehört zu einer anderen Anmeldung. "
        "Es ist nichts verloren: Starten Sie ihn im CRM einfach noch einmal.",
    },
    "en": {
        "confirm": "Confirm with your key",
        "confirm_first": "Confirm the act with your key. The page opens in a new window.",
        "confirm_then": "Come back here and send the form again (back button, then submit).",
        "confirm_once": "The confirmation counts once and for exactly this act.",
        "send_again": "Come back here and send the same again within two minutes (back button, then send).",
        "send_once": "The confirmation counts once: other content, or another place, is held again.",
        "ask": "Ask for approval",
        "ask_first": "Ask for approval with your key. The page opens in a new window.",
        "ask_then": "As soon as others have approved it, come back here and send the same again (back button, then send).",
        "ask_once": "The approval counts once, for you alone and for a while: other content, or another place, is held again.",
        "await": "See how it stands",
        "why": "Why?",
        "back": "Back to the CRM",
        "sign_in": "Go to the sign-in",
        "again": "Try again",
        "act": "Act",
        "act_hint": "Please give this number when you ask about it.",
        "return_title": "Confirmed",
        "return_text": "Your key has released this act. One click fetches it now; the release counts once.",
        "return_go": "Continue",
        "gone_title": "Nothing is open here any more",
        "gone_text": "This act has ended, expired, or belongs to another sign-in. Nothing is lost: simply start it again in the CRM.",
    },
}
_HEAD_MAX = 48
"""Characters of a sentence's opening (`Held, nothing is lost: …`) that may become the headline."""


def denial_page(refusal: Refusal) -> bytes:
    """The page for a person whose navigation was refused, or who has to confirm and send again.

    A refusal whose link leads to `/act/…` asks for the key; every other one links to its explanation.
    """
    texts = _texts(refusal.language)
    headline, sentence = headline_of(refusal)
    body = [f"<h1>{escape(headline)}</h1>", f'<p class="lead">{escape(sentence)}</p>']
    if _to_confirm(refusal):
        body += _steps(texts["confirm_first"], texts["confirm_then"], texts["confirm_once"])
        ways = [(refusal.link or "", texts["confirm"], True), ("/", texts["back"], False)]
    else:
        ways = [_first_way(refusal.status, texts)]
        if refusal.link:
            ways.append((refusal.link, texts["why"], False))
    return _document(refusal.language, headline, body, ways, refusal.act_id)


class Way(StrEnum):
    """What a person does on the page of an act, before the same is sent again."""

    CONFIRM = "confirm"
    ASK = "ask"
    """Others are asked to approve it."""
    AWAIT = "await"
    """Others were asked."""


def way_out_page(refusal: Refusal, way: Way = Way.CONFIRM) -> bytes:
    """In place of a foreign server's answer: what did not go out, and the way to its explanation, or to its confirmation.

    No way back: the page is not ours.
    """
    texts = _texts(refusal.language)
    headline, sentence = headline_of(refusal)
    body = [f"<h1>{escape(headline)}</h1>", f'<p class="lead">{escape(sentence)}</p>']
    if _to_confirm(refusal):
        match way:
            case Way.CONFIRM:
                body += _steps(texts["confirm_first"], texts["send_again"], texts["send_once"])
            case Way.ASK:
                body += _steps(texts["ask_first"], texts["ask_then"], texts["ask_once"])
            case Way.AWAIT:
                body += [f"<p>{escape(texts['ask_then'])}</p>", f"<p>{escape(texts['ask_once'])}</p>"]
        ways = [(refusal.link or "", texts[way], True)]
    else:
        ways = [(refusal.link, texts["why"], True)] if refusal.link else []
    return _document(refusal.language, headline, body, ways, refusal.act_id or None)


def return_page(act_id: str, language: str) -> bytes:
    """`/.torwart/go/ACT`: a page of the CRM's own site whose link loads the address, so that its SameSite=Strict cookie is sent."""
    texts = _texts(language)
    body = [f"<h1>{escape(texts['return_title'])}</h1>", f'<p class="lead">{escape(texts["return_text"])}</p>']
    return _document(
        language, texts["return_title"], body, [(f"/.torwart/open/{quote(act_id, safe='')}", texts["return_go"], False)], act_id
    )


def gone_page(language: str) -> bytes:
    """An act that is over, unknown, or another session's: one text for all three."""
    texts = _texts(language)
    body = [f"<h1>{escape(texts['gone_title'])}</h1>", f'<p class="lead">{escape(texts["gone_text"])}</p>']
    return _document(language, texts["gone_title"], body, [("/", texts["back"], False)], None)


def headline_of(refusal: Refusal) -> tuple[str, str]:
    """`Held, nothing is lost: this export needs your key.` becomes a headline and its sentence."""
    text = refusal.because.for_employee(refusal.language)
    head, colon, rest = text.partition(": ")
    if colon and len(head) <= _HEAD_MAX:
        return head, rest[:1].upper() + rest[1:]
    return refusal.title, text


def _to_confirm(refusal: Refusal) -> bool:
    """Its link leads to the page where the act is confirmed."""
    return refusal.link is not None and urlsplit(refusal.link).path.startswith("/act/")


def _steps(first: str, then: str, once: str) -> list[str]:
    return [f"<ol><li>{escape(first)}</li><li>{escape(then)}</li></ol>", f"<p>{escape(once)}</p>"]


def _first_way(status: int, texts: dict[str, str]) -> tuple[str, str, bool]:
    if status == 401:
        return ("/", texts["sign_in"], False)
    if status >= 500:
        return ("", texts["again"], False)
    return ("/", texts["back"], False)


def _texts(language: str) -> dict[str, str]:
    return _TEXTS.get(language, _TEXTS["en"])


def _document(language: str, title: str, body: list[str], ways: list[tuple[str, str, bool]], act_id: str | None) -> bytes:
    """`ways`: address, words, in a new window; the first one is the main button."""
    texts = _texts(language)
    buttons = "".join(
        f'<a class="button{" first" if place == 0 else ""}" href="{escape(address)}"'
        f"{' target="_blank" rel="noopener noreferrer"' if new_window else ''}>{escape(words)}</a>"
        for place, (address, words, new_window) in enumerate(ways)
    )
    foot = ""
    if act_id is not None:
        foot = f"<footer>{escape(texts['act'])} <code><bdi>{escape(act_id)}</bdi></code><br>{escape(texts['act_hint'])}</footer>"
    spoken = language if language in _TEXTS else "en"
    return (
        f'<!doctype html><html lang="{spoken}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} – Torwart</title><style>{_STYLE}</style></head>"
        f'<body><main><p class="mark">{_MARK}<span>Torwart</span></p>{"".join(body)}<p class="go">{buttons}</p>{foot}</main></body></html>'
    ).encode()
