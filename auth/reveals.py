"""The name behind a pseudonym: asked for with a case number and the own key, approved by a second person's, shown to the one who asked.

The name is shown for a limited time and for that case alone; that it was is an event, and the data-protection officer is told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, and_, select

from audit_store.event import Event, EventAction, plain_event
from audit_store.pseudonyms import Pseudonyms
from audit_store.tables import Alert
from auth.approval_request import ApprovalKind, Shown
from auth.approval_tables import ApprovalRequest
from auth.approvals import Approvals
from auth.storage import database_now, reading, writing
from auth.tables import Person
from policies.needs import Approval

REVIEWERS = "owner|admin|security"
EXPIRES_SECONDS = 24 * 3600
CASE = re.compile(r"(?:[A-Z]{1,2}-)?20[0-9]{2}[-/][0-9]{1,4}", re.ASCII)
"""A year and a number, with at most two capital letters before: neither a name nor a telephone number fits, for it stands in the record."""


class RevealError(Exception):
    """A name cannot be asked for; the text says why."""


class Reveals:
    """The names that reviewers of one installation were shown."""

    def __init__(
        self, engine: Engine, record: Callable[[Event], object], approvals: Approvals, pseudonyms: Pseudonyms, *, hours: float
    ) -> None:
        """`hours`: how long a name is shown."""
        self._engine = engine
        self._record = record
        self._approvals = approvals
        self._pseudonyms = pseudonyms
        self._hours = hours

    def prepare(self, requester: str, subject: str, case: str, reason: str) -> ApprovalRequest:
        """What the requester then signs with the own key. Raises RevealError for a case number that is none, a missing reason, oneself.

        `case` is a number of the firm's own (`CASE`), or the id of an alert that there is.
        """
        if not CASE.fullmatch(case) and not self._is_alert(case):
            raise RevealError(
                "write the number of the case as a year and a number, for example 2026-17 or HR-2026-17, or the id of an alert"
            )
        if len(reason.strip()) < 3:
            raise RevealError("write why the name is needed")
        if requester == subject:
            raise RevealError("that is your own name")
        digest = hashlib.sha256(f"torwart reveal 1\0{requester}\0{subject}\0{case}".encode()).hexdigest()
        return self._approvals.prepare(
            kind=ApprovalKind.REVEAL,
            requester=requester,
            digest=digest,
            shown=Shown(ApprovalKind.REVEAL.value, lines=(case,)),
            need=Approval(1, REVIEWERS, EXPIRES_SECONDS),
            reason=reason,
            subject=subject,
        )

    def _is_alert(self, case: str) -> bool:
        with reading(self._engine) as session:
            return session.get(Alert, case) is not None

    def open(self, request_id: str, requester: str) -> bool:
        """Show the name from now on, once it was approved; False if it was not, or this person did not ask. Raises OSError."""
        request = self._approvals.get(request_id)
        if request is None or request.kind != ApprovalKind.REVEAL or request.requester_id != requester or request.subject_id is None:
            return False
        proofs = self._approvals.take(ApprovalKind.REVEAL, requester, request.digest)
        if proofs is None:
            return False
        with writing(self._engine) as session:
            session.get_one(ApprovalRequest, request.id).notified_at = None  # from now on: when the officer was told
            said: dict[str, int | str] = {"request": request.id, "case": request.shown["lines"][0], "hours": f"{self._hours:g}"}
            said["by"] = ", ".join(sorted(self._pseudonyms.of(proof.approver) for proof in proofs))
            who, about = self._pseudonyms.of(requester), self._pseudonyms.of(request.subject_id)
            self._record(plain_event(EventAction.NAME_REVEALED, at=datetime.now(UTC), pseudonym=who, subject=about, numbers=said))
        return True

    def shown(self, request_id: str, viewer: str) -> tuple[Person, datetime] | None:
        """The person whose name this viewer is shown by this request, and until when; None: not, or not any more."""
        with reading(self._engine) as session:
            request = session.get(ApprovalRequest, request_id)
            if request is None or request.kind != ApprovalKind.REVEAL or request.state != "taken" or request.requester_id != viewer:
                return None
            if not request.genuine:
                return None
            person = session.get(Person, request.subject_id) if request.subject_id else None
            if person is None or request.ended_at is None:
                return None
            until = request.ended_at + timedelta(hours=self._hours)
            return (person, until) if database_now(session) < until else None

    def untold(self) -> list[ApprovalRequest]:
        """Names that were shown and the officer was not told of yet."""
        with reading(self._engine) as session:
            mine = and_(
                ApprovalRequest.kind == ApprovalKind.REVEAL, ApprovalRequest.state == "taken", ApprovalRequest.notified_at.is_(None)
            )
            return list(session.scalars(select(ApprovalRequest).where(mine)))
