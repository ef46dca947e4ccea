"""Finds what is over, says so in the record, and takes it out: in this order, so that a crash leaves the old state or the new one.

One run at a time, over all processes and machines.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from audit_store.alerts import OPEN_STATES
from audit_store.consumer import position_of, put_position
from audit_store.engines import RETAINING, end_session_lock, is_sqlite, try_session_lock
from audit_store.event import Event
from audit_store.log import Log
from audit_store.looks import people_in
from audit_store.removal import DAY_MS, ENTRIES_MAX, Removal, removal_event
from audit_store.retention import Kept
from audit_store.search_index import FILE as INDEX
from audit_store.search_index import IndexReader, IndexWriter, SearchIndexError
from audit_store.spool import SpoolReader
from audit_store.tables import Alert

LOCK = "retention.lock"
SLACK_MS = 60 * 60 * 1000
"""Older by so much than the days say, so that clocks of several machines agree that it was time."""
GRACE = timedelta(minutes=10)
"""Where several machines share the log, each has so long to take out of its index what a removal names, while the content is there."""
INDEX_SECONDS = 30.0
"""How long a run waits for the index."""
_PAUSE_SECONDS = 0.05


class Own(Protocol):
    """The process's own record (`audit_store.witnessed.WitnessedSpool`)."""

    producer: str

    def append(self, event: Event) -> object:
        """Record an event that a place outside must know. Raises SpoolError."""

    def state_end(self) -> None:
        """Have a place know the end of this record. Raises SpoolError."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is over now."""

    counts: Mapping[Kept, int]
    held: int
    """People whose events stay: an alert about them is open, or the settings name them."""


@dataclass(slots=True)
class Done:
    """What a run has done."""

    counts: dict[Kept, int] = field(default_factory=dict)
    """Entries that it named, by class."""
    taken_out: int = 0
    """Contents that are gone now."""
    waiting: int = 0
    """Entries that are named and taken out later (`GRACE`)."""


class BusyError(Exception):
    """Another run is under way."""


class Retention:
    """The retention of one installation's log. For one thread."""

    def __init__(
        self,
        *,
        engine: Engine,
        log: Log,
        own: Own,
        spool: Path,
        state: Path,
        days: Mapping[Kept, int],
        hold: frozenset[str],
        now: Callable[[], datetime],
    ) -> None:
        """`spool` is the folder of `own`; `days` of the classes that are not kept for ever; `hold` are pseudonyms whose events stay."""
        self._engine = engine
        self._log = log
        self._own = own
        self._spool = spool
        self._state = state
        self._days = days
        self._hold = hold
        self._now = now
        self._consumer = f"keep-{own.producer}"

    def plan(self) -> Plan:
        """What a run would take out. Changes nothing. Raises LogError, SQLAlchemyError."""
        counts = dict.fromkeys(Kept, 0)
        held = self._held()
        for kept, _ in self._over(held):
            counts[kept] += 1
        return Plan(counts, len(held))

    def run(self) -> Done:
        """One whole run. Raises BusyError, LogError, SpoolError, SQLAlchemyError: then the next one goes on."""
        with self._alone():
            done = Done()
            found: dict[Kept, list[int]] = {}
            for kept, number in self._pending_left_out():
                found.setdefault(kept, []).append(number)
            for kept, numbers in sorted(found.items()):
                for start in range(0, len(numbers), ENTRIES_MAX):
                    part = numbers[start : start + ENTRIES_MAX]
                    self._own.append(removal_event(kept, self._days[kept], part, self._now()))
                done.counts[kept] = len(numbers)
            self._carry_out(done)
            return done

    def carry_out(self) -> Done:
        """Only take out what earlier runs have named and may go now. Raises as `run`."""
        with self._alone():
            done = Done()
            self._carry_out(done)
            return done

    def _pending_left_out(self) -> Iterator[tuple[Kept, int]]:
        """What is over, but for what this process has named before and not taken out yet: it is not named twice."""
        self._take_in()
        named = frozenset[int]().union(*(removal.entries for removal in self._pending()))
        return ((kept, number) for kept, number in self._over(self._held()) if number not in named)

    def _over(self, held: frozenset[str]) -> Iterator[tuple[Kept, int]]:
        now = int(self._now().timestamp() * 1000)
        ends = {kept: now - days * DAY_MS - SLACK_MS for kept, days in self._days.items()}
        return self._log.over(ends, lambda canonical: not held.isdisjoint(people_in([canonical]))) if ends else iter(())

    def _held(self) -> frozenset[str]:
        with self._engine.connect() as connection:
            return self._hold | frozenset(connection.scalars(select(Alert.pseudonym).where(Alert.state.in_(OPEN_STATES))))

    def _pending(self) -> list[Removal]:
        """Removals of this process that were not carried out to the end."""
        done = position_of(self._engine, self._consumer)
        return [one for one in self._log.removals() if one.sequence > done and one.producer == self._own.producer]

    def _carry_out(self, done: Done) -> None:
        self._take_in()
        pending = self._pending()
        if not pending:
            return
        self._own.state_end()  # also for one that no place had when it was recorded
        before = None if is_sqlite(self._engine) else int((self._now() - GRACE).timestamp() * 1000)
        for removal in pending:
            if before is not None and removal.received > before:
                done.waiting += sum(len(one.entries) for one in pending if one.sequence >= removal.sequence)
                return
            self._out_of_the_index(removal)
            done.taken_out += self._log.take_out(removal)
            put_position(self._engine, self._consumer, removal.sequence)

    def _take_in(self) -> None:
        reader = SpoolReader.open(self._spool)
        try:
            self._log.take(reader)
        finally:
            reader.close()

    def _out_of_the_index(self, removal: Removal) -> None:
        """This machine's index, while the content is there; another one, and one that does not come so far, is built anew by its writer."""
        folder, index, end = self._state / "log", IndexWriter(self._state / "log"), time.monotonic() + INDEX_SECONDS
        try:
            while (folder / INDEX).exists() and time.monotonic() < end:
                with contextlib.suppress(SearchIndexError):
                    index.step(self._log)
                with IndexReader.opened(folder, self._log) as reader:
                    if reader is not None and reader.position >= removal.sequence:
                        return
                time.sleep(_PAUSE_SECONDS)  # another one writes it just now
        finally:
            index.close()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if not is_sqlite(self._engine):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                if not try_session_lock(connection, RETAINING):
                    raise BusyError
                try:
                    yield
                finally:
                    connection.detach()  # the lock is the connection's
                    with contextlib.suppress(SQLAlchemyError):
                        end_session_lock(connection, RETAINING)
            finally:
                connection.close()
            return
        file = os.open(self._state / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError from None
            yield
        finally:
            os.close(file)
