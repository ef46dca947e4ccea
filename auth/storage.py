"""Transactions over the shared database: one writer at a time, the clock of the database, and what changed last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, CursorResult, Engine, Update, text
from sqlalchemy.orm import Session

from audit_store.engines import is_sqlite, take_write_lock
from audit_store.moments import EPOCH

GROW = text(
    "INSERT INTO revisions (kind, number) VALUES (:kind, 1) ON CONFLICT (kind) DO UPDATE SET number = revisions.number + 1 RETURNING number"
)
"""Notes that rows of a kind change (`grow`)."""
_SQLITE_CLOCK = "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"
"""julianday of 1970-01-01 is 2440587.5; SQLite's unixepoch('subsec') is younger than versions still in use."""
_SERVER_CLOCK = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


@contextmanager
def reading(engine: Engine | Connection) -> Iterator[Session]:
    """A session for reading; what it gave stays usable afterwards. Of a connection: in its transaction, which goes on."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A transaction that commits at the end, or not at all if anything raises.

    The write lock is taken *before* the first read, so that what was read still holds when it is written.
    """
    with Session(engine, expire_on_commit=False) as session:
        take_write_lock(session.connection())
        yield session
        session.commit()


def hits_one(session: Session, statement: Update) -> bool:
    """Run an update that may happen once: True if exactly one row was as the statement demands."""
    result = session.execute(statement.execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1


def grow(session: Session, kind: str) -> int:
    """Note that rows of this kind change in this transaction; the new number, greater than all before it."""
    return int(session.execute(GROW, {"kind": kind}).scalar_one())


def database_now(session: Session) -> datetime:
    """The database's clock, in UTC, to the millisecond: one clock for all processes that share it (attacks, "Settled")."""
    connection = session.connection()
    milliseconds = connection.exec_driver_sql(clock_of(connection)).scalar_one()
    return EPOCH + timedelta(milliseconds=int(milliseconds))


def clock_of(engine: Engine | Connection) -> str:
    """The question that `database_now` asks: milliseconds since 1970."""
    return _SQLITE_CLOCK if is_sqlite(engine) else _SERVER_CLOCK
