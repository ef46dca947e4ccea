"""Engines over the database: how it is reached, what it promises, and who may write now.

A commit that returned is on disk, in SQLite and in PostgreSQL, asserted at every connection. Whoever reads first and writes what follows
from it holds `take_write_lock`, which makes everybody wait for everybody, in both.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_SECONDS = 5
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
"""Longest statement, far above any of ours but the migration's: a server that hangs must not hang the gateway."""
PASSWORD = "TORWART_DATABASE_PASSWORD"  # noqa: S105 -- the variable's name
"""In the environment: the server's password, where `password_file` is not set."""
_LOCKS = 0x746F7277
"""First half of the key of all our advisory locks: `torw`, in letters."""
WRITING, MIGRATING, LOGGING, WATCHING, RETAINING = range(1, 6)
"""Second half: what a lock is for."""


class DatabaseError(Exception):
    """The database cannot be used as it is; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL database; the central log lies in it too."""

    url: str
    """`postgresql+psycopg://user@host:port/name?sslmode=verify-full`, without a password."""
    password_file: Path | None = None
    """File with the password alone; None: `TORWART_DATABASE_PASSWORD`, else what PostgreSQL's own client finds (`~/.pgpass`, peer)."""

    def password(self) -> str | None:
        """Raises DatabaseError when the file cannot be read."""
        if self.password_file is None:
            return os.environ.get(PASSWORD)
        try:
            return self.password_file.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeError) as error:
            raise DatabaseError(f"{self.password_file}: the password of the database cannot be read ({type(error).__name__})") from error


def file_engine(path: Path) -> Engine:
    """An engine over a SQLite file, which is made for its owner alone if it is missing; its promises asserted at every connection."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _set_promises)
    return engine


def server_engine(server: Server) -> Engine:
    """An engine over PostgreSQL, its promises asserted at every connection. Raises DatabaseError."""
    try:
        import psycopg  # noqa: F401 -- only to say in words that it is missing
    except ImportError as error:
        raise DatabaseError("the database is a PostgreSQL, and its driver is not installed: pip install 'torwart[postgresql]'") from error
    # TCP gives up on a silent server by itself only after minutes, the data path after seconds.
    arguments: dict[str, Any] = {
        "application_name": "torwart",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": CONNECT_SECONDS * 1000,
        "options": f"-c synchronous_commit=on -c lock_timeout={BUSY_TIMEOUT_SECONDS}s -c statement_timeout={STATEMENT_SECONDS}s "
        "-c TimeZone=UTC -c default_transaction_isolation=read\\ committed",
    }
    password = server.password()
    if password is not None:
        arguments["password"] = password
    engine = create_engine(make_url(server.url), connect_args=arguments, pool_pre_ping=True)
    event.listen(engine, "connect", _assert_promises)
    return engine


def is_sqlite(engine: Engine | Connection) -> bool:
    """Whether it is a file of SQLite; else it is PostgreSQL."""
    return engine.dialect.name == "sqlite"


def take_write_lock(connection: Connection, what: int = WRITING) -> None:
    """Be the only writer from here to the end of the transaction: what is read now still holds when it is written.

    The first statement of the transaction. Raises SQLAlchemy's OperationalError after `BUSY_TIMEOUT_SECONDS`.
    """
    connection.exec_driver_sql(write_lock(connection, what))


def write_lock(engine: Engine | Connection, what: int = WRITING) -> str:
    """The statement of `take_write_lock`.

    SQLite knows one writer only (`BEGIN IMMEDIATE`). PostgreSQL gives every later statement a fresh view (READ COMMITTED), so that after
    the lock everything is seen that its former owners committed.
    """
    return "BEGIN IMMEDIATE" if is_sqlite(engine) else f"SELECT pg_advisory_xact_lock({_LOCKS}, {what})"


def try_session_lock(connection: Connection, what: int) -> bool:
    """PostgreSQL only: hold a lock for as long as the connection lives; False if somebody else holds it."""
    return bool(connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s, %s)", (_LOCKS, what)).scalar_one())


def end_session_lock(connection: Connection, what: int) -> None:
    """PostgreSQL only: let others hold it at once; the end of the connection does it too, a moment later."""
    connection.exec_driver_sql("SELECT pg_advisory_unlock(%s, %s)", (_LOCKS, what))


def _set_promises(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        connection.execute(f"PRAGMA {pragma} = {value}")
        seen = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        if seen != value:
            raise DatabaseError(f"the database does not keep {pragma}={value} (it says {seen}): is the disk a network share?")


def _assert_promises(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """fsync and full_page_writes belong to the server's administrator; the rest we have asked for ourselves."""
    wanted = {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on", "remote_apply"), "server_encoding": ("UTF8",)}
    cursor = connection.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in wanted))
    seen = dict(zip(wanted, cursor.fetchone(), strict=True))
    connection.rollback()
    for name, allowed in wanted.items():
        if seen[name] not in allowed:
            raise DatabaseError(
                f"the database does not keep {name}={allowed[0]} (it says {seen[name]}): "
                "what it confirms could be lost; set it on the server"
            )
