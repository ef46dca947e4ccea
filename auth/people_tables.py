"""The tables of what happens to people over time: planned statuses, imports, accounts that nobody has, and how far gateways have seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from audit_store.database import Base
from audit_store.moments import Moment
from auth.belongings import Belonging

PLANNED, DONE, WITHDRAWN, OVERTAKEN = "planned", "done", "withdrawn", "overtaken"
"""States of a plan."""


class StatusPlan(Belonging, Base):
    """A status that a person will have from a day on (`auth.plans`). It only ever takes away."""

    __tablename__ = "status_plans"
    SEALED = ("id", "person_id", "status", "day", "due_at", "by", "automatic", "state")

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    status: Mapped[str] = mapped_column(String(32))
    """A value of `policies.request.Status` other than `active`."""
    day: Mapped[str] = mapped_column(String(10))
    """As it was said: ISO 8601, of the machine's zone at that time."""
    due_at: Mapped[datetime] = mapped_column(Moment)
    """The beginning of that day."""
    reason: Mapped[str | None] = mapped_column(String(500), default=None)
    by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Person id of who planned it; None: the command line."""
    automatic: Mapped[bool] = mapped_column(default=False)
    """Nobody asked for it: the end of a last day."""
    made_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(16), index=True)
    """`PLANNED`, then `DONE`, `WITHDRAWN`, or `OVERTAKEN` by a status that says more."""
    ended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)

    @property
    def counts(self) -> bool:
        """As `Belonging.counts`: what was carried out stands in the person's own status."""
        return self.state == PLANNED


class PeopleImport(Base):
    """A table of people that was taken over (`auth.people_import`)."""

    __tablename__ = "people_imports"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Person id; None: the command line."""
    undone_at: Mapped[datetime | None] = mapped_column(Moment, default=None)


class PeopleImportChange(Base):
    """What an import changed about one person, for its undoing."""

    __tablename__ = "people_import_changes"

    import_id: Mapped[str] = mapped_column(ForeignKey("people_imports.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """None: the person is new."""
    after: Mapped[dict[str, Any]] = mapped_column(JSON)


class UnmappedAccount(Base):
    """A name that somebody tried to sign in to the CRM with and that is nobody's account (`auth.unmapped`)."""

    __tablename__ = "unmapped_accounts"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Keyed blake2b, hex."""
    account: Mapped[str | None] = mapped_column(String(64), default=None)
    """Only from the second time on: what was typed once by mistake may be a password."""
    times: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)


class GatewayView(Base):
    """A gateway process that runs, and which changes of people it has taken over (`auth.attendance`)."""

    __tablename__ = "gateway_views"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Random, of the process."""
    producer: Mapped[str] = mapped_column(String(40))
    """Its name as a producer of events."""
    started_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    people: Mapped[int] = mapped_column(BigInteger)
    """The revision of people (`revisions`) that it works with."""
