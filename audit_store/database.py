"""The database that the processes of one installation share: a SQLite file, or PostgreSQL for gateways on several machines."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, MetaData
from sqlalchemy import exc as errors
from sqlalchemy.orm import DeclarativeBase

from audit_store.engines import DatabaseError, Server, file_engine, server_engine, take_write_lock
from audit_store.schema import LOG, SHARED, bring_up

__all__ = ["Base", "DatabaseError", "Server", "open_database", "take_write_lock"]


class Base(DeclarativeBase):
    """All tables of the shared database (`audit_store.tables`, `auth.tables`, `console.notify`).

    A new table or column needs a step in `audit_store/migrations/versions` and the new number in `audit_store.schema`; a test compares.
    """

    metadata = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def open_database(place: Path | Server) -> Engine:
    """An engine over the file or the server, with durable commits, foreign keys on, and the tables as this version wants them.

    Raises DatabaseError when it belongs to a newer Torwart, is no readable database or does not keep its promises; SQLAlchemy's
    OperationalError when it cannot be reached or is locked for too long: trying again may help.
    """
    if isinstance(place, Server):
        engine = server_engine(place)
        bring_up(engine, frozenset({SHARED, LOG}))
        return engine
    engine = file_engine(place)
    try:
        bring_up(engine, frozenset({SHARED}), file=place)
    except errors.OperationalError:
        raise
    except errors.DatabaseError as error:
        raise DatabaseError(f"{place}: {error.orig}: restore a backup") from error
    return engine
