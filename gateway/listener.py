"""The cookie by which a page of the CRM's host may ask for the held acts of its own session.

The CRM's session cookie may be bound to a path that `/.torwart` is not below (Tryton's is), so the gateway gives one of its own at the
sign-in. It opens nothing but the list of held acts and their cancellation, never reaches the CRM, and holds no secret of the CRM.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from http.cookies import CookieError, SimpleCookie

from gateway.exchange import Request, Response

COOKIE = "torwart_listen"
LIFETIME_SECONDS = 30 * 24 * 3600
"""As long as Tryton's own cookie lives; the session behind it usually ends earlier."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Makes and reads the cookie: `SESSION_ID.MAC`."""

    key: bytes = field(repr=False)
    secure: bool
    """The CRM's public name is reached by https."""

    def give(self, response: Response, session_id: str) -> Response:
        """The sign-in's answer with the cookie."""
        secure = "; Secure" if self.secure else ""
        value = (
            f"{COOKIE}={session_id}.{self._mac(session_id)}; Path=/.torwart; HttpOnly; SameSite=Strict; Max-Age={LIFETIME_SECONDS}{secure}"
        )
        return replace(response, headers=(*response.headers, ("set-cookie", value)))

    def session_id(self, request: Request) -> str | None:
        """The session that a request of our own path speaks for, None without a genuine cookie."""
        jar = SimpleCookie()
        try:
            jar.load(request.header("cookie") or "")
        except CookieError:
            return None
        if COOKIE not in jar:
            return None
        session_id, _, mac = jar[COOKIE].value.rpartition(".")
        return session_id if hmac.compare_digest(mac.encode(), self._mac(session_id).encode()) else None

    def _mac(self, session_id: str) -> str:
        return blake2b(session_id.encode(), key=self.key, person=b"torwart-listen", digest_size=20).hexdigest()
