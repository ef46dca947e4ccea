"""What is added to the CRM's own answers: the script that shows held acts, and the headers that keep keys off the CRM's origin."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from gateway.exchange import Headers, Response

SCRIPT_PATH = "/.torwart/page.js"
NO_KEYS_HERE = ("permissions-policy", "publickey-credentials-get=(), publickey-credentials-create=()")
"""Keys are used on Torwart's own host only (attacks X1): on the CRM's origin `navigator.credentials` must fail."""
_HEAD_END = re.compile(rb"</head\s*>", re.IGNORECASE)
_SCRIPT_SOURCES = ("script-src-elem", "script-src", "default-src")


def guarded(response: Response) -> Response:
    """Any answer on the CRM's host, with the permissions policy that forbids key ceremonies there."""
    headers = tuple((k, v) for k, v in response.headers if k != NO_KEYS_HERE[0])
    return replace(response, headers=(*headers, NO_KEYS_HERE))


def with_script(response: Response) -> Response:
    """A shell page of the CRM with our script in its head; any other answer as it is."""
    if response.status != 200 or not (response.header("content-type") or "").lower().startswith("text/html"):
        return response
    place = _HEAD_END.search(response.body)
    if place is None:
        return response
    nonce = secrets.token_urlsafe(16)
    headers, needs_nonce = _admitted(response.headers, nonce)
    attribute = f' nonce="{nonce}"' if needs_nonce else ""
    tag = f'<script src="{SCRIPT_PATH}" defer{attribute}></script>'.encode()
    return replace(response, headers=headers, body=response.body[: place.start()] + tag + response.body[place.start() :])


def _admitted(headers: Headers, nonce: str) -> tuple[Headers, bool]:
    """The CRM's content security policy with our script's nonce, never `unsafe-inline` (attacks X18)."""
    changed = False
    result = []
    for name, value in headers:
        if name == "content-security-policy":
            directives = [part.strip() for part in value.split(";") if part.strip()]
            for source in _SCRIPT_SOURCES:
                at = next((i for i, d in enumerate(directives) if d.split()[0].lower() == source), None)
                if at is not None:
                    words = [w for w in directives[at].split()[1:] if w != "'none'"]
                    directives[at] = " ".join((source, *words, f"'nonce-{nonce}'"))
                    changed = True
                    break
            value = "; ".join(directives)
        result.append((name, value))
    return tuple(result), changed
