"""Who was told by mail: those who may answer, the requester, and the address outside of a firm with one approver."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, select

from audit_store.event import EventAction
from auth.approval_needs import fault, longest
from auth.approval_rows import ApprovalRows
from auth.approval_tables import ApprovalRequest
from auth.console_sessions import may_sign_in
from auth.storage import database_now, reading, writing
from auth.tables import Person


class Noticing(ApprovalRows):
    """What is still to be told, and that it was."""

    def untold(self) -> list[tuple[ApprovalRequest, list[Person]]]:
        """What waits and nobody was told of by mail yet, each with those who may answer it."""
        with reading(self._engine) as session:
            waits = and_(ApprovalRequest.state == "open", ApprovalRequest.notified_at.is_(None), self._alive(database_now(session)))
            found = session.scalars(select(ApprovalRequest).where(waits).order_by(ApprovalRequest.opened_at))
            requests = [one for one in found if self._believed(one)]
            everybody = list(session.scalars(select(Person))) if requests else []
            return [(request, [one for one in everybody if fault(request, one) is None]) for request in requests]

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
            request.expires_at = request.not_before + longest(request)
            self._say(EventAction.APPROVAL_NOTICED, request, by=None)
