"""The tables of alerts, of what left in exports, and of how far each consumer has read the central log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from audit_store.database import Base
from audit_store.moments import Moment

_STILL_OPEN = text("state IN ('open', 'looking')")


class Alert(Base):
    """What somebody has to look at: one for each person and day as long as it is open, growing with every signal.

    A reason has the mark `rule:code`. `numbers` and `event_ids` hold, by mark, what makes its sentence and where each number comes from.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_one_open_per_day", "pseudonym", "day", unique=True, sqlite_where=_STILL_OPEN, postgresql_where=_STILL_OPEN),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Random, says nothing."""
    day: Mapped[str] = mapped_column(String(10))
    """UTC date of the deeds, `2026-05-12`."""
    pseudonym: Mapped[str] = mapped_column(String(32), index=True)
    rules: Mapped[list[str]] = mapped_column(JSON)
    """Ids of the rules that spoke, in the order in which they did."""
    severity: Mapped[str] = mapped_column(String(8))
    """`low`, `medium` or `high`: the highest of all signals."""
    state: Mapped[str] = mapped_column(String(16))
    """`open`, `looking` (somebody has it in hand); closed: `confirmed`, `explained`, `false`."""
    title: Mapped[str] = mapped_column(String(64))
    """Id of the rule that opened it; pages say it in words."""
    reasons: Mapped[list[str]] = mapped_column(JSON)
    """Marks, in the order in which they came."""
    numbers: Mapped[dict[str, dict[str, int | str]]] = mapped_column(JSON)
    """Mark -> the numbers of its sentence, the largest or newest of each."""
    event_ids: Mapped[dict[str, list[str]]] = mapped_column(JSON)
    """Mark -> ids of its events, oldest first, at most `audit_store.alerts.EVENT_IDS_MAX`."""
    opened_at: Mapped[datetime] = mapped_column(Moment)
    """Time of the first deed."""
    updated_at: Mapped[datetime] = mapped_column(Moment)
    """Time of the newest deed."""
    notified_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    closed_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    closed_by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Pseudonym of the reviewer."""
    note: Mapped[str | None] = mapped_column(String(2_000), default=None)
    """The reviewer's words; in no event."""
    revision: Mapped[int] = mapped_column(BigInteger, index=True)
    """Higher than that of every change of any alert before."""


class Manifest(Base):
    """What left in one export. Written once, before the release, and never changed."""

    __tablename__ = "manifests"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    """Grows with every export: readers take over what is above the last one they know."""
    name: Mapped[str] = mapped_column(String(32), unique=True)
    """Short name that people read, `7F3A`."""
    act_id: Mapped[str] = mapped_column(String(64), unique=True)
    pseudonym: Mapped[str] = mapped_column(String(32), index=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    clients: Mapped[str] = mapped_column(Text)
    """Client ids, as `audit_store.client_sets` writes a set."""
    keys: Mapped[str] = mapped_column(Text)
    """Keyed hashes of the values that left, as numbers, in the same form."""
    fields: Mapped[list[str]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    """SHA-256 of the delivered bytes, hexadecimal."""
    filter_digest: Mapped[str | None] = mapped_column(String(128), default=None)
    rows: Mapped[int] = mapped_column(Integer)


class ExportMark(Base):
    """The code of the mark that an export carries (`detectors.mark`), beside its manifest. Never changed."""

    __tablename__ = "export_marks"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    """Of the manifest."""


class SubjectKey(Base):
    """The key of what events hold about one person under encryption (`audit_store.sealing`). Thrown away, nobody reads it any more."""

    __tablename__ = "subject_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Random; events name it."""
    pseudonym: Mapped[str] = mapped_column(String(32), unique=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Of AES-256."""
    made_at: Mapped[datetime] = mapped_column(Moment)


class Cursor(Base):
    """A consumer's place in the central log."""

    __tablename__ = "log_cursors"

    consumer: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    """Global sequence of the last event that was dealt with; 0: none."""
