"""The file of the central log: its tables, and an event's columns for searching."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from audit_store.chain import FIRST_EPOCH, epoch_start
from audit_store.sqlite_file import StoreError, connect, make_durable, translated, version_of

VERSION = 1
"""Schema of the file, kept in SQLite's `user_version`."""
FIRST_SEAL = sha256(b"torwart-log-1").digest()
COLUMNS = ("at", "act_id", "person", "subject", "action", "phase", "outcome")
"""What can be searched by. All of it is in the document too, and verified against it."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    sequence INTEGER PRIMARY KEY, received INTEGER NOT NULL,
    producer TEXT NOT NULL, epoch INTEGER NOT NULL, producer_sequence INTEGER NOT NULL,
    at TEXT, act_id TEXT, person TEXT, subject TEXT, action TEXT, phase TEXT, outcome TEXT,
    canonical BLOB NOT NULL, hash BLOB NOT NULL, seal BLOB NOT NULL,
    UNIQUE (producer, epoch, producer_sequence)
);
CREATE INDEX IF NOT EXISTS entry_at ON entry (at);
CREATE INDEX IF NOT EXISTS entry_act ON entry (act_id);
CREATE INDEX IF NOT EXISTS entry_person ON entry (person, sequence);
CREATE INDEX IF NOT EXISTS entry_subject ON entry (subject, sequence) WHERE subject IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_action ON entry (action, phase, sequence);
CREATE TABLE IF NOT EXISTS producer (
    name TEXT PRIMARY KEY, sequence INTEGER NOT NULL, epoch INTEGER NOT NULL, hash BLOB NOT NULL, stopped TEXT
)
"""


class LogError(StoreError):
    """The central log cannot be written or read now."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One event in the central log."""

    sequence: int
    """Its number over all producers."""
    received: datetime
    """When the log took it: the log's own clock, UTC."""
    producer: str
    epoch: int
    producer_sequence: int
    document: dict[str, Any]
    """As the producer wrote it; empty if it cannot be read (`Log.verify` says so)."""

    @property
    def skew_seconds(self) -> float | None:
        """How far the producer's time is ahead of (+) or behind (-) the time of receipt; None if it has none (promises G98)."""
        try:
            return (datetime.fromisoformat(self.document["@timestamp"]) - self.received).total_seconds()
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in the central log as the producer's own bytes, to be passed on."""

    sequence: int
    received: int
    """Milliseconds since 1970, UTC."""
    producer: str
    epoch: int
    producer_sequence: int
    canonical: bytes
    hash: bytes
    """The event's link in its producer's chain: no two events have the same."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the log has a producer."""

    sequence: int
    epoch: int
    hash: bytes
    stopped: str | None = None
    """Why nothing more is taken from it."""


def open_log_file(path: Path, *, make: bool) -> sqlite3.Connection:
    """A connection to the log. Raises LogError."""
    with translated("the log cannot be opened", LogError):
        connection = connect(path, make=make)
        try:
            version = version_of(connection, VERSION, LogError)
            if make:
                make_durable(connection, LogError)
                if version == 0:
                    connection.execute("BEGIN IMMEDIATE")
                    for statement in _SCHEMA.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
                    connection.execute("COMMIT")
        except (sqlite3.Error, LogError):
            connection.close()
            raise
    return connection


def cursor_of(connection: sqlite3.Connection, producer: str) -> Cursor:
    """Where the log stands with a producer; before its first event, what that one must follow."""
    row = connection.execute(
        "SELECT CAST(sequence AS INTEGER), CAST(epoch AS INTEGER), CAST(hash AS BLOB), CAST(stopped AS TEXT) FROM producer WHERE name = ?",
        (producer,),
    ).fetchone()
    return Cursor(*row) if row else Cursor(0, FIRST_EPOCH, epoch_start(producer, FIRST_EPOCH))


def put_cursor(connection: sqlite3.Connection, producer: str, cursor: Cursor) -> None:
    """Remember where the log stands with a producer."""
    connection.execute(
        "INSERT INTO producer (name, sequence, epoch, hash, stopped) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE "
        "SET sequence = excluded.sequence, epoch = excluded.epoch, hash = excluded.hash, stopped = excluded.stopped",
        (producer, cursor.sequence, cursor.epoch, cursor.hash, cursor.stopped),
    )


def seal(previous: bytes, *, sequence: int, received: int, producer: str, epoch: int, producer_sequence: int, digest: bytes) -> bytes:
    """The chain over the order of the log itself: SHA-256 over the seal before, the place, the time of receipt and the event's hash."""
    head = b"%d\0%d\0%s\0%d\0%d\0" % (sequence, received, producer.encode(), epoch, producer_sequence)
    return sha256(b"".join((previous, head, digest))).digest()


def columns_of(document: Mapping[str, Any]) -> tuple[str | None, ...]:
    """The values of `COLUMNS` in a document."""
    event, act = _part(document, "event"), _part(_part(document, "torwart"), "act")
    found = (
        document.get("@timestamp"),
        act.get("id"),
        _part(document, "user").get("id"),
        _part(document, "torwart").get("subject"),
        event.get("action"),
        act.get("phase"),
        event.get("outcome"),
    )
    return tuple(value if isinstance(value, str) else None for value in found)


def parsed(canonical: bytes) -> dict[str, Any]:
    """The document of canonical bytes; empty if they are none."""
    try:
        document = orjson.loads(canonical)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def logged(row: tuple[int, int, str, int, int, bytes]) -> Logged:
    """A row (sequence, received, producer, epoch, producer_sequence, canonical) as a `Logged`."""
    return Logged(row[0], received_at(row[1]), row[2], row[3], row[4], parsed(row[5]))


def received_at(milliseconds: int) -> datetime:
    """The stored time of receipt as a time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}
