"""Takes old events out of a spool that the central log has; the chain goes on from what is noted of the last one taken out.

What stays: everything that the log does not have, its last event, and what is younger than the archive has to be, because a store further
on may lose what it had confirmed (promises, part 2, fault 10).
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from audit_store.log_file import parsed
from audit_store.spool_file import Head, SpoolError, anchor_of, open_beside, put_anchor
from audit_store.sqlite_file import translated

KEPT_DAYS = 7
"""The least: fault 10 of the promises wants a week."""
BATCH = 2_000
"""Events in one transaction: the producer waits for it."""


def trim(path: Path, producer: str, *, taken: int, before: datetime, stated: int | None = None) -> int:
    """Take out the oldest events of a spool file; how many, at most `BATCH`. Raises SpoolError.

    `taken`: the last sequence that the log has of the producer; `before`: older ones only, by the producer's own time; `stated`: only up to
    this sequence, which is the last that a signed statement outside covers (None: there are none).
    """
    limit = taken - 1 if stated is None else min(taken - 1, stated)  # the log compares the one at its cursor
    with translated("the spool cannot be trimmed", SpoolError):
        connection = open_beside(path, producer)
        try:
            until = _last_old(connection, limit, before)
            if until is None:
                return 0
            connection.execute("BEGIN IMMEDIATE")
            put_anchor(connection, until)
            gone = connection.execute("DELETE FROM event WHERE sequence <= ?", (until.sequence,)).rowcount
            connection.execute("COMMIT")
            return int(gone)
        finally:
            connection.close()


def _last_old(connection: sqlite3.Connection, limit: int, before: datetime) -> Head | None:
    """The last of the oldest events that may go. A time that cannot be read, or lies ahead, keeps what stands behind it, too."""
    known = anchor_of(connection)
    newest = connection.execute("SELECT max(sequence) FROM event").fetchone()[0] or 0
    rows = connection.execute(
        "SELECT sequence, CAST(epoch AS INTEGER), CAST(canonical AS BLOB), CAST(hash AS BLOB) FROM event "
        "WHERE sequence > ? AND sequence <= ? AND sequence < ? ORDER BY sequence LIMIT ?",
        (known.sequence if known else 0, limit, newest, BATCH),
    )
    found: Head | None = None
    for sequence, epoch, canonical, digest in rows:
        if not _is_older(canonical, before):
            break
        found = Head(sequence, epoch, digest)
    return found


def _is_older(canonical: bytes, before: datetime) -> bool:
    try:
        return datetime.fromisoformat(parsed(canonical)["@timestamp"]) < before
    except (KeyError, TypeError, ValueError):
        return False
