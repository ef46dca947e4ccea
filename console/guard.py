"""What holds for every request to Torwart's host, whatever page it is for: host, origin, size, and the headers of the answer.

A pure ASGI layer around the whole application: a page that forgets something is still guarded (promises F90).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT_BYTES = 64 * 1024
"""An assertion with its extensions is a few kilobytes; what takes a file stands in `_LIMITS`."""
INTAKE = "/api/intake"
INTAKE_LIMIT_BYTES = 1024 * 1024
"""What agents deliver comes in batches of half of it, and one event is never larger (`agent.uplink`)."""
PEOPLE_IMPORT = "/people/import"
PEOPLE_IMPORT_LIMIT_BYTES = 1024 * 1024
"""A table of people, once as a file and once in base64 in a form (`console.pages.people_import`)."""
_LIMITS = {INTAKE: INTAKE_LIMIT_BYTES, PEOPLE_IMPORT: PEOPLE_IMPORT_LIMIT_BYTES}
"""Routes that take more than others."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_PERMISSIONS = (
    "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=(), payment=(), usb=()"
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": _PERMISSIONS,
}
COOKIE_LIMIT_BYTES = 8 * 1024
"""Of the header; ours are some hundred bytes, but what the firm's other hosts set for the whole domain comes too (promises B32)."""
_LENGTH_DIGITS = 12
_SAFE_METHODS = ("GET", "HEAD")
_METHODS = (*_SAFE_METHODS, "POST")


class Guard:
    """Refuses foreign hosts, foreign origins and large bodies; puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin
        self._host = urlsplit(origin).netloc
        self._https = origin.startswith("https://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # there are no web sockets here
        guarded = self._sender(scope, send)
        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        if refusal is not None:
            status, why = refusal
            await PlainTextResponse(why, status)(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, method: str, path: str, headers: Headers) -> tuple[int, str] | None:
        if headers.getlist("host") != [self._host]:
            return 421, "This host is not served here."
        if method not in _METHODS:
            return 405, "This method is not used here."
        if not _clear_cookies(headers.getlist("cookie")):
            return 400, "The cookies cannot be read in one way."
        if method in _SAFE_METHODS:
            return None
        if not self._same_origin(headers):
            return 403, "This request came from another site."
        length = headers.get("content-length")
        if length is None or not length.isdecimal():
            return 411, "The request must say its length."
        limit = _LIMITS.get(path, BODY_LIMIT_BYTES)
        return (413, "The request is too large.") if len(length) > _LENGTH_DIGITS or int(length) > limit else None

    def _same_origin(self, headers: Headers) -> bool:
        """Browsers say where a request comes from; what does not say it must at least name our origin.

        Our own forms say `Origin: null`: so the Fetch standard has it for pages with `Referrer-Policy: no-referrer`.
        """
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is None:
            return origin == self._origin
        return site == "same-origin" and origin in (None, "null", self._origin)

    def _sender(self, scope: Scope, send: Send) -> Send:
        static = scope["path"].startswith("/static/")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["cache-control"] = "no-cache" if static else "no-store"
                if self._https:
                    headers["strict-transport-security"] = "max-age=63072000"
            await send(message)

        return guarded


def _clear_cookies(lines: list[str]) -> bool:
    """False for cookies that are too large, or where one of ours comes twice: which of them is meant would be a guess."""
    names = [pair.partition("=")[0].strip() for line in lines for pair in line.split(";")]
    ours = [name for name in names if "torwart" in name.lower()]
    return sum(map(len, lines)) < COOKIE_LIMIT_BYTES and len(ours) == len(set(ours))
