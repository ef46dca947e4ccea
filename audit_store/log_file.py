"""What the central log holds: its entries, their seals, and an event's columns for searching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

_NOTHING: Mapping[str, Any] = {}
FIRST_SEAL = sha256(b"torwart-log-1").digest()


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


class Entry(NamedTuple):
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


class Cursor(NamedTuple):
    """How far the log has a producer."""

    sequence: int
    epoch: int
    hash: bytes
    stopped: str | None = None
    """Why nothing more is taken from it."""


def seal(previous: bytes, *, sequence: int, received: int, producer: str, epoch: int, producer_sequence: int, digest: bytes) -> bytes:
    """The chain over the order of the log itself: SHA-256 over the seal before, the place, the time of receipt and the event's hash."""
    head = b"%d\0%d\0%s\0%d\0%d\0" % (sequence, received, producer.encode(), epoch, producer_sequence)
    return sha256(b"".join((previous, head, digest))).digest()


def columns_of(document: Mapping[str, Any]) -> tuple[str | None, ...]:
    """The values of `audit_store.log_tables.COLUMNS` in a document. PostgreSQL stores no NUL: it stands there as U+FFFD."""
    event, ours, user = _part(document, "event"), _part(document, "torwart"), _part(document, "user")
    act = _part(ours, "act")
    return (
        _text(document.get("@timestamp")),
        _text(act.get("id")),
        _text(user.get("id")),
        _text(ours.get("subject")),
        _text(event.get("action")),
        _text(act.get("phase")),
        _text(event.get("outcome")),
    )


def parsed(canonical: bytes) -> dict[str, Any]:
    """The document of canonical bytes; empty if they are none."""
    try:
        document = orjson.loads(canonical)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def logged(entry: Entry) -> Logged:
    """An entry with its document."""
    received = received_at(entry.received)
    return Logged(entry.sequence, received, entry.producer, entry.epoch, entry.producer_sequence, parsed(entry.canonical))


def received_at(milliseconds: int) -> datetime:
    """The stored time of receipt as a time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = whole.get(name)
    return found if isinstance(found, dict) else _NOTHING


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return value if "\0" not in value else value.replace("\0", "\ufffd")
