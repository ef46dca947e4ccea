"""How long an answer of the search takes: a person's 90 days, a client, words; from the log's own index and from Elasticsearch.

`EVENTS=10000000 make bench ONLY=search` for that many (300,000 otherwise), `ELASTIC_EVENTS` likewise (50,000). Up to a million events a
real log is written; beyond it the events are made when they are read, and only the index is real, which is said. What an answer must be is
worked out without any index: an answer that differs is an error, not a figure. `BENCH_FOLDER` is where it is done, if not in `/tmp`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

from audit_store import elastic_search
from audit_store.database import open_database
from audit_store.elastic import Access, Elastic
from audit_store.elastic_install import install
from audit_store.log import Log
from audit_store.log_file import parsed
from audit_store.mapping import BOTH
from audit_store.search import LIMIT_MAX, Question, is_answer
from audit_store.search_answer import Searcher
from audit_store.search_index import FILE, IndexWriter
from audit_store.search_timeline import sightings
from audit_store.shipping import Shipper
from audit_store.spool import Spool
from tests.bench.report import BenchError, Row, row
from tests.bench.search_events import BEGIN, CLIENTS, DAYS, PEOPLE, MadeLog, pseudonym
from tests.services.certificates import Authority
from tests.services.elastic_node import FIRST, ElasticNode, java_home

EVENTS, ELASTIC_EVENTS = 300_000, 50_000
REAL_LOG_MAX = 1_000_000
PERSON_DAYS, ASKED, TARGET_SECONDS = 90, 20, 1.0
_CHUNK = 20_000
type Ask = Callable[[Question], list[int]]


def run(quick: bool) -> dict[str, Row]:
    """The rows `search_s` and, where there is an Elasticsearch, `search_elastic_s`: seconds for a person's 90 days. Raises BenchError."""
    events, elastic_events = (20_000, 5_000) if quick else (_number("EVENTS", EVENTS), _number("ELASTIC_EVENTS", ELASTIC_EVENTS))
    asked = 3 if quick else ASKED
    with tempfile.TemporaryDirectory(prefix="torwart-bench-", dir=os.environ.get("BENCH_FOLDER")) as name:
        rows = {"search_s": _own(Path(name), events, asked)}
        elastic = java_home(17) is not None and (shutil.which("mvn") is not None)
        if elastic:
            rows["search_elastic_s"] = _elastic(Path(name), elastic_events, asked)
        else:
            rows["search_s"]["lines"].append("Elasticsearch: not measured, there is no Java 17 with Maven")
    return rows


def _number(name: str, otherwise: int) -> int:
    word = os.environ.get(name, str(otherwise))
    if not word.isdecimal() or not int(word):
        raise BenchError(f"{name}={word} is no number of events")
    return int(word)


def _own(folder: Path, events: int, asked: int) -> Row:
    made = MadeLog(events)
    real = events <= REAL_LOG_MAX
    with _log(folder / "log", made) if real else _made(made) as log:
        writer = IndexWriter(folder / "index")
        begun, cpu = time.perf_counter(), time.process_time()
        while writer.step(log, _CHUNK):
            pass
        built, cpu = time.perf_counter() - begun, time.process_time() - cpu
        writer.close()
        size = sum(path.stat().st_size for path in (folder / "index").glob(f"{FILE}*"))
        searcher = Searcher(log, folder / "index")

        def ask(question: Question) -> list[int]:
            answer = searcher.ask(question)
            if answer.unsearched is not None:
                raise BenchError(f"events {answer.unsearched} were not looked at")
            return [row.sequence for row in answer.rows]

        lines = [f"{events:,} events in {'a real log' if real else 'no log: they are made when they are read'}, the log's own index"]
        lines.append(f"index: {size / events:.0f} bytes an event; built in {built:.0f} s, {1e6 * cpu / events:.0f} us of CPU an event")
        spans = _asked(made, ask, asked, lines)
        took = [_timed(partial(searcher.count, _question(person)))[0] for person in _people(asked)]
        lines.append(_line("a person's 90 days in sums", took))
        took = [_timed(partial(sightings, searcher, str(client)))[0] for client in range(7, CLIENTS, CLIENTS // asked)]
        lines.append(_line("who has seen a client, all days", took))
        return row(spans, floor=0.0, target=TARGET_SECONDS, events=events, lines=lines)


def _elastic(folder: Path, events: int, asked: int) -> Row:
    made = MadeLog(events)
    authority = Authority(folder)
    node = ElasticNode(FIRST, cast(Path, java_home(17)), authority)
    try:
        node.start()
        writer, reader, installer = (_connected(node, user) for user in ("writer", "reader", "installer"))
        install(installer)
        with _log(folder / "elastic-log", made) as log:
            engine = open_database(folder / "torwart.db")
            shipper = Shipper(engine, log, writer, reader, lambda _: None)
            begun = time.perf_counter()
            while shipper.step(_CHUNK):
                pass
            took = time.perf_counter() - begun
            node.admin("POST", f"/{BOTH}/_refresh")
            size = sum(path.stat().st_size for path in (node.folder / "data").rglob("*") if path.is_file())
            lines = [f"{events:,} events in one node of Elasticsearch {FIRST} with 512 MB: {size / events:.0f} bytes an event on its disk"]
            lines.append(f"shipped in {took:.0f} s")
            spans = _asked(made, lambda question: [one.sequence for one in elastic_search.answer(reader, question)], asked, lines)
            engine.dispose()
        for connection in (writer, reader, installer):
            connection.close()
    finally:
        node.remove()
    return row(spans, floor=0.0, target=TARGET_SECONDS, events=events, lines=lines)


def _connected(node: ElasticNode, user: str) -> Elastic:
    return Elastic(Access((node.url,), user, node.passwords[user], ca=node.ca), timeout_seconds=60)


@contextmanager
def _log(folder: Path, made: MadeLog) -> Iterator[Log]:
    """A real log with these events, taken from a real spool."""
    spool = Spool.open(folder / "spool", "gateway")
    log = Log.open(folder)
    try:
        for start in range(1, made.events + 1, _CHUNK):
            spool._store([made.canonical(number) for number in range(start, min(start + _CHUNK, made.events + 1))])
            log.take(spool)
        yield log
    finally:
        log.close()
        spool.close()


@contextmanager
def _made(made: MadeLog) -> Iterator[Log]:
    yield cast(Log, made)


def _people(asked: int) -> list[int]:
    return [number * PEOPLE // asked for number in range(asked)]


def _question(person: int) -> Question:
    """A person's 90 days somewhere in the year."""
    since = BEGIN + timedelta(days=(person * 37) % (DAYS - PERSON_DAYS))
    return Question(person=pseudonym(person), since=since, until=since + timedelta(days=PERSON_DAYS), newest_first=True)


def _asked(made: MadeLog, ask: Ask, asked: int, lines: list[str]) -> list[float]:
    """Seconds of the largest answer about a person's 90 days, for each person; the first answers are compared."""
    whole: list[float] = []
    for name, limit, text in (
        ("newest 100 of a person's 90 days", 100, None),
        (f"newest {LIMIT_MAX:,} of a person's 90 days", LIMIT_MAX, None),
        ("a person's 90 days, with words", 100, "export confirmed"),
    ):
        questions = [replace(_question(person), limit=limit, text=text) for person in _people(asked)]
        took = []
        for number, question in enumerate(questions):
            seconds, found = _timed(partial(ask, question))
            took.append(seconds)
            if number < 2 and found != _expected(made, question):
                raise BenchError(f"{name}: the answer is not what the events say")
        lines.append(_line(name, took))
        whole = took if limit == LIMIT_MAX else whole
    clients = [Question(client=str(client), limit=100, newest_first=True) for client in range(7, CLIENTS, CLIENTS // asked)]
    lines.append(_line("newest 100 about a client", [_timed(partial(ask, question))[0] for question in clients]))
    lines.append(_line("newest 100 with common words", [_timed(partial(ask, Question(text="party read allowed", newest_first=True)))[0]]))
    lines.append(_line("words that never meet", [_timed(partial(ask, Question(text="cloud party")))[0]]))
    return whole


def _expected(made: MadeLog, question: Question) -> list[int]:
    """The answer by going through the events from the newest on."""
    conditions = question.conditions() or ()
    kinds = [is_answer(parsed(made.filled(kind, 1)), conditions, (None, None)) for kind in range(len(made.kinds))]
    since, until = question.span
    found: list[int] = []
    for number in range(made.events, 0, -1):
        if kinds[made.kind(number)] and is_answer(parsed(made.canonical(number)), (), (since, until)):
            found.append(number)
            if len(found) == question.size:
                break
        elif number % 1_000 == 0 and made.at(number).timestamp() * 1_000 < (since or 0):
            break
    return found


def _timed[T](work: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


def _line(name: str, seconds: list[float]) -> str:
    return f"{name:34} {1e3 * statistics.median(seconds):7.1f} ms, the slowest of {len(seconds)}: {1e3 * max(seconds):.1f} ms"
