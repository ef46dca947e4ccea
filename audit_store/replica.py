"""The server's copy of a remote producer's spool: the same rows in the same kind of file, so that the log takes and verifies it as any.

Rows are accepted only where they continue the copy's end and fit the chain. What came before comes again after a lost answer: it is passed
over where it is the same, and named where it is not (attacks X22).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from audit_store.chain import epoch_start, link
from audit_store.spool import FILE, MARKER
from audit_store.spool_file import Head, SpoolError, Stored, anchor_of, broken_end, last_row, open_file
from audit_store.spool_marker import Marker
from audit_store.spool_room import Room, used_bytes
from audit_store.sqlite_file import own_folder, translated

AGENT_BYTES = 256 * 1024**2
"""Of one agent: a quarter of a million events that are younger than a week. No agent can fill the disk of the server."""


class MisfitError(Exception):
    """A row does not continue what is there. `cause`: `gap`, `fork` (another row under a known number), `chain` or `epoch`."""

    def __init__(self, cause: str, head: Head) -> None:
        super().__init__(cause)
        self.cause = cause
        self.head = head
        """The end of the copy, after what did fit was stored."""


class Replica:
    """One remote producer's copy. Any thread; one per producer and installation."""

    def __init__(self, producer: str, connection: sqlite3.Connection, marker: Marker, path: Path) -> None:
        self.producer = producer
        self._connection: sqlite3.Connection | None = connection
        self._marker = marker
        self._path = path
        self.room = Room(AGENT_BYTES)
        """Its limit on the server's disk."""
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path, producer: str) -> Replica:
        """Open or make the copy in `state/spool/<producer>`. Raises SpoolError, also when the copy is not as it was left: only the producer
        can begin a new epoch, so a copy that somebody changed takes nothing more until it is restored.
        """
        own_folder(folder, SpoolError)
        marker = Marker(folder / MARKER)
        try:
            connection, _ = open_file(folder / FILE, producer=producer)
            try:
                cause = broken_end(connection, producer, marker.read())
                if cause is not None:
                    raise SpoolError(f"the copy of {producer} was changed ({cause}): restore it from a backup")
            except SpoolError:
                connection.close()
                raise
        except SpoolError:
            marker.close()
            raise
        return cls(producer, connection, marker, folder / FILE)

    def head(self) -> Head:
        """Where the copy ends. Raises SpoolError."""
        with self._lock, translated("the copy cannot be read", SpoolError):
            return last_row(self._ready(), self.producer)

    def take(self, rows: Iterable[Stored]) -> Head:
        """Store the rows that continue the copy, durably; where it ends now. Raises SpoolError: then nothing was stored.

        Raises MisfitError at the first row that does not fit; those before it are stored.
        """
        with self._lock, translated("the copy could not be written", SpoolError):
            connection = self._ready()
            if self.room.is_full(used := used_bytes(connection)):
                raise self.room.refusal(used)
            try:
                connection.execute("BEGIN IMMEDIATE")
                before = last_row(connection, self.producer)
                head, misfit = self._insert(connection, before, rows)
                connection.execute("COMMIT")
            except sqlite3.Error:
                self._connection = None
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
                raise
            if head != before:
                self._marker.write(head)
        if misfit is not None:
            raise MisfitError(misfit, head)
        return head

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._marker.close()

    def _insert(self, connection: sqlite3.Connection, head: Head, rows: Iterable[Stored]) -> tuple[Head, str | None]:
        gone = anchor_of(connection)
        for row in rows:
            if gone is not None and row.sequence <= gone.sequence:
                continue  # the log has it, and here is nothing left to compare it with
            if row.sequence <= head.sequence:
                if not _same(connection, row):
                    return head, "fork"
                continue
            misfit = _misfit(row, head)
            if misfit is not None:
                return head, misfit
            place = (row.sequence, row.epoch, row.canonical, row.hash)
            connection.execute("INSERT INTO event (sequence, epoch, canonical, hash) VALUES (?, ?, ?, ?)", place)
            head = Head(row.sequence, row.epoch, row.hash)
        return head, None

    def _ready(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection, _ = open_file(self._path, producer=self.producer)
        return self._connection


def _same(connection: sqlite3.Connection, row: Stored) -> bool:
    known = connection.execute(
        "SELECT CAST(epoch AS INTEGER), CAST(canonical AS BLOB), CAST(hash AS BLOB) FROM event WHERE sequence = ?", (row.sequence,)
    ).fetchone()
    return known is not None and known == (row.epoch, row.canonical, row.hash)


def _misfit(row: Stored, head: Head) -> str | None:
    """Why the row does not follow; a later epoch may begin at any later sequence, as in `audit_store.log`."""
    if row.epoch < head.epoch or row.epoch > head.epoch + 1_000 or row.sequence >= 1 << 62:
        return "epoch"
    if row.epoch == head.epoch and row.sequence != head.sequence + 1:
        return "gap"
    before = head.hash if row.epoch == head.epoch else epoch_start(row.producer, row.epoch)
    if row.hash != link(before, producer=row.producer, epoch=row.epoch, sequence=row.sequence, canonical=row.canonical):
        return "chain"
    return None
