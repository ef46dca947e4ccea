"""Goal 10: events a second from the judged answer to the copy in Elasticsearch, over those of `elasticsearch.helpers.bulk` with orjson.

Ours does all of it: a gateway's process builds the events, chains and fsyncs them; the console's work takes them into the central log,
verifies the chain, ships them, reads samples back. `helpers.bulk` gets the finished documents in memory. Both end when Elasticsearch, asked
under the reader's identity, counts all of them; then every single one is looked for by its number.

The server and its indices are the same, emptied between the rounds. It has core 1 alone; whatever sends has core 0.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from elasticsearch import Elasticsearch, helpers
from elasticsearch.serializer import OrjsonSerializer

from audit_store.elastic import Elastic
from audit_store.elastic_bulk import Item
from audit_store.elastic_documents import item_of
from audit_store.elastic_install import install
from audit_store.elastic_search import present
from audit_store.log import Log
from audit_store.mapping import EVENTS
from audit_store.spool import SpoolReader
from auth.garbage import settle
from console.worker import PAUSE_SECONDS
from tests.bench.audit_acts import PRODUCER
from tests.bench.load import LOAD_CORE, SUBJECT_CORE, need
from tests.bench.report import BenchError, MissingError, Row, row
from tests.services.certificates import Authority
from tests.services.elastic import Cluster
from tests.services.elastic_node import FIRST, ElasticNode, java_home

ROUNDS, EVENTS_COUNT = 5, 60_000
WARM_UP_EVENTS = 15_000
SHIP_PAUSE_SECONDS = 0.02
"""Of whoever ships, when there is nothing to ship."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Measured:
    """One round."""

    events: int
    seconds: float
    cpu_seconds: float
    """Of everything that sends, not of the server."""

    @property
    def rate(self) -> float:
        return self.events / self.seconds


def run(quick: bool) -> dict[str, Row]:
    """The row `audit_events`. Raises BenchError."""
    rounds, count = (1, 2_000) if quick else (ROUNDS, EVENTS_COUNT)
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as name, _server(Path(name)) as cluster:
        if not quick:
            _round(cluster, Path(name) / "warm", WARM_UP_EVENTS)
        with _settled():
            measured = [_round(cluster, Path(name) / str(number), count) for number in range(rounds)]
    ratios = [ours.rate / theirs.rate for ours, theirs in measured]
    return {"audit_events": row(ratios, floor=0.8, target=1.5, lines=_lines(measured), rates=[[a.rate, b.rate] for a, b in measured])}


def _lines(measured: list[tuple[Measured, Measured]]) -> list[str]:
    def said(name: str, found: list[Measured]) -> str:
        rate = statistics.median(one.rate for one in found)
        cpu = statistics.median(one.cpu_seconds / one.events for one in found)
        return f"{name:14} {rate:7,.0f} events/s, CPU {cpu * 1e6:4.0f} us per event"

    return [
        said("Torwart", [ours for ours, _ in measured]),
        said("helpers.bulk", [theirs for _, theirs in measured]),
        f"{measured[0][0].events:,} events a round; Elasticsearch {FIRST} with TLS, one core; every event was read back",
    ]


def _round(cluster: Cluster, folder: Path, count: int) -> tuple[Measured, Measured]:
    with cluster.opened:
        cluster.empty()
        ours = _ours(cluster, folder, count)
        _look(cluster, count)
        documents = _documents(folder)
        cluster.empty()
        theirs = _theirs(cluster, documents)
        _look(cluster, count)
    return ours, theirs


def _ours(cluster: Cluster, folder: Path, count: int) -> Measured:
    words = [sys.executable, "-m", "tests.bench.audit_acts", str(folder / "spool"), str(count)]
    (folder / "spool").mkdir(mode=0o700, parents=True)
    gateway = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert gateway.stdin is not None
    assert gateway.stdout is not None
    gateway.stdout.readline()
    log, spool = Log.open(folder / "log"), SpoolReader.open(folder / "spool")
    shipper = cluster.shipper(log, folder)
    reader = cluster.connect("reader")
    spent = _cpu_seconds()
    begun = time.perf_counter()
    gateway.stdin.write(b"\n")
    gateway.stdin.close()
    taking = threading.Thread(target=_take, args=(log, spool, count))
    taking.start()
    while shipper.position < count:
        if shipper.step() == 0:
            time.sleep(SHIP_PAUSE_SECONDS)
            if not taking.is_alive() and shipper.backlog().events == 0 and shipper.position < count:
                raise BenchError(f"only {shipper.position} of {count} events were recorded")
    _count(cluster, reader, count)
    seconds = time.perf_counter() - begun
    gateway.wait()
    taking.join()
    measured = Measured(count, seconds, _cpu_seconds() - spent)
    problems = log.verify(spool)
    spool.close()
    log.close()
    if problems:
        raise BenchError(f"the record is not whole: {problems[0]}")
    return measured


def _take(log: Log, spool: SpoolReader, count: int) -> None:
    """As often as the console does it."""
    deadline = time.monotonic() + 120
    while log.cursor(PRODUCER) < count and time.monotonic() < deadline:
        log.take(spool)
        time.sleep(PAUSE_SECONDS)


def _documents(folder: Path) -> list[dict[str, Any]]:
    """What was shipped, as actions for `helpers.bulk`."""
    log = Log.open(folder / "log", reading=True)
    items = [item_of(entry) for entry in log.entries(0, 1 << 30)]
    log.close()
    return [
        {"_op_type": "create", "_index": EVENTS, "_id": item.id, "_source": orjson.loads(item.document)}
        for item in items
        if isinstance(item, Item)
    ]


def _theirs(cluster: Cluster, documents: list[dict[str, Any]]) -> Measured:
    node = cluster.node
    client = Elasticsearch(
        node.url,
        basic_auth=("writer", node.passwords["writer"]),
        ca_certs=str(node.ca),
        request_timeout=60,
        serializers={"application/json": OrjsonSerializer()},
    )
    reader = cluster.connect("reader")
    spent = _cpu_seconds()
    begun = time.perf_counter()
    helpers.bulk(client, documents)
    _count(cluster, reader, len(documents))
    measured = Measured(len(documents), time.perf_counter() - begun, _cpu_seconds() - spent)
    client.close()
    return measured


def _count(cluster: Cluster, reader: Elastic, count: int) -> None:
    """All of them are found by a search."""
    cluster.admin("POST", f"/{EVENTS}/_refresh")
    found = reader.ask("POST", f"/{EVENTS}/_count")["count"]
    if found != count:
        raise BenchError(f"Elasticsearch has {found} of {count} events")


def _look(cluster: Cluster, count: int) -> None:
    reader = cluster.connect("reader")
    for after in range(0, count, 10_000):
        end = min(after + 10_000, count)
        if present(reader, after, end) != set(range(after + 1, end + 1)):
            raise BenchError(f"events between {after} and {end} are missing")


def _cpu_seconds() -> float:
    """User and system time of this process and of the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def _settled() -> Iterator[None]:
    """The collector as in the console's process, for both sides; afterwards as it was."""
    before = gc.get_threshold()
    settle()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


@contextmanager
def _server(folder: Path) -> Iterator[Cluster]:
    """Elasticsearch with our templates on its core; this process, and those that it starts afterwards, are on the other one."""
    need("taskset")
    java = java_home(17)
    if java is None:
        raise MissingError("Elasticsearch needs a Java of 17 or newer")
    before = os.sched_getaffinity(0)
    authority = Authority(folder)
    try:
        node = ElasticNode(FIRST, java, authority)
    except pytest.skip.Exception as error:
        raise MissingError(str(error)) from None
    try:
        os.sched_setaffinity(0, {LOAD_CORE})
        node.start()
        os.sched_setaffinity(0, {SUBJECT_CORE})
        cluster = Cluster(node, authority)
        with cluster.opened:
            install(cluster.connect("installer"))
        yield cluster
    finally:
        os.sched_setaffinity(0, before)
        node.remove()
