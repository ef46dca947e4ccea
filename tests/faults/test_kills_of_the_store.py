"""Promises, part 2, faults 1 and 2, of the store alone: kill -9 while it records, takes, packs, takes out and indexes loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from audit_store.database import open_database
from audit_store.log import Log
from audit_store.retention import Kept
from audit_store.retention_run import Retention
from audit_store.search import Question
from audit_store.search_answer import Searcher
from audit_store.search_index import IndexWriter
from audit_store.spool import Spool
from tests.audit_store.acts import NOW, plain
from tests.faults.killing import INDEX, LOG, PROMISED, SPOOL, WHOLE_GATEWAY, acknowledge, acknowledged, kill_often

pytestmark = pytest.mark.slow
OLD = NOW - timedelta(days=100)
INDEXED = 6_000


class Own(Spool):
    """The console's record, without a place outside."""

    def state_end(self) -> None:
        """Nobody is asked."""


def recording(folder: Path) -> None:
    """Groups of events, acknowledged when each is durable."""
    spool, say = Spool.open(folder / "spool", "gateway"), acknowledge(folder)

    async def work() -> None:
        for turn in range(100_000):
            events = [plain(number) for number in range(1 + turn % 5)]
            receipts = await asyncio.gather(*(spool.append_soon(event) for event in events))
            for receipt, event in zip(receipts, events, strict=True):
                say(f"{receipt.sequence} {event.id}")

    asyncio.run(work())


def taking(folder: Path) -> None:
    """What the console does all day, in small pieces and without a pause."""
    own, say = Own.open(folder / "spool" / "console", "console"), acknowledge(folder)
    engine = open_database(folder / "torwart.db")
    old, now = Log.open(folder / "log", clock=lambda: OLD), Log.open(folder / "log", clock=lambda: NOW)
    for _ in range(100_000):
        events = [plain(number, at=OLD) for number in range(7)]
        for event in events:
            own.append(event)
        old.take(own)
        say(" ".join(event.id for event in events))
        now.pack(entries=16, kept=8)
        retention(folder, engine, now, own).run()


def retention(folder: Path, engine: Engine, log: Log, own: Own) -> Retention:
    """Of the log in the folder."""
    days = {Kept.TROUBLE: 60}
    return Retention(engine=engine, log=log, own=own, spool=own.folder, state=folder, days=days, hold=frozenset(), now=lambda: NOW)


def indexing(folder: Path) -> None:
    """Batch after batch, from wherever the last one ended."""
    log, writer, say = Log.open(folder / "log", reading=True), IndexWriter(folder / "log"), acknowledge(folder)
    while True:
        say(str(writer.step(log, 40)))


def test_the_kills_of_all_fault_tests_are_as_many_as_was_promised() -> None:
    assert WHOLE_GATEWAY + SPOOL + LOG + INDEX == PROMISED


def test_what_was_acknowledged_is_recorded(tmp_path: Path) -> None:
    assert kill_often(recording, tmp_path, SPOOL, random.Random(), longest=0.03) == SPOOL  # noqa: S311 -- moments
    spool = Spool.open(tmp_path / "spool", "gateway")
    rows = spool.read(0, 1_000_000)
    there = {row.sequence: orjson.loads(row.canonical)["event"]["id"] for row in rows}
    assert {row.epoch for row in rows} == {1}, "no start took the record for one that was tampered with"
    assert sorted(there) == list(range(1, len(rows) + 1))
    said = [line.split() for line in acknowledged(tmp_path)]
    assert len(said) > SPOOL
    assert [(number, event) for number, event in said if there.get(int(number)) != event] == []
    spool.close()


def test_what_the_log_has_taken_it_keeps_whatever_is_packed_and_taken_out(tmp_path: Path) -> None:
    assert kill_often(taking, tmp_path, LOG, random.Random(), longest=0.1) == LOG  # noqa: S311
    own, log = Own.open(tmp_path / "spool" / "console", "console"), Log.open(tmp_path / "log", clock=lambda: NOW)
    log.take(own)
    assert log.verify(own) == []
    engine = open_database(tmp_path / "torwart.db")
    for _ in range(2):  # what the last one left; what it named while the log's clock was that of old events is named again
        retention(tmp_path, engine, log, own).run()
    engine.dispose()
    assert log.verify(own) == []
    recorded: dict[str, int] = {}
    for row in own.read(0, 1_000_000):
        recorded[orjson.loads(row.canonical)["event"]["id"]] = row.sequence
    entries = {entry.producer_sequence: entry for entry in log.entries(0, 1_000_000)}
    said = " ".join(acknowledged(tmp_path)).split()
    assert len(said) > LOG
    assert [event for event in said if recorded.get(event) not in entries] == []
    removed = frozenset[int]().union(*(one.entries for one in log.removals()))
    gone = {entry.sequence for entry in entries.values() if not entry.canonical}
    assert gone == removed
    assert len(gone) > LOG
    own.close()
    log.close()


def test_the_index_is_the_same_as_one_that_nobody_has_killed(tmp_path: Path) -> None:
    with contextlib.closing(Log.open(tmp_path / "log", clock=lambda: NOW)) as log:
        spool = Spool.open(tmp_path / "spool", "gateway")
        spool._store([plain(number).canonical() for number in range(INDEXED)])
        log.take(spool)
        spool.close()
        assert kill_often(indexing, tmp_path, INDEX, random.Random(), longest=0.02) == INDEX  # noqa: S311
        killed, fresh = IndexWriter(tmp_path / "log"), IndexWriter(tmp_path / "fresh")
        while killed.step(log):
            pass
        fresh.rebuild(log)
        answers: list[Any] = []
        for folder in (tmp_path / "log", tmp_path / "fresh"):
            searcher = Searcher(log, folder)
            count = searcher.count(Question(action="self-test"))
            rows = searcher.ask(Question(action="self-test", newest_first=True)).rows
            answers.append(([(one.deed, one.count) for one in count.tallies], [row.sequence for row in rows]))
        assert answers[0] == answers[1]
        assert answers[0][0][0][1] == INDEXED
        for writer in (killed, fresh):
            writer.close()
