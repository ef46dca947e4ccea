"""The tables of lost keys: recovery codes, recoveries under way, the sealed account for the worst day, and who has to be told of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from audit_store.database import Base
from audit_store.moments import Moment


class RecoveryCode(Base):
    """A code that opens a recovery, once. Kept as a hash: it has 120 random bits."""

    __tablename__ = "recovery_codes"
    SEALED: ClassVar[tuple[str, ...]] = ("hash", "person_id", "created_at", "used_at")

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When it was used, or made void by new ones."""
    seal: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of `auth.row_seal`."""


class Recovery(Base):
    """A person has lost the key and is to register a new one: not before the delay is over, and not without a second person's yes."""

    __tablename__ = "recoveries"
    SEALED: ClassVar[tuple[str, ...]] = (
        *("id", "person_id", "token_hash", "opened_by", "in_person", "lost", "state"),
        *("opened_at", "ready_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """Of the address under which the person sees how it stands."""
    opened_by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Id of the administrator who opened it; None: the person, with a recovery code."""
    in_person: Mapped[bool] = mapped_column(default=False)
    """The person stands before the administrator."""
    lost: Mapped[list[str]] = mapped_column(JSON)
    """Ids of the person's keys that are locked when it ends well."""
    state: Mapped[str] = mapped_column(String(16), default="open", index=True)
    """`open`, then `done`, `cancelled` or `expired`."""
    opened_at: Mapped[datetime] = mapped_column(Moment)
    ready_at: Mapped[datetime] = mapped_column(Moment)
    """When the delay is over."""
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    ended_by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Person id; None: nobody, or the command line."""
    seal: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of `auth.row_seal`: whoever writes a shorter delay into the database has a recovery that counts for nothing (attacks X12)."""


class BreakGlass(Base):
    """The account for the day on which no administrator can sign in: a code in a sealed envelope, used once, loudly, for some hours."""

    __tablename__ = "break_glass"
    SEALED: ClassVar[tuple[str, ...]] = ("id", "code_hash", "sealed_at", "void_at", "used_at", "person_id", "until", "ended_at")

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(200))
    """SHA-256, hexadecimal, of a code of 120 random bits."""
    sealed_at: Mapped[datetime] = mapped_column(Moment)
    sealed_by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Person id; None: the command line."""
    void_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When a newer envelope took its place."""
    used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), default=None)
    """Whom it makes an administrator."""
    until: Mapped[datetime | None] = mapped_column(Moment, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When its end was recorded; it ends at `until` in any case."""
    seal: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of `auth.row_seal`."""


class Notice(Base):
    """A mail about a recovery that has to go out, kept until the mail server has taken it."""

    __tablename__ = "notices"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    """Whom it is about."""
    kind: Mapped[str] = mapped_column(String(32))
    """A value of `auth.notices.NoticeKind`."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Times and codes of the sentence."""
    to_person: Mapped[bool]
    """Also to the person."""
    outside: Mapped[bool]
    """Also to the addresses outside the house."""
    made_at: Mapped[datetime] = mapped_column(Moment)
    next_at: Mapped[datetime] = mapped_column(Moment, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    error: Mapped[str | None] = mapped_column(String(200), default=None)
    """Of the last failed try."""
