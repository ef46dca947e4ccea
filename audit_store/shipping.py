"""Ships the central log to Elasticsearch, in its order, with a cursor of its own: one more reader of the log, which nothing waits for.

The cursor moves only when every event of a batch is stored, was stored before, or lies in the dead-letter stream. Later each event is
looked for in a search under the reader's identity: what was acknowledged and is not there is sent again from the log.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import Engine

from audit_store.consumer import position_of, put_position
from audit_store.elastic import AnswerError, Elastic, ElasticError
from audit_store.elastic_bulk import Fate, Item, Misfit, create
from audit_store.elastic_documents import dead_letter, item_of
from audit_store.elastic_install import Retention, check_templates, install
from audit_store.elastic_search import present
from audit_store.event import Event, EventAction, plain_event
from audit_store.log import Entry, Log
from audit_store.log_file import received_at
from audit_store.mapping import DEAD_LETTERS, EVENTS
from audit_store.shipping_ahead import Prepared

SHIPPED, FOUND = "elastic", "elastic-found"
"""Consumers of the log: up to where events were acknowledged, and up to where they were found again."""
BATCH_EVENTS, BATCH_BYTES = 1_000, 4 * 1024 * 1024
SAMPLE = 20
"""Events of a batch that are read back at once."""
LOOK_BACK = 10_000
"""Events that are looked for once more after a failure: a server that crashed may have lost what it had acknowledged seconds before."""


class LostError(ElasticError):
    """Elasticsearch had acknowledged events that it does not have."""


class DeadLetterError(ElasticError):
    """Not even the dead-letter stream takes an event."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What has not arrived yet."""

    events: int
    since: datetime | None
    """When the log took the oldest of them."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Events of the log, and what is sent of them."""

    entries: Sequence[Entry]
    items: list[Item]
    misfits: list[Misfit]

    @classmethod
    def of(cls, entries: Sequence[Entry], made: Sequence[Item | Misfit]) -> Self:
        return cls(entries, [one for one in made if isinstance(one, Item)], [one for one in made if isinstance(one, Misfit)])


class _Flight:
    """A request that is on its way while the caller does something else."""

    def __init__(self, writer: Elastic, items: Sequence[Item]) -> None:
        self._fate = Fate()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._fly, args=(writer, items), name="elastic request", daemon=True)
        self._thread.start()

    def landed(self) -> Fate:
        """Wait for its end; what became of the items. May be asked again. Raises what sending raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._fate

    def _fly(self, writer: Elastic, items: Sequence[Item]) -> None:
        try:
            self._fate = create(writer, EVENTS, items)
        except BaseException as error:  # noqa: BLE001 -- raised again by whoever waits for it
            self._error = error


class Shipper:
    """One per installation, one thread at a time; `backlog` from any thread."""

    def __init__(
        self,
        engine: Engine,
        log: Log,
        writer: Elastic,
        reader: Elastic | None,
        record: Callable[[Event], object],
        *,
        installs: Retention | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Without a `reader` nothing is read back, and what the server loses after its acknowledgement is not noticed.

        `installs`: put the templates where they are missing, with this retention; for a server that asks nobody who he is.
        """
        self._engine = engine
        self._log = log
        self._writer = writer
        self._reader = reader
        self._record = record
        self._installs = installs
        self._now = now
        self._prepared = Prepared()
        log.work_ahead(self._prepared)
        self._position = position_of(engine, SHIPPED)
        self._found = position_of(engine, FOUND)
        self._counted = 0
        self._checked = False
        self._unsure = True
        self.version: str | None = None
        """Of the server, as far as the reader may see it."""
        self.dead_letters = 0
        """Events that had to go to the dead-letter stream, since the start."""
        self.last_shipped: datetime | None = None

    @property
    def position(self) -> int:
        """Global sequence of the last event that has arrived."""
        return self._position

    def backlog(self) -> Backlog:
        """What waits. Raises LogError."""
        newest = self._log.tail(1)
        first = self._log.entries(self._position, 1)
        return Backlog(newest[-1].sequence - self._position if newest else 0, received_at(first[0].received) if first else None)

    def step(self, limit: int = 5_000) -> int:
        """Ship up to `limit` further events; how many. Raises ElasticError and what log, spool and database raise: nothing is skipped.

        The server is never waited for in vain: the next batch is read and made while one is on its way, and sent before what was
        acknowledged of the last one is looked at. The cursor moves behind both.
        """
        flight: _Flight | None = None
        done = 0
        try:
            self._check_server()
            batch = self._next(self._position, limit)
            while batch.entries:
                flight = flight or _Flight(self._writer, batch.items)
                last, left = batch.entries[-1].sequence, limit - done - len(batch.entries)
                following = self._next(last, left)
                fate = flight.landed()
                flight = _Flight(self._writer, following.items) if following.items and fate.is_clean and not batch.misfits else None
                self._settle(batch, fate)
                put_position(self._engine, SHIPPED, last)
                self._position = last
                self.last_shipped = self._now()
                done += len(batch.entries)
                batch = following
        except BaseException as error:
            self._prepared.clear()  # some of it is behind what has to be sent again, and the rest would grow old
            if isinstance(error, ElasticError):
                self._checked, self._unsure = False, True
            raise
        finally:
            if flight is not None:  # whatever became of it: what the cursor does not cover is sent again
                flight.landed()
        return done

    def look(self, until: int) -> int:
        """Look for what was shipped up to the sequence `until`, and send again what is not there; how many events were looked at.

        `until` is a position of a while ago: a search sees what was stored a second before. Raises LostError after it has sent again, so
        that the loss is seen; ElasticError, LogError.
        """
        if self._reader is None:
            return 0
        if self._unsure:  # once more, further back
            self._found = max(0, self._found - LOOK_BACK)
            self._unsure = False
        looked = lost = 0
        until = min(until, self._position)
        while self._found < until:
            end = min(self._found + BATCH_EVENTS, until)
            there = present(self._reader, self._found, end)
            rows = self._log.entries(self._found, BATCH_EVENTS, until=end)
            gone = self._log.without_content(rows)
            missing = [entry for entry in rows if entry.sequence not in gone and entry.sequence not in there]
            if missing:
                self._deliver(missing)
            put_position(self._engine, FOUND, end)
            looked, lost, self._found = looked + end - self._found, lost + len(missing), end
        if lost:
            raise LostError(f"{lost} events were acknowledged and are not there; they were sent again")
        return looked

    def resend(self, sequences: Sequence[int]) -> None:
        """Send these events of the log once more; whatever is there already stays as it is. Raises ElasticError, LogError."""
        self._check_server()
        for start in range(0, len(sequences), BATCH_EVENTS):
            wanted = sequences[start : start + BATCH_EVENTS]
            self._deliver([entry for number in wanted for entry in self._log.entries(number - 1, 1, until=number)])

    def batch(self, after: int, limit: int = BATCH_EVENTS, *, until: int | None = None) -> list[Entry]:
        """The next events of the log behind `after`, so many as are sent at once. Raises LogError."""
        batch: list[Entry] = []
        size = 0
        for entry in self._log.entries(after, min(limit, BATCH_EVENTS), until=until):
            size += len(entry.canonical)
            if batch and size > BATCH_BYTES:
                break
            batch.append(entry)
        return batch

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Send these events, wherever the cursor is; whatever is there already stays as it is. Raises ElasticError."""
        self._check_server()
        self._deliver(entries)

    def _check_server(self) -> None:
        """Once, and again after every failure: is it new enough, are its templates ours?"""
        if not self._checked:
            if self._reader is not None:
                self.version = self._reader.check_version()
                if self._installs is not None:
                    install(self._writer, retention=self._installs)
                check_templates(self._reader)
            self._checked = True

    def _deliver(self, entries: Sequence[Entry]) -> None:
        """All of it is there afterwards, or an error is raised; what has no content any more has nothing to be sent."""
        batch = self._made(entries)
        self._settle(batch, create(self._writer, EVENTS, batch.items))

    def _next(self, after: int, limit: int) -> _Batch:
        """What is sent next: as it was prepared, else as the log has it."""
        prepared = self._prepared.next(after, min(limit, BATCH_EVENTS), BATCH_BYTES)
        if not prepared and limit:
            until = self._log.settled()  # nothing is read that is just being prepared
            prepared = self._prepared.next(after, min(limit, BATCH_EVENTS), BATCH_BYTES)
            if not prepared:
                return self._made(self.batch(after, limit, until=until))
        return _Batch.of([one.entry for one in prepared], [one.made for one in prepared])

    def _made(self, entries: Sequence[Entry]) -> _Batch:
        gone = self._log.without_content(entries)
        return _Batch.of(entries, [item_of(entry) for entry in entries if entry.sequence not in gone])

    def _settle(self, batch: _Batch, fate: Fate) -> None:
        """All of the batch is there afterwards, or an error is raised."""
        if misfits := {misfit.item.id: misfit for misfit in [*fate.misfits, *batch.misfits]}:
            self._bury([(entry, misfits[entry.hash.hex()]) for entry in batch.entries if entry.hash.hex() in misfits])
        if fate.why is not None:
            raise fate.why
        self._read_back(fate.stored)

    def _bury(self, misfits: Sequence[tuple[Entry, Misfit]]) -> None:
        if not misfits:
            return
        fate = create(self._writer, DEAD_LETTERS, [dead_letter(entry, misfit, self._now()) for entry, misfit in misfits])
        if fate.why is not None:
            raise fate.why
        if fate.misfits:
            raise DeadLetterError("the dead-letter stream refuses an event: run `torwart events elastic-install`")
        self._read_back(fate.stored)
        self._count(misfits)

    def _count(self, misfits: Sequence[tuple[Entry, Misfit]]) -> None:
        """Each once, also when its batch is sent again. It is recorded at 1, 10, 100 …: the record is shipped too."""
        new = [misfit.kind for entry, misfit in misfits if entry.sequence > self._counted]
        count = self.dead_letters + len(new)
        if new and (not self.dead_letters or len(str(count)) > len(str(self.dead_letters))):
            facts: dict[str, int | str] = {"count": count, "error": new[0]}
            self._record(
                plain_event(EventAction.SELF_TEST, at=self._now(), subject="elastic dead letters", outcome="failure", numbers=facts)
            )
        self.dead_letters = count
        self._counted = max(self._counted, misfits[-1][0].sequence)

    def _read_back(self, stored: dict[str, str]) -> None:
        """A few of what was acknowledged, at once and by their ids: a lie is not believed for a minute."""
        if self._reader is None or not stored:
            return
        some = random.sample(list(stored.items()), min(SAMPLE, len(stored)))
        body = {"docs": [{"_index": index, "_id": name, "_source": False} for name, index in some]}
        answer = self._reader.ask("POST", "/_mget", body)
        rows = answer.get("docs")
        found = {row.get("_id") for row in rows if isinstance(row, dict) and row.get("found") is True} if isinstance(rows, list) else set()
        if found != {name for name, _ in some}:
            raise AnswerError("Elasticsearch acknowledged an event that it does not have: look at its health")
