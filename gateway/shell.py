"""What is added to the CRM's own answers: the script that shows held acts, and the headers that keep keys off the CRM's origin."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from html import escape
from html.parser import HTMLParser

from gateway.csp import OWN_PATHS, SCRIPT, admitted
from gateway.exchange import Response

SCRIPT_PATH = OWN_PATHS + SCRIPT
NO_KEYS_HERE = ("permissions-policy", "publickey-credentials-get=(), publickey-credentials-create=()")
"""Keys are used on Torwart's own host only (attacks X1): on the CRM's origin `navigator.credentials` must fail."""
_HEAD_END = re.compile(rb"</head\s*>", re.IGNORECASE)
_IN_HEAD = re.compile(rb"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<meta\b[^>]*>", re.IGNORECASE | re.DOTALL)
"""A `meta` in a script's text is none."""
_POLICIES = ("content-security-policy", "content-security-policy-report-only")
"""Of the second kind too: our script must not look like an attack in the CRM's reports."""


def guarded(response: Response) -> Response:
    """Any answer on the CRM's host, with the permissions policy that forbids key ceremonies there."""
    headers = tuple((k, v) for k, v in response.headers if k != NO_KEYS_HERE[0])
    return replace(response, headers=(*headers, NO_KEYS_HERE))


def cleared(response: Response) -> Response:
    """An answer after which the browser keeps nothing of the CRM's host but its cookies (W3C Clear Site Data; browsers obey it over https).

    The sign-in itself stays: it works again when a freeze is lifted.
    """
    return replace(response, headers=(*response.headers, ("clear-site-data", '"cache", "storage"')))


@dataclass(frozen=True, slots=True)
class Shell:
    """Puts our script into the pages that the profile names. `place`: host and port under which people reach the CRM."""

    place: str

    def with_script(self, response: Response) -> Response:
        """A shell page of the CRM with our script in its head; any other answer as it is."""
        if response.status != 200 or not (response.header("content-type") or "").lower().startswith("text/html"):
            return response
        end = _HEAD_END.search(response.body)
        if end is None:
            return response
        nonce = secrets.token_urlsafe(16)
        headers = tuple((name, admitted(value, nonce, self.place) if name in _POLICIES else value) for name, value in response.headers)
        head = _IN_HEAD.sub(lambda found: self._meta(found[0], nonce), response.body[: end.start()])
        tag = f'<script src="{SCRIPT_PATH}" defer nonce="{nonce}"></script>'.encode()
        return replace(response, headers=headers, body=head + tag + response.body[end.start() :])

    def _meta(self, tag: bytes, nonce: str) -> bytes:
        """A policy that stands in the page itself counts as much as one in the head of the answer."""
        if not tag.lower().startswith(b"<meta"):
            return tag
        found = _Meta()
        found.feed(tag.decode("latin-1"))
        if found.policy is None:
            return tag
        policy = escape(admitted(found.policy, nonce, self.place))
        return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'.encode("latin-1")


class _Meta(HTMLParser):
    """Reads one tag."""

    policy: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if (about.get("http-equiv") or "").lower() == _POLICIES[0]:
            self.policy = about.get("content") or ""
