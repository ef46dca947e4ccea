"""The copy of a remote spool: takes what continues it, repeats in silence, names the first row that does not fit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_store.event import EventAction, plain_event
from audit_store.log import Log
from audit_store.replica import MisfitError, Replica
from audit_store.spool import Head, Spool, SpoolError, SpoolReader, Stored
from tests.audit_store.acts import NOW
from tests.services.forger import chained

NAME = "agent-00ff"


def documents(count: int, *, first: int = 1) -> list[bytes]:
    return [plain_event(EventAction.SELF_TEST, at=NOW, numbers={"n": first + n}).canonical() for n in range(count)]


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    made = Replica.open(tmp_path / "spool" / NAME, NAME)
    yield made
    made.close()


def stored(folder: Path) -> list[Stored]:
    reader = SpoolReader.open(folder / "spool" / NAME)
    try:
        return reader.read(0, 1_000_000)
    finally:
        reader.close()


def test_rows_in_order_are_the_producers_own_and_the_log_takes_and_verifies_them(tmp_path: Path, replica: Replica) -> None:
    rows = chained(NAME, documents(20))
    assert replica.take(rows[:7]) == Head(7, 1, rows[6].hash)
    assert replica.take(rows[7:]).sequence == 20
    assert stored(tmp_path) == rows
    log, reader = Log.open(tmp_path / "log"), SpoolReader.open(tmp_path / "spool" / NAME)
    assert log.take(reader) == 20
    assert log.verify(reader) == []
    reader.close()
    log.close()


def test_what_comes_again_is_passed_over(tmp_path: Path, replica: Replica) -> None:
    rows = chained(NAME, documents(10))
    replica.take(rows[:6])
    assert replica.take(rows[:6]).sequence == 6
    assert replica.take(rows[2:9]).sequence == 9
    assert replica.take([]).sequence == 9
    assert stored(tmp_path) == rows[:9]


@pytest.mark.parametrize(
    ("cause", "twist"),
    [
        ("gap", lambda rows: rows[6:]),
        ("chain", lambda rows: chained(NAME, documents(1, first=99), after=Stored(NAME, 1, 5, b"", b"\0" * 32))),
        ("fork", lambda rows: chained(NAME, documents(1, first=99), after=rows[2])),
        ("fork", lambda rows: [Stored(NAME, 1, 0, b"{}", b"\0" * 32)]),
        ("epoch", lambda rows: chained(NAME, documents(1), after=rows[4], epoch=5_000)),
        ("chain", lambda rows: chained("agent-another", documents(6))[5:]),
    ],
)
def test_what_does_not_continue_it_is_named_and_nothing_of_it_kept(tmp_path: Path, replica: Replica, cause: str, twist: object) -> None:
    rows = chained(NAME, documents(10))
    replica.take(rows[:5])
    with pytest.raises(MisfitError) as misfit:
        replica.take(twist(rows))  # type: ignore[operator]
    assert (misfit.value.cause, misfit.value.head.sequence) == (cause, 5)
    assert stored(tmp_path) == rows[:5]
    assert replica.take(rows[5:]).sequence == 10


def test_what_fits_before_the_first_misfit_is_kept(tmp_path: Path, replica: Replica) -> None:
    rows = chained(NAME, documents(10))
    with pytest.raises(MisfitError, match="gap"):
        replica.take([*rows[:4], *rows[5:]])
    assert stored(tmp_path) == rows[:4]


def test_a_new_epoch_of_the_producer_goes_on_at_any_later_number(tmp_path: Path, replica: Replica) -> None:
    first = chained(NAME, documents(3))
    replica.take(first)
    later = chained(NAME, documents(2), after=Stored(NAME, 1, 8, b"", b""), epoch=2)
    assert replica.take(later) == Head(10, 2, later[1].hash)
    log, reader = Log.open(tmp_path / "log"), SpoolReader.open(tmp_path / "spool" / NAME)
    assert log.take(reader) == 5
    reader.close()
    log.close()


def test_it_is_the_copy_of_a_real_spool_row_by_row(tmp_path: Path, replica: Replica) -> None:
    spool = Spool.open(tmp_path / "desk", NAME)
    for number in range(5):
        spool.append(plain_event(EventAction.SELF_TEST, at=NOW, numbers={"n": number}))
    spool.begin_epoch("a test")
    assert replica.take(spool.read(0, 100)) == spool.head()
    assert stored(tmp_path) == spool.read(0, 100)
    spool.close()


def test_a_copy_that_somebody_changed_takes_nothing_more(tmp_path: Path) -> None:
    folder = tmp_path / "spool" / NAME
    replica = Replica.open(folder, NAME)
    replica.take(chained(NAME, documents(5)))
    replica.close()
    database = sqlite3.connect(folder / "spool.db")
    database.execute("DELETE FROM event WHERE sequence = 5")
    database.commit()
    database.close()
    with pytest.raises(SpoolError, match="was changed"):
        Replica.open(folder, NAME)


def test_two_deliveries_at_once_leave_one_copy(tmp_path: Path, replica: Replica) -> None:
    second = Replica.open(tmp_path / "spool" / NAME, NAME)
    rows = chained(NAME, documents(30))
    replica.take(rows[:10])
    second.take(rows[:20])
    assert replica.take(rows[5:30]).sequence == 30
    assert second.head().sequence == 30
    second.close()
    assert stored(tmp_path) == rows
