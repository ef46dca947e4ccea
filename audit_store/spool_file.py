"""The file of a spool: opened with its promises asserted, read, and checked for an end that was tampered with."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audit_store.chain import FIRST_EPOCH, epoch_start, link

VERSION = 1
"""Schema of the file, kept in SQLite's `user_version`."""
TAIL_ROWS = 10_000
"""Rows that are verified at opening (some 30 ms); all others are verified when the central log takes them."""
_BUSY_SECONDS = 5
_PRODUCER = re.compile(r"[a-z][a-z0-9-]{0,31}")
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (producer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (sequence INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, canonical BLOB NOT NULL, hash BLOB NOT NULL);
"""


class SpoolError(Exception):
    """The record cannot be written or read now: nothing may be released."""

    def __init__(self, text: str, *, damaged: bool = False) -> None:
        super().__init__(text)
        self.damaged = damaged
        """The file is no readable database any more."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored event with its place in the chain."""

    producer: str
    epoch: int
    sequence: int
    canonical: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends."""

    sequence: int
    """0: nothing yet."""
    epoch: int
    hash: bytes


def own_folder(folder: Path) -> None:
    """Make the folder if it is missing. Raises SpoolError when others may enter it (attacks X12)."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError as error:
        raise SpoolError(f"the folder {folder.name} cannot be used: {error}") from error
    if mode & 0o077:
        raise SpoolError(f"others may enter the folder {folder.name} (rights {mode:o}): chmod 700")


def open_file(path: Path, *, producer: str | None) -> tuple[sqlite3.Connection, str]:
    """A connection and the producer's name. With `producer` the file is made if it is missing; without, it is opened for reading only.

    What an earlier process or a failed fsync left in the write-ahead log is first forced into the file: Linux may forget pages after a
    failed fsync, and nothing may be appended behind them. Raises SpoolError.
    """
    if producer is not None and not _PRODUCER.fullmatch(producer):
        raise SpoolError(f"{producer!r} is no name of a producer: lower-case letters, digits and hyphens, at most 32")
    with translated("the spool cannot be opened"):
        if producer is not None:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            return connection, _prepare(connection, producer)
        except (sqlite3.Error, SpoolError):
            connection.close()
            raise


def last_row(connection: sqlite3.Connection, producer: str) -> Head:
    """The end of the chain; of an empty file, what the first event will follow."""
    row = connection.execute("SELECT sequence, epoch, hash FROM event ORDER BY sequence DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head(0, FIRST_EPOCH, epoch_start(producer, FIRST_EPOCH))


def new_epoch(connection: sqlite3.Connection, producer: str, *, at_least: Head | None) -> Head:
    """What the first event of a new epoch follows; numbers that were given before, as far as is known, are not given again."""
    heads = [last_row(connection, producer), *([at_least] if at_least else [])]
    epoch = max(head.epoch for head in heads) + 1
    return Head(max(head.sequence for head in heads), epoch, epoch_start(producer, epoch))


def rows_after(connection: sqlite3.Connection, producer: str, after: int, limit: int) -> list[Stored]:
    """Up to `limit` events above the sequence `after`. Raises SpoolError."""
    with translated("the spool cannot be read"):
        rows = connection.execute(
            "SELECT epoch, sequence, canonical, hash FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit)
        ).fetchall()
    return [Stored(producer, *row) for row in rows]


def broken_end(connection: sqlite3.Connection, producer: str, expected: Head | None) -> str | None:
    """Why the chain must not be continued as if nothing had happened; None if it may.

    Looks at the newest rows of the current epoch and at `expected`, the end as the marker beside the file remembers it. A cut of both is
    seen by the central log. Raises SpoolError.
    """
    with translated("the spool cannot be read"):
        head = last_row(connection, producer)
        if expected is not None:
            if head.sequence < expected.sequence:
                return f"the end is missing: {expected.sequence} events were stored, {head.sequence} are there"
            row = connection.execute("SELECT hash FROM event WHERE sequence = ?", (expected.sequence,)).fetchone()
            if expected.sequence and (row is None or row[0] != expected.hash):
                return f"event {expected.sequence} is not the one that was stored"
        newest = connection.execute(
            "SELECT sequence, canonical, hash FROM event WHERE epoch = ? AND sequence > ? ORDER BY sequence",
            (head.epoch, head.sequence - TAIL_ROWS),
        )
        return _break_in(connection, producer, head.epoch, newest)


def _break_in(connection: sqlite3.Connection, producer: str, epoch: int, rows: Iterator[tuple[int, bytes, bytes]]) -> str | None:
    previous: tuple[int, bytes] | None = None
    for sequence, canonical, digest in rows:
        if previous is None:
            before = connection.execute("SELECT hash FROM event WHERE sequence = ? AND epoch = ?", (sequence - 1, epoch)).fetchone()
            previous = (sequence - 1, before[0] if before else epoch_start(producer, epoch))
        if sequence != previous[0] + 1:
            return f"event {previous[0] + 1} is missing"
        if digest != link(previous[1], producer=producer, epoch=epoch, sequence=sequence, canonical=canonical):
            return f"event {sequence} does not fit its chain"
        previous = (sequence, digest)
    return None


def put_aside(path: Path, at: str) -> None:
    """Keep a damaged file for whoever looks into it, out of the way. Raises SpoolError."""
    with translated("the damaged spool cannot be put aside"):
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(part.with_name(f"{path.name}.damaged-{at}{suffix}"))


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Errors of SQLite and of the system become a SpoolError that says what could not be done."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # extended codes carry the primary one in the low byte
        raise SpoolError(f"{what}: {error}", damaged=code in _DAMAGED) from error
    except OSError as error:
        raise SpoolError(f"{what}: {error}") from error


def _prepare(connection: sqlite3.Connection, producer: str | None) -> str:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise SpoolError(f"the spool was written by a newer Torwart (version {version}): start that one")
    if producer is None:
        connection.execute("PRAGMA query_only = 1")
        return _name_in(connection)
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("trusted_schema", 0)):
        connection.execute(f"PRAGMA {pragma} = {value}")
        seen = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        if seen != value:
            raise SpoolError(f"the spool does not keep {pragma}={value} (it says {seen}): is the disk a network share?")
    if version == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO spool (producer) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM spool)", (producer,))
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    owner = _name_in(connection)
    if owner != producer:
        raise SpoolError(f"the spool belongs to the producer {owner!r}, not to {producer!r}")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise SpoolError("the spool is in use by a reader that does not end")
    return owner


def _name_in(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT producer FROM spool").fetchone()
    if row is None:
        raise SpoolError("the spool does not say whose it is", damaged=True)
    return str(row[0])
