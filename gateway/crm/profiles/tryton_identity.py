"""Who presents what: the secret part of Tryton's credentials, and nothing else of them (attacks X3).

Tryton ignores the user name beside a session's token and lets the cookie win over the header. So only the token is looked at, two
credentials are refused, and Basic is never sent on: it would let a REST key pass as a password under any name.
"""

from __future__ import annotations

import base64
import binascii
import re

from gateway.crm.profile import Credential, UnreadableError
from gateway.exchange import Request, Response

COOKIE = "tryton_session"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}")
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e\x80-\xff]+")
"""RFC 6265, section 4.1.1, and what browsers send for other letters; without quotes and backslashes, which Tryton would unfold."""
_SESSION_ENDED = re.compile(r"(?:^|;)\s*(?:max-age=0|expires=thu, 01 jan 1970)", re.IGNORECASE)


def present(request: Request, *, rest: bool) -> tuple[Credential | None, tuple[tuple[str, str], ...]]:
    """The credential of a call and the headers that carry it to the CRM. Raises UnreadableError for two, and for Basic."""
    cookie, authorization = session_cookie(request), request.header("authorization")
    if cookie is not None and authorization is not None:
        raise UnreadableError("two credentials")
    if rest:
        # Tryton's REST interface looks at the key alone; a cookie that a browser adds by itself is not sent on.
        return (None, ()) if authorization is None else (_bearer(authorization), (("authorization", authorization),))
    if cookie is not None:
        return Credential("session", _token(cookie)), (("cookie", f"{COOKIE}={cookie}"),)
    if authorization is not None:
        return Credential("token", _session_token(authorization)), (("authorization", authorization),)
    return None, ()


def session_cookie(request: Request) -> str | None:
    """The value of the CRM's own cookie as it was sent. Raises UnreadableError if there are two, or a quoted one."""
    found: list[str] = []
    for name, header in request.headers:
        if name != "cookie":
            continue
        for pair in header.split(";"):
            key, equals, value = pair.strip().partition("=")
            if key.strip().lower() == COOKIE:
                if key != COOKIE or not equals:
                    raise UnreadableError("cookie of the CRM")
                found.append(value)
    if not found or found == [""]:
        return None
    if len(found) > 1 or not _COOKIE_VALUE.fullmatch(found[0]):
        raise UnreadableError("cookie of the CRM")
    return found[0]


def replaced(request: Request) -> Credential | None:
    """The session that a sign-in still carries; None: none, or nothing that can be read in one way, which is nobody's anyway."""
    try:
        return present(request, rest=False)[0]
    except UnreadableError:
        return None


def issued(response: Response) -> str | None:
    """The token of the session cookie that an answer sets."""
    for name, value in response.headers:
        if name == "set-cookie" and value.startswith(f"{COOKIE}="):
            text = value.removeprefix(f"{COOKIE}=").partition(";")[0].strip('"')
            if text and not _SESSION_ENDED.search(value):
                return _token(text)
    return None


def is_token(value: object) -> bool:
    """True for a text that can be a token of Tryton."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _bearer(authorization: str) -> Credential:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not is_token(key):
        raise UnreadableError("authorization of a REST call")
    return Credential("api_key", key)


def _session_token(authorization: str) -> str:
    scheme, _, words = authorization.partition(" ")
    if scheme.lower() != "session":
        raise UnreadableError("authorization other than a session")
    try:
        text = base64.b64decode(words, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnreadableError("authorization") from error
    return _token(text)


def _token(session: str) -> str:
    """The token of `user:number:token`."""
    parts = session.rsplit(":", 2)
    if len(parts) != 3 or not parts[1].isdecimal() or not is_token(parts[2]):
        raise UnreadableError("session credential")
    return parts[2]
