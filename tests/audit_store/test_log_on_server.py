"""The central log on PostgreSQL: the same promises as in its own file."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from audit_store.database import DatabaseError, Server, open_database
from audit_store.engines import server_engine
from audit_store.event import EventAction, Phase, plain_event
from audit_store.history import History
from audit_store.log import Log, LogError
from audit_store.search import search
from audit_store.spool import Spool, SpoolReader
from tests.audit_store.acts import NOW, access, plain
from tests.services.postgres import Cluster


@pytest.fixture
def server(postgres: Cluster) -> Server:
    return postgres.migrated()


@pytest.fixture
def log(server: Server) -> Iterator[Log]:
    log = Log.open(server, clock=lambda: NOW)
    yield log
    log.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool.open(tmp_path / "spool" / "gateway", "gateway")
    yield spool
    spool.close()


def harm(server: Server, *statements: str) -> None:
    """What the server's administrator can do."""
    engine = server_engine(server)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_events_are_taken_once_in_one_numbering(log: Log, spool: Spool, tmp_path: Path) -> None:
    console = Spool.open(tmp_path / "spool" / "console", "console")
    spool._store([plain(number).canonical() for number in range(2_345)])
    console.append(plain())
    assert [log.take(spool), log.take(console), log.take(spool)] == [2_345, 1, 0]
    assert [(row.sequence, row.producer, row.producer_sequence) for row in log.tail(2)] == [
        (2_345, "gateway", 2_345),
        (2_346, "console", 1),
    ]
    assert [row.sequence for row in log.read(2_340, 3)] == [2_341, 2_342, 2_343]
    assert log.verify(spool, console) == []
    console.close()


def test_takers_on_several_machines_take_each_event_once(server: Server, log: Log, tmp_path: Path) -> None:
    spools = [Spool.open(tmp_path / "spool" / name, name) for name in ("gateway-north", "gateway-south")]
    for spool in spools:
        spool._store([plain(number).canonical() for number in range(2_500)])
    logs = [Log.open(server) for _ in range(4)]
    threads = [
        threading.Thread(target=one.take, args=(SpoolReader.open(tmp_path / "spool" / spools[place % 2].producer),))
        for place, one in enumerate(logs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.sequence for row in log.read(0, 6_000)] == list(range(1, 5_001))
    assert log.verify(*spools) == []
    for one in (*logs, *spools):
        one.close()


def test_questions_have_the_same_answers(log: Log, spool: Spool) -> None:
    for number in range(3):
        spool.append(access((str(number),)))
    spool.append(access(("7",), phase=Phase.HELD))
    spool.append(plain())
    log.take(spool)
    assert [row.sequence for row in search(log, person="P-00000001", phase="allowed")] == [1, 2, 3]
    assert [row.sequence for row in search(log, action="access", newest_first=True, limit=2)] == [4, 3]
    assert search(log, since=NOW + timedelta(days=1)) == []
    history = History()
    history.rebuild(log, spool, now=NOW)
    assert history.usage("P-00000001", NOW, own=frozenset(), base=10, book=0).before.shown_day == 3


def test_a_text_with_nul_does_not_stop_the_log(log: Log, spool: Spool) -> None:
    spool.append(plain_event(EventAction.SELF_TEST, at=NOW, subject="a\0b"))
    assert log.take(spool) == 1
    assert log.read(0, 1)[0].document["torwart"]["subject"] == "a\0b"
    assert log.verify(spool) == []


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        (r"UPDATE entry SET canonical = '\x7b7d' WHERE sequence = 5", "log 5, gateway 5: does not fit its chain"),
        (r"UPDATE entry SET hash = '\x00' WHERE sequence = 5", "log 5, gateway 5: does not fit its chain"),
        ("UPDATE entry SET received = 0 WHERE sequence = 5", "log 5, gateway 5: does not fit the order of the log"),
        ("UPDATE entry SET person = 'P-2' WHERE sequence = 5", "log 5, gateway 5: is filed under what is not in it"),
        ("DELETE FROM entry WHERE sequence IN (5, 6)", "log 5: missing, and all up to 6"),
        ("DELETE FROM entry WHERE sequence > 7", "gateway 8: missing: the log has taken events up to 10"),
        ("DELETE FROM producer", "gateway: has events in the log but no note of how far"),
    ],
)
def test_tampering_is_named_with_its_first_place(log: Log, spool: Spool, server: Server, statement: str, first: str) -> None:
    for number in range(10):
        spool.append(access((str(number),)))
    log.take(spool)
    harm(server, statement)
    assert str(log.verify()[0]).startswith(first)


def test_a_server_that_is_away_is_an_error_and_its_return_is_not_a_restart_of_ours(tmp_path: Path, postgres: Cluster, spool: Spool) -> None:
    server = postgres.migrated()
    log = Log.open(server)
    spool.append(plain())
    assert log.take(spool) == 1
    postgres.stop()
    try:
        spool.append(plain())
        with pytest.raises(LogError, match="the log cannot be written"):
            log.take(spool)
    finally:
        postgres.start()
    assert log.take(spool) == 1
    assert log.verify(spool) == []
    log.close()


@pytest.mark.parametrize(("setting", "said"), [("fsync=off", "fsync=on"), ("full_page_writes=off", "full_page_writes=on")])
def test_a_server_that_could_lose_what_it_confirmed_is_refused(postgres: Cluster, setting: str, said: str) -> None:
    server = postgres.migrated()
    postgres.stop("fast")
    postgres.start(setting)
    try:
        with pytest.raises(DatabaseError, match=f"does not keep {said}"):
            open_database(server)
    finally:
        postgres.stop("fast")
        postgres.start()
    open_database(server).dispose()


def test_what_the_server_is_set_to_does_not_weaken_our_commits(postgres: Cluster) -> None:
    server = postgres.migrated()
    postgres.stop("fast")
    postgres.start("synchronous_commit=off", "default_transaction_isolation=serializable")
    try:
        engine = open_database(server)
        with engine.connect() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
            assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
        engine.dispose()
    finally:
        postgres.stop("fast")
        postgres.start()
