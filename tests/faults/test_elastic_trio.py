"""Faults 7 and 10 on a cluster: the master of three is killed while events arrive. Nothing is lost, nothing is double."""

import threading
from pathlib import Path

from audit_store.database import open_database
from audit_store.elastic import Elastic, ElasticError
from audit_store.elastic_install import install
from audit_store.log import Log
from audit_store.mapping import DEAD_LETTERS
from audit_store.shipping import LostError, Shipper
from audit_store.spool import Spool
from tests.audit_store.acts import plain
from tests.services.elastic_trio import Trio
from tests.services.waiting import until

EVENTS_BEFORE, EVENTS_WHILE, KILLED_AFTER = 4_000, 8_000, 6_000
TIMEOUT_SECONDS = 10.0


def test_the_master_of_three_is_killed_while_events_arrive(trio: Trio, tmp_path: Path) -> None:
    log, spool = Log.open(tmp_path / "log"), Spool.open(tmp_path / "gateway", "gateway")
    writer, reader = (Elastic(trio.access, timeout_seconds=TIMEOUT_SECONDS) for _ in range(2))
    engine = open_database(tmp_path / "torwart.db")
    install(writer)
    shipper = Shipper(engine, log, writer, reader, trio.cluster.recorded.append)
    refused: list[str] = []

    def record(count: int) -> None:
        for number in range(0, count, 100):
            spool._store([plain(number + step).canonical() for step in range(100)])
            log.take(spool)

    def attempt() -> None:
        try:
            shipper.step(500)
        except ElasticError as error:
            refused.append(type(error).__name__)

    record(EVENTS_BEFORE)
    arriving = threading.Thread(target=record, args=(EVENTS_WHILE,))
    arriving.start()
    while shipper.position < KILLED_AFTER:
        attempt()
    killed = trio.master()
    death = threading.Thread(target=trio.kill, args=(killed,))
    death.start()
    while arriving.is_alive() or death.is_alive() or shipper.backlog().events:
        attempt()
    assert trio.master() is not killed
    trio.settled(2)
    trio.cluster.documents()
    try:
        shipper.look(shipper.position)
    except LostError:
        refused.append("LostError")
    wanted = [row.document["event"]["id"] for row in log.read(0, 1 << 30)]
    assert len(wanted) == EVENTS_BEFORE + EVENTS_WHILE
    assert [document["event"]["id"] for document in trio.cluster.documents()] == wanted
    assert trio.cluster.documents(DEAD_LETTERS) == []

    killed.start()
    until(lambda: trio.cluster.admin("GET", "/_cluster/health")["number_of_nodes"] == len(trio.nodes))
    trio.settled(3)
    assert [document["event"]["id"] for document in trio.cluster.documents()] == wanted, "what came back changed what is there"
    for connection in (writer, reader):
        connection.close()
    engine.dispose()
    spool.close()
    log.close()
