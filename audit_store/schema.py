"""Brings the tables to the state that this version wants: once, whole or not at all, however many start at the same time.

The number of the schema is Alembic's revision; SQLite keeps it in `user_version` too, which every older Torwart reads and refuses. The file
is copied before it is changed; PostgreSQL's backup is its administrator's.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table

from audit_store.engines import MIGRATING, DatabaseError, is_sqlite, take_write_lock

SCHEMA = 22
"""The newest step in `audit_store/migrations/versions`."""
SHARED, LOG = "shared", "log"
"""Parts of the tables: with SQLite the central log is a file of its own; PostgreSQL has both."""
VERSION_TABLE = "torwart_schema"
WAIT_SECONDS = 300
"""How long another process may take for the migration that we wait for."""


def bring_up(engine: Engine, parts: frozenset[str], *, file: Path | None = None) -> None:
    """Make or change the tables of `parts`; nothing to do if they are as wanted. `file`: SQLite's, copied before it is changed.

    Raises DatabaseError when it was written by a newer Torwart or there is no room for the copy, SQLAlchemyError.
    """
    if is_current(engine):
        return
    with engine.connect() as connection:
        connection.detach()  # its time-outs are the migration's
        _wait_long(connection)
        connection.rollback()
        take_write_lock(connection, MIGRATING)
        version = _version(connection)  # another process may have been first
        if version > SCHEMA:
            name = file.name if file is not None else "the database"
            raise DatabaseError(f"{name} was written by a newer Torwart (schema {version}); start that version or restore a backup")
        if version == SCHEMA:
            return
        if file is not None and inspect(connection).get_table_names():
            _copy(file, version)
        _upgrade(connection, parts)
        connection.commit()


def is_current(engine: Engine) -> bool:
    """Whether the tables are those of this version. Raises SQLAlchemyError."""
    with engine.connect() as connection:
        return _version(connection) == SCHEMA


def _version(connection: Connection) -> int:
    """0: nothing is there yet."""
    if is_sqlite(connection):
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if connection.exec_driver_sql(f"SELECT to_regclass('{VERSION_TABLE}')").scalar_one() is None:
        return 0
    return int(connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar_one())


def _wait_long(connection: Connection) -> None:
    if is_sqlite(connection):
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
        return
    connection.exec_driver_sql(f"SET lock_timeout = '{WAIT_SECONDS}s'")
    connection.exec_driver_sql("SET statement_timeout = 0")
    connection.commit()


def _upgrade(connection: Connection, parts: frozenset[str]) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes.update(connection=connection, parts=parts, version_table=VERSION_TABLE)
    command.upgrade(config, f"{SCHEMA:04d}")
    if is_sqlite(connection):
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA:d}")


def _copy(file: Path, version: int) -> None:
    """The file as it was, whole, in `<name>.schema-<number>`; an older copy of the same number is what an interrupted migration left."""
    copy, draft = file.with_name(f"{file.name}.schema-{version}"), file.with_name(f"{file.name}.schema-{version}.part")
    draft.unlink(missing_ok=True)
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with (
            contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(draft)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = delete")
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.rename(copy)
    except (OSError, sqlite3.Error) as error:
        draft.unlink(missing_ok=True)
        raise DatabaseError(f"{file.name} is of an older Torwart and cannot be copied before it is changed ({error}): make room") from error
