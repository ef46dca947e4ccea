"""The route of one exchange with the CRM, from top to bottom: one pass down, one pass up, one record, on disk before the first byte.

`before` reads the request, finds the person, asks the policy and either answers or forwards. `after` takes the CRM's answer, asks again
with the records in hand, holds for a touch where one is missing, records, trims, masks and releases. No proxy library is known here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from audit_store.event import Phase, new_id
from audit_store.followers import Followers
from audit_store.history import History, deed
from audit_store.outside import NotWitnessedError
from audit_store.spool import SpoolError
from audit_store.turns import Turns
from auth.directory import Directory
from detectors.client_index.learner import Learner
from gateway.approving import Approving, version_of
from gateway.attributes import Attributes
from gateway.books import Books
from gateway.crm.profile import Answer, Call, CallKind, Profile, Refusal, UninspectableError, UnreadableError
from gateway.exchange import Forward, Reply, Request, Response, Step
from gateway.exports import Exports
from gateway.foreign import is_foreign
from gateway.questions import Judged, Questions, obligations
from gateway.record import Record
from gateway.refusals import Refusals, first_reason
from gateway.reserved import PREFIX, Reserved
from gateway.shell import Shell, cleared, guarded
from gateway.signin import SignIn
from gateway.touch import Touch
from policies import reasons
from policies.attributes import ResourceType
from policies.decision import Allow, Challenge, Deny
from policies.effect import EXPORTS
from policies.masks import masking
from policies.needs import to_ask
from policies.plan import PlanKind
from policies.reasons import Because
from policies.request import WRITES, Action, ApprovalProof, ClientId, KeyProof, Principal, Proof

NOBODY: frozenset[ClientId] = frozenset()
_NUMBERS = frozenset({"id"})
"""The one field that shows nothing of a client, and may be asked by."""


@dataclass(slots=True)
class State:
    """What `before` hands to `after`."""

    act_id: str
    request: Request
    call: Call
    principal: Principal | None = None
    judged: Judged | None = None
    attributes: Attributes = field(default_factory=Attributes)
    reading: tuple[ClientId, ...] = ()
    """Clients whose attributes are being read; empty: the answer to the call itself is awaited."""
    answer: Answer | None = None
    """The CRM's answer, while the attributes of its clients are being read."""
    weight: int = 0
    """Bytes of the CRM's answer, which waits in memory while its act is held."""
    released: bool = False
    """Its answer goes out."""
    approval: tuple[str, str] | None = None
    """What others have said yes to and the act may use up: its digest, and the version of the rules that asked for it."""


@dataclass(frozen=True, slots=True)
class Handler:
    """Everything the route needs, made once per process (`gateway.assemble`)."""

    profile: Profile
    directory: Directory
    signin: SignIn
    books: Books
    history: History
    followers: Followers
    turns: Turns
    questions: Questions
    touch: Touch
    approving: Approving
    record: Record
    exports: Exports
    learner: Learner
    refusals: Refusals
    reserved: Reserved
    shell: Shell
    mask_key: bytes = field(repr=False)
    """What hashes and pseudonyms of masked values are made with."""

    async def before(self, request: Request) -> Step:
        """Judge a request. Never raises for what a client sent; what it raises is a fault of ours, and the guard denies."""
        act_id = secrets.token_urlsafe(16)
        self.directory.refresh()
        if request.path == PREFIX or request.path.startswith(f"{PREFIX}/"):
            return Reply(guarded(await self.reserved.answer(request)))
        try:
            call = self.profile.read(request)
        except UnreadableError as error:
            reason = reasons.UNKNOWN_ROUTE if error.unknown else reasons.UNREADABLE
            return await self._refused(act_id, request, None, Because(reason, {"what": error.what}))
        state = State(act_id, request, call)
        if call.kind is CallKind.PUBLIC:
            return Forward(call.upstream, state)
        if is_foreign(request):
            return await self._refused(act_id, request, call, Because(reasons.CROSS_SITE))
        person = self.signin.candidate(call, request.source_ip) if call.kind is CallKind.LOGIN else self.signin.principal(call)
        if not isinstance(person, Principal):
            return await self._refused(act_id, request, call, person or Because(reasons.NO_PRINCIPAL, {"what": "no session seen by us"}))
        state.principal = person
        if call.kind is CallKind.LOGIN:
            return Forward(call.upstream, state)
        try:
            return self._to_read(state, person, call.resource.ids or ()) or await self._question(state, person)
        except SpoolError:
            return Reply(self._told(state, self.refusals.denied(Because(reasons.NOT_RECORDED), act_id, person.language)))

    async def after(self, state: object, response: Response) -> Response | Forward:
        """Judge the CRM's answer and give what may go out, or ask what the rules still want to know. The record is then on disk."""
        known = _state(state)
        self.directory.refresh()
        try:
            self.signin.refused_by_crm(known.call, known.principal, response)
            outcome = await (self._learned(known, response) if known.reading else self._answer(known, response))
            return outcome if isinstance(outcome, Forward) else guarded(outcome)
        except UninspectableError as error:
            return await self._denied(known, Deny((Because(reasons.UNINSPECTABLE, {"what": error.what}),)))
        except NotWitnessedError:
            return await self._denied(known, Deny((Because(reasons.NOT_WITNESSED),)))
        except SpoolError:
            return self._told(known, self.refusals.denied(Because(reasons.NOT_RECORDED), known.act_id))

    async def upstream_failed(self, state: object, what: str) -> Response:
        """The CRM did not answer, or not understandably: a clear page and no bytes. `what` names structure only."""
        return await self._denied(_state(state), Deny((Because(reasons.UPSTREAM_DOWN, {"what": what}),)))

    def disconnected(self, connection_id: str) -> None:
        """The client has gone: what it waits for ends unconfirmed."""
        self.touch.holds.disconnected(connection_id)

    def receiver(self, state: object) -> str | None:
        """The credential that an answer about clients was released to; None: nothing was."""
        known = _state(state)
        return known.call.credential.secret if known.released and known.call.credential is not None else None

    def withdrawn(self) -> Callable[[str], bool]:
        """Whether a credential was taken away, or its person frozen, as things stand now. Raises what `Directory.refresh` raises."""
        self.directory.refresh()

        def is_withdrawn(credential: str) -> bool:
            session = self.directory.session(credential)
            return session is None or self.directory.principal(session).frozen

        return is_withdrawn

    # Down: may it be asked?

    async def _question(self, state: State, principal: Principal) -> Step:
        call = state.call
        known = state.attributes.columns(call.resource.ids or ())
        await self.followers.take_over()
        state.judged = judged = self.questions.before(state.act_id, principal, call, state.request, known)
        if approvals := self._given(state, judged):
            state.judged = judged = self.questions.anew(replace(judged.question, approvals=approvals), principal)
        if isinstance(judged.decision, Challenge):  # what changes something, and what names its clients, is held before it is sent
            if to_ask(judged.decision.need) is None and not (call.kind is CallKind.DATA and call.action not in WRITES):
                return Reply(await self._others_asked(state, judged, judged.decision))
            if to_ask(judged.decision.need) is None:  # others are asked with the answer in hand, of which they see masked rows
                read = Allow(judged.decision.reasons, judged.decision.obligations, judged.decision.rules)
                return await self._decided(state, replace(judged, decision=read))
            outcome = await self._touched(state, judged, judged.decision)
            if isinstance(outcome, Response):
                return Reply(outcome)
            proof, principal = outcome
            await self.followers.take_over()
            state.judged = judged = self.questions.again(judged.question, principal, proof)
        if not (call.action in WRITES and isinstance(judged.decision, Allow) and judged.brings_fresh):
            return await self._decided(state, judged)
        async with self.turns.of(principal.pseudonym) as at_once:
            if await self.followers.take_over() or not at_once:
                now = self._person_now(state)
                if now is None:
                    return Reply(await self._session_ended(state))
                state.judged = judged = self.questions.anew(judged.question, now)
            if isinstance(judged.decision, Allow) or not _may_ask(judged):
                return await self._decided(state, judged)
        return await self._question(state, judged.question.principal)  # what was done meanwhile asks for a touch

    async def _decided(self, state: State, judged: Judged) -> Step:
        """Send on what is allowed; a write is counted and recorded first."""
        call = state.call
        if not isinstance(judged.decision, Allow):
            return Reply(await self._denied(state, _final(judged.decision)))
        narrowed = self._narrowed(call, judged)
        if narrowed is None:
            return Reply(await self._denied(state, Deny((Because(reasons.NOT_FOR_YOU),))))
        state.call = call = self.profile.with_obligations(narrowed, judged.decision.obligations)
        if (call.action in WRITES or call.kind is not CallKind.DATA) and (denial := self._used_up(state, judged)):
            return Reply(await self._denied(state, denial))
        if call.action in WRITES:
            done = deed(call.action, asked=call.resource.ids or (), shown=NOBODY)
            at, pseudonym, event_id = judged.question.context.at, judged.question.principal.pseudonym, new_id()
            self.history.note(pseudonym, at, deleted=done.deleted, changed=done.changed, event_id=event_id)
            await self.record.act(judged.question, judged.decision, Phase.ALLOWED, call.route, event_id=event_id)
        return Forward(call.upstream, state)

    def _narrowed(self, call: Call, judged: Judged) -> Call | None:
        """The call, so that it reads no more than the person may be given; None: it would tell of clients that the person may not be given.

        Where the CRM cannot leave those out, a count has them in it, numbers alone are not judged, and every filter and order would tell
        which of them it finds, by a denial or by a gap in a page (attacks X5).
        """
        if call.kind is not CallKind.DATA or call.resource.ids is not None or call.action in WRITES:
            return call
        plan = self.questions.plan(judged.question)
        if plan is None or plan.kind is PlanKind.NEVER:
            return None if plan else call
        narrowed, exact = call, True
        if plan.tree is not None:
            narrowed, exact = self.profile.narrowed(call, plan.tree, self.directory.book(judged.question.principal.id))
        asks = call.action is Action.SEARCH or call.resource.fields <= _NUMBERS or not call.resource.questioned_fields <= _NUMBERS
        return None if asks and (plan.is_open or not exact) else narrowed

    # Beside it: what the rules ask about the clients

    def _to_read(self, state: State, principal: Principal, ids: Sequence[ClientId]) -> Forward | None:
        """The next read of what the rules ask about these clients; None: it is all known."""
        call, known = state.call, state.attributes
        if call.kind is not CallKind.DATA or call.resource.type != ResourceType.CLIENT:
            return None
        known.names = self.questions.attributes_needed(principal, call.action)
        unknown = known.unknown(ids)
        if not unknown:
            return None
        request, state.reading = self.profile.attribute_read(call, unknown, known.names)
        return Forward(request, state)

    async def _learned(self, state: State, response: Response) -> Response | Forward:
        """Attributes have come: ask for the rest, or go on where the route stood."""
        clients, state.reading = state.reading, ()
        state.attributes.learn(clients, self.profile.attributes(state.call, response, state.attributes.names))
        if state.answer is not None and state.judged is not None:
            return await self._with_answer(state, state.judged, state.answer)
        principal = self.signin.principal(state.call)
        if principal is None:
            return await self._session_ended(state)
        state.principal = principal
        step = self._to_read(state, principal, state.call.resource.ids or ()) or await self._question(state, principal)
        return step if isinstance(step, Forward) else step.response

    # Up: what came back, and may it go out?

    async def _answer(self, state: State, response: Response) -> Response | Forward:
        call, person = state.call, state.principal
        match call.kind:
            case CallKind.PUBLIC:
                response = self.profile.scrub(call, response)
                return self.shell.with_script(response) if self.profile.is_shell(state.request) else response
            case CallKind.LOGIN if person is not None:
                return await self.signin.answered(call, person, state.act_id, response, state.request.source_ip)
            case CallKind.LOGOUT if person is not None:
                await self.signin.ended(person)
                return self.profile.scrub(call, response)
            case CallKind.SYSTEM if state.judged is not None:
                response = self.profile.scrub(call, response)
                question, decision = state.judged.question, state.judged.decision
                await self.record.act(question, decision, Phase.RELEASED, call.route, bytes_out=len(response.body))
                return response
            case CallKind.DATA if state.judged is not None:
                return await self._data(state, state.judged, response)
            case CallKind.LOGIN | CallKind.LOGOUT | CallKind.SYSTEM | CallKind.DATA:
                raise TypeError(f"a {call.kind} call came back without its person")
        assert_never(call.kind)

    async def _data(self, state: State, asked: Judged, response: Response) -> Response | Forward:
        state.weight = len(response.body)
        answer = self.profile.answer(state.call, response)
        self.books.learn(answer, asked.question.principal)
        self.learner.note(answer.identifiers(self.learner.fresh))
        return await self._with_answer(state, asked, answer)

    async def _with_answer(self, state: State, asked: Judged, answer: Answer) -> Response | Forward:
        await self.followers.take_over()
        principal = self.signin.principal(state.call)  # again: a withdrawal acts while the CRM is still thinking
        if principal is None:
            return await self._session_ended(state)
        if (more := self._to_read(state, principal, answer.ids)) is not None:
            state.answer = answer
            return more
        known = state.attributes.columns(answer.ids)
        question = asked.question if principal is asked.question.principal else replace(asked.question, principal=principal)
        if question.action in WRITES:  # a write's answer is judged as a read (attacks X4)
            question = replace(question, action=Action.READ if len(answer.ids) == 1 else Action.LIST, proof=None, approvals=())
        state.judged = judged = self.questions.with_answer(question, answer, known)
        if approvals := self._given(state, judged):
            question = replace(question, approvals=approvals)
            state.judged = judged = self.questions.with_answer(question, answer, known)
        if isinstance(judged.decision, Challenge):
            if to_ask(judged.decision.need) is None:
                return await self._others_asked(state, judged, judged.decision, answer)
            outcome = await self._touched(state, judged, judged.decision)
            if isinstance(outcome, Response):
                return outcome
            proof, principal = outcome
            question = replace(question, principal=principal, proof=proof, act_id=proof.grant_id)
            await self.followers.take_over()
            state.judged = judged = self.questions.with_answer(question, answer, known)
        if not isinstance(judged.decision, Allow):
            return await self._denied(state, _final(judged.decision))
        if not judged.brings_fresh:
            return await self._release(state, judged, answer)
        async with self.turns.of(principal.pseudonym) as at_once:
            if await self.followers.take_over() or not at_once:
                now = self._person_now(state)
                if now is None:
                    return await self._session_ended(state)
                question = replace(question, principal=now)
                state.judged = judged = self.questions.with_answer(question, answer, known)
            if isinstance(judged.decision, Allow):
                return await self._release(state, judged, answer)
            if not _may_ask(judged):
                return await self._denied(state, _final(judged.decision))
        return await self._with_answer(state, asked, answer)  # what went out meanwhile asks for a touch

    def _person_now(self, state: State) -> Principal | None:
        """The person as they stand after a wait."""
        self.directory.refresh()
        return self.signin.principal(state.call)

    async def _session_ended(self, state: State) -> Response:
        return await self._denied(state, Deny((Because(reasons.NO_PRINCIPAL, {"what": "session ended meanwhile"}),)))

    async def _release(self, state: State, judged: Judged, answer: Answer) -> Response:
        duties = obligations(judged.decision)
        if duties is None:
            raise TypeError("a denial is not released")
        if denial := self._used_up(state, judged):
            return await self._denied(state, denial)
        question = judged.question
        identifiers = answer.identifiers() if question.action in EXPORTS else []
        delivered = answer.release(duties, masking(self.mask_key, question.principal.id))
        exported = delivered.shown if question.action in EXPORTS else NOBODY
        card = next(iter(delivered.shown)) if question.action is Action.READ and len(delivered.shown) == 1 else None
        # Counted before the record is awaited: of two answers under way at once, the second must see the first.
        at, pseudonym, event_id = question.context.at, question.principal.pseudonym, new_id()
        self.history.note(pseudonym, at, shown=delivered.shown, taken=delivered.taken, exported=exported, card=card, event_id=event_id)
        manifest = None
        if exported:
            manifest, delivered = await self.exports.keep(question, delivered, identifiers, marked=duties.watermark)
        await self.record.released(question, judged.decision, delivered, state.call.route, manifest=manifest, event_id=event_id)
        state.released = True
        return delivered.response

    # Beside the route: a touch, the yes of others, and what is told when something does not go on.

    def _given(self, state: State, judged: Judged) -> tuple[ApprovalProof, ...]:
        """What others have said yes to of what this act still needs; which it is, the state keeps."""
        proofs = self.approving.given(state.call, judged)
        if proofs:
            state.approval = self.approving.digest(state.call, judged), version_of(judged.decision)
        return proofs

    def _used_up(self, state: State, judged: Judged) -> Deny | None:
        """Use up the approvals that the act was judged with, once; a denial if they are none any more."""
        if not judged.question.approvals:
            return None
        digest, version = state.approval or ("", "")
        return self.approving.use(digest, version, judged)

    async def _others_asked(self, state: State, judged: Judged, challenge: Challenge, answer: Answer | None = None) -> Response:
        """Where the person can ask for the yes of others, or that it waits."""
        identifiers = answer.identifiers() if answer is not None else ()
        if judged.question.proof is not None:  # the touch signed what it needed then; this is another act
            state.act_id = secrets.token_urlsafe(16)
            judged = replace(judged, question=replace(judged.question, act_id=state.act_id, proof=None))
        return self._told(state, await self.approving.ask(state.act_id, state.call, state.request, judged, challenge, identifiers))

    async def _touched(self, state: State, judged: Judged, challenge: Challenge) -> tuple[Proof, Principal] | Response:
        """The proof of exactly this act and the person as they stand after it, or what the client is told."""
        if judged.question.proof is not None:  # more came back than was signed: another act, to be signed by itself
            state.act_id = secrets.token_urlsafe(16)
            judged = replace(judged, question=replace(judged.question, act_id=state.act_id, proof=None))
        outcome = await self.touch.ask(state.act_id, state.call, state.request, judged, challenge, state.weight)
        if isinstance(outcome, Refusal):
            return self._told(state, outcome)
        state.act_id = outcome.grant_id
        self.directory.refresh()
        if isinstance(outcome, KeyProof) and outcome.user_verified and judged.question.principal.session_id is not None:
            self.directory.touched(judged.question.principal.session_id, outcome.confirmed_at, outcome.key_class)
        principal = self.signin.principal(state.call)
        if principal is None:
            return await self._session_ended(state)
        return outcome, principal

    async def _refused(self, act_id: str, request: Request, call: Call | None, because: Because) -> Step:
        """A request that is not even judged: unreadable, unknown, foreign, nobody's."""
        principal = self.signin.principal(call)
        try:
            told = await self.record.refused(because, act_id, call.route if call else "unknown", principal, request.source_ip)
            refusal = self.refusals.denied(because, told, principal.language if principal else None)
        except SpoolError:
            refusal = self.refusals.denied(Because(reasons.NOT_RECORDED), act_id)
        reply = guarded(self.profile.refuse(call, request, refusal))
        return Reply(cleared(reply) if principal is None and self.signin.was_cut(call) else reply)

    async def _denied(self, state: State, denial: Deny) -> Response:
        because = first_reason(denial.reasons, reasons.NOT_FOR_YOU)
        refusal = self.refusals.denied(because, state.act_id, state.principal.language if state.principal else None)
        try:
            if state.judged is None:
                told = await self.record.refused(because, state.act_id, state.call.route, state.principal, state.request.source_ip)
                refusal = replace(refusal, act_id=told, link=self.refusals.why(told))
            else:
                await self.record.act(state.judged.question, denial, Phase.DENIED, state.call.route, http_status=refusal.status)
        except SpoolError:
            refusal = self.refusals.denied(Because(reasons.NOT_RECORDED), state.act_id)
        return self._told(state, refusal)

    def _told(self, state: State, refusal: Refusal) -> Response:
        reply = guarded(self.profile.refuse(state.call, state.request, refusal))
        return cleared(reply) if state.principal is not None and state.principal.frozen else reply


def _final(decision: Challenge | Deny) -> Deny:
    """What still is a challenge after a touch goes beyond what was signed: no byte goes out."""
    return decision if isinstance(decision, Deny) else Deny((Because(reasons.NOT_WHAT_WAS_SIGNED),), decision.rules)


def _may_ask(judged: Judged) -> bool:
    """A touch that was not asked for yet would let it go on."""
    return isinstance(judged.decision, Challenge) and judged.question.proof is None


def _state(state: object) -> State:
    if not isinstance(state, State):
        raise TypeError("an answer without the state of its request")
    return state
