"""How a denial or an unanswerable challenge is told: status, headers and links, before the profile gives it the client's own shape."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.crm.profile import Client, Refusal
from policies import reasons
from policies.reasons import Because, Reason

STEP_UP_CHALLENGE = 'Bearer error="insufficient_user_authentication", error_description="A hardware key must confirm this act", max_age="0"'
"""`WWW-Authenticate` of RFC 9470, section 3: the act itself has to be confirmed (`max_age=0`)."""

_STATUS: dict[str, int] = {
    reasons.NO_PRINCIPAL.code: 401,
    reasons.TOO_MANY_LOGINS.code: 429,
    reasons.UNREADABLE.code: 400,
    reasons.UNINSPECTABLE.code: 502,
    reasons.UPSTREAM_DOWN.code: 502,
    reasons.INTERNAL_ERROR.code: 503,
    reasons.NOT_RECORDED.code: 503,
    reasons.NOT_WITNESSED.code: 503,
}
_TITLES = {
    "held": {"de": "Angehalten", "en": "Held"},
    "sign-in": {"de": "Anmelden", "en": "Sign in"},
    "fault": {"de": "Gerade nicht möglich", "en": "Not possible right now"},
}


@dataclass(frozen=True, slots=True)
class Refusals:
    """Makes refusals with links to Torwart's own host."""

    torwart_url: str
    language: str
    """The installation's language, for people who are not known."""

    def denied(self, because: Because, act_id: str, language: str | None = None) -> Refusal:
        """A denial; nothing about the records is said."""
        status = _STATUS.get(because.reason.code, 403)
        kind = "sign-in" if status == 401 else "fault" if status >= 500 else "held"
        return self._refusal(status, because, act_id, language, kind, self.why(act_id))

    def not_confirmed(self, act_id: str, language: str | None) -> Refusal:
        """A held act that was not confirmed in time."""
        return self._refusal(403, Because(reasons.NOT_CONFIRMED), act_id, language, "held", self.why(act_id))

    def challenge(self, because: Because, act_id: str, language: str | None, client: Client, *, get: bool) -> Refusal:
        """A challenge to a client whose page does not listen: it goes to the act's page, or confirms and repeats (`step-up.md`)."""
        link = self.act(act_id)
        if client is Client.PAGE and get:
            return self._refusal(303, because, act_id, language, "held", link, (("location", link),))
        if client is Client.SCRIPT:
            return self._refusal(401, because, act_id, language, "held", link, (("www-authenticate", STEP_UP_CHALLENGE),))
        return self._refusal(403, because, act_id, language, "held", link)

    def act(self, act_id: str) -> str:
        """The page where the act is confirmed."""
        return f"{self.torwart_url}/act/{act_id}"

    def why(self, act_id: str) -> str:
        """The page that explains what happened to the act."""
        return f"{self.torwart_url}/why/{act_id}"

    def _refusal(
        self,
        status: int,
        because: Because,
        act_id: str,
        language: str | None,
        kind: str,
        link: str,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Refusal:
        spoken = language or self.language
        title = _TITLES[kind].get(spoken, _TITLES[kind]["en"])
        return Refusal(status, because, act_id, spoken, link, title, headers)


def first_reason(because: tuple[Because, ...], otherwise: Reason) -> Because:
    """The reason that is told: the first one given."""
    return because[0] if because else Because(otherwise)
