"""How the central log is reached: its own file of SQLite, or the server that the shared database is on."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy import exc as errors
from sqlalchemy.pool import QueuePool

from audit_store.engines import LOGGING, DatabaseError, Server, is_sqlite, server_engine, take_write_lock
from audit_store.log_blocks import BlockError, NotPackedError
from audit_store.schema import LOG, SHARED, bring_up, is_current
from audit_store.sqlite_file import DAMAGED, StoreError, connect, hold_events, make_durable, own_folder

FILE = "log.db"


class LogError(StoreError):
    """The central log cannot be written or read now."""


def open_engine(place: Path | Server, *, reading: bool) -> Engine:
    """An engine over the log in the folder or on the server, its tables as this version wants them. Raises LogError.

    `reading`: a file must be there and is never changed, but for one of an older Torwart, which is brought up to date first.
    """
    with translated("the log cannot be opened"):
        if isinstance(place, Server):
            engine = server_engine(place)
            bring_up(engine, frozenset({SHARED, LOG}))
            return engine
        if not reading:
            own_folder(place, LogError)
        file = place / FILE
        engine = _file_engine(file, make=not reading)
        if not reading:
            bring_up(engine, frozenset({LOG}), file=file)
        elif not is_current(engine):
            writing = _file_engine(file, make=True)
            bring_up(writing, frozenset({LOG}), file=file)
            writing.dispose()
        return engine


def exists(place: Path | Server) -> bool:
    """Whether there is a log: on a server always, for whoever opens it makes it."""
    return isinstance(place, Server) or (place / FILE).exists()


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction of the only writer, over all processes and machines. Raises LogError."""
    with translated("the log cannot be written"), engine.connect() as connection:
        take_write_lock(connection, LOGGING)
        yield connection
        connection.commit()


@contextlib.contextmanager
def one_view(engine: Engine) -> Iterator[Connection]:
    """A transaction in which everything that is read is of one moment. Raises LogError."""
    with translated("the log cannot be read"), engine.connect() as connection:
        if is_sqlite(connection):
            connection.exec_driver_sql("BEGIN")
            yield connection
        else:
            yield connection.execution_options(isolation_level="REPEATABLE READ")


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection on which every statement sees what is committed by then. Raises LogError."""
    with translated("the log cannot be read"), engine.connect() as connection:
        yield connection


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Errors of both databases and of the system become one of ours that says what could not be done."""
    try:
        yield
    except errors.DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # extended codes carry the primary one in the low byte
        raise LogError(f"{what}: {str(error.orig).strip()}", damaged=code in DAMAGED) from error
    except (errors.SQLAlchemyError, sqlite3.Error, OSError, DatabaseError, BlockError, NotPackedError) as error:
        raise LogError(f"{what}: {error}") from error


def _file_engine(file: Path, *, make: bool) -> Engine:
    def opened() -> sqlite3.Connection:
        connection = connect(file, make=make)
        try:
            if make:
                hold_events(connection)
                make_durable(connection, LogError)
        except (sqlite3.Error, LogError):
            connection.close()
            raise
        return connection

    return create_engine("sqlite://", creator=opened, poolclass=QueuePool)
