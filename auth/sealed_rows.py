"""Rows that are sealed whenever one of our processes writes them, and looked at whenever one is read (attacks X12, decision 0020).

People, their accounts and sessions, and approvals are changed in many places. So the seal is not left to each: it is made in the flush of
the transaction that records the change, and the change is gone with it when the record fails. A row that was not genuine when it was read
is never sealed by that: nobody makes a forged row true by changing something else in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, String, event, inspect
from sqlalchemy.orm import Mapped, Mapper, QueryContext, Session, SessionTransaction, UOWTransaction, mapped_column, object_session

from auth.row_seal import RowSeal
from auth.row_versions import RowVersions

SEAL, OLDER, UNLISTED, MISSING, DELETED = "seal", "older", "unlisted", "missing", "deleted"
"""Why a row is not believed: no process of ours left it like this; one did, and has changed it since; the row of its person does not name
it; it is the row of a person, and names one that is not there (`auth.belongings`); or it is itself not there (`auth.deleted_people`)."""
_OPTION = "torwart_sealing"
_DOUBT = "torwart_doubt"
_COMMITTED = "torwart_row_versions"
_BEFORE = "torwart_versions_before"


@dataclass(frozen=True, slots=True)
class Sealing:
    """What rows of an installation are sealed with, and what is remembered of them on this machine."""

    seal: RowSeal
    versions: RowVersions


class SealedRow:
    """Part of a table whose rows give authority. Read through a session of an engine with `attach`; without it no row is believed."""

    SEALED: ClassVar[tuple[str, ...]]
    """Its columns that give authority, the primary key among them; not those that grow by themselves, as counters do."""
    VERSIONED: ClassVar[bool] = False
    """Whether it has a column `version`, among `SEALED`: then an older copy of a row is not believed either."""

    seal: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of `auth.row_seal`."""

    @property
    def doubt(self) -> str | None:
        """Why the row as it was read gives nothing: `SEAL`, `OLDER`, `UNLISTED` or `MISSING`; None: it is genuine."""
        return str(found) if (found := inspect(self).info.get(_DOUBT, SEAL)) is not None else None

    @property
    def genuine(self) -> bool:
        """Whether one of our processes left the row like this."""
        return self.doubt is None

    @classmethod
    def misfit(cls, _row: Any) -> str | None:
        """Why a row of this table gives nothing although its seal holds; None: it gives what it says."""
        return None


def attach(engine: Engine, seal: RowSeal, versions: RowVersions) -> None:
    """From now on rows are sealed and looked at through this engine."""
    engine.update_execution_options(**{_OPTION: Sealing(seal, versions)})


def accept(row: SealedRow) -> None:
    """Seal a row as it stands although it was not genuine. Only after this was recorded, in the same transaction."""
    session = object_session(row)
    sealing = _sealing(session.get_bind()) if session is not None else None
    if session is None or sealing is None:
        raise RuntimeError("the row belongs to no session that can seal it")
    if row.VERSIONED:
        seen = sealing.versions.of(name_of(row))
        setattr(row, "version", max(getattr(row, "version"), seen))  # noqa: B009, B010 -- only tables that are VERSIONED have it
    _seal(row, sealing, session)


def versions_of(engine: Engine) -> RowVersions | None:
    """What is remembered of the rows of this engine; None where nothing is sealed."""
    sealing = _sealing(engine)
    return sealing.versions if sealing is not None else None


def plain_doubt(bind: Engine | Connection, model: type[SealedRow], row: Any) -> str | None:
    """As `SealedRow.doubt`, of a row that no mapper made, with all of `SEALED` and `seal` as attributes, and read under the write lock."""
    sealing = _sealing(bind)
    return _fault(row, model, sealing, sealing.versions.as_of_now() if sealing is not None else {})


def put_seal(row: SealedRow, session: Session) -> None:
    """Seal a new row, or one that was genuine, ahead of its statement in the same flush; nothing where nothing is sealed."""
    sealing = _sealing(session.get_bind())
    if sealing is not None:
        _fill(row)
        sealing.seal.put(row)


def changed_seal(row: SealedRow) -> bool:
    """Whether a row is genuine and what is sealed in it is about to be changed.

    A person of whom a row is missing is sealed anew: the list still names it.
    """
    state = inspect(row)
    return row.doubt in (None, MISSING) and any(state.attrs[name].history.has_changes() for name in _columns(row))


def before_each_flush(change: Callable[[Session], None]) -> None:
    """Call `change` before every flush of a session that seals."""

    @event.listens_for(Session, "before_flush")
    def _flushing(session: Session, _context: UOWTransaction, _instances: object) -> None:
        if _sealing(session.get_bind()) is not None:
            change(session)


def name_of(row: SealedRow) -> str:
    """Table and primary key of a row, as the memory of this machine calls it."""
    return _name(row, type(row))


def _sealing(bind: Engine | Connection) -> Sealing | None:
    found = bind.get_execution_options().get(_OPTION)
    return found if isinstance(found, Sealing) else None


def _name(row: Any, model: type[SealedRow]) -> str:
    table, columns = _key(inspect(model))
    key = ",".join([str(getattr(row, column)) for column in columns])
    return f"{table}:{key.replace(' ', '_')}"


@cache
def _key(mapper: Any) -> tuple[str, tuple[str, ...]]:
    table = mapper.local_table
    return table.name, tuple(column.name for column in table.primary_key)


def _fault(row: Any, model: type[SealedRow], sealing: Sealing | None, before: Mapping[str, int]) -> str | None:
    """`before`: the versions that were remembered before the row was read."""
    if sealing is None or not sealing.seal.holds(row, model):
        return SEAL
    if model.VERSIONED and row.version < before.get(_name(row, model), 0):
        return OLDER
    return model.misfit(row)


def _seal(row: SealedRow, sealing: Sealing, session: Session | None) -> None:
    if row.VERSIONED:
        version = (getattr(row, "version", None) or 0) + 1
        setattr(row, "version", version)  # noqa: B010
        if session is not None:
            session.info.setdefault(_COMMITTED, {})[name_of(row)] = version
    sealing.seal.put(row)
    inspect(row).info[_DOUBT] = None


def _fill(row: SealedRow) -> None:
    """Put the defaults of a new row where its statement would put them."""
    columns = inspect(type(row)).columns
    for name in _columns(row):
        default = columns[name].default
        if getattr(row, name) is None and default is not None and default.is_scalar:
            setattr(row, name, default.arg)


def _columns(row: SealedRow) -> tuple[str, ...]:
    return (*row.SEALED, *getattr(row, "SEALED_IF_SET", ()))


def _look(row: SealedRow, session: Session) -> None:
    inspect(row).info[_DOUBT] = _fault(row, type(row), _sealing(session.get_bind()), session.info.get(_BEFORE, {}))


@event.listens_for(Session, "after_begin")
def _begun(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    sealing = _sealing(connection)
    if sealing is not None:
        session.info[_BEFORE] = sealing.versions.as_of_now()


@event.listens_for(SealedRow, "load", propagate=True)
def _loaded(row: SealedRow, context: QueryContext) -> None:
    _look(row, context.session)


@event.listens_for(SealedRow, "refresh", propagate=True)
def _refreshed(row: SealedRow, context: QueryContext, _names: Iterable[str] | None) -> None:
    _look(row, context.session)


@event.listens_for(SealedRow, "before_insert", propagate=True)
def _inserting(_mapper: Mapper[Any], connection: Connection, row: SealedRow) -> None:
    sealing = _sealing(connection)
    if sealing is not None:
        _fill(row)
        _seal(row, sealing, object_session(row))


@event.listens_for(SealedRow, "before_update", propagate=True)
def _updating(_mapper: Mapper[Any], connection: Connection, row: SealedRow) -> None:
    sealing = _sealing(connection)
    if sealing is not None and changed_seal(row):
        doubt = row.doubt
        _seal(row, sealing, object_session(row))
        inspect(row).info[_DOUBT] = doubt


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    versions: Mapping[str, int] = session.info.pop(_COMMITTED, {})
    sealing = _sealing(session.get_bind()) if versions else None
    if sealing is not None:
        sealing.versions.came_to(versions)


@event.listens_for(Session, "after_rollback")
def _rolled_back(session: Session) -> None:
    session.info.pop(_COMMITTED, None)
