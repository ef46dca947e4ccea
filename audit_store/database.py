"""The database that the processes of one installation share: SQLite by default, its promises asserted at every connection."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, MetaData, create_engine, event, text
from sqlalchemy import exc as errors
from sqlalchemy.orm import DeclarativeBase

if TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

SCHEMA_VERSION = 3
"""Grows with every change of a table; kept in SQLite's `user_version`."""
BUSY_TIMEOUT_SECONDS = 5


class Base(DeclarativeBase):
    """All tables of the shared database (`audit_store.tables`, `auth.tables`)."""

    metadata = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"})


class DatabaseError(Exception):
    """The database cannot be used as it is; the text says what to do."""


def open_database(path: Path) -> Engine:
    """An engine over the file, with durable commits (WAL, synchronous=FULL), foreign keys on, tables made where they are missing.

    The caller has imported every tables module that it needs. Raises DatabaseError when the file belongs to a newer Torwart, is no
    readable database or a pragma does not hold; SQLAlchemy's OperationalError when it is locked for too long: trying again may help.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _set_promises)
    try:
        _make_tables(engine, path.name)
    except errors.OperationalError:
        raise
    except errors.DatabaseError as error:
        raise DatabaseError(f"{path}: {error.orig}: restore a backup") from error
    return engine


def _make_tables(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        version = connection.execute(text("PRAGMA user_version")).scalar_one()
        if version > SCHEMA_VERSION:
            raise DatabaseError(f"{name} was written by a newer Torwart (schema {version}); start that version or restore a backup")
        Base.metadata.create_all(connection)
        connection.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION:d}"))


def _set_promises(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        connection.execute(f"PRAGMA {pragma} = {value}")
        seen = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        if seen != value:
            raise DatabaseError(f"the database does not keep {pragma}={value} (it says {seen}): is the disk a network share?")
