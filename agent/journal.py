"""What the agent was ordered, how far it came, and where the files are that it put aside: a small database of its own.

The counter of orders never goes back. What an order becomes is written down together with the event that tells of it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.telling import Pending
from audit_store.sqlite_file import StoreError, connect, make_durable, translated, version_of
from auth.agent_order import Order, Verb

FILE = "orders.db"
VERSION = 1
_SCHEMA = """
CREATE TABLE last_order (counter INTEGER NOT NULL);
INSERT INTO last_order VALUES (0);
CREATE TABLE files (
    event TEXT PRIMARY KEY, handle TEXT NOT NULL, counter INTEGER NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL,
    root BLOB NOT NULL, path BLOB NOT NULL, digest BLOB NOT NULL, at REAL NOT NULL, asked INTEGER NOT NULL DEFAULT 0,
    mode INTEGER, uid INTEGER, gid INTEGER, modified INTEGER, name BLOB, inode INTEGER
);
CREATE TABLE pending (id TEXT PRIMARY KEY, canonical BLOB NOT NULL, after INTEGER NOT NULL)
"""
_FIELDS = "event, handle, counter, state, cause, root, path, digest, at, asked, mode, uid, gid, modified, name, inode"
TAKING, LEFT, ASIDE, GIVING, WAITS, GIVEN = "taking", "left", "aside", "giving", "waits", "given"
"""States of a file: being put aside; left where it was; aside; being put back; released, but its folder was not there; put back."""


class JournalError(StoreError):
    """The database cannot be used now: the order is carried out later."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The look of a file, for its way back."""

    mode: int
    uid: int
    gid: int
    modified: int
    """Nanoseconds."""


@dataclass(frozen=True, slots=True)
class File:
    """One file that an order is about."""

    event: str
    """Of ours that told of it; also its name in the folder of files put aside."""
    handle: str
    counter: int
    """Of the order."""
    state: str
    cause: str
    root: Path
    path: Path
    digest: bytes
    at: float
    asked: bool
    """Its person wants it put back now, once more."""
    kept: Kept | None
    name: str | None
    """Under which it is being put back."""
    inode: int | None


class Journal:
    """Any thread."""

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        """Raises JournalError."""
        self._lock = threading.Lock()
        with translated("the journal of orders cannot be opened", JournalError):
            self._connection = connect(path, make=not reading)
            version = version_of(self._connection, VERSION, JournalError)
            if reading:
                return
            make_durable(self._connection, JournalError)
            if version == 0:
                self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}; PRAGMA user_version = {VERSION}; COMMIT")

    def last(self) -> int:
        """Counter of the last order that was genuine and for this machine. Raises JournalError."""
        with self._reading() as connection:
            return int(connection.execute("SELECT counter FROM last_order").fetchone()[0])

    def find(self, event: str) -> File | None:
        """Raises JournalError."""
        return next(iter(self._files("event = ?", event)), None)

    def all(self) -> list[File]:
        """Every file, oldest first. Raises JournalError."""
        return self._files("1 = 1")

    def to_do(self) -> list[File]:
        """What was begun and is not over, in the order of the orders. Raises JournalError."""
        return self._files("state IN (?, ?) OR (state = ? AND asked)", TAKING, GIVING, WAITS)

    def take(self, order: Order, root: Path, path: Path, digest: bytes) -> None:
        """Accept an order, for good. Raises JournalError."""
        with self._writing() as connection:
            self._count(connection, order)
            if order.verb is Verb.QUARANTINE:
                row = (order.event, order.handle, order.counter, TAKING, "", os.fsencode(root), os.fsencode(path), digest, time.time())
                connection.execute(
                    "INSERT OR REPLACE INTO files (event, handle, counter, state, cause, root, path, digest, at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
            else:
                connection.execute("UPDATE files SET state = ?, counter = ? WHERE event = ?", (GIVING, order.counter, order.event))

    def refuse(self, order: Order, pending: Pending) -> None:
        """An order that was genuine and will not be carried out: it is not asked about again. Raises JournalError."""
        with self._writing() as connection:
            self._count(connection, order)
            self._owe(connection, pending)

    def keeps(self, event: str, path: Path, kept: Kept) -> None:
        """What a file looks like, before its name is removed. Raises JournalError."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE files SET path = ?, mode = ?, uid = ?, gid = ?, modified = ? WHERE event = ?",
                (os.fsencode(path), kept.mode, kept.uid, kept.gid, kept.modified, event),
            )

    def giving(self, event: str, name: str, inode: int | None) -> None:
        """Under which name a file is being put back; None: nothing has that name yet. Raises JournalError."""
        with self._writing() as connection:
            connection.execute("UPDATE files SET name = ?, inode = ? WHERE event = ?", (os.fsencode(name), inode, event))

    def end(self, event: str, state: str, cause: str, pending: Pending) -> None:
        """What became of an order, with the event that tells of it: both or nothing. Raises JournalError."""
        with self._writing() as connection:
            connection.execute("UPDATE files SET state = ?, cause = ?, asked = 0 WHERE event = ?", (state, cause, event))
            self._owe(connection, pending)

    def ask(self, event: str) -> None:
        """Its person wants a released file back, whose folder was not there. Raises JournalError."""
        with self._writing() as connection:
            connection.execute("UPDATE files SET asked = 1 WHERE event = ? AND state = ?", (event, WAITS))

    def asked_in_vain(self, event: str, cause: str) -> None:
        """It still cannot be put back; that was told before. Raises JournalError."""
        with self._writing() as connection:
            connection.execute("UPDATE files SET asked = 0, cause = ? WHERE event = ?", (cause, event))

    def pending(self) -> list[Pending]:
        """Events that are not settled, oldest first. Raises JournalError."""
        with self._reading() as connection:
            return [Pending(*row) for row in connection.execute("SELECT id, canonical, after FROM pending ORDER BY after, rowid")]

    def settle(self, event_id: str) -> None:
        """The event is in the spool. Raises JournalError."""
        with self._writing() as connection:
            connection.execute("DELETE FROM pending WHERE id = ?", (event_id,))

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            self._connection.close()

    def _files(self, condition: str, *values: object) -> list[File]:
        with self._reading() as connection:
            rows = connection.execute(f"SELECT {_FIELDS} FROM files WHERE {condition} ORDER BY counter", values).fetchall()  # noqa: S608 -- our own words
        return [_file(row) for row in rows]

    @staticmethod
    def _count(connection: sqlite3.Connection, order: Order) -> None:
        connection.execute("UPDATE last_order SET counter = max(counter, ?)", (order.counter,))

    @staticmethod
    def _owe(connection: sqlite3.Connection, pending: Pending) -> None:
        connection.execute("INSERT INTO pending VALUES (?, ?, ?)", (pending.id, pending.canonical, pending.after))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated("the journal of orders cannot be read", JournalError):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated("the journal of orders cannot be kept", JournalError):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _file(row: tuple[Any, ...]) -> File:
    event, handle, counter, state, cause, root, path, digest, at, asked, mode, uid, gid, modified, name, inode = row
    kept = Kept(mode, uid, gid, modified) if mode is not None else None
    return File(
        event=event,
        handle=handle,
        counter=counter,
        state=state,
        cause=cause,
        root=Path(os.fsdecode(root)),
        path=Path(os.fsdecode(path)),
        digest=digest,
        at=at,
        asked=bool(asked),
        kept=kept,
        name=os.fsdecode(name) if name is not None else None,
        inode=inode,
    )
