"""Goals 10 and 11: what the record costs.

Events a second to Elasticsearch (`audit_events.py`); how long one writer waits until its event is durable, over a bare write and fdatasync
of the same bytes; rows a second with 64 writers, over SQLite in groups of 100.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from audit_store.event import Event
from audit_store.log import Log
from audit_store.spool import Spool
from tests.bench import audit_events
from tests.bench.audit_acts import DIFFERENT, PRODUCER, event_of, questions
from tests.bench.load import SUBJECT_CORE
from tests.bench.report import BenchError, Row, row

ROUNDS, SINGLE, WRITERS, TOGETHER = 5, 1_000, 64, 16_000
"""Rounds; events of a round with one writer; writers, and their events of a round together."""
GROUP = 100


def run(quick: bool) -> dict[str, Row]:
    """The rows `audit_durable_p50`, `audit_group` and `audit_events`. Raises BenchError."""
    rounds, single, together = (1, 100, 1_280) if quick else (ROUNDS, SINGLE, TOGETHER)
    asked = questions()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SUBJECT_CORE} & before or before)
    try:
        with tempfile.TemporaryDirectory(prefix="torwart-bench-") as name:
            folder = Path(name)
            rows = {
                "audit_durable_p50": _durable([event_of(asked[n % DIFFERENT], n) for n in range(single)], folder / "one", rounds),
                "audit_group": _group([event_of(asked[n % DIFFERENT], n) for n in range(together)], folder / "many", rounds),
            }
    finally:
        os.sched_setaffinity(0, before)
    return rows | audit_events.run(quick)


def _durable(events: list[Event], folder: Path, rounds: int) -> Row:
    spool = Spool.open(folder, PRODUCER)
    ours: list[float] = []
    bare: list[float] = []
    flat: list[float] = []
    for number in range(rounds + 1):  # the first one warms up
        ours.append(_p50([_timed(spool.append, event) for event in events]))
        sizes = [event.canonical() for event in events]
        bare.append(_bare(folder / f"bare-{number}", sizes, prepared=False))
        flat.append(_bare(folder / f"flat-{number}", sizes, prepared=True))
    _check(spool, folder, len(events) * (rounds + 1))
    ratios = [one / other for one, other in zip(ours[1:], bare[1:], strict=True)]
    over_flat = statistics.median(one / other for one, other in zip(ours[1:], flat[1:], strict=True))
    lines = [
        f"one writer {_us(ours)}, write + fdatasync {_us(bare)}; smaller is better",
        f"over a file whose blocks were written before (its length stays, {_us(flat)}): {over_flat:.2f} x",
    ]
    return row(ratios, floor=3.0, target=1.5, lines=lines, over_prepared_file=over_flat)


def _us(rounds: list[float]) -> str:
    return f"{statistics.median(rounds[1:]) * 1e6:.0f} us"


def _bare(path: Path, bodies: list[bytes], *, prepared: bool) -> float:
    """Half of the writes of these bytes are faster than this; seconds."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        if prepared:
            os.write(descriptor, bytes(sum(map(len, bodies))))
            os.fsync(descriptor)
            os.lseek(descriptor, 0, os.SEEK_SET)

        def write(body: bytes) -> None:
            os.write(descriptor, body)
            os.fdatasync(descriptor)

        return _p50([_timed(write, body) for body in bodies])
    finally:
        os.close(descriptor)
        path.unlink()


def _timed[T](work: Callable[[T], object], given: T) -> float:
    begun = time.perf_counter()
    work(given)
    return time.perf_counter() - begun


def _p50(found: list[float]) -> float:
    return statistics.median(found)


def _group(events: list[Event], folder: Path, rounds: int) -> Row:
    spool = Spool.open(folder, PRODUCER)
    bodies = [event.canonical() for event in events]
    rates: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        spent = time.process_time()
        ours = _rate(len(events), lambda: asyncio.run(_together(spool, events)))
        spent = (time.process_time() - spent) / len(events)
        rates.append((ours, _rate(len(events), lambda: _sqlite(folder / f"groups-{number}.db", bodies))))  # noqa: B023
    _check(spool, folder, len(events) * (rounds + 1))
    ratios = [ours / theirs for ours, theirs in rates[1:]]
    ours, theirs = (statistics.median(found) for found in zip(*rates[1:], strict=True))
    lines = [f"{WRITERS} writers {ours:,.0f} rows/s ({spent * 1e6:.0f} us CPU each), SQLite in groups of {GROUP} {theirs:,.0f} rows/s"]
    return row(ratios, floor=0.2, target=0.5, lines=lines, rates=rates)


async def _together(spool: Spool, events: list[Event]) -> None:
    async def writer(first: int) -> None:
        for event in events[first::WRITERS]:
            await spool.append_soon(event)

    await asyncio.gather(*(writer(first) for first in range(WRITERS)))


def _sqlite(path: Path, bodies: list[bytes]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for words in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {words}")
    connection.execute("CREATE TABLE event (sequence INTEGER PRIMARY KEY, canonical BLOB NOT NULL)")
    for group in itertools.batched(bodies, GROUP, strict=False):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO event (canonical) VALUES (?)", [(body,) for body in group])
        connection.execute("COMMIT")
    if connection.execute("SELECT count(*) FROM event").fetchone()[0] != len(bodies):
        raise BenchError("SQLite has not all rows")
    connection.close()


def _rate(count: int, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return count / (time.perf_counter() - begun)


def _check(spool: Spool, folder: Path, count: int) -> None:
    """Every event is there, in an unbroken chain."""
    log = Log.open(folder / "log")
    taken = log.take(spool)
    problems = log.verify(spool)
    log.close()
    spool.close()
    if taken != count or problems:
        raise BenchError(f"{taken} of {count} events are in the record; {len(problems)} problems")
