"""The route of one exchange with the CRM, from top to bottom: one pass down, one pass up, one record, on disk before the first byte.

`before` reads the request, finds the person, asks the policy and either answers or forwards. `after` takes the CRM's answer, asks again
with the records in hand, holds for a touch where one is missing, records, trims, masks and releases. No proxy library is known here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import assert_never

from audit_store.event import EventAction, Phase, access_event, plain_event
from audit_store.history import History
from audit_store.spool import SpoolError
from auth.assignments import Assignments
from auth.directory import Directory
from auth.sessions import Sessions
from gateway.crm.profile import Answer, Call, CallKind, Client, Delivered, Profile, Refusal, UninspectableError, UnreadableError
from gateway.exchange import Forward, Reply, Request, Response, Step
from gateway.listener import Listener
from gateway.questions import Judged, Questions, obligations
from gateway.record import Record
from gateway.refusals import Refusals, first_reason
from gateway.reserved import Reserved
from gateway.shell import guarded, with_script
from gateway.touch import Touch
from policies import reasons
from policies.decision import Allow, Challenge, Deny
from policies.effect import is_export
from policies.reasons import Because
from policies.request import Action, Principal, Status

WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE, Action.REASSIGN, Action.COPY, Action.SHARE, Action.GRANT_ACCESS})


@dataclass(slots=True)
class State:
    """What `before` hands to `after`."""

    act_id: str
    request: Request
    call: Call
    principal: Principal | None = None
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Handler:
    """Everything the route needs, made once per process (`gateway.commands`)."""

    profile: Profile
    directory: Directory
    sessions: Sessions
    assignments: Assignments
    history: History
    questions: Questions
    touch: Touch
    record: Record
    refusals: Refusals
    reserved: Reserved
    listener: Listener
    now: Callable[[], datetime]

    async def before(self, request: Request) -> Step:
        """Judge a request. Never raises for what a client sent; anything that it raises is a fault, and the guard denies."""
        act_id = secrets.token_urlsafe(16)
        self.directory.refresh()
        if request.path == "/.torwart" or request.path.startswith("/.torwart/"):
            return Reply(guarded(await self.reserved.answer(request)))
        try:
            call = self.profile.read(request)
        except UnreadableError as error:
            reason = reasons.UNKNOWN_ROUTE if error.unknown else reasons.UNREADABLE
            return await self._refused(act_id, request, None, Because(reason, {"what": error.what}))
        if call.kind is not CallKind.PUBLIC and _foreign(request):
            return await self._refused(act_id, request, call, Because(reasons.CROSS_SITE))
        state = State(act_id, request, call)
        match call.kind:
            case CallKind.PUBLIC:
                return Forward(call.upstream, state)
            case CallKind.LOGIN:
                return await self._login(state)
            case CallKind.LOGOUT | CallKind.SYSTEM | CallKind.DATA:
                return await self._known(state)
        assert_never(call.kind)

    async def after(self, state: object, response: Response) -> Response:
        """Judge the CRM's answer and give what may go out. The record is on disk when this returns."""
        if not isinstance(state, State):
            raise TypeError("an answer without the state of its request")
        try:
            return guarded(await self._after(state, response))
        except UninspectableError as error:
            return await self._denied(state, Deny((Because(reasons.UNINSPECTABLE, {"what": error.what}),)))
        except SpoolError:
            return self._told(state, self.refusals.denied(Because(reasons.NOT_RECORDED), state.act_id))

    async def upstream_failed(self, state: object, what: str) -> Response:
        """The CRM did not answer, or not understandably: a clear page and no bytes. `what` names structure only."""
        if not isinstance(state, State):
            raise TypeError("a failure without the state of its request")
        return await self._denied(state, Deny((Because(reasons.UPSTREAM_DOWN, {"what": what}),)))

    def disconnected(self, connection_id: str) -> None:
        """The client has gone: what it waits for ends unconfirmed."""
        self.touch.holds.disconnected(connection_id)

    # down: who asks, and may it be asked?

    async def _login(self, state: State) -> Step:
        person_id = self.directory.person_of_account(state.call.account or "")
        if person_id is None:
            return await self._refused(state.act_id, state.request, state.call, Because(reasons.NO_PRINCIPAL, {"what": "account of nobody"}))
        person = self.directory.person(person_id)
        if person.frozen or person.status is Status.GONE:
            await self.record(plain_event(EventAction.LOGIN_FAILED, at=self.now(), pseudonym=person.pseudonym, outcome="failure"))
            return Reply(self._told(state, self.refusals.denied(Because(reasons.FROZEN), state.act_id, person.language)))
        state.principal = person
        return Forward(state.call.upstream, state)

    async def _known(self, state: State) -> Step:
        principal, call = self._principal(state.call), state.call
        if principal is None:
            return await self._refused(state.act_id, state.request, call, Because(reasons.NO_PRINCIPAL, {"what": "no session seen by us"}))
        state.principal = principal
        state.judged = judged = self.questions.before(state.act_id, principal, call, state.request)
        match judged.decision:
            case Deny() as denial:
                return Reply(await self._denied(state, denial))
            case Challenge() as challenge:
                outcome = await self.touch.ask(state.act_id, call, state.request, judged, challenge)
                if isinstance(outcome, Refusal):
                    return Reply(self._told(state, outcome))
                principal = self._principal(call)
                if principal is None:
                    return Reply(self._told(state, self.refusals.not_confirmed(state.act_id, None)))
                state.judged = judged = self.questions.again(judged, proof=outcome, principal=principal, act_id=outcome.grant_id)
                if not isinstance(judged.decision, Allow):
                    return Reply(await self._denied(state, _as_denial(judged.decision)))
            case Allow():
                pass
        duties = obligations(judged.decision)
        if duties is not None:
            state.call = call = self.profile.with_obligations(call, duties)
        if call.action in WRITES:
            touched = frozenset(call.resource.ids or ())
            self.history.note(principal.pseudonym, self.now(), deleted=touched if call.action is Action.DELETE else frozenset())
            await self.record(access_event(judged.question, judged.decision, phase=Phase.ALLOWED, route=call.route))
        return Forward(call.upstream, state)

    # up: what came back, and may it go out?

    async def _after(self, state: State, response: Response) -> Response:
        call = state.call
        match call.kind:
            case CallKind.PUBLIC:
                response = self.profile.scrub(call, response)
                return with_script(response) if self.profile.is_shell(state.request) else response
            case CallKind.LOGIN:
                return await self._logged_in(state, response)
            case CallKind.LOGOUT:
                await self._logged_out(state)
                return self.profile.scrub(call, response)
            case CallKind.SYSTEM:
                response = self.profile.scrub(call, response)
                await self._record_system(state, response)
                return response
            case CallKind.DATA:
                return await self._data(state, response)
        assert_never(call.kind)

    async def _data(self, state: State, response: Response) -> Response:
        answer = self.profile.answer(state.call, response)
        self._learn(state, answer)
        principal = self._principal(state.call)  # again: withdrawal acts while the CRM was still thinking
        if principal is None or state.judged is None:
            return await self._denied(state, Deny((Because(reasons.NO_PRINCIPAL, {"what": "session ended meanwhile"}),)))
        question = replace(state.judged.question, principal=principal)
        if question.action in WRITES:  # a write's answer is judged as a read (attacks X4)
            question = replace(question, action=Action.READ if len(answer.ids) == 1 else Action.LIST, proof=None)
        judged = self.questions.with_answer(question, state.call, answer)
        match judged.decision:
            case Deny() as denial:
                return await self._denied(_judged(state, judged), denial)
            case Challenge() as challenge:
                outcome = await self.touch.ask(state.act_id, state.call, state.request, judged, challenge)
                if isinstance(outcome, Refusal):
                    return self._told(state, outcome)
                self.directory.refresh()
                principal = self._principal(state.call)
                if principal is None:
                    return self._told(state, self.refusals.not_confirmed(state.act_id, None))
                judged = self.questions.with_answer(replace(question, principal=principal, proof=outcome, act_id=outcome.grant_id), state.call, answer)
                if not isinstance(judged.decision, Allow):
                    return await self._denied(_judged(state, judged), _as_denial(judged.decision))
            case Allow():
                pass
        return await self._release(state, judged, answer)

    async def _release(self, state: State, judged: Judged, answer: Answer) -> Response:
        duties = obligations(judged.decision)
        if duties is None:
            raise TypeError("a denial is not released")
        delivered = answer.release(duties)
        question, now = judged.question, self.now()
        exported = delivered.shown if is_export(question, self.questions.policy()) else frozenset()
        card = next(iter(delivered.shown)) if question.action is Action.READ and len(delivered.shown) == 1 else None
        # Counted before the record is awaited: of two answers under way at once, the second must see the first.
        self.history.note(
            question.principal.pseudonym, now, shown=delivered.shown, taken=delivered.taken, exported=exported, deleted=frozenset(), card=card
        )
        await self.record(
            access_event(
                question,
                judged.decision,
                phase=Phase.RELEASED,
                shown=delivered.shown,
                taken=delivered.taken,
                rows=delivered.rows,
                fields=delivered.fields,
                route=state.call.route,
                bytes_out=len(delivered.response.body),
                digest=sha256(delivered.response.body).hexdigest() if exported else None,
                http_status=delivered.response.status,
            )
        )
        return delivered.response

    # what else happens on the way

    def _principal(self, call: Call) -> Principal | None:
        session = self.directory.session(call.credential.secret) if call.credential else None
        return self.directory.principal(session) if session else None

    def _learn(self, state: State, answer: Answer) -> None:
        """Owners named in the answer and clients just created enter the books before the answer is judged."""
        if answer.owners:
            people = {client: self.directory.person_of_account(owner) if owner else None for client, owner in answer.owners.items()}
            self.assignments.seen_owner({c: p for c, p in people.items() if self.directory.owner(c) != p})
        if answer.created and state.principal is not None:
            self.assignments.created(answer.created, state.principal.id, self.now())
        if state.call.action is Action.DELETE and answer.deleted:
            self.assignments.removed(answer.deleted)
        self.directory.refresh()

    async def _logged_in(self, state: State, response: Response) -> Response:
        issued, person = self.profile.credential_issued(state.call, response), state.principal
        if issued is not None and person is not None:
            credential, account = issued
            await self.record(plain_event(EventAction.LOGIN, at=self.now(), pseudonym=person.pseudonym, act_id=state.act_id))
            session = self.sessions.bind(credential.secret, credential.kind, person.id, account)
            return self.listener.give(self.profile.scrub(state.call, response), session.id)
        if person is not None:
            event = plain_event(EventAction.LOGIN_FAILED, at=self.now(), pseudonym=person.pseudonym, outcome="failure")
            await self.record(event)
        return self.profile.scrub(state.call, response)

    async def _logged_out(self, state: State) -> None:
        if state.principal is not None and state.principal.session_id is not None:
            await self.record(plain_event(EventAction.LOGOUT, at=self.now(), pseudonym=state.principal.pseudonym))
            self.sessions.end(state.principal.session_id, "logout")

    async def _record_system(self, state: State, response: Response) -> None:
        if state.judged is not None:
            out = len(response.body)
            judged = state.judged
            await self.record(access_event(judged.question, judged.decision, phase=Phase.RELEASED, route=state.call.route, bytes_out=out))

    async def _refused(self, act_id: str, request: Request, call: Call | None, because: Because) -> Step:
        """A request that is not even judged: unreadable, unknown, foreign, nobody's."""
        principal = self._principal(call) if call else None
        refusal = self.refusals.denied(because, act_id, principal.language if principal else None)
        try:
            await self.record.refused(because, act_id, call.route if call else "unknown", principal)
        except SpoolError:
            refusal = self.refusals.denied(Because(reasons.NOT_RECORDED), act_id)
        return Reply(guarded(self.profile.refuse(call, request, refusal)))

    async def _denied(self, state: State, denial: Deny) -> Response:
        because = first_reason(denial.reasons, reasons.NOT_FOR_YOU)
        language = state.principal.language if state.principal else None
        refusal = self.refusals.denied(because, state.act_id, language)
        try:
            if state.judged is None:
                await self.record.refused(because, state.act_id, state.call.route, state.principal)
            else:
                question = state.judged.question
                await self.record(access_event(question, denial, phase=Phase.DENIED, route=state.call.route, http_status=refusal.status))
        except SpoolError:
            refusal = self.refusals.denied(Because(reasons.NOT_RECORDED), state.act_id, language)
        return self._told(state, refusal)

    def _told(self, state: State, refusal: Refusal) -> Response:
        return guarded(self.profile.refuse(state.call, state.request, refusal))


def _foreign(request: Request) -> bool:
    """True for embedded, prefetched and cross-site requests other than a top-level navigation (attacks X16)."""
    if "prefetch" in (request.header("sec-purpose") or request.header("purpose") or ""):
        return True
    site, dest = request.header("sec-fetch-site"), request.header("sec-fetch-dest")
    if site is None:
        return False
    navigates = request.header("sec-fetch-mode") == "navigate" and dest == "document" and request.method == "GET"
    if site in ("cross-site", "same-site"):
        return not navigates
    return dest not in (None, "empty", "document")


def _as_denial(decision: Challenge | Deny) -> Deny:
    """After a touch: whatever still is not an Allow goes beyond what was signed, and no byte goes out."""
    match decision:
        case Deny():
            return decision
        case Challenge():
            return Deny((Because(reasons.NOT_WHAT_WAS_SIGNED),), decision.rules)


def _judged(state: State, judged: Judged) -> State:
    state.judged = judged
    return state
