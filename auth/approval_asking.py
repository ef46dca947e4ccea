"""A person asks for approval: at once, by a draft that the touch of an act opens, or with a touch for the question itself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from audit_store.event import EventAction
from audit_store.sealing import seal
from auth.approval_needs import longest
from auth.approval_request import (
    MAX_OPEN,
    REASON_LENGTH,
    ApprovalKind,
    ApprovalRefused,
    ReasonMissingError,
    Shown,
    TooManyOpenError,
    new_request,
)
from auth.approval_rows import WAITING, ApprovalRows, asked_by
from auth.approval_signature import CEREMONY_SECONDS, CHALLENGE_BYTES, signed_challenge
from auth.approval_tables import Approval as Given
from auth.approval_tables import ApprovalRequest
from auth.console_sessions import may_sign_in
from auth.keys import KeyRefusedError
from auth.storage import database_now, hits_one, reading, writing
from auth.tables import Person
from policies.needs import Need

DRAFT_SECONDS = 600
"""To sign what was prepared."""
SHORTEST_REASON = 3
"""Characters."""


class Asking(ApprovalRows):
    """Requests are made, and taken back."""

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
            mine = and_(asked_by(requester), ApprovalRequest.state.in_(WAITING), self._alive(now))
            same = and_(ApprovalRequest.kind == kind, ApprovalRequest.digest == digest)
            if (known := next(filter(self._believed, session.scalars(select(ApprovalRequest).where(mine, same))), None)) is not None:
                return known
            request = new_request(secrets.token_urlsafe(24), kind, requester, digest, shown, need, samples)
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
            request = new_request(act_id, ApprovalKind.ACT, requester, digest, shown, need, samples)
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
            request = new_request(secrets.token_urlsafe(24), kind, requester, digest, shown, need, ())
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
        return self._options(requester, signed)

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

    def waiting(self, requester: str) -> int:
        """How many requests of this person wait for an answer."""
        with reading(self._engine) as session:
            return self._count(session, requester, database_now(session))

    def withdraw(self, request_id: str, requester: str | None) -> bool:
        """The requester takes the request back; False if it is not theirs or waits no more."""
        with writing(self._engine) as session:
            request = session.get(ApprovalRequest, request_id)
            if request is None or request.requester_id != requester or request.state not in WAITING:
                return False
            self._end(request, "withdrawn", database_now(session))
            self._say(EventAction.APPROVAL_ENDED, request, by=requester, outcome="failure", cause="withdrawn")
        return True

    def _prepared(self, session: Session, request_id: str, requester: str, now: datetime) -> tuple[ApprovalRequest, Person]:
        request, person = session.get(ApprovalRequest, request_id), session.get(Person, requester)
        if request is None or person is None or request.state != "draft" or not self._lives(request, now) or not self._believed(request):
            raise ApprovalRefused("not_open")
        if request.requester_id != requester or request.kind == ApprovalKind.ACT or not may_sign_in(person):
            raise ApprovalRefused("person")
        return request, person

    def _open(self, session: Session, request: ApprovalRequest, reason: str | None, now: datetime, key: str | None = None) -> None:
        if self._count(session, request.requester_id, now) >= MAX_OPEN:
            raise TooManyOpenError
        person = session.get(Person, request.requester_id) if request.requester_id is not None else None
        if request.requester_id is not None and (person is None or not may_sign_in(person)):
            raise PermissionError("this person may ask for nothing")
        request.reason = (reason or "").strip()[:REASON_LENGTH] or None
        request.state, request.opened_at = "open", now
        request.expires_at = now + longest(request)
        sealed = seal(session, person.pseudonym, request.reason, now) if person and request.reason else None
        request.alone = self._has_nobody_else(session, request)
        if request.alone and len(request.reason or "") < SHORTEST_REASON:
            raise ReasonMissingError
        self._say(EventAction.APPROVAL_ASKED, request, by=request.requester_id, outcome="unknown", key=key, sealed=sealed)

    def _count(self, session: Session, requester: str | None, now: datetime) -> int:
        """Rows of somebody else's making do not count: they would keep the person from asking (attacks X12)."""
        waiting = select(ApprovalRequest).where(asked_by(requester), ApprovalRequest.state == "open", self._alive(now))
        return sum(self._believed(one) for one in session.scalars(waiting))
