"""What the proxy answers in place of a server: a page for a person, an RFC 9457 problem document for a program.

Nothing in it depends on what was found: the answers for one client and for nine are the same but for the number of the act (attacks X11).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

import orjson

from gateway.crm.profile import Client, Refusal
from gateway.exchange import Response
from gateway.forward.framing import Asked
from gateway.pages import PAGE_HEADERS, Way, way_out_page
from gateway.refusals import Refusals
from policies.reasons import PLACE_REFUSED, Because, Reason

REALM = "Torwart"
_PROBLEM = (("content-type", "application/problem+json"), ("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
_LOG_IN = {
    "de": "Dieser Proxy verlangt eine Anmeldung: das Kennwort, das Sie dafür bekommen haben.",
    "en": "This proxy needs a log-in: the password that you were given for it.",
}
_CONFIRM = {
    "de": "Angehalten, nichts gesendet: Bestätigen Sie, dann senden Sie noch einmal.",
    "en": "Held, nothing was sent: confirm, then send it again.",
}
_ASK = {
    "de": "Angehalten, nichts gesendet: Andere müssen zustimmen. Bitten Sie darum, und senden Sie noch einmal, sobald sie es getan haben.",
    "en": "Held, nothing was sent: others have to approve it. Ask them, and send it again as soon as they have.",
}
_AWAIT = {
    "de": "Angehalten, nichts gesendet: Sie haben um Zustimmung dazu gebeten, die Antwort steht noch aus.",
    "en": "Held, nothing was sent: you have asked for its approval, and the answer is not there yet.",
}
_HELD = Because(Reason("confirm_and_send_again", _CONFIRM, _CONFIRM))
"""In place of the rule's own sentence, which stands on the page of the act."""
_OTHERS = Because(Reason("ask_and_send_again", _ASK, _ASK))
_WAITS = Because(Reason("answer_awaited", _AWAIT, _AWAIT))


@dataclass(frozen=True, slots=True)
class Answers:
    """Makes answers with links to Torwart's own host."""

    refusals: Refusals

    def stopped(self, asked: Asked | None, because: Because, act_id: str, language: str | None, *, status: int | None = None) -> Response:
        """What the client is told; `asked` None: a tunnel, or a request that could not be read."""
        refusal = self.refusals.denied(because, act_id, language)
        if status is not None:
            refusal = replace(refusal, status=status)
        return self._shown(asked, refusal)

    def held(self, asked: Asked, act_id: str, language: str | None) -> Response:
        """What waits to be confirmed and sent again, with the way to the page of the act.

        403 for programs too: the foreign page behind the request would take a 401 for its own server's, and its log-in for over.
        """
        return self._shown(asked, self.refusals.challenge(_HELD, act_id, language, Client.PAGE, get=False))

    def consent(self, asked: Asked, act_id: str, language: str | None, *, waits: bool) -> Response:
        """What others have to approve, with the way to the page of the act, where the person asks them or sees how it stands (`waits`)."""
        because, way = (_WAITS, Way.AWAIT) if waits else (_OTHERS, Way.ASK)
        return self._shown(asked, self.refusals.challenge(because, act_id, language, Client.PAGE, get=False), way)

    def nowhere(self, asked: Asked | None, language: str | None) -> Response:
        """The name service does not know that name; there is no act to ask about."""
        because = Because(PLACE_REFUSED, {"what": "name without an address"})
        refusal = replace(self.refusals.denied(because, "", language), status=502, link=None)
        return self._shown(asked, refusal)

    def log_in(self, asked: Asked | None) -> Response:
        """Ask for the log-in (RFC 9110, section 15.5.8). Programs show their own window, so this is a line of text."""
        title = HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
        detail = _LOG_IN.get(self.refusals.language, _LOG_IN["en"])
        document = {"type": "about:blank", "title": title.phrase, "status": title.value, "detail": detail}
        return Response(title.value, (*_PROBLEM, ("proxy-authenticate", f'Basic realm="{REALM}", charset="UTF-8"')), orjson.dumps(document))

    def _shown(self, asked: Asked | None, refusal: Refusal, way: Way = Way.CONFIRM) -> Response:
        if asked is not None and asked.is_page:
            return Response(refusal.status, PAGE_HEADERS, way_out_page(refusal, way))
        document = {
            "type": "about:blank",
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.because.for_employee(refusal.language),
        }
        if refusal.act_id:
            document |= {"act": refusal.act_id, "link": refusal.link}
        return Response(refusal.status, _PROBLEM, orjson.dumps(document))
