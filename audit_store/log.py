"""The central log: all producers' events in one order, with the time of receipt, each producer's chain verified on the way in.

What does not fit its chain is not taken: an alarm takes its place, and nothing more comes from that producer until it begins a new epoch in
the open (`Spool.begin_epoch`, or a spool that was opened again and noticed by itself).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from audit_store.chain import epoch_start, link
from audit_store.event import Event, EventAction, plain_event
from audit_store.log_file import (
    COLUMNS,
    FIRST_SEAL,
    Cursor,
    Entry,
    LogError,
    Logged,
    columns_of,
    cursor_of,
    logged,
    open_log_file,
    parsed,
    put_cursor,
    seal,
)
from audit_store.log_verify import Problem, Watch, problems
from audit_store.spool_file import Stored
from audit_store.sqlite_file import own_folder, translated

__all__ = ["Entry", "Log", "LogError", "Logged", "Problem", "Source"]

FILE = "log.db"
OWN_PRODUCER = "log"
"""The name under which the log records its own alarms, in a chain of their own."""
_BATCH = 1_000
_ROW = (
    "sequence, CAST(received AS INTEGER), CAST(producer AS TEXT), CAST(epoch AS INTEGER), CAST(producer_sequence AS INTEGER), "
    "CAST(canonical AS BLOB)"
)


class Source(Protocol):
    """A spool (`Spool`) or a reader of one (`SpoolReader`)."""

    producer: str

    def read(self, after: int, limit: int) -> list[Stored]:
        """Up to `limit` events above the sequence `after`."""

    def epoch_after(self, epoch: int) -> int | None:
        """The sequence at which the next later epoch begins."""


class Log:
    """The central log of one installation. May be used from several threads and opened by several processes."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path, *, reading: bool = False, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Log:
        """The log in `folder` (`state/log`), made if it is missing. Raises LogError.

        `reading`: it must be there and is never changed; for the command line, and for processes that only count from it.
        """
        if not reading:
            own_folder(folder, LogError)
        return cls(open_log_file(folder / FILE, make=not reading), clock)

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            self._connection.close()

    def take(self, spool: Source) -> int:
        """Take what the spool has beyond the log's cursor; the number of events taken. Idempotent. Raises LogError, SpoolError.

        The spool's event at the cursor must still be the one that was taken: a cut tail or an older copy is found here even when the spool
        itself does not notice.
        """
        total = 0
        while True:
            with self._transaction():
                count, more = self._take_batch(spool)
            total += count
            if not more:
                return total

    def read(self, after: int, limit: int) -> list[Logged]:
        """Up to `limit` events above the log's own sequence `after`, in order. Raises LogError."""
        return self.where("sequence > ?", (after,), limit=limit)

    def entries(self, after: int, limit: int, *, until: int | None = None) -> list[Entry]:
        """As `read`, with the producers' own bytes instead of documents; `until` is the last sequence that is wanted. Raises LogError."""
        statement = f"SELECT {_ROW}, CAST(hash AS BLOB) FROM entry WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"  # noqa: S608
        with self._lock, translated("the log cannot be read", LogError):
            rows = self._connection.execute(statement, (after, 1 << 62 if until is None else until, limit)).fetchall()
        return [Entry(*row) for row in rows]

    def tail(self, count: int) -> list[Logged]:
        """The newest `count` events, oldest first. Raises LogError."""
        return self.where("1", (), limit=count, newest_first=True)[::-1]

    def where(self, condition: str, values: Sequence[object], *, limit: int, newest_first: bool = False) -> list[Logged]:
        """Events that meet a condition over the columns of `audit_store.log_file`, in order. Raises LogError.

        `condition` is SQL of our own with a `?` for each of `values`; whoever has a question uses `audit_store.search`.
        """
        order = "DESC" if newest_first else "ASC"
        statement = f"SELECT {_ROW} FROM entry WHERE {condition} ORDER BY sequence {order} LIMIT ?"  # noqa: S608 -- values are bound
        with self._lock, translated("the log cannot be read", LogError):
            rows = self._connection.execute(statement, (*values, limit)).fetchall()
        return [logged(row) for row in rows]

    def cursor(self, producer: str) -> int:
        """The producer's last sequence that the log has. Raises LogError."""
        with self._lock, translated("the log cannot be read", LogError):
            return cursor_of(self._connection, producer).sequence

    def deliveries(self, since: datetime) -> Iterator[Mapping[str, Any]]:
        """Documents of acts that went out or were denied since then, for `History.rebuild`. Raises LogError."""
        stamp = since.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        condition = "sequence > ? AND at >= ? AND action = 'access' AND phase IN ('allowed', 'released', 'denied')"
        after = 0
        while rows := self.where(condition, (after, stamp), limit=_BATCH):
            yield from (row.document for row in rows)
            after = rows[-1].sequence

    def verify(self, *spools: Source, watch: Watch | None = None) -> list[Problem]:
        """Compute every producer's chain and the order of the log again, and compare with the spools given; [] if all is as it was.

        Names the first bad place of each harm. Who can write both the log and the spools, and computes all hashes anew, is not seen:
        signed statements outside the machine show that, where `watch` compares with them (`audit_store.statement_verify`).
        Raises LogError, SpoolError.
        """
        with self._lock, translated("the log cannot be read", LogError):
            self._connection.execute("BEGIN")
            try:
                return problems(self._connection, spools, watch)
            finally:
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, translated("the log cannot be written", LogError):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _take_batch(self, spool: Source) -> tuple[int, bool]:
        """Take one batch; how many were taken, and whether there may be more."""
        cursor = cursor_of(self._connection, spool.producer)
        broken = cursor.stopped or self._lost(spool, cursor)
        taken: list[Stored] = []
        if not broken:
            rows = spool.read(cursor.sequence, _BATCH)
            if not rows:
                return 0, False
            for row in rows:
                broken = _misfit(row, cursor)
                if broken:
                    break
                taken.append(row)
                cursor = Cursor(row.sequence, row.epoch, row.hash)
            self._insert(taken)
            if not broken:
                put_cursor(self._connection, spool.producer, cursor)
                return len(taken), len(rows) == _BATCH
        return len(taken), self._go_round(spool, cursor, broken or "")

    def _lost(self, spool: Source, cursor: Cursor) -> str | None:
        """Why the spool is not the one that the log took from, if so."""
        if cursor.sequence == 0:
            return None
        rows = spool.read(cursor.sequence - 1, 1)
        if rows and (rows[0].sequence, rows[0].epoch, rows[0].hash) == (cursor.sequence, cursor.epoch, cursor.hash):
            return None
        if not rows:
            return f"event {cursor.sequence} and all after it are gone from the spool"
        return f"event {cursor.sequence} in the spool is not the one that was taken"

    def _go_round(self, spool: Source, cursor: Cursor, broken: str) -> bool:
        """Behind a break only a new epoch can be believed; until there is one the producer is stopped. One alarm either way."""
        if cursor.stopped is None:
            self._alarm(spool.producer, broken, cursor)
            put_cursor(self._connection, spool.producer, replace(cursor, stopped=broken))
        epoch = cursor.epoch
        while (begins := spool.epoch_after(epoch)) is not None:
            (first,) = spool.read(begins - 1, 1)
            epoch = max(first.epoch, epoch + 1)  # never the same one twice, whatever the file says
            if _misfit(first, replace(cursor, sequence=begins - 1)) is None:
                self._insert([first])
                put_cursor(self._connection, spool.producer, Cursor(first.sequence, first.epoch, first.hash))
                return True
        return False

    def _alarm(self, producer: str, cause: str, cursor: Cursor) -> None:
        facts: dict[str, int | str] = {"cause": cause, "epoch": cursor.epoch, "last_sequence": cursor.sequence}
        alarm = plain_event(EventAction.STORE_ALARM, at=self._clock(), subject=producer, outcome="failure", numbers=facts)
        self._insert([self._own(alarm)])

    def _own(self, event: Event) -> Stored:
        """The log's own event, in the log's own chain."""
        cursor = cursor_of(self._connection, OWN_PRODUCER)
        sequence, canonical = cursor.sequence + 1, event.canonical()
        digest = link(cursor.hash, producer=OWN_PRODUCER, epoch=cursor.epoch, sequence=sequence, canonical=canonical)
        put_cursor(self._connection, OWN_PRODUCER, Cursor(sequence, cursor.epoch, digest))
        return Stored(OWN_PRODUCER, cursor.epoch, sequence, canonical, digest)

    def _insert(self, rows: list[Stored]) -> None:
        last = self._connection.execute("SELECT sequence, CAST(seal AS BLOB) FROM entry ORDER BY sequence DESC LIMIT 1").fetchone()
        sequence, previous = last or (0, FIRST_SEAL)
        received = int(self._clock().timestamp() * 1000)
        entries = []
        for row in rows:
            sequence += 1
            previous = seal(
                previous,
                sequence=sequence,
                received=received,
                producer=row.producer,
                epoch=row.epoch,
                producer_sequence=row.sequence,
                digest=row.hash,
            )
            place = (sequence, received, row.producer, row.epoch, row.sequence)
            entries.append((*place, *columns_of(parsed(row.canonical)), row.canonical, row.hash, previous))
        marks = ", ".join("?" * (5 + len(COLUMNS) + 3))
        self._connection.executemany(f"INSERT INTO entry VALUES ({marks})", entries)  # noqa: S608 -- question marks only


def _misfit(row: Stored, cursor: Cursor) -> str | None:
    """Why the row does not follow the cursor; None if it does. A later epoch may begin at any later sequence."""
    if row.epoch < cursor.epoch:
        return f"event {row.sequence} is of an older epoch"
    if row.epoch == cursor.epoch and row.sequence != cursor.sequence + 1:
        return f"event {cursor.sequence + 1} is missing"
    before = cursor.hash if row.epoch == cursor.epoch else epoch_start(row.producer, row.epoch)
    if row.hash != link(before, producer=row.producer, epoch=row.epoch, sequence=row.sequence, canonical=row.canonical):
        return f"event {row.sequence} does not fit its chain"
    return None
