"""The tables of what waits for a second person: what is asked, and who has said yes or no to it with the own key."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from audit_store.database import Base
from audit_store.moments import Moment
from auth.sealed_rows import SealedRow


class ApprovalRequest(SealedRow, Base):
    """Something that its person may not do alone. Nothing is done by the approval: the person repeats it, once (`auth.approvals`)."""

    __tablename__ = "approval_requests"
    SEALED: ClassVar[tuple[str, ...]] = (
        *("id", "kind", "requester_id", "subject_id", "digest", "shown", "samples_hash", "need", "reason", "alone", "not_before"),
        *("state", "opened_at", "expires_at", "ended_at", "clock_id", "version"),
    )
    VERSIONED = True
    __table_args__ = (Index("ix_approval_requests_mine", "requester_id", "state"), Index("ix_approval_requests_state", "state"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """A value of `auth.approval_request.ApprovalKind`."""
    requester_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), default=None)
    """None: the command line on the machine itself, which is nobody."""
    subject_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), default=None)
    """Whom it is about, who may not say yes either."""
    digest: Mapped[str] = mapped_column(String(64))
    """Of exactly what is asked for."""
    shown: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What approvers are shown and sign (`auth.approval_request.Shown`). Never a client's value."""
    samples: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """Masked rows, or of an upload the names of its files, with random bytes; dropped when the request ends."""
    samples_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    need: Mapped[Any] = mapped_column(JSON)
    """Whose approval, as `policies.document.written_need` writes it."""
    reason: Mapped[str | None] = mapped_column(String(500), default=None)
    """In the requester's words; sealed in events."""
    alone: Mapped[bool] = mapped_column(default=False)
    """The firm has nobody else: delay and a notice to an outside address stand for the second person."""
    not_before: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """Of one that is `alone`: when the delay is over; None until the notice was delivered."""
    state: Mapped[str] = mapped_column(String(16), default="open")
    """`open`, `given` (enough have said yes), `taken` (it let its act go once), `refused`, `withdrawn` or `expired`."""
    opened_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    notified_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When those who may approve it were told by mail."""
    answered_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When the requester was told by mail how it ended."""
    ended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    clock_id: Mapped[str] = mapped_column(String(64))
    """Run of the clock that its times are by (`auth.stepup.clock_id`): after a restart it is worth nothing."""
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    """How often what is sealed was changed; an older copy of the row has a lower one."""


class Approval(SealedRow, Base):
    """One person's answer to a request: a challenge that waits, or the touch that was verified and can be checked again."""

    __tablename__ = "approvals"
    SEALED: ClassVar[tuple[str, ...]] = (
        *("id", "request_id", "approver_id", "roles", "yes", "why", "challenge", "begun_at", "given_at", "key_id", "assertion"),
    )
    __table_args__ = (UniqueConstraint("request_id", "approver_id", name="uq_approvals_once_each"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("approval_requests.id"))
    approver_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    roles: Mapped[list[str]] = mapped_column(JSON)
    """Of the approver when asked."""
    yes: Mapped[bool]
    why: Mapped[str | None] = mapped_column(String(500), default=None)
    """Of a no, in the approver's words."""
    challenge: Mapped[bytes] = mapped_column(LargeBinary(64))
    challenge_used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    begun_at: Mapped[datetime] = mapped_column(Moment)
    """The approval is as old as this: the key signs it."""
    given_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    key_id: Mapped[str | None] = mapped_column(ForeignKey("keys.id"), default=None)
    assertion: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
