"""Alarms about rows that no process of ours left as they are: one for each such row, however often it is asked for (attacks X12)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from hashlib import blake2b

import orjson
from sqlalchemy import Engine, inspect, or_, select
from sqlalchemy.orm import Session

from audit_store.event import Event
from audit_store.pseudonyms import Pseudonyms
from auth.approval_tables import Approval, ApprovalRequest
from auth.belongings import missing
from auth.deleted_people import deleted_people
from auth.people_tables import StatusPlan
from auth.row_seal import tampered
from auth.sealed_rows import DELETED, MISSING, SealedRow, name_of, versions_of
from auth.storage import database_now, reading
from auth.tables import ConsoleSession, CrmAccount, CrmSession, Person, RiskLevel

_UNENDED = ("draft", "open", "given")
LATELY = timedelta(days=1)
"""A request that has ended is looked at for so long: by one that was taken, a name may be shown yet."""
_MARK_BYTES = 16


class ForgedRowsError(Exception):
    """There are rows that give nothing because none of our processes left them so. `torwart people check` names them."""


class RowAlarms:
    """Raises the alarms of one process. What was told is kept beside the database (`auth.row_versions`)."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], pseudonyms: Pseudonyms) -> None:
        self._engine = engine
        self._record = record
        self._pseudonyms = pseudonyms

    def about(self, row: SealedRow) -> None:
        """Tell of a row that is not genuine, if it was not told of as it stands. Raises OSError, SpoolError."""
        versions = versions_of(self._engine)
        if row.doubt is None or versions is None:
            return
        table = inspect(type(row)).local_table
        mark, person = _mark(name_of(row), *_as_it_stands(row)), person_of(row)
        if not versions.was_told(mark):
            key = name_of(row) if person is None else ""
            pseudonym = self._pseudonyms.of(person) if person is not None else None
            self._record(tampered(table.name, key, pseudonym=pseudonym, cause=row.doubt))
            versions.told(mark)

    def about_deleted(self, person_id: str, version: int) -> None:
        """Tell of a person who is not there any more (`auth.deleted_people`), once. Raises OSError, SpoolError."""
        versions, table = versions_of(self._engine), Person.__tablename__
        if versions is None:
            return
        mark = _mark(table, person_id, DELETED, version)
        if not versions.was_told(mark):
            self._record(tampered(table, "", pseudonym=self._pseudonyms.of(person_id), cause=DELETED))
            versions.told(mark)

    def learn(self, rows: Iterable[SealedRow]) -> None:
        """Remember how far genuine rows have come: another machine may have changed them. Raises OSError."""
        versions = versions_of(self._engine)
        if versions is not None:
            versions.came_to({name_of(row): getattr(row, "version") for row in rows if row.VERSIONED and row.genuine})  # noqa: B009

    def doubtful(self) -> list[SealedRow]:
        """All rows that give nothing because they are not genuine.

        Of people, accounts, what is signed in, levels, planned statuses, and approvals that wait.
        """
        with reading(self._engine) as session:
            rows = list(_rows(session))
        self.learn(rows)
        return [row for row in rows if not row.genuine]

    def look(self) -> None:
        """Tell of all of them, and of people who were deleted. Raises ForgedRowsError while there are some."""
        rows, deleted = self.doubtful(), deleted_people(self._engine)
        for row in rows:
            self.about(row)
        for person_id, version in deleted.items():
            self.about_deleted(person_id, version)
        if rows or deleted:
            raise ForgedRowsError(f"{len(rows) + len(deleted)} rows are not as Torwart wrote them")


def _mark(*what: object) -> str:
    return blake2b(orjson.dumps(what, default=repr), digest_size=_MARK_BYTES).hexdigest()


def _as_it_stands(row: SealedRow) -> list[object]:
    if isinstance(row, Person) and row.doubt == MISSING:  # what else is changed in it is done by us, and is told of no more
        return [MISSING, *missing(row)]
    return [*(getattr(row, name) for name in row.SEALED), row.seal]


def _rows(session: Session) -> Iterator[SealedRow]:
    waiting, now = select(ApprovalRequest.id).where(ApprovalRequest.state.in_(_UNENDED)), database_now(session)
    lately = ApprovalRequest.ended_at > now - LATELY
    yield from session.scalars(select(Person).order_by(Person.pseudonym))
    yield from session.scalars(select(CrmAccount))
    yield from session.scalars(select(RiskLevel))
    yield from session.scalars(select(StatusPlan))
    yield from session.scalars(select(CrmSession).where(CrmSession.ended_at.is_(None)))
    yield from session.scalars(select(ConsoleSession).where(ConsoleSession.ended_at.is_(None), ConsoleSession.expires_at > now))
    yield from session.scalars(select(ApprovalRequest).where(or_(ApprovalRequest.state.in_(_UNENDED), lately)))
    yield from session.scalars(select(Approval).where(Approval.request_id.in_(waiting)))


def person_of(row: SealedRow) -> str | None:
    """Whom the row is about; None: nobody. A row's own name may be a person's, so it is not told (law 11)."""
    match row:
        case Person():
            return row.id
        case ApprovalRequest():
            return row.requester_id
        case Approval():
            return row.approver_id
        case CrmAccount() | RiskLevel() | StatusPlan() | CrmSession() | ConsoleSession():
            return row.person_id
    raise TypeError(f"{type(row).__name__} is about nobody that is known here")
