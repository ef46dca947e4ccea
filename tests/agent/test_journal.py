"""The journal of orders: its counter never goes back, and what an order becomes is kept together with its event."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.journal import ASIDE, GIVEN, GIVING, TAKING, WAITS, Journal, JournalError, Kept
from agent.telling import Pending
from auth.agent_order import Order, Verb

ROOT, PATH, DIGEST = Path("/stick"), Path("/stick/Müller.csv"), b"d" * 32


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "orders.db")
    yield made
    made.close()


def order(counter: int, verb: Verb = Verb.QUARANTINE, event: str = "e" * 32) -> Order:
    return Order("0" * 16, counter, datetime(2030, 1, 1, tzinfo=UTC), verb, event, None, "7F3A19C2")


def owed(number: int) -> Pending:
    return Pending(f"{number:032x}", b"{}", number)


def test_the_counter_never_goes_back_also_after_a_new_start(tmp_path: Path, journal: Journal) -> None:
    journal.take(order(9), ROOT, PATH, DIGEST)
    journal.refuse(order(5), owed(1))
    assert journal.last() == 9
    journal.close()
    again = Journal(tmp_path / "orders.db")
    assert again.last() == 9
    again.close()


def test_a_file_goes_its_way_and_what_is_not_over_is_to_do(journal: Journal) -> None:
    journal.take(order(1), ROOT, PATH, DIGEST)
    assert [(file.state, file.path, file.digest) for file in journal.to_do()] == [(TAKING, PATH, DIGEST)]
    journal.keeps("e" * 32, PATH, Kept(0o640, 1, 2, 3))
    journal.end("e" * 32, ASIDE, "", owed(1))
    assert journal.to_do() == []
    journal.take(order(2, Verb.RELEASE), ROOT, PATH, DIGEST)
    (file,) = journal.to_do()
    assert (file.state, file.counter, file.kept) == (GIVING, 2, Kept(0o640, 1, 2, 3))
    journal.end("e" * 32, WAITS, "no_folder", owed(2))
    assert journal.to_do() == []
    journal.ask("e" * 32)
    assert [file.asked for file in journal.to_do()] == [True]
    journal.end("e" * 32, GIVEN, "", owed(3))
    journal.ask("e" * 32)
    assert journal.to_do() == []
    assert [one.after for one in journal.pending()] == [1, 2, 3]


def test_an_end_is_kept_with_its_event_or_not_at_all(journal: Journal) -> None:
    journal.take(order(1), ROOT, PATH, DIGEST)
    journal.refuse(order(2), owed(1))
    with pytest.raises(JournalError):
        journal.end("e" * 32, ASIDE, "", owed(1))
    assert [file.state for file in journal.all()] == [TAKING]
    journal.settle(owed(1).id)
    assert journal.pending() == []


def test_a_journal_of_a_newer_agent_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "orders.db")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(JournalError, match="newer"):
        Journal(tmp_path / "orders.db")
