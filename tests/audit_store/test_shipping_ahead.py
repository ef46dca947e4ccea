"""What is shipped is made while the log takes it: the same bytes, in order, and never instead of the log."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_store import shipping_ahead
from audit_store.elastic_bulk import Item, Misfit
from audit_store.elastic_documents import item_of
from audit_store.log import Log, LogError
from audit_store.log_file import Entry, parsed
from audit_store.shipping_ahead import Prepared
from audit_store.spool import Spool
from tests.audit_store.acts import access, plain

MANY = 1 << 30


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log.open(tmp_path / "log")
    yield made
    made.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool.open(tmp_path / "gateway", "gateway")
    yield made
    made.close()


def entry(sequence: int, size: int = 100) -> Entry:
    canonical = b'{"torwart":{"route":"' + b"x" * (size - 24) + b'"}}'
    return Entry(sequence, 1, "gateway", 1, sequence, canonical, b"%032d" % sequence)


def put(prepared: Prepared, *entries: Entry) -> None:
    prepared.put([prepared.make(one, parsed(one.canonical)) for one in entries])


def numbers(prepared: Prepared, after: int, limit: int = 100, bytes_max: int = MANY) -> list[int]:
    return [ready.entry.sequence for ready in prepared.next(after, limit, bytes_max)]


def test_what_is_made_ahead_is_what_would_be_made_of_the_log(log: Log, spool: Spool) -> None:
    prepared = Prepared()
    log.work_ahead(prepared)
    spool._store([access(("7", "3")).canonical(), b"no JSON", b"", b'{"torwart.log":{"sequence":7}}', plain(1).canonical()])
    log.take(spool)
    spool.append(plain(2))
    log.take(spool)
    found = prepared.next(0, 100, MANY)
    assert [ready.entry for ready in found] == log.entries(0, 100)
    assert [ready.made for ready in found] == [item_of(one) for one in log.entries(0, 100)]
    assert [type(ready.made) for ready in found] == [Item, Misfit, Misfit, Misfit, Item, Item]


def test_an_alarm_of_the_log_itself_is_left_to_the_log(log: Log, spool: Spool) -> None:
    prepared = Prepared()
    log.work_ahead(prepared)
    spool.append_all([plain(1), plain(2), plain(3)])
    assert spool._connection is not None
    spool._connection.execute("UPDATE event SET hash = zeroblob(32) WHERE sequence = 3")
    assert log.take(spool) == 2
    assert numbers(prepared, 0) == [1, 2]
    assert [one.producer for one in log.entries(0, 100)] == ["gateway", "gateway", "log"]


def test_nothing_is_prepared_of_a_batch_that_does_not_get_into_the_log(log: Log, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = Prepared()
    log.work_ahead(prepared)
    spool.append(plain(1))

    def fails(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("audit_store.log.put_cursor", fails)
        with pytest.raises(LogError, match="full"):
            log.take(spool)
    assert numbers(prepared, 0) == []
    log.take(spool)
    assert numbers(prepared, 0) == [1]


def test_the_log_is_settled_only_when_what_it_took_is_prepared(log: Log, spool: Spool) -> None:
    putting, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    class Slow(Prepared):
        def put(self, made: list[shipping_ahead.Ready | None]) -> None:
            putting.set()
            assert go_on.wait(20)
            order.append("put")
            super().put(made)

    def look() -> None:
        assert log.settled() == 1
        order.append("settled")

    log.work_ahead(Slow())
    spool.append(plain(1))
    taking, looking = threading.Thread(target=log.take, args=(spool,)), threading.Thread(target=look)
    taking.start()
    assert putting.wait(20)
    assert log.entries(0, 10), "others see it already"
    looking.start()
    looking.join(0.2)
    assert order == []
    go_on.set()
    taking.join()
    looking.join()
    assert order == ["put", "settled"]


def test_only_what_follows_without_a_gap_is_given_and_what_is_behind_is_forgotten() -> None:
    prepared = Prepared()
    put(prepared, entry(3), entry(4), entry(6), entry(7))
    assert numbers(prepared, 1) == []
    assert numbers(prepared, 2, limit=1) == [3]
    assert numbers(prepared, 3) == [4]
    assert numbers(prepared, 4) == []
    assert numbers(prepared, 6) == [7]
    assert numbers(prepared, 2) == []


def test_batches_that_were_put_in_another_order_are_never_given_out_of_order() -> None:
    prepared = Prepared()
    put(prepared, entry(3), entry(4))
    put(prepared, entry(1), entry(2))
    assert numbers(prepared, 0) == []
    assert numbers(prepared, 2) == [3, 4]
    assert numbers(prepared, 4) == []


def test_a_batch_has_its_bytes_at_most_but_always_an_event() -> None:
    prepared = Prepared()
    put(prepared, *(entry(number, 1_000) for number in range(1, 6)))
    assert numbers(prepared, 0, bytes_max=2_500) == [1, 2]
    assert numbers(prepared, 2, bytes_max=10) == [3]
    assert numbers(prepared, 3, limit=0) == []
    assert numbers(prepared, 3) == [4, 5]


@pytest.mark.parametrize(("name", "most"), [("EVENTS_MAX", 4), ("BYTES_MAX", 400)])
def test_what_has_no_room_is_left_to_the_log(monkeypatch: pytest.MonkeyPatch, name: str, most: int) -> None:
    monkeypatch.setattr(shipping_ahead, name, most)
    prepared = Prepared()
    for number in range(1, 10):
        put(prepared, entry(number))
    assert numbers(prepared, 0) == [1, 2, 3, 4]
    put(prepared, entry(10))
    assert numbers(prepared, 9) == [10], "there is room again"
    prepared.clear()
    put(prepared, entry(11), entry(12))
    assert numbers(prepared, 10) == [11, 12]


def test_an_event_of_which_nothing_can_be_made_keeps_the_log_from_nothing(log: Log, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(shipping_ahead, "item_of", fails)
    prepared = Prepared()
    log.work_ahead(prepared)
    spool.append(plain(1))
    assert log.take(spool) == 1
    assert numbers(prepared, 0) == []
