"""A second person says yes or no with the own key; what they said is checked each time it counts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from audit_store.client_sets import decode_ids
from audit_store.event import EventAction
from audit_store.sealing import seal
from auth.approval_needs import fault, fulfilled, longest
from auth.approval_request import REASON_LENGTH, ApprovalRefused, Shown
from auth.approval_rows import ApprovalRows
from auth.approval_signature import CEREMONY_SECONDS, CHALLENGE_BYTES, signed_challenge
from auth.approval_tables import Approval as Given
from auth.approval_tables import ApprovalRequest
from auth.keys import KeyRefusedError, VerifiedTouch
from auth.storage import database_now, hits_one, reading, writing
from auth.tables import Key, Person
from policies.document import read_need
from policies.request import ApprovalProof


class Answering(ApprovalRows):
    """Answers are given, and weighed."""

    def waiting_for(self, approver_id: str) -> list[ApprovalRequest]:
        """What this person may say yes or no to now, oldest first."""
        with reading(self._engine) as session:
            person = session.get(Person, approver_id)
            if person is None:
                return []
            question = select(ApprovalRequest).where(ApprovalRequest.state == "open", self._alive(database_now(session)))
            found = [one for one in session.scalars(question.order_by(ApprovalRequest.opened_at)) if self._believed(one)]
            return [one for one in found if self._fault(session, one, person) is None and not _has_answered(session, one, person)]

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
        return self._options(approver_id, signed)

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

    def _answerable(self, session: Session, request_id: str, approver_id: str, now: datetime) -> tuple[ApprovalRequest, Person]:
        request, person = session.get(ApprovalRequest, request_id), session.get(Person, approver_id)
        if request is None or person is None or not self._believed(request):
            raise ApprovalRefused("not_open")
        if request.state != "open" or not self._lives(request, now):  # 1
            raise ApprovalRefused("not_open")
        if (cause := self._fault(session, request, person)) is not None:  # 2, 3
            raise ApprovalRefused(cause)
        if request.alone and (request.not_before is None or now < request.not_before):  # 7
            raise ApprovalRefused("too_early")
        return request, person

    def _fault(self, session: Session, request: ApprovalRequest, person: Person) -> str | None:
        """Why this person may not answer; None: may. Alone is nobody any more, once there is somebody else."""
        if request.alone and not self._has_nobody_else(session, request):
            return "not_alone"
        return fault(request, person)

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
                request.expires_at = min(one.at for one, _ in found) + longest(request)
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


def _has_answered(session: Session, request: ApprovalRequest, person: Person) -> bool:
    mine = and_(Given.request_id == request.id, Given.approver_id == person.id, Given.given_at.is_not(None))
    return session.scalar(select(Given.id).where(mine)) is not None
