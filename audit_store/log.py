"""The central log: all producers' events in one order, with the time of receipt, each producer's chain verified on the way in.

What does not fit its chain is not taken: an alarm takes its place, and nothing more comes from that producer until it begins a new epoch in
the open (`Spool.begin_epoch`, or a spool that was opened again and noticed by itself).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from audit_store.chain import epoch_start, link
from audit_store.engines import Server, is_sqlite
from audit_store.event import Event, EventAction, Phase, plain_event
from audit_store.log_cursors import cursor_of, put_cursor
from audit_store.log_engine import FILE, LogError, exists, one_view, open_engine, reading, translated, writing
from audit_store.log_file import Cursor, Entry, Logged, columns_of, logged, parsed, seal
from audit_store.log_marks import EVERYTHING, Within
from audit_store.log_pack import BLOCK_ENTRIES, KEPT_ENTRIES, packable, packed, replace_by_block
from audit_store.log_questions import acts_since, entries_where
from audit_store.log_removal import blocks_of, over, removals, take_from_block, take_singles
from audit_store.log_rows import end_of, entries_after, newest_entries
from audit_store.log_tables import entry
from audit_store.log_verify import Problem, Watch, problems
from audit_store.removal import Allowed, Removal
from audit_store.retention import Kept
from audit_store.spool_file import Head, Stored

__all__ = ["FILE", "Entry", "Log", "LogError", "Logged", "Problem", "Source", "exists"]

OWN_PRODUCER = "log"
"""The name under which the log records its own alarms, in a chain of their own."""
_BATCH = 1_000
_LAST = 1 << 62
_COUNTED = frozenset({Phase.ALLOWED, Phase.RELEASED, Phase.DENIED})
_NAMES = tuple(entry.columns.keys())


class Source(Protocol):
    """A spool (`Spool`) or a reader of one (`SpoolReader`)."""

    producer: str

    def read(self, after: int, limit: int) -> list[Stored]:
        """Up to `limit` events above the sequence `after`."""

    def epoch_after(self, epoch: int) -> int | None:
        """The sequence at which the next later epoch begins."""

    def anchor(self) -> Head | None:
        """The last event that was taken out because the log has it."""


class Ahead[Made](Protocol):
    """Somebody who needs the document of every entry, and makes what comes of it while `Log.take` has it in hand. Raises nothing."""

    def make(self, entry: Entry, document: Mapping[str, Any]) -> Made:
        """An entry is being taken; that may still be broken off."""

    def put(self, made: list[Made]) -> None:
        """These entries are in the log."""


class Log:
    """The central log of one installation. May be used from several threads and opened by several processes."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._gone = Allowed(())
        """Of the removals that were read last."""
        self._ahead: Ahead[Any] | None = None
        self._taking = threading.Lock()
        """From the first look at a batch until whoever works ahead has it."""

    @classmethod
    def open(cls, place: Path | Server, *, reading: bool = False, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Log:
        """The log in the folder `place` (`state/log`) or on the server, made if it is missing. Raises LogError.

        `reading`: it must be there and is never changed; for the command line, and for processes that only count from it.
        """
        return cls(open_engine(place, reading=reading), clock)

    def close(self) -> None:
        """May be called twice."""
        self._engine.dispose()

    def take(self, spool: Source) -> int:
        """Take what the spool has beyond the log's cursor; the number of events taken. Idempotent. Raises LogError, SpoolError.

        The spool's event at the cursor must still be the one that was taken: a cut tail or an older copy is found here even when the spool
        itself does not notice.
        """
        total = 0
        while True:
            made: list[Any] = []
            with self._taking:
                with writing(self._engine) as connection:
                    count, more = self._take_batch(connection, spool, made)
                if self._ahead is not None:
                    self._ahead.put(made)
            total += count
            if not more:
                return total

    def work_ahead(self, ahead: Ahead[Any]) -> None:
        """From now on `ahead` is shown what is taken; one at most, the last that was named."""
        self._ahead = ahead

    def settled(self) -> int:
        """The last sequence of the log, while whoever works ahead has all that this process took of it. Raises LogError."""
        with self._taking, reading(self._engine) as connection:
            return end_of(connection)[0]

    def read(self, after: int, limit: int) -> list[Logged]:
        """Up to `limit` events above the log's own sequence `after`, in order. Raises LogError."""
        return [logged(entry) for entry in self.entries(after, limit)]

    def entries(self, after: int, limit: int, *, until: int | None = None) -> list[Entry]:
        """As `read`, with the producers' own bytes instead of documents; `until` is the last sequence that is wanted. Raises LogError."""
        with reading(self._engine) as connection:
            return entries_after(connection, after, limit, _LAST if until is None else until)

    def tail(self, count: int) -> list[Logged]:
        """The newest `count` events, oldest first. Raises LogError."""
        with reading(self._engine) as connection:
            return [logged(entry) for entry in newest_entries(connection, count)]

    def where(
        self, condition: str, values: Sequence[object], *, limit: int, newest_first: bool = False, within: Within = EVERYTHING
    ) -> list[Logged]:
        """Events that meet a condition over the columns of `audit_store.log_tables.entry`, in order. Raises LogError.

        `condition` is SQL of SQLite, our own, with a `?` for each of `values`; whoever has a question uses `audit_store.search`. `within`:
        what the condition says that can be told of a whole packed block, without which all of them are unpacked.
        """
        with one_view(self._engine) as connection:
            found = entries_where(connection, condition, values, limit, within, newest_first=newest_first)
        return [logged(one) for one in found]

    def pack(self, *, blocks_max: int = 8, entries: int = BLOCK_ENTRIES, kept: int = KEPT_ENTRIES) -> int:
        """Pack the oldest entries that are not packed yet, all but the newest `kept`; how many. A later call goes on.

        May be ended at any point and run by several at once. Raises LogError, also where entries were tampered with: they stay as they are.
        """
        total = 0
        for _ in range(blocks_max):
            with reading(self._engine) as connection:
                rows = packable(connection, entries=entries, kept=kept)
            if not rows:
                break
            with translated("the log cannot be packed"):
                columns = packed(rows)  # before anybody is kept waiting
            with writing(self._engine) as connection:
                total += len(rows) if replace_by_block(connection, rows, columns) else 0
        return total

    def over(self, ends: Mapping[Kept, int], spared: Callable[[bytes], bool]) -> Iterator[tuple[Kept, int]]:
        """Class and number of each entry whose content is over, in order: received by then (milliseconds since 1970), and not spared.

        Raises LogError, also where an entry is not what was recorded.
        """
        with reading(self._engine) as connection:
            yield from over(connection, ends, spared)

    def removals(self) -> list[Removal]:
        """What was ever taken out, in order. Raises LogError."""
        with one_view(self._engine) as connection:
            return list(removals(connection))

    def without_content(self, entries: Sequence[Entry]) -> frozenset[int]:
        """Which of these entries have no content because a removal took it out; an empty one that a producer wrote is not among them.

        Raises LogError.
        """
        empty = [one.sequence for one in entries if not one.canonical]
        if any(not self._gone.names(number) for number in empty):
            self._gone = Allowed(self.removals())
        return frozenset(number for number in empty if self._gone.names(number))

    def take_out(self, removal: Removal) -> int:
        """Take the content out that a removal in this log names; how many entries had one. Idempotent, block by block: whatever ends it,
        the next call goes on. Raises LogError.
        """
        numbers = sorted(removal.entries)
        total = 0
        # Single ones first: what is packed meanwhile is found in its block.
        for start in range(0, len(numbers), _BATCH):
            with writing(self._engine) as connection:
                total += take_singles(connection, removal, numbers[start : start + _BATCH])
        with reading(self._engine) as connection:
            firsts = blocks_of(connection, numbers)
        for first in firsts:
            with writing(self._engine) as connection:
                total += take_from_block(connection, removal, first)
        return total

    def cursor(self, producer: str) -> int:
        """The producer's last sequence that the log has. Raises LogError."""
        with reading(self._engine) as connection:
            return cursor_of(connection, producer).sequence

    def acts(self, since: datetime) -> Iterator[Logged]:
        """All events of acts whose own time is `since` or later, in the order of the log. Raises LogError."""
        return (row for row in self._acts(since) if row.document)

    def _acts(self, since: datetime) -> Iterator[Logged]:
        stamp = since.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        with one_view(self._engine) as connection:
            yield from acts_since(connection, stamp)

    def deliveries(self, since: datetime) -> Iterator[Mapping[str, Any]]:
        """Documents of acts that went out or were denied since then, for `History.rebuild`; empty ones where the content of a packed event
        is gone, so that they are counted as unreadable. Raises LogError.
        """
        for row in self._acts(since):
            if not row.document:
                yield row.document
            ours = row.document.get("torwart")
            act = ours.get("act") if isinstance(ours, dict) else None
            if isinstance(act, dict) and act.get("phase") in _COUNTED:
                yield row.document

    def verify(self, *spools: Source, watch: Watch | None = None) -> list[Problem]:
        """Compute every producer's chain and the order of the log again, and compare with the spools given; [] if all is as it was.

        Names the first bad place of each harm. Who can write both the log and the spools, and computes all hashes anew, is not seen:
        signed statements outside the machine show that, where `watch` compares with them (`audit_store.statement_verify`).
        Raises LogError, SpoolError.
        """
        with one_view(self._engine) as connection:
            return problems(connection, spools, watch)

    def _take_batch(self, connection: Connection, spool: Source, made: list[Any]) -> tuple[int, bool]:
        """Take one batch; how many were taken, and whether there may be more. `made`: what was made of them ahead."""
        cursor = cursor_of(connection, spool.producer)
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
            self._insert(connection, taken, made)
            if not broken:
                put_cursor(connection, spool.producer, cursor)
                return len(taken), len(rows) == _BATCH
        return len(taken), self._go_round(connection, spool, cursor, broken or "")

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

    def _go_round(self, connection: Connection, spool: Source, cursor: Cursor, broken: str) -> bool:
        """Behind a break only a new epoch can be believed; until there is one the producer is stopped. One alarm either way."""
        if cursor.stopped is None:
            self._alarm(connection, spool.producer, broken, cursor)
            put_cursor(connection, spool.producer, cursor._replace(stopped=broken))
        epoch = cursor.epoch
        while (begins := spool.epoch_after(epoch)) is not None:
            (first,) = spool.read(begins - 1, 1)
            epoch = max(first.epoch, epoch + 1)  # never the same one twice, whatever the file says
            if _misfit(first, cursor._replace(sequence=begins - 1)) is None:
                self._insert(connection, [first])
                put_cursor(connection, spool.producer, Cursor(first.sequence, first.epoch, first.hash))
                return True
        return False

    def _alarm(self, connection: Connection, producer: str, cause: str, cursor: Cursor) -> None:
        facts: dict[str, int | str] = {"cause": cause, "epoch": cursor.epoch, "last_sequence": cursor.sequence}
        alarm = plain_event(EventAction.STORE_ALARM, at=self._clock(), subject=producer, outcome="failure", numbers=facts)
        self._insert(connection, [_own(connection, alarm)])

    def _insert(self, connection: Connection, rows: list[Stored], made: list[Any] | None = None) -> None:
        sequence, previous = end_of(connection)
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
            document = parsed(row.canonical)
            entries.append((*place, *columns_of(document), row.canonical, row.hash, previous))
            if made is not None and self._ahead is not None:
                made.append(self._ahead.make(Entry(*place, row.canonical, row.hash), document))
        if entries:
            # Rows without names: SQLAlchemy's own way costs a third of the speed of the whole intake.
            mark = "?" if is_sqlite(connection) else "%s"
            connection.exec_driver_sql(f"INSERT INTO entry ({', '.join(_NAMES)}) VALUES ({', '.join([mark] * len(_NAMES))})", entries)  # noqa: S608


def _own(connection: Connection, event: Event) -> Stored:
    """The log's own event, in the log's own chain."""
    cursor = cursor_of(connection, OWN_PRODUCER)
    sequence, canonical = cursor.sequence + 1, event.canonical()
    digest = link(cursor.hash, producer=OWN_PRODUCER, epoch=cursor.epoch, sequence=sequence, canonical=canonical)
    put_cursor(connection, OWN_PRODUCER, Cursor(sequence, cursor.epoch, digest))
    return Stored(OWN_PRODUCER, cursor.epoch, sequence, canonical, digest)


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
