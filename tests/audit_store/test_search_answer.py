"""Answers of the record itself: never behind the log, never more than the events bear out, and open about what was not looked at."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from audit_store import search_answer
from audit_store.log import Log
from audit_store.log_engine import FILE as LOG
from audit_store.search import Question
from audit_store.search_answer import Answer, Searcher, Sums
from audit_store.search_index import FILE, IndexReader, IndexWriter, SearchIndexError, Tally
from audit_store.search_marks import milliseconds
from tests.audit_store.acts import NOW, access
from tests.audit_store.test_search_index import log_of

EVENTS = 30


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    events = [access((str(number % 3),), at=NOW + timedelta(seconds=number)).canonical() for number in range(EVENTS)]
    made = log_of(tmp_path / "log", events)
    yield made
    made.close()


def indexed(folder: Path, log: Log, upto: int) -> None:
    writer = IndexWriter(folder)
    writer.step(log, upto)
    writer.close()


def numbers(answer: Answer) -> list[int]:
    return [row.sequence for row in answer.rows]


@pytest.mark.parametrize("upto", [0, 1, 15, 29, 30])
def test_what_is_not_indexed_yet_is_in_the_answer(tmp_path: Path, log: Log, upto: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_answer, "_BATCH", 4)
    if upto:
        indexed(tmp_path / "index", log, upto)
    searcher = Searcher(log, tmp_path / "index")
    wanted = list(range(2, EVENTS + 1, 3))
    for limit in (1, 4, 10, 100):
        assert numbers(searcher.ask(Question(client="1", limit=limit))) == wanted[:limit]
        assert numbers(searcher.ask(Question(client="1", limit=limit, newest_first=True))) == wanted[::-1][:limit]
        for after in (1, 2, 14, 29):
            assert numbers(searcher.ask(Question(client="1", limit=limit, after=after))) == [one for one in wanted if one > after][:limit]
            before = [one for one in wanted[::-1] if one < after][:limit]
            assert numbers(searcher.ask(Question(client="1", limit=limit, after=after, newest_first=True))) == before
    first, last = milliseconds(NOW) + 1_000, milliseconds(NOW) + 28_000
    assert searcher.count(Question(client="1")) == Sums((Tally("P-00000001", "list", 10, first, last),))


def test_the_part_that_was_not_looked_at_is_said_exactly(tmp_path: Path, log: Log) -> None:
    searcher = Searcher(log, tmp_path / "index", scan_max=12)
    assert searcher.ask(Question(client="1")) == Answer(tuple(log.read(1, 1) + log.read(4, 1) + log.read(7, 1) + log.read(10, 1)), (13, 30))
    newest = searcher.ask(Question(client="1", newest_first=True))
    assert (numbers(newest), newest.unsearched) == ([29, 26, 23, 20], (1, 18))
    indexed(tmp_path / "index", log, 10)
    oldest = searcher.ask(Question(client="1"))
    assert (numbers(oldest), oldest.unsearched) == ([2, 5, 8, 11, 14, 17, 20], (23, 30))
    newest = searcher.ask(Question(client="1", newest_first=True))
    assert (numbers(newest), newest.unsearched) == ([29, 26, 23, 20, 8, 5, 2], (11, 18))
    assert searcher.count(Question(client="1")).unsearched == (11, 18)
    few = searcher.ask(Question(client="1", limit=2))
    assert (numbers(few), few.unsearched) == ([2, 5], None)


def test_an_index_that_lies_adds_nothing_to_an_answer(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    indexed(tmp_path / "index", log, EVENTS)

    def everything(self: IndexReader, _conditions: object, question: Question, *, after: int, until: int, limit: int) -> list[int]:
        found = list(range(after + 1, min(until, self.position) + 1))
        return (found[::-1] if question.newest_first else found)[:limit]

    monkeypatch.setattr(IndexReader, "find", everything)
    searcher = Searcher(log, tmp_path / "index")
    assert numbers(searcher.ask(Question(client="1", limit=4))) == [2, 5, 8, 11]
    assert numbers(searcher.ask(Question(client="1", limit=4, newest_first=True))) == [29, 26, 23, 20]
    assert numbers(searcher.ask(Question(client="nobody", limit=4))) == []


def test_an_index_that_breaks_under_the_question_is_not_needed(tmp_path: Path, log: Log) -> None:
    indexed(tmp_path / "index", log, EVENTS)
    path = tmp_path / "index" / FILE
    whole = path.read_bytes()
    size = 4_096
    path.write_bytes(whole[:size] + b"\xff" * (len(whole) - size))
    searcher = Searcher(log, tmp_path / "index")
    assert numbers(searcher.ask(Question(client="1", limit=3))) == [2, 5, 8]
    assert [one.count for one in searcher.count(Question(client="1")).tallies] == [10]


def test_an_index_that_a_reader_found_damaged_is_built_anew(tmp_path: Path, log: Log) -> None:
    """The writer only adds at the end: it would never notice."""
    folder = tmp_path / "index"
    indexed(folder, log, EVENTS)
    with sqlite3.connect(folder / FILE) as connection:
        connection.execute("UPDATE found_data SET block = x'ffffffffffffffff' WHERE id > 100")
    connection.close()
    writer = IndexWriter(folder)
    assert writer.step(log) == 0
    assert numbers(Searcher(log, folder, scan_max=4).ask(Question(client="1"))) == [2]
    with pytest.raises(SearchIndexError, match="built anew"):
        writer.step(log)
    assert writer.step(log) == EVENTS
    assert numbers(Searcher(log, folder, scan_max=4).ask(Question(client="1", limit=3))) == [2, 5, 8]
    writer.close()


def test_events_that_the_log_has_no_more_are_left_out(tmp_path: Path, log: Log) -> None:
    indexed(tmp_path / "index", log, EVENTS)
    with sqlite3.connect(tmp_path / "log" / LOG) as connection:
        connection.execute("DELETE FROM entry WHERE sequence < 20 OR sequence = 23")
    connection.close()
    searcher = Searcher(log, tmp_path / "index")
    assert numbers(searcher.ask(Question(client="1", limit=2))) == [20, 26]
    assert numbers(searcher.ask(Question(client="1", newest_first=True))) == [29, 26, 20]


def test_nothing_can_meet_a_value_that_no_event_has(tmp_path: Path, log: Log) -> None:
    searcher = Searcher(log, tmp_path / "index")
    assert searcher.ask(Question(act="a" * 10_000)) == Answer(())
    assert searcher.count(Question(act="a" * 10_000)) == Sums(())
    assert searcher.ask(replace(Question(), limit=0)) == Answer(())
