"""Four eyes (decision 0018): a second person says yes to exactly one thing, with the own key, and its requester may then do it once.

An approval executes nothing. The requester repeats the act; `take` gives the proofs of a request once, after every stored touch was
checked again. What each key signs is all of the request that its person was shown, with the time of the answer: whoever changes the row
afterwards has a row without a signature (attacks X12). The checks of an approval:

 1. the request is open, of this run of the clock, and not over
 2. the approver is neither the requester nor whom it is about, and is not cut off
 3. the approver has a role that is asked for, now and again when it is taken
 4. the key was registered before the request was made, and not by the emergency envelope: nobody makes a second person for it
 5. the touch is right in all that `auth.keys` checks, at once and again when it is taken
 6. it is not older than the rule lets it be
 7. of what one person may approve alone: the address outside was told, and the delay since then is over; nobody else is there now
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Engine, and_, or_, select, update
from sqlalchemy.orm import Session

from audit_store.client_sets import decode_ids
from audit_store.event import Event, EventAction, plain_event
from audit_store.moments import EPOCH
from audit_store.pseudonyms import Pseudonyms
from audit_store.sealing import seal
from auth.approval_tables import Approval as Given
from auth.approval_tables import ApprovalRequest
from auth.console_sessions import may_sign_in
from auth.keys import KeyRefusedError, Keys, VerifiedTouch
from auth.row_alarms import RowAlarms
from auth.sole_reviewer import SoleReviewer
from auth.storage import database_now, hits_one, reading, writing
from auth.tables import Key, Person
from auth.usable_keys import people_with_voice
from auth.used_acts import APPROVAL, UsedActs
from policies.document import read_need, written_need
from policies.needs import AllOf, AnyOf, Approval, Need, holds
from policies.request import ApprovalProof

MAX_OPEN = 3
"""Requests of one person that may wait at once (promises F93); of the command line, which is nobody, as many."""
CEREMONY_SECONDS = 120
"""From the page's button to the touch."""
DRAFT_SECONDS = 600
"""To sign what was prepared."""
CHALLENGE_BYTES = 32
SHORTEST_REASON, REASON_LENGTH = 3, 500
"""Characters."""
_WAITING = ("open", "given")
_UNENDED = ("draft", *_WAITING)


class ApprovalKind(StrEnum):
    """What is asked for."""

    ACT = "act"
    """An act on the CRM or on the way out that a rule asks approval for."""
    RULES = "rules"
    """Rules that let more through than those in force."""
    REVEAL = "reveal"
    """The name behind a pseudonym, for one case."""
    KEY_REMOVAL = "key_removal"
    """The last key of a person."""
    KEY_RECOVERY = "key_recovery"
    """A new key for a person who has lost all."""
    ROLE = "role"
    """A role that hands out keys, for a person."""
    DISCLOSURE = "disclosure"
    """That what is recorded about a person is told later."""


class TooManyOpenError(Exception):
    """Three requests of this person wait already."""

    def __init__(self) -> None:
        super().__init__("three of your requests wait for an answer already: withdraw one, or wait until it is answered")


class ReasonMissingError(Exception):
    """What one person may approve alone needs a reason in words: the address outside reads it."""

    def __init__(self) -> None:
        super().__init__("write why: nobody else in the firm can approve it, so the address outside is told, with the reason")


class ApprovalRefused(Exception):  # noqa: N818 -- a refusal, no fault of ours
    """The answer was not accepted. The text is the same for every cause; `cause` is a code for record and tests."""

    def __init__(self, cause: str) -> None:
        super().__init__("Your answer was not accepted. Please try again, or ask your administrator.")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Shown:
    """What approvers are shown and sign. Counts, names of fields and words of our own, never a client's value."""

    action: str
    """What is to be done: a value of `policies.request.Action`, or of the request's kind where it is no act."""
    lines: tuple[str, ...] = ()
    """What it means, line by line, where it is no act."""
    asked: int = 0
    """Distinct clients asked for."""
    allowed: int = 0
    """Distinct clients that go out."""
    ids: str = ""
    """Their ids, compact (`audit_store.client_sets`)."""
    fields: tuple[str, ...] = ()
    filter: tuple[str, ...] = ()
    """Fields that the filter, the order or a group uses."""
    destination: str = ""
    policy: str = ""
    """Version of the rules that ask for it."""
    reason_code: str = ""
    reason_values: Mapping[str, int | str] = field(default_factory=dict)
    exports: Mapping[str, int] = field(default_factory=dict)
    """Of what goes out: short names of the exports that its clients came from, each with how many of them."""
    unread: tuple[str, ...] = ()
    """Of what goes out: why parts of it could not be read (`detectors.verdict.Unread`)."""

    @classmethod
    def of(cls, request: ApprovalRequest) -> Shown:
        """What stands in a request."""
        kept = request.shown
        lists: dict[str, Any] = {name: tuple(kept.get(name, ())) for name in ("lines", "fields", "filter", "unread")}
        return cls(**{**kept, **lists})


class Approvals:
    """The requests of one installation."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[Event], object],
        keys: Keys,
        pseudonyms: Pseudonyms,
        clock_id: str,
        *,
        used: UsedActs,
        sole: SoleReviewer | None = None,
    ) -> None:
        """`clock_id`: of `auth.stepup.clock_id`. `used`: what a database that was put back cannot forget.

        `sole`: what stands for the second person where there is none.
        """
        self._alarms = RowAlarms(engine, record, pseudonyms)
        self._sole = sole
        self._used = used
        self._engine = engine
        self._record = record
        self._keys = keys
        self._pseudonyms = pseudonyms
        self._clock_id = clock_id

    def ask(
        self,
        *,
        kind: ApprovalKind,
        requester: str | None,
        digest: str,
        shown: Shown,
        need: Need,
        reason: str | None = None,
        subject: str | None = None,
        samples: Sequence[Sequence[str]] = (),
    ) -> ApprovalRequest:
        """Ask for approval; the request that waits already, if exactly this was asked for before.

        `requester` is a person id, None for the command line; `subject` that of whom it is about. `need` holds approvals and nothing else.
        `samples` are rows of masked values, or of an upload the names of its files. Raises TooManyOpenError, PermissionError for a person
        who is cut off.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            mine = and_(_is(requester), ApprovalRequest.state.in_(_WAITING), self._alive(now))
            same = and_(ApprovalRequest.kind == kind, ApprovalRequest.digest == digest)
            if (known := next(filter(self._believed, session.scalars(select(ApprovalRequest).where(mine, same))), None)) is not None:
                return known
            request = _new(secrets.token_urlsafe(24), kind, requester, digest, shown, need, samples)
            request.subject_id, request.clock_id = subject, self._clock_id
            self._open(session, request, reason, now)
            session.add(request)
        return request

    def draft(
        self,
        act_id: str,
        *,
        requester: str,
        digest: str,
        shown: Shown,
        need: Need,
        samples: Sequence[Sequence[str]] = (),
        seconds: float,
    ) -> None:
        """Keep what approvers would be shown of an act, for so long, until its person asks for approval with the key (`open`)."""
        with writing(self._engine) as session:
            now = database_now(session)
            request = _new(act_id, ApprovalKind.ACT, requester, digest, shown, need, samples)
            request.state, request.clock_id, request.opened_at = "draft", self._clock_id, now
            request.expires_at = now + timedelta(seconds=seconds)
            session.add(request)

    def open(self, act_id: str, reason: str | None) -> ApprovalRequest | None:
        """Ask for the approval of an act that its person has just confirmed with the key; None if there is no such draft.

        Raises TooManyOpenError, PermissionError for a person who is cut off.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            request = session.get(ApprovalRequest, act_id)
            if request is None or not self._believed(request) or request.state != "draft" or not self._lives(request, now):
                return None
            self._open(session, request, reason, now)
        return request

    def prepare(
        self,
        *,
        kind: ApprovalKind,
        requester: str,
        digest: str,
        shown: Shown,
        need: Need,
        reason: str | None = None,
        subject: str | None = None,
    ) -> ApprovalRequest:
        """As `ask`, but nobody hears of it before the requester has signed it with the own key (`begin_asking`, `complete_asking`)."""
        with writing(self._engine) as session:
            now = database_now(session)
            request = _new(secrets.token_urlsafe(24), kind, requester, digest, shown, need, ())
            request.subject_id, request.reason = subject, (reason or "").strip()[:REASON_LENGTH] or None
            request.state, request.clock_id, request.opened_at = "draft", self._clock_id, now
            request.expires_at = now + timedelta(seconds=DRAFT_SECONDS)
            session.add(request)
        return request

    def begin_asking(self, request_id: str, requester: str) -> dict[str, Any]:
        """Options for `navigator.credentials.get` by which the requester asks. Raises ApprovalRefused."""
        with writing(self._engine) as session:
            now = database_now(session)
            request, _ = self._prepared(session, request_id, requester, now)
            given = self._prior(session, request, requester)
            if given is None:
                given = Given(id=secrets.token_hex(16), request_id=request.id, approver_id=requester)
                session.add(given)
            given.roles, given.yes, given.begun_at, given.challenge_used_at = [], True, now, None
            given.challenge = secrets.token_bytes(CHALLENGE_BYTES)
            signed = signed_challenge(request, given)
        try:
            return self._keys.options(requester, signed, CEREMONY_SECONDS)
        except KeyRefusedError as refused:
            raise ApprovalRefused(refused.cause) from None

    def complete_asking(self, request_id: str, requester: str, response: Mapping[str, Any]) -> ApprovalRequest:
        """Ask, now that the requester's key has signed it. Raises ApprovalRefused, TooManyOpenError, ReasonMissingError."""
        with writing(self._engine) as session:
            now = database_now(session)
            request, _ = self._prepared(session, request_id, requester, now)
            mine = and_(Given.request_id == request.id, Given.approver_id == requester, Given.challenge_used_at.is_(None))
            fresh = and_(mine, Given.begun_at > now - timedelta(seconds=CEREMONY_SECONDS))
            if not hits_one(session, update(Given).where(fresh).values(challenge_used_at=now)):
                raise ApprovalRefused("challenge_used")
            given = session.scalars(select(Given).where(Given.request_id == request.id, Given.approver_id == requester)).one()
            signed = signed_challenge(request, given)
        try:
            touch = self._keys.verify_assertion(requester, signed, response)
        except KeyRefusedError as refused:
            raise ApprovalRefused(refused.cause) from None
        with writing(self._engine) as session:
            request, _ = self._prepared(session, request_id, requester, database_now(session))
            if not touch.user_verified:
                raise ApprovalRefused("not_verified")
            for given in session.scalars(select(Given).where(Given.request_id == request.id)):
                session.delete(given)  # it was no answer; the event below names the key
            self._open(session, request, request.reason, database_now(session), key=touch.key_id)
            return request

    def _prepared(self, session: Session, request_id: str, requester: str, now: datetime) -> tuple[ApprovalRequest, Person]:
        request, person = session.get(ApprovalRequest, request_id), session.get(Person, requester)
        if request is None or person is None or request.state != "draft" or not self._lives(request, now) or not self._believed(request):
            raise ApprovalRefused("not_open")
        if request.requester_id != requester or request.kind == ApprovalKind.ACT or not may_sign_in(person):
            raise ApprovalRefused("person")
        return request, person

    def waiting(self, requester: str) -> int:
        """How many requests of this person wait for an answer."""
        with reading(self._engine) as session:
            return self._count(session, requester, database_now(session))

    def pending(self, kind: ApprovalKind, requester: str | None, digest: str) -> ApprovalRequest | None:
        """The request for exactly this that waits or was approved; None if there is none."""
        with reading(self._engine) as session:
            return self._matching(session, kind, requester, digest, database_now(session))

    def get(self, request_id: str) -> ApprovalRequest | None:
        """The request as it stands now; one whose time is over reads `expired`. None if there is no such request."""
        with reading(self._engine) as session:
            request = session.get(ApprovalRequest, request_id)
            if request is None or request.state not in _UNENDED:
                return request
            if not self._believed(request) or not self._lives(request, database_now(session)):
                session.expunge(request)
                request.state = "expired"  # in this copy only: `expire` writes it down
            return request

    def asked_by(self, requester: str) -> list[ApprovalRequest]:
        """What a person has asked for and may still do or hear about, newest first: all that waits, and what ended lately."""
        with reading(self._engine) as session:
            now = database_now(session)
            lately = or_(ApprovalRequest.state.in_(_WAITING), ApprovalRequest.ended_at > now - timedelta(days=7))
            question = select(ApprovalRequest).where(ApprovalRequest.requester_id == requester, lately)
            found = session.scalars(question.order_by(ApprovalRequest.opened_at.desc()))
            return [one for one in found if self._believed(one)]

    def waiting_for(self, approver_id: str) -> list[ApprovalRequest]:
        """What this person may say yes or no to now, oldest first."""
        with reading(self._engine) as session:
            person = session.get(Person, approver_id)
            if person is None:
                return []
            question = select(ApprovalRequest).where(ApprovalRequest.state == "open", self._alive(database_now(session)))
            found = [one for one in session.scalars(question.order_by(ApprovalRequest.opened_at)) if self._believed(one)]
            return [one for one in found if self._fault(session, one, person) is None and not _answered(session, one, person)]

    def answered(self, request_id: str, person_id: str) -> bool:
        """Whether this person has said yes or no to it."""
        return any(given.approver_id == person_id for given in self.answers(request_id))

    def answers(self, request_id: str) -> list[Given]:
        """Who has said yes or no, oldest first."""
        with reading(self._engine) as session:
            question = select(Given).where(Given.request_id == request_id, Given.given_at.is_not(None))
            return list(session.scalars(question.order_by(Given.given_at)))

    def begin(self, request_id: str, approver_id: str, *, yes: bool = True, why: str | None = None) -> dict[str, Any]:
        """Options for `navigator.credentials.get` by which this person says yes or no; an earlier challenge of theirs is void.

        Raises ApprovalRefused.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            request, person = self._answerable(session, request_id, approver_id, now)
            given = self._prior(session, request, person.id)
            if given is not None and given.given_at is not None:
                raise ApprovalRefused("answered")
            if given is None:
                given = Given(id=secrets.token_hex(16), request_id=request.id, approver_id=person.id)
                session.add(given)
            given.roles, given.yes, given.begun_at, given.challenge_used_at = sorted(person.roles), yes, now, None
            given.why = None if yes else (why or "").strip()[:REASON_LENGTH] or None
            given.challenge = secrets.token_bytes(CHALLENGE_BYTES)
            signed = signed_challenge(request, given)
        try:
            return self._keys.options(approver_id, signed, CEREMONY_SECONDS)
        except KeyRefusedError as refused:
            raise ApprovalRefused(refused.cause) from None

    def complete(self, request_id: str, approver_id: str, response: Mapping[str, Any]) -> ApprovalRequest:
        """Take the key's answer as this person's yes or no. Raises ApprovalRefused with one text for all causes; the cause is recorded."""
        try:
            signed = self._use_challenge(request_id, approver_id)
            touch = self._keys.verify_assertion(approver_id, signed, response)
            return self._give(request_id, approver_id, signed, touch)
        except (KeyRefusedError, ApprovalRefused) as refused:
            cause = refused.cause
        known = self.get(request_id)
        if known is not None:
            self._say(EventAction.APPROVAL_REFUSED, known, by=approver_id, outcome="failure", cause=cause)
        raise ApprovalRefused(cause)

    def refuse(self, request_id: str, approver_id: str, reason: str | None = None) -> ApprovalRequest:
        """Say no without a touch: what only takes away waits for no key. Raises ApprovalRefused."""
        with writing(self._engine) as session:
            now = database_now(session)
            request, person = self._answerable(session, request_id, approver_id, now)
            self._end(request, "refused", now)
            why = (reason or "").strip()[:REASON_LENGTH]
            sealed = seal(session, self._pseudonyms.of(request.requester_id), why, now) if why and request.requester_id else None
            self._say(EventAction.APPROVAL_TURNED_DOWN, request, by=person.id, outcome="failure", sealed=sealed)
        return request

    def withdraw(self, request_id: str, requester: str | None) -> bool:
        """The requester takes the request back; False if it is not theirs or waits no more."""
        with writing(self._engine) as session:
            request = session.get(ApprovalRequest, request_id)
            if request is None or request.requester_id != requester or request.state not in _WAITING:
                return False
            self._end(request, "withdrawn", database_now(session))
            self._say(EventAction.APPROVAL_ENDED, request, by=requester, outcome="failure", cause="withdrawn")
        return True

    def given(self, kind: ApprovalKind, requester: str | None, digest: str) -> tuple[ApprovalProof, ...]:
        """The yeses to exactly this that stand now, to be shown to `decide`; nothing is used up. Empty if there are none."""
        with reading(self._engine) as session:
            now = database_now(session)
            request = self._matching(session, kind, requester, digest, now)
            return tuple(proof for proof, _ in self._proofs(session, request, now)) if request is not None else ()

    def take(self, kind: ApprovalKind, requester: str | None, digest: str) -> tuple[ApprovalProof, ...] | None:
        """The proofs of what enough others have said yes to, once; None if they have not. Every stored touch is checked again.

        Raises OSError if it cannot be noted that they are used up.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            request = self._matching(session, kind, requester, digest, now)
            if request is None or request.state != "given":
                return None
            person = session.get(Person, requester) if requester is not None else None
            if requester is not None and (person is None or not may_sign_in(person)):
                return None
            proofs = tuple(proof for proof, _ in self._proofs(session, request, now, tell=True))
            if not fulfilled(read_need(request.need), proofs, now):
                return None
            if not self._used.spend(f"{APPROVAL}{request.id}"):  # in a database that was put back
                self._say(EventAction.APPROVAL_DOUBTED, request, by=requester, outcome="failure", cause="used")
                return None
            self._end(request, "taken", now)  # the write lock is held: nobody else takes it meanwhile
            self._say(EventAction.APPROVAL_TAKEN, request, by=requester)
        return proofs

    def expire(self) -> int:
        """Write down which requests have run out (or are of another run of the clock), each recorded; how many.

        A draft that nobody asked about is deleted: its act says what became of it.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            over = select(ApprovalRequest).where(ApprovalRequest.state.in_(_UNENDED), ~self._alive(now))
            requests = list(session.scalars(over))
            for request in requests:
                if request.state == "draft":
                    for given in session.scalars(select(Given).where(Given.request_id == request.id)):
                        session.delete(given)
                    session.flush()
                    session.delete(request)
                    continue
                self._end(request, "expired", now)
                self._say(EventAction.APPROVAL_ENDED, request, by=request.requester_id, outcome="failure", cause="expired")
            return sum(request.state == "expired" for request in requests)

    def _open(self, session: Session, request: ApprovalRequest, reason: str | None, now: datetime, key: str | None = None) -> None:
        if self._count(session, request.requester_id, now) >= MAX_OPEN:
            raise TooManyOpenError
        person = session.get(Person, request.requester_id) if request.requester_id is not None else None
        if request.requester_id is not None and (person is None or not may_sign_in(person)):
            raise PermissionError("this person may ask for nothing")
        request.reason = (reason or "").strip()[:REASON_LENGTH] or None
        request.state, request.opened_at = "open", now
        request.expires_at = now + _longest(request)
        sealed = seal(session, person.pseudonym, request.reason, now) if person and request.reason else None
        request.alone = self._has_nobody_else(session, request)
        if request.alone and len(request.reason or "") < SHORTEST_REASON:
            raise ReasonMissingError
        self._say(EventAction.APPROVAL_ASKED, request, by=request.requester_id, outcome="unknown", key=key, sealed=sealed)

    def _has_nobody_else(self, session: Session, request: ApprovalRequest) -> bool:
        """Whether one person alone could approve this at all, and the firm says what stands for the second one."""
        able = self._able(session, request)
        return self._sole is not None and len(able) == 1 and not _enough(request, able)

    def _able(self, session: Session, request: ApprovalRequest) -> list[Person]:
        """Who has the role and a key to say yes with, the requester too; not whom it is about."""
        roles = [one.role for one in approvals_in(read_need(request.need))]
        people = session.scalars(select(Person).where(Person.id.in_(people_with_voice())))
        return [
            one for one in people if one.id != request.subject_id and may_sign_in(one) and any(holds(role, one.roles) for role in roles)
        ]

    def unnoticed(self) -> list[ApprovalRequest]:
        """What one person may approve alone and the address outside was not told of yet."""
        with reading(self._engine) as session:
            alone = and_(ApprovalRequest.state == "open", ApprovalRequest.alone, ApprovalRequest.not_before.is_(None))
            found = session.scalars(select(ApprovalRequest).where(alone, self._alive(database_now(session))))
            return [one for one in found if self._believed(one)]

    def noticed(self, request_id: str) -> None:
        """The mail to the address outside was handed over: the delay begins."""
        with writing(self._engine) as session:
            request, now = session.get_one(ApprovalRequest, request_id), database_now(session)
            if self._sole is None or request.not_before is not None or request.state != "open" or not self._believed(request):
                return
            request.not_before = now + timedelta(hours=self._sole.delay_hours)
            request.expires_at = request.not_before + _longest(request)
            self._say(EventAction.APPROVAL_NOTICED, request, by=None)

    def _count(self, session: Session, requester: str | None, now: datetime) -> int:
        """Rows of somebody else's making do not count: they would keep the person from asking (attacks X12)."""
        waiting = select(ApprovalRequest).where(_is(requester), ApprovalRequest.state == "open", self._alive(now))
        return sum(self._believed(one) for one in session.scalars(waiting))

    def untold(self) -> list[tuple[ApprovalRequest, list[Person]]]:
        """What waits and nobody was told of by mail yet, each with those who may answer it."""
        with reading(self._engine) as session:
            waits = and_(ApprovalRequest.state == "open", ApprovalRequest.notified_at.is_(None), self._alive(database_now(session)))
            found = session.scalars(select(ApprovalRequest).where(waits).order_by(ApprovalRequest.opened_at))
            requests = [one for one in found if self._believed(one)]
            everybody = list(session.scalars(select(Person))) if requests else []
            return [(request, [one for one in everybody if _fault(request, one) is None]) for request in requests]

    def unanswered(self) -> list[tuple[ApprovalRequest, Person]]:
        """What was answered and its requester was not told of by mail yet."""
        with reading(self._engine) as session:
            answered = and_(ApprovalRequest.state.in_(("given", "refused")), ApprovalRequest.answered_at.is_(None))
            asked = select(ApprovalRequest, Person).join(Person, Person.id == ApprovalRequest.requester_id).where(answered)
            return [(request, person) for request, person in session.execute(asked) if may_sign_in(person)]

    def told(self, request_id: str, *, answer: bool = False) -> None:
        """Note that those who may answer (or, with `answer`, the requester) were told by mail."""
        with writing(self._engine) as session:
            request = session.get_one(ApprovalRequest, request_id)
            setattr(request, "answered_at" if answer else "notified_at", database_now(session))

    def _answerable(self, session: Session, request_id: str, approver_id: str, now: datetime) -> tuple[ApprovalRequest, Person]:
        request, person = session.get(ApprovalRequest, request_id), session.get(Person, approver_id)
        if request is None or person is None or not self._believed(request):
            raise ApprovalRefused("not_open")
        if request.state != "open" or not self._lives(request, now):  # 1
            raise ApprovalRefused("not_open")
        if (fault := self._fault(session, request, person)) is not None:  # 2, 3
            raise ApprovalRefused(fault)
        if request.alone and (request.not_before is None or now < request.not_before):  # 7
            raise ApprovalRefused("too_early")
        return request, person

    def _fault(self, session: Session, request: ApprovalRequest, person: Person) -> str | None:
        """Why this person may not answer; None: may. Alone is nobody any more, once there is somebody else."""
        if request.alone and not self._has_nobody_else(session, request):
            return "not_alone"
        return _fault(request, person)

    def _use_challenge(self, request_id: str, approver_id: str) -> bytes:
        """What this person's key has to have signed; the challenge is used up before anything of the answer is looked at."""
        with writing(self._engine) as session:
            now = database_now(session)
            request, person = self._answerable(session, request_id, approver_id, now)
            mine = and_(Given.request_id == request.id, Given.approver_id == person.id, Given.given_at.is_(None))
            fresh = and_(Given.challenge_used_at.is_(None), Given.begun_at > now - timedelta(seconds=CEREMONY_SECONDS))
            if not hits_one(session, update(Given).where(mine, fresh).values(challenge_used_at=now)):
                raise ApprovalRefused("challenge_used")
            return signed_challenge(request, session.scalars(select(Given).where(mine)).one())

    def _give(self, request_id: str, approver_id: str, signed: bytes, touch: VerifiedTouch) -> ApprovalRequest:
        with writing(self._engine) as session:
            now = database_now(session)
            request, person = self._answerable(session, request_id, approver_id, now)  # as they stand now
            given = session.scalars(select(Given).where(Given.request_id == request.id, Given.approver_id == person.id)).one()
            if not self._believed(given):
                raise ApprovalRefused("changed")
            if given.given_at is not None or signed_challenge(request, given) != signed or not touch.user_verified:
                raise ApprovalRefused("changed")
            key = session.get_one(Key, touch.key_id)
            if key.created_at >= request.opened_at:  # 4
                raise ApprovalRefused("new_key")
            if key.lent_until is not None:  # 4
                raise ApprovalRefused("lent_key")
            given.given_at, given.key_id, given.assertion = now, touch.key_id, dict(touch.assertion)
            if not given.yes:
                self._end(request, "refused", now)
                sealed = (
                    seal(session, self._pseudonyms.of(request.requester_id), given.why, now) if given.why and request.requester_id else None
                )
                self._say(EventAction.APPROVAL_TURNED_DOWN, request, by=person.id, key=touch.key_id, outcome="failure", sealed=sealed)
                return request
            session.flush()
            found = self._proofs(session, request, now)
            need = read_need(request.need)
            if fulfilled(need, [proof for proof, _ in found], now):
                request.state = "given"
                request.expires_at = min(one.at for one, _ in found) + _longest(request)
            self._say(EventAction.APPROVAL_GIVEN, request, by=person.id, key=touch.key_id)
            return request

    def _proofs(
        self, session: Session, request: ApprovalRequest, now: datetime, *, tell: bool = False
    ) -> list[tuple[ApprovalProof, Given]]:
        """The yeses that stand every check now. `tell`: one whose touch is not right is recorded, for it was right once."""
        found = []
        shown = Shown.of(request)
        ids = frozenset(decode_ids(shown.ids)) if shown.ids else frozenset()
        yes = select(Given).where(Given.request_id == request.id, Given.given_at.is_not(None), Given.yes)
        for given in session.scalars(yes.order_by(Given.given_at)):
            if not self._believed(given):
                continue
            person = session.get(Person, given.approver_id)
            cause = "unknown" if person is None else self._fault(session, request, person)  # 2, 3
            key = None
            if cause is None and person is not None:
                try:
                    key = self._keys.check_again(session, person.id, signed_challenge(request, given), given.assertion or {})  # 5
                except KeyRefusedError as refused:
                    cause = refused.cause
            lasts = key is not None and key.created_at < request.opened_at and key.lent_until is None  # 4
            if cause is not None or person is None or not lasts or given.begun_at > now:
                if tell:
                    self._say(EventAction.APPROVAL_DOUBTED, request, by=given.approver_id, outcome="failure", cause=cause or "new_key")
                continue
            roles = frozenset(person.roles) & frozenset(given.roles)
            proof = ApprovalProof(person.id, roles, given.begun_at, True, ids, frozenset(shown.fields), request.alone)  # 6: see `fulfilled`
            found.append((proof, given))
        return found

    def _matching(self, session: Session, kind: ApprovalKind, requester: str | None, digest: str, now: datetime) -> ApprovalRequest | None:
        exactly = and_(_is(requester), ApprovalRequest.kind == kind, ApprovalRequest.digest == digest)
        question = select(ApprovalRequest).where(exactly, ApprovalRequest.state.in_(_WAITING), self._alive(now))
        return next((one for one in session.scalars(question.order_by(ApprovalRequest.opened_at.desc())) if self._believed(one)), None)

    def _prior(self, session: Session, request: ApprovalRequest, person_id: str) -> Given | None:
        """What this person has begun or given; a row that nobody of us wrote makes room."""
        given = session.scalar(select(Given).where(Given.request_id == request.id, Given.approver_id == person_id))
        if given is not None and not self._believed(given):
            session.delete(given)
            session.flush()
            return None
        return given

    def _believed(self, row: ApprovalRequest | Given) -> bool:
        """Whether one of our processes left the row like this; else it is none, and somebody is told."""
        self._alarms.about(row)
        return row.genuine

    def _end(self, request: ApprovalRequest, state: str, now: datetime) -> None:
        request.state, request.ended_at, request.samples = state, now, None

    def _alive(self, now: datetime) -> Any:
        return and_(ApprovalRequest.expires_at > now, ApprovalRequest.clock_id == self._clock_id)

    def _lives(self, request: ApprovalRequest, now: datetime) -> bool:
        return request.expires_at > now and request.clock_id == self._clock_id

    def _say(
        self,
        action: EventAction,
        request: ApprovalRequest,
        *,
        by: str | None,
        outcome: str = "success",
        cause: str | None = None,
        key: str | None = None,
        sealed: Mapping[str, str] | None = None,
    ) -> None:
        said: dict[str, int | str] = {"kind": request.kind, "action": request.shown["action"], "asked": request.shown["asked"]}
        said |= {"request": request.id, "digest": request.digest}
        said |= {name: value for name, value in (("cause", cause), ("key", key)) if value is not None}
        about = request.subject_id or request.requester_id
        event = plain_event(
            action,
            at=datetime.now(UTC),
            pseudonym=self._pseudonyms.of(by) if by else None,
            subject=self._pseudonyms.of(about) if about else None,
            outcome=outcome,
            numbers=said,
            sealed=sealed,
        )
        self._record(event)


def signed_challenge(request: ApprovalRequest, given: Given) -> bytes:
    """What an approver's key signs: random bytes, bound to all that was asked and shown, to the answer and to its time."""
    about = {
        "id": request.id,
        "kind": request.kind,
        "requester": request.requester_id,
        "subject": request.subject_id,
        "digest": request.digest,
        "shown": request.shown,
        "samples": request.samples_hash,
        "need": request.need,
        "reason": request.reason,
        "alone": request.alone,
        "opened_at": request.opened_at.isoformat(),
        "clock_id": request.clock_id,
        "approver": given.approver_id,
        "roles": given.roles,
        "yes": given.yes,
        "why": given.why,
        "begun_at": given.begun_at.isoformat(),
    }
    return hashlib.sha256(given.challenge + bytes.fromhex(_hash(about))).digest()


def approvals_in(need: Need) -> tuple[Approval, ...]:
    """The approvals of a need that holds nothing else. Raises ValueError for any other."""
    match need:
        case Approval():
            return (need,)
        case AllOf(needs) | AnyOf(needs):
            return tuple(one for part in needs for one in approvals_in(part))
        case _:
            raise ValueError("a request for approval asks for approvals alone")


def fulfilled(need: Need, proofs: Iterable[ApprovalProof], now: datetime) -> bool:
    """Whether distinct people have given what the need asks for, none of it too long ago. Whose act it is was checked before."""
    given = tuple(proofs)
    match need:
        case Approval(count, role, expires_seconds):
            oldest = now - timedelta(seconds=expires_seconds)
            fresh = [proof for proof in given if holds(role, proof.roles) and proof.at >= oldest]
            return len({proof.approver for proof in fresh}) >= count or any(proof.alone for proof in fresh)
        case AllOf(needs):
            return all(fulfilled(one, given, now) for one in needs)
        case AnyOf(needs):
            return any(fulfilled(one, given, now) for one in needs)
        case _:
            raise ValueError("a request for approval asks for approvals alone")


def _new(
    request_id: str,
    kind: ApprovalKind,
    requester: str | None,
    digest: str,
    shown: Shown,
    need: Need,
    samples: Sequence[Sequence[str]],
) -> ApprovalRequest:
    approvals_in(need)
    rows = {"salt": secrets.token_hex(16), "rows": [list(row) for row in samples]} if samples else None
    return ApprovalRequest(
        id=request_id,
        kind=kind.value,
        requester_id=requester,
        digest=digest,
        shown=orjson.loads(orjson.dumps(asdict(shown))),
        samples=rows,
        samples_hash=_hash(rows) if rows else None,
        need=written_need(need),
        alone=False,
    )


def _fault(request: ApprovalRequest, person: Person) -> str | None:
    """Why this person may not answer; None: may."""
    if person.id == request.subject_id or (person.id == request.requester_id and not request.alone):
        return "own"
    if not may_sign_in(person):
        return "person"
    if not any(holds(one.role, person.roles) for one in approvals_in(read_need(request.need))):
        return "role"
    return None


def _enough(request: ApprovalRequest, able: list[Person]) -> bool:
    """Whether these people could fulfil the request together, without its requester."""
    others = [one for one in able if one.id != request.requester_id]
    proofs = [ApprovalProof(one.id, frozenset(one.roles), EPOCH, True, frozenset(), frozenset()) for one in others]
    return fulfilled(read_need(request.need), proofs, EPOCH)


def _longest(request: ApprovalRequest) -> timedelta:
    return timedelta(seconds=max(one.expires_seconds for one in approvals_in(read_need(request.need))))


def _answered(session: Session, request: ApprovalRequest, person: Person) -> bool:
    mine = and_(Given.request_id == request.id, Given.approver_id == person.id, Given.given_at.is_not(None))
    return session.scalar(select(Given.id).where(mine)) is not None


def _is(requester: str | None) -> Any:
    return ApprovalRequest.requester_id.is_(None) if requester is None else ApprovalRequest.requester_id == requester


def _hash(members: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).hexdigest()
