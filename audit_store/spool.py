"""A producer's own record: numbered, chained, on disk before anything is released.

`append` returns when the event is durable; if it raises, nothing may be released. The folder belongs to one producer and may be written by
several processes at once. What cannot be continued honestly (a cut tail, an edited row, an older copy, a damaged file) is never continued
silently: a new epoch begins, and its first event says so (promises G97).
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

from audit_store.chain import link
from audit_store.event import Event, EventAction, plain_event
from audit_store.spool_file import (
    Head,
    SpoolError,
    Stored,
    anchor_of,
    broken_end,
    epoch_after,
    last_row,
    new_epoch,
    open_file,
    put_aside,
    rows_after,
)
from audit_store.spool_marker import Marker
from audit_store.spool_room import Room, used_bytes
from audit_store.spool_waiting import Receipt, Waiting, tell
from audit_store.sqlite_file import own_folder, translated

__all__ = ["Head", "Receipt", "Spool", "SpoolError", "SpoolReader", "Stored", "readers"]

EVENT_BYTES_MAX = 4 * 1024**2
"""Of one event, some five times the largest that an act of ours has; readers take events by the thousand."""
GROUP_MAX = 512
"""Events in one commit: bounds a group, far above what arrives during one fsync."""
COMPANY_SECONDS = 0.002
"""How long a group waits for more at most, if those before it had more than one event: so many connections share an fsync, and a single
one, whose next event comes when its last one is durable, does not wait. With 16 connections on one core this halved the CPU of an event.
It ends when as many are there as before: with 64 writers that tripled the events a second."""
FILE = "spool.db"
MARKER = "head"


class SpoolReader:
    """Reads the spool of a producer, from any process and thread. Never changes it and starts no epoch."""

    def __init__(self, folder: Path) -> None:
        """Raises SpoolError when there is no spool in the folder, or it cannot be read."""
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._connection, self.producer = open_file(self._path, producer=None)
        self._inode = self._inode_now()

    @classmethod
    def open(cls, folder: Path) -> SpoolReader:
        """The reader of the spool in `folder`. Raises SpoolError."""
        return cls(folder)

    def read(self, after: int, limit: int) -> list[Stored]:
        """Up to `limit` events with a sequence above `after`, in order. Raises SpoolError."""
        with self._lock:
            return rows_after(self._current(), self.producer, after, limit)

    def head(self) -> Head:
        """The last event's place and hash. Raises SpoolError."""
        with self._lock, translated("the spool cannot be read", SpoolError):
            return last_row(self._current(), self.producer)

    def epoch_after(self, epoch: int) -> int | None:
        """The sequence at which the next later epoch begins, None if there is none. Raises SpoolError."""
        with self._lock:
            return epoch_after(self._current(), epoch)

    def anchor(self) -> Head | None:
        """The last event that was taken out because the log has it, None if none was. Raises SpoolError."""
        with self._lock, translated("the spool cannot be read", SpoolError):
            return anchor_of(self._current())

    def used_bytes(self) -> int:
        """What it takes on the disk. Raises SpoolError."""
        with self._lock, translated("the spool cannot be read", SpoolError):
            return used_bytes(self._current())

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            self._connection.close()

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that has the name now: a damaged one is put aside, and a new one takes its place."""
        inode = self._inode_now()
        if inode != self._inode:
            connection, self.producer = open_file(self._path, producer=None)
            self._connection.close()
            self._connection, self._inode = connection, inode
        return self._connection

    def _inode_now(self) -> int:
        with translated("the spool cannot be read", SpoolError):
            return self._path.stat().st_ino


class Spool:
    """Writes the spool of a producer. All methods may be called from any thread."""

    def __init__(self, folder: Path, producer: str, connection: sqlite3.Connection, marker: Marker) -> None:
        self.producer = producer
        self.folder = folder
        self._path = folder / FILE
        self._connection: sqlite3.Connection | None = connection
        self._marker = marker
        self._lock = threading.Lock()
        """Held over a commit: never taken on an event loop but for `append`."""
        self._gate = threading.Lock()
        """Guards the four below; held for moments only."""
        self._arrived: list[Waiting] = []
        """What this turn of the event loop has brought."""
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._closed = False
        self.room = Room()
        """Its limit on the disk."""
        self._company = 0
        """How many events besides its first one a group waits for."""
        self._complete = threading.Event()

    @classmethod
    def open(cls, folder: Path, producer: str) -> Self:
        """Open or make the spool of `producer` in its own folder (`state/spool/<producer>`), and check its end.

        Raises SpoolError when the folder is open to others, belongs to another producer, or cannot be written.
        """
        own_folder(folder, SpoolError)
        marker = Marker(folder / MARKER)
        expected = marker.read()  # before the rows: whoever writes meanwhile only moves the rows further
        try:
            connection, cause = _open_checked(folder / FILE, producer, expected)
        except SpoolError:
            marker.close()
            raise
        spool = cls(folder, producer, connection, marker)
        if cause is not None:
            try:
                spool.begin_epoch(cause, after=expected)
            except SpoolError:
                spool.close()
                raise
        return spool

    def append(self, event: Event) -> Receipt:
        """Store one event; durable on return. Raises SpoolError: the caller releases nothing."""
        if self._closed:
            raise SpoolError("the spool is closed")
        return self._store([_bounded(event)])[0]

    def append_all(self, events: Sequence[Event]) -> list[Receipt]:
        """Store events of one change together, in their order, all or none; durable on return. Raises SpoolError."""
        if self._closed:
            raise SpoolError("the spool is closed")
        return self._store([_bounded(event) for event in events]) if events else []

    async def append_soon(self, event: Event) -> Receipt:
        """Store one event together with those of other coroutines in one commit; durable on return. Raises SpoolError.

        A group is what arrives in one turn of the event loop, or while the group before it is being written; with company, it waits until
        as many are there as shared the last commits, `COMPANY_SECONDS` at most.
        """
        loop = asyncio.get_running_loop()
        waiting = Waiting(_bounded(event), loop, loop.create_future())
        with self._gate:
            if self._closed:
                raise SpoolError("the spool is closed")
            if self._writer is None or not self._writer.is_alive():
                self._writer = threading.Thread(target=self._write_groups, name=f"spool {self.producer}", daemon=True)
                self._writer.start()
            self._arrived.append(waiting)
        # Not at once: a busy loop hands over together what it has ready, and wakes the writer once. Each wake is two changes of threads.
        loop.call_soon(self._hand_over)
        return await waiting.future

    def _hand_over(self) -> None:
        with self._gate:
            self._take_arrived()
        if self._queue.qsize() >= self._company:
            self._complete.set()

    def _take_arrived(self) -> None:
        for waiting in self._arrived:
            self._queue.put(waiting)
        self._arrived.clear()

    def begin_epoch(self, cause: str, *, after: Head | None = None) -> Receipt:
        """Break the chain in the open and go on: the first event of the new epoch is an alarm with the cause. Raises SpoolError."""
        now = datetime.now(UTC)

        def write(connection: sqlite3.Connection) -> list[Receipt]:
            head = new_epoch(connection, self.producer, at_least=after)
            facts: dict[str, int | str] = {"cause": cause, "epoch": head.epoch, "last_sequence": head.sequence}
            alarm = plain_event(EventAction.STORE_ALARM, at=now, subject=self.producer, outcome="failure", numbers=facts)
            return self._insert(connection, head, [alarm.canonical()])

        return self._commit(write)[0]

    def read(self, after: int, limit: int) -> list[Stored]:
        """Up to `limit` events with a sequence above `after`, in order. Raises SpoolError."""
        with self._lock:
            return rows_after(self._ready(), self.producer, after, limit)

    def head(self) -> Head:
        """The last event's place and hash. Raises SpoolError."""
        with self._lock, translated("the spool cannot be read", SpoolError):
            return last_row(self._ready(), self.producer)

    def epoch_after(self, epoch: int) -> int | None:
        """The sequence at which the next later epoch begins, None if there is none. Raises SpoolError."""
        with self._lock:
            return epoch_after(self._ready(), epoch)

    def anchor(self) -> Head | None:
        """The last event that was taken out because the log has it, None if none was. Raises SpoolError."""
        with self._lock, translated("the spool cannot be read", SpoolError):
            return anchor_of(self._ready())

    def used_bytes(self) -> int:
        """What it takes on the disk. Raises SpoolError."""
        with self._lock, translated("the spool cannot be read", SpoolError):
            return used_bytes(self._ready())

    def close(self) -> None:
        """Write what waits, then close. May be called twice."""
        with self._gate:
            self._closed = True
            self._take_arrived()
            if self._writer is not None:
                self._queue.put(None)
        if self._writer is not None:
            self._writer.join()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._marker.close()

    def _store(self, group: Sequence[bytes]) -> list[Receipt]:
        refusal: SpoolError | None = None

        def write(connection: sqlite3.Connection) -> list[Receipt]:
            nonlocal refusal
            used = used_bytes(connection)  # in the transaction that is there anyway: outside, each look would begin and end its own
            alarm = self.room.alarm(used, self.producer)
            full = self.room.is_full(used)
            refusal = self.room.refusal(used) if full else None
            stored = [*(() if full else group), *((alarm.canonical(),) if alarm is not None else ())]
            return self._insert(connection, last_row(connection, self.producer), stored) if stored else []

        receipts = self._commit(write)
        if refusal is not None:
            raise refusal
        return receipts[: len(group)]

    def _commit(self, write: Callable[[sqlite3.Connection], list[Receipt]]) -> list[Receipt]:
        """One durable transaction. After an error nothing that the connection remembers is believed: the next one opens the file anew."""
        with self._lock, translated("the event could not be stored", SpoolError):
            connection = self._ready()
            try:
                connection.execute("BEGIN IMMEDIATE")
                receipts = write(connection)
                connection.execute("COMMIT")
            except BaseException:
                self._connection = None
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
                raise
            if receipts:
                last = receipts[-1]
                self._marker.write(Head(last.sequence, last.epoch, last.hash))
            return receipts

    def _insert(self, connection: sqlite3.Connection, head: Head, group: Sequence[bytes]) -> list[Receipt]:
        sequence, previous = head.sequence, head.hash
        rows = []
        for canonical in group:
            sequence += 1
            previous = link(previous, producer=self.producer, epoch=head.epoch, sequence=sequence, canonical=canonical)
            rows.append((sequence, head.epoch, canonical, previous))
        connection.executemany("INSERT INTO event (sequence, epoch, canonical, hash) VALUES (?, ?, ?, ?)", rows)
        return [Receipt(row[0], row[3], row[1]) for row in rows]

    def _ready(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._closed:
                raise SpoolError("the spool is closed")
            self._connection, _ = open_file(self._path, producer=self.producer)
        return self._connection

    def _write_groups(self) -> None:
        size = 1
        while (waiting := self._queue.get()) is not None:
            group = [waiting]
            self._company = size - 1
            self._complete.clear()
            if self._queue.qsize() < self._company:
                self._complete.wait(COMPANY_SECONDS)
            with contextlib.suppress(Empty):
                while len(group) < GROUP_MAX and (waiting := self._queue.get_nowait()) is not None:
                    group.append(waiting)
            size = max(len(group), size // 2)
            try:
                tell(group, self._store([one.canonical for one in group]))
            except SpoolError as error:
                tell(group, error)
            except BaseException as error:  # nobody may wait for ever on a thread that has died
                tell(group, SpoolError(f"the event could not be stored: {error!r}"))
                raise
            if waiting is None:
                return


def readers(folder: Path) -> list[SpoolReader]:
    """A reader for every spool below `folder` (`state/spool`), by name of its folder. Raises SpoolError."""
    if not folder.is_dir():
        return []
    return [SpoolReader.open(own) for own in sorted(folder.iterdir()) if (own / FILE).is_file()]


def _bounded(event: Event) -> bytes:
    """The event's bytes. Refused alone: those that share its commit are stored."""
    canonical = event.canonical()
    if len(canonical) > EVENT_BYTES_MAX:
        raise SpoolError(f"an event of more than {EVENT_BYTES_MAX} bytes is not stored")
    return canonical


def _open_checked(path: Path, producer: str, expected: Head | None) -> tuple[sqlite3.Connection, str | None]:
    """The connection, and the cause if a new epoch has to begin."""
    try:
        connection, _ = open_file(path, producer=producer)
        try:
            return connection, broken_end(connection, producer, expected)
        except SpoolError:
            connection.close()
            raise
    except SpoolError as error:
        if not error.damaged:
            raise
    put_aside(path, f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    connection, _ = open_file(path, producer=producer)
    return connection, "the file was damaged and has been put aside"
