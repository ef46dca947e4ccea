"""Sign-ins at the CRM: the person behind a credential is known because the gateway itself saw the answer that issued it (attacks X3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from audit_store.event import EventAction, plain_event
from auth.directory import Directory
from auth.sessions import API_KEY, LOGOUT, Sessions
from auth.unmapped import Unmapped
from gateway.crm.profile import Call, CallKind, Profile
from gateway.exchange import Response
from gateway.listener import Listener
from gateway.login_limit import LogInLimit
from gateway.record import Record
from policies import reasons
from policies.reasons import Because
from policies.request import Principal, Status

RENEWED, CRM = "renewed", "crm"
"""Why a session ended: its client signed in anew; the CRM does not know it any more."""
_UNAUTHENTICATED = 401


@dataclass(frozen=True, slots=True)
class SignIn:
    """Binds credentials to people and ends them."""

    profile: Profile
    directory: Directory
    sessions: Sessions
    unmapped: Unmapped
    listener: Listener
    record: Record
    now: Callable[[], datetime]
    limit: LogInLimit = field(default_factory=LogInLimit)

    def principal(self, call: Call | None) -> Principal | None:
        """The person of the credential that a call carries, as they stand now; None: nobody that we saw sign in."""
        session = self.directory.session(call.credential.secret) if call and call.credential else None
        return self.directory.principal(session) if session else None

    def was_cut(self, call: Call | None) -> bool:
        """Whether a call comes with a credential that was taken away from its person (attacks X19)."""
        return call is not None and call.credential is not None and self.sessions.was_cut(call.credential.secret)

    def candidate(self, call: Call, source: str) -> Principal | Because:
        """Who is signing in from this address, or why not: an account of nobody, or of somebody who may not, or too many failures."""
        account = self._named(call)
        if self.limit.reached(account, source):
            return Because(reasons.TOO_MANY_LOGINS)
        found = self._person(call)
        if not isinstance(found, Principal):
            self.limit.failed(account, source)
        return found

    def _named(self, call: Call) -> str:
        """The account without its spelling: Tryton and we compare it as it is, an attempt counts however it is written."""
        return (call.account or "").casefold()

    def _person(self, call: Call) -> Principal | Because:
        person_id = self.directory.person_of_account(call.account or "")
        if person_id is None:
            self.unmapped.heard(call.account or "")
            return Because(reasons.NO_PRINCIPAL, {"what": "account of nobody"})
        person = self.directory.person(person_id)
        return Because(reasons.FROZEN) if person.frozen or person.status is Status.GONE else person

    async def answered(self, call: Call, person: Principal, act_id: str, response: Response, source: str) -> Response:
        """The CRM has answered a sign-in from this address: bind what it issued. Raises SpoolError."""
        issued = self.profile.credential_issued(call, response)
        said = self.profile.scrub(call, response)
        if issued is None:
            if not self.profile.asks_on(call, response):
                self.limit.failed(self._named(call), source)
                await self.record(
                    plain_event(EventAction.LOGIN_FAILED, at=self.now(), pseudonym=person.pseudonym, outcome="failure", act_id=act_id)
                )
            return said
        credential, account = issued
        self.limit.succeeded(self._named(call), source)
        await self.record(plain_event(EventAction.LOGIN, at=self.now(), pseudonym=person.pseudonym, act_id=act_id))
        session = self.sessions.bind(credential.secret, credential.kind, person.id, account)
        if call.replaces is not None and call.replaces.secret != credential.secret:
            before = self.directory.session(call.replaces.secret)
            if before is not None:
                self.sessions.end(before.id, RENEWED)
        # Only a browser with the CRM's pages listens for held acts.
        return self.listener.give(said, session.id) if credential.kind == "session" else said

    def refused_by_crm(self, call: Call, person: Principal | None, response: Response) -> None:
        """End a session that the CRM does not know any more: it ran out, the password was changed, an administrator ended it. Recorded.

        Raises SpoolError. A key of an interface stays: the CRM says no to one of them also where only the interface is not its own.
        """
        if response.status != _UNAUTHENTICATED or person is None or person.session_id is None:
            return
        if call.kind not in (CallKind.LOGIN, CallKind.LOGOUT) and call.credential is not None and call.credential.kind != API_KEY:
            self.sessions.end(person.session_id, CRM)

    async def ended(self, person: Principal) -> None:
        """A sign-out: the credential is dead here, whatever the CRM does with it. Raises SpoolError."""
        if person.session_id is not None:
            await self.record(plain_event(EventAction.LOGOUT, at=self.now(), pseudonym=person.pseudonym))
            self.sessions.end(person.session_id, LOGOUT)
