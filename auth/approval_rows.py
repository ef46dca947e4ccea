"""The rows of requests and answers: read as far as they are believed, and every change of them recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, and_, or_, select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from audit_store.pseudonyms import Pseudonyms
from auth.approval_needs import approvals_in, enough
from auth.approval_request import ApprovalKind, ApprovalRefused
from auth.approval_signature import CEREMONY_SECONDS
from auth.approval_tables import Approval as Given
from auth.approval_tables import ApprovalRequest
from auth.console_sessions import may_sign_in
from auth.keys import KeyRefusedError, Keys
from auth.row_alarms import RowAlarms
from auth.sole_reviewer import SoleReviewer
from auth.storage import database_now, reading
from auth.tables import Person
from auth.usable_keys import people_with_voice
from auth.used_acts import UsedActs
from policies.document import read_need
from policies.needs import holds

WAITING = ("open", "given")
UNENDED = ("draft", *WAITING)


class ApprovalRows:
    """The requests of one installation as they stand. What reads and writes further is in the classes above it."""

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

    def pending(self, kind: ApprovalKind, requester: str | None, digest: str) -> ApprovalRequest | None:
        """The request for exactly this that waits or was approved; None if there is none."""
        with reading(self._engine) as session:
            return self._matching(session, kind, requester, digest, database_now(session))

    def get(self, request_id: str) -> ApprovalRequest | None:
        """The request as it stands now; one whose time is over reads `expired`. None if there is no such request."""
        with reading(self._engine) as session:
            request = session.get(ApprovalRequest, request_id)
            if request is None or request.state not in UNENDED:
                return request
            if not self._believed(request) or not self._lives(request, database_now(session)):
                session.expunge(request)
                request.state = "expired"  # in this copy only: `expire` writes it down
            return request

    def asked_by(self, requester: str) -> list[ApprovalRequest]:
        """What a person has asked for and may still do or hear about, newest first: all that waits, and what ended lately."""
        with reading(self._engine) as session:
            now = database_now(session)
            lately = or_(ApprovalRequest.state.in_(WAITING), ApprovalRequest.ended_at > now - timedelta(days=7))
            question = select(ApprovalRequest).where(ApprovalRequest.requester_id == requester, lately)
            found = session.scalars(question.order_by(ApprovalRequest.opened_at.desc()))
            return [one for one in found if self._believed(one)]

    def answered(self, request_id: str, person_id: str) -> bool:
        """Whether this person has said yes or no to it."""
        return any(given.approver_id == person_id for given in self.answers(request_id))

    def answers(self, request_id: str) -> list[Given]:
        """Who has said yes or no, oldest first."""
        with reading(self._engine) as session:
            question = select(Given).where(Given.request_id == request_id, Given.given_at.is_not(None))
            return list(session.scalars(question.order_by(Given.given_at)))

    def _matching(self, session: Session, kind: ApprovalKind, requester: str | None, digest: str, now: datetime) -> ApprovalRequest | None:
        exactly = and_(asked_by(requester), ApprovalRequest.kind == kind, ApprovalRequest.digest == digest)
        question = select(ApprovalRequest).where(exactly, ApprovalRequest.state.in_(WAITING), self._alive(now))
        return next((one for one in session.scalars(question.order_by(ApprovalRequest.opened_at.desc())) if self._believed(one)), None)

    def _prior(self, session: Session, request: ApprovalRequest, person_id: str) -> Given | None:
        """What this person has begun or given; a row that nobody of us wrote makes room."""
        given = session.scalar(select(Given).where(Given.request_id == request.id, Given.approver_id == person_id))
        if given is not None and not self._believed(given):
            session.delete(given)
            session.flush()
            return None
        return given

    def _has_nobody_else(self, session: Session, request: ApprovalRequest) -> bool:
        """Whether one person alone could approve this at all, and the firm says what stands for the second one."""
        able = self._able(session, request)
        return self._sole is not None and len(able) == 1 and not enough(request, able)

    def _able(self, session: Session, request: ApprovalRequest) -> list[Person]:
        """Who has the role and a key to say yes with, the requester too; not whom it is about."""
        roles = [one.role for one in approvals_in(read_need(request.need))]
        people = session.scalars(select(Person).where(Person.id.in_(people_with_voice())))
        return [
            one for one in people if one.id != request.subject_id and may_sign_in(one) and any(holds(role, one.roles) for role in roles)
        ]

    def _options(self, person_id: str, signed: bytes) -> dict[str, Any]:
        """For `navigator.credentials.get`, with the person's keys. Raises ApprovalRefused."""
        try:
            return self._keys.options(person_id, signed, CEREMONY_SECONDS)
        except KeyRefusedError as refused:
            raise ApprovalRefused(refused.cause) from None

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


def asked_by(requester: str | None) -> Any:
    """The condition that this person asked, or with None the command line."""
    return ApprovalRequest.requester_id.is_(None) if requester is None else ApprovalRequest.requester_id == requester
