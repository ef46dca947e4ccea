"""The file of a spool: opened with its promises asserted, read, and checked for an end that was tampered with."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from audit_store.chain import FIRST_EPOCH, epoch_start, link
from audit_store.sqlite_file import StoreError, connect, hold_events, make_durable, translated, version_of

VERSION = 2
"""Schema of the file, kept in SQLite's `user_version`; 1 had no anchor."""
TAIL_ROWS = 10_000
"""Rows that are verified at opening (some 30 ms); all others are verified when the central log takes them."""
_PRODUCER = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (producer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (sequence INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, canonical BLOB NOT NULL, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS anchor (sequence INTEGER NOT NULL, epoch INTEGER NOT NULL, hash BLOB NOT NULL);
"""


class SpoolError(StoreError):
    """The record cannot be written or read now: nothing may be released."""


class Stored(NamedTuple):
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


def open_file(path: Path, *, producer: str | None) -> tuple[sqlite3.Connection, str]:
    """A connection and the producer's name. With `producer` the file is made if it is missing; without, it is opened for reading only.

    What an earlier process or a failed fsync left in the write-ahead log is first forced into the file: Linux may forget pages after a
    failed fsync, and nothing may be appended behind them. Raises SpoolError.
    """
    if producer is not None and not _PRODUCER.fullmatch(producer):
        raise SpoolError(f"{producer!r} is no name of a producer: lower-case letters, digits and hyphens, at most 32")
    with translated("the spool cannot be opened", SpoolError):
        if producer is not None and not path.exists():
            _make(path, producer)
        connection = connect(path, make=producer is not None)
        try:
            return connection, _prepare(connection, producer)
        except (sqlite3.Error, SpoolError):
            connection.close()
            raise


def open_beside(path: Path, producer: str) -> sqlite3.Connection:
    """A second writing connection to a spool that its producer may have open. Raises SpoolError, sqlite3.Error, OSError."""
    connection = connect(path, make=True)
    try:
        version = version_of(connection, VERSION, SpoolError)
        hold_events(connection)
        make_durable(connection, SpoolError)
        if version < VERSION:
            _make_tables(connection, producer)
        if _name_in(connection) != producer:
            raise SpoolError(f"the spool does not belong to the producer {producer!r}")
    except BaseException:
        connection.close()
        raise
    return connection


def anchor_of(connection: sqlite3.Connection) -> Head | None:
    """The last event that was taken out because the log has it, from which the chain goes on; None: the spool has all."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'anchor'").fetchone() is None:
        return None
    row = connection.execute(
        "SELECT CAST(sequence AS INTEGER), CAST(epoch AS INTEGER), CAST(hash AS BLOB) FROM anchor ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return Head(*row) if row else None


def put_anchor(connection: sqlite3.Connection, head: Head) -> None:
    """Note the last event that is taken out in this transaction."""
    connection.execute("DELETE FROM anchor")
    connection.execute("INSERT INTO anchor (sequence, epoch, hash) VALUES (?, ?, ?)", (head.sequence, head.epoch, head.hash))


def last_row(connection: sqlite3.Connection, producer: str) -> Head:
    """The end of the chain; of an empty file, what the first event will follow."""
    row = connection.execute(
        "SELECT sequence, CAST(epoch AS INTEGER), CAST(hash AS BLOB) FROM event ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return Head(*row) if row else anchor_of(connection) or Head(0, FIRST_EPOCH, epoch_start(producer, FIRST_EPOCH))


def new_epoch(connection: sqlite3.Connection, producer: str, *, at_least: Head | None) -> Head:
    """What the first event of a new epoch follows; numbers that were given before, as far as is known, are not given again."""
    heads = [last_row(connection, producer), *([at_least] if at_least else [])]
    epoch = max(head.epoch for head in heads) + 1
    return Head(max(head.sequence for head in heads), epoch, epoch_start(producer, epoch))


def rows_after(connection: sqlite3.Connection, producer: str, after: int, limit: int) -> list[Stored]:
    """Up to `limit` events above the sequence `after`. Raises SpoolError."""
    with translated("the spool cannot be read", SpoolError):
        rows = connection.execute(
            "SELECT CAST(epoch AS INTEGER), sequence, CAST(canonical AS BLOB), CAST(hash AS BLOB) FROM event "
            "WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (after, limit),
        ).fetchall()
    return [Stored(producer, *row) for row in rows]


def epoch_after(connection: sqlite3.Connection, epoch: int) -> int | None:
    """The sequence of the first event of a later epoch, None if there is none. Raises SpoolError."""
    with translated("the spool cannot be read", SpoolError):
        found = connection.execute("SELECT min(sequence) FROM event WHERE CAST(epoch AS INTEGER) > ?", (epoch,)).fetchone()[0]
    return None if found is None else int(found)


def broken_end(connection: sqlite3.Connection, producer: str, expected: Head | None) -> str | None:
    """Why the chain must not be continued as if nothing had happened; None if it may.

    Looks at the newest rows of the current epoch and at `expected`, the end as the marker beside the file remembers it. A cut of both is
    seen by the central log. Raises SpoolError.
    """
    with translated("the spool cannot be read", SpoolError):
        head = last_row(connection, producer)
        if expected is not None:
            if head.sequence < expected.sequence:
                return f"the end is missing: {expected.sequence} events were stored, {head.sequence} are there"
            row = connection.execute("SELECT CAST(hash AS BLOB) FROM event WHERE sequence = ?", (expected.sequence,)).fetchone()
            gone = anchor_of(connection)
            kept = gone is None or expected.sequence > gone.sequence
            if kept and expected.sequence and (row is None or row[0] != expected.hash):
                return f"event {expected.sequence} is not the one that was stored"
        newest = connection.execute(
            "SELECT sequence, CAST(canonical AS BLOB), CAST(hash AS BLOB) FROM event "
            "WHERE CAST(epoch AS INTEGER) = ? AND sequence > ? ORDER BY sequence",
            (head.epoch, head.sequence - TAIL_ROWS),
        )
        return _break_in(connection, producer, head.epoch, newest)


def _break_in(connection: sqlite3.Connection, producer: str, epoch: int, rows: Iterator[tuple[int, bytes, bytes]]) -> str | None:
    previous: tuple[int, bytes] | None = None
    for sequence, canonical, digest in rows:
        if previous is None:
            before = connection.execute(
                "SELECT CAST(hash AS BLOB) FROM event WHERE sequence = ? AND CAST(epoch AS INTEGER) = ?", (sequence - 1, epoch)
            ).fetchone()
            gone = anchor_of(connection) if before is None else None
            if gone is not None and gone.epoch == epoch:
                previous = (gone.sequence, gone.hash)
            else:
                previous = (sequence - 1, before[0] if before else epoch_start(producer, epoch))
        if sequence != previous[0] + 1:
            return f"event {previous[0] + 1} is missing"
        if digest != link(previous[1], producer=producer, epoch=epoch, sequence=sequence, canonical=canonical):
            return f"event {sequence} does not fit its chain"
        previous = (sequence, digest)
    return None


def put_aside(path: Path, at: str) -> None:
    """Keep a damaged file for whoever looks into it, out of the way. Raises SpoolError."""
    with translated("the damaged spool cannot be put aside", SpoolError):
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(part.with_name(f"{path.name}.damaged-{at}{suffix}"))


def _prepare(connection: sqlite3.Connection, producer: str | None) -> str:
    version = version_of(connection, VERSION, SpoolError)
    if producer is None:
        return _name_in(connection)
    hold_events(connection)
    make_durable(connection, SpoolError)
    if version < VERSION:
        _make_tables(connection, producer)
    owner = _name_in(connection)
    if owner != producer:
        raise SpoolError(f"the spool belongs to the producer {owner!r}, not to {producer!r}")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise SpoolError("the spool is in use by a reader that does not end")
    return owner


def _make(path: Path, producer: str) -> None:
    """A new file has its name only when it is whole: the intake looks for spools four times a second, and half a one is trouble to it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with contextlib.closing(connect(draft, make=True)) as connection:
            hold_events(connection)
            make_durable(connection, SpoolError)
            _make_tables(connection, producer)
        with contextlib.suppress(FileExistsError):  # another process of this producer was first
            path.hardlink_to(draft)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        for suffix in ("", "-wal", "-shm"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _make_tables(connection: sqlite3.Connection, producer: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute("INSERT INTO spool (producer) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM spool)", (producer,))
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _name_in(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT producer FROM spool").fetchone()
    if row is None:
        raise SpoolError("the spool does not say whose it is", damaged=True)
    return str(row[0])
