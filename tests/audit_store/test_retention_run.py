"""What is over goes, and nothing else: chain, answers and index are right at every moment, whoever runs it and whatever ends it."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from audit_store.alerts import Alerts, Signal
from audit_store.database import Server, open_database
from audit_store.event import Event, EventAction, Phase, decode_ids, plain_event
from audit_store.history import History
from audit_store.log import Log, LogError
from audit_store.log_tables import COLUMNS
from audit_store.outside import NotWitnessedError
from audit_store.removal import removal_event
from audit_store.retention import DEFAULT_DAYS, Kept
from audit_store.retention_run import GRACE, BusyError, Done, Retention
from audit_store.search import Question
from audit_store.search_answer import Searcher
from audit_store.search_index import IndexWriter
from audit_store.spool import Spool
from policies.request import Action
from tests.audit_store.acts import NOW, access, plain
from tests.services.postgres import BOTH, Cluster

DAYS = dict.fromkeys(Kept, 60) | {Kept.EVIDENCE: 365, Kept.LOOKS: 90}
READER, HELD = "P-00000001", "P-0000000A"


class Own(Spool):
    """The console's record, without a place outside."""

    fails: Exception | None = None

    def append(self, event: Event) -> Any:
        receipt = super().append(event)
        if self.fails is not None and event.action is EventAction.EVENTS_REMOVED:
            raise self.fails
        return receipt

    def state_end(self) -> None:
        if self.fails is not None:
            raise self.fails


@dataclass
class House:
    """A firm's record, from 400 days ago until now."""

    state: Path
    place: Path | Server
    engine: Engine
    now: datetime = NOW
    days: dict[Kept, int] = field(default_factory=lambda: dict(DAYS))
    hold: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.log = Log.open(self.place, clock=lambda: self.now)
        self.own = Own.open(self.state / "spool" / "console", "console")
        self.gateway = Spool.open(self.state / "spool" / "gateway", "gateway")

    def record(self, age_days: float, *events: Event) -> None:
        self.now = NOW - timedelta(days=age_days)
        for event in events:
            self.gateway.append(event)
        self.log.take(self.gateway)
        self.now = NOW

    def retention(self, own: Own | None = None) -> Retention:
        return Retention(
            engine=self.engine,
            log=self.log,
            own=own or self.own,
            spool=self.state / "spool" / (own or self.own).producer,
            state=self.state,
            days=self.days,
            hold=self.hold,
            now=lambda: self.now,
        )

    def run(self) -> Done:
        """A run, and what is waited for where several machines share the log."""
        done = self.retention().run()
        if done.waiting:
            self.now += GRACE + timedelta(seconds=1)
            done.taken_out += self.retention().carry_out().taken_out
            done.waiting = 0
        return done

    def gone(self) -> list[int]:
        return [entry.sequence for entry in self.log.entries(0, 10_000) if not entry.canonical]

    def problems(self) -> list[str]:
        return [str(one) for one in self.log.verify(self.gateway, self.own)]

    def harm(self, statement: str, **values: object) -> None:
        with self.log._engine.begin() as connection:
            connection.execute(text(statement), values)

    def close(self) -> None:
        for part in (self.log, self.own, self.gateway):
            part.close()
        self.engine.dispose()


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    place: Path | Server = state / "log"
    database: Path | Server = state / "torwart.db"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgres")
        place = database = cluster.migrated()
    house = House(state, place, open_database(database))
    yield house
    house.close()


def reading(client: int, at: datetime, pseudonym: str = READER) -> Event:
    return access((str(client),), phase=Phase.RELEASED, pseudonym=pseudonym, at=at)


def export(at: datetime) -> Event:
    return access(("1", "2"), action=Action.EXPORT, phase=Phase.RELEASED, at=at)


def look(at: datetime) -> Event:
    return plain_event(EventAction.RECORD_VIEWED, at=at, pseudonym=READER, subject=HELD)


def fill(house: House) -> None:
    """1 to 4 are 400 days old, 5 to 9 a hundred, 10 to 13 of today."""
    oldest, older = NOW - timedelta(days=400), NOW - timedelta(days=100)
    house.record(400, reading(1, oldest), export(oldest), plain(1, at=oldest), plain_event(EventAction.STORE_ALARM, at=oldest))
    house.record(100, reading(2, older), export(older), plain(2, at=older), look(older), reading(3, older, HELD))
    house.record(0, reading(4, NOW), export(NOW), plain(3), look(NOW))


OVER = [1, 2, 3, 5, 7, 8, 9]
PACKINGS: list[Callable[[Log], object]] = [
    lambda log: None,
    lambda log: log.pack(entries=5, kept=8, blocks_max=9),
    lambda log: log.pack(entries=3, kept=0, blocks_max=9),
]


@pytest.mark.parametrize("pack", PACKINGS, ids=["single", "half packed", "packed"])
def test_what_is_over_goes_and_all_else_stays(house: House, pack: Callable[[Log], object]) -> None:
    fill(house)
    before = {entry.sequence: entry for entry in house.log.entries(0, 100)}
    pack(house.log)
    assert dict(house.retention().plan().counts) == {
        Kept.READING: 3,
        Kept.EVIDENCE: 1,
        Kept.SIGN_INS: 0,
        Kept.LOOKS: 1,
        Kept.TROUBLE: 2,
    }
    assert house.gone() == []
    done = house.run()
    assert done.counts == {Kept.READING: 3, Kept.EVIDENCE: 1, Kept.LOOKS: 1, Kept.TROUBLE: 2}
    assert done.taken_out == len(OVER)
    assert house.gone() == OVER
    for entry in house.log.entries(0, len(before)):
        was = before[entry.sequence]
        assert (entry.received, entry.producer, entry.producer_sequence, entry.hash) == (
            *(was.received, was.producer, was.producer_sequence, was.hash),
        )
        assert entry.canonical == (b"" if entry.sequence in OVER else was.canonical)
    assert house.problems() == []
    again = house.run()
    assert (again.counts, again.taken_out) == ({}, 0), "nothing is named twice"
    house.log.pack(entries=3, kept=0, blocks_max=9)
    assert house.gone() == OVER
    assert house.problems() == []


def test_each_removal_is_an_event_with_its_class_and_its_entries(house: House) -> None:
    fill(house)
    house.run()
    found = [row.document["torwart"] for row in house.log.read(13, 100)]
    assert [(one["words"]["class"], sorted(map(int, decode_ids(one["removed"])))) for one in found] == [
        ("evidence", [2]),
        ("looks", [8]),
        ("reading", [1, 5, 9]),
        ("trouble", [3, 7]),
    ]
    assert [(one["numbers"]["count"], one["numbers"]["first"], one["numbers"]["last"]) for one in found][2] == (3, 1, 9)


def test_a_class_that_is_kept_for_ever_stays(house: House) -> None:
    fill(house)
    for kept in (Kept.READING, Kept.TROUBLE):
        del house.days[kept]
    house.run()
    assert house.gone() == [2, 8]


def test_who_is_looked_into_and_who_is_named_keeps_everything(house: House) -> None:
    fill(house)
    Alerts(house.engine, lambda event: None).raise_or_grow(Signal("mass_export", HELD, NOW, "high", "why", {}, ("event",)))
    assert house.retention().plan().held == 1
    house.run()
    assert house.gone() == [1, 2, 3, 5, 7], "the reading of the person, and the look at that person, stay"
    house.hold = frozenset({READER})
    house.now += timedelta(days=2_000)
    house.run()
    assert {1, 2, 3, 5, 7, 12} <= set(house.gone())
    assert not {10, 11, 13} & set(house.gone())
    assert house.problems() == []


HARMS = [
    ("UPDATE entry SET canonical = '' WHERE sequence = 10", "log 10, gateway 10: its content is gone: only its hash is left"),
    ("UPDATE entry SET person = 'P-1' WHERE sequence = 1", "log 1, gateway 1: its content is gone, and it is still filed under it"),
    ("DELETE FROM entry WHERE sequence = 16", "log 1, gateway 1: its content is gone: only its hash is left"),
    ("UPDATE entry SET received = 1 WHERE sequence = 16", "log 16, console 3: does not fit the order of the log"),
]


@pytest.mark.parametrize(("statement", "problem"), HARMS)
def test_a_content_that_nothing_takes_out_is_missed(house: House, statement: str, problem: str) -> None:
    fill(house)
    house.run()
    house.harm(statement)
    assert any(one.startswith(problem) for one in house.problems()), house.problems()


def test_what_was_named_before_its_time_is_said(house: House) -> None:
    fill(house)
    event = removal_event(Kept.READING, 60, [10], NOW)
    house.own.append(event)
    house.log.take(house.own)
    (removal,) = house.log.removals()
    assert house.log.take_out(removal) == 0
    assert house.problems() == []
    nothing = ", ".join(f"{name} = NULL" for name in COLUMNS)
    house.harm(f"UPDATE entry SET canonical = '', {nothing} WHERE sequence = 10")  # noqa: S608 -- our own names
    assert house.problems() == ["log 10, gateway 10: its content is gone, and was taken out before its time was over"]


def test_what_is_of_another_class_than_its_removal_says_stays(house: House) -> None:
    fill(house)
    house.own.append(removal_event(Kept.READING, 60, [1, 2], NOW))
    house.log.take(house.own)
    (removal,) = house.log.removals()
    with pytest.raises(LogError, match="entry 2 of the log is not what entry 14 takes out"):
        house.log.take_out(removal)
    assert house.gone() == []


def test_a_clock_that_is_set_back_delays_and_stops_nothing(house: House) -> None:
    fill(house)
    house.own.fails = NotWitnessedError("no place")
    with pytest.raises(NotWitnessedError):
        house.run()
    house.own.fails, house.now = None, NOW - timedelta(days=50)
    house.log.take(house.own)
    house.now = NOW
    house.run()
    assert house.gone() == [number for number in OVER if number != 2], "the export was named while the log's clock was too early"
    house.run()
    assert house.gone() == OVER
    assert house.problems() == []


def test_an_entry_that_was_changed_is_not_taken_for_an_old_one(house: House) -> None:
    fill(house)
    house.harm("UPDATE entry SET canonical = :canonical WHERE sequence = 6", canonical=plain(7).canonical())
    with pytest.raises(LogError, match="entry 6 of the log does not fit its chain"):
        house.run()
    assert house.gone() == []
    assert any(one.startswith("log 6, gateway 6: does not fit its chain") for one in house.problems())


def test_where_no_place_outside_knows_of_it_nothing_is_taken_out(house: House) -> None:
    fill(house)
    house.own.fails = NotWitnessedError("no place")
    for _ in range(2):
        with pytest.raises(NotWitnessedError):
            house.run()
        assert house.gone() == []
    house.own.fails = None
    house.run()
    assert house.gone() == OVER
    assert house.problems() == []


def test_only_one_run_at_a_time(house: House) -> None:
    fill(house)
    first, entered, go = house.retention(), threading.Event(), threading.Event()
    house.own.state_end = lambda: (entered.set(), go.wait(10))  # type: ignore[method-assign, assignment, return-value]
    thread = threading.Thread(target=first.run)
    thread.start()
    assert entered.wait(10)
    with pytest.raises(BusyError):
        house.retention().run()
    go.set()
    thread.join()


@pytest.mark.parametrize("late", [False, True], ids=["the index comes along", "another machine's index comes later"])
def test_the_index_forgets_what_is_taken_out(house: House, late: bool) -> None:
    fill(house)
    index = IndexWriter(house.state / "log" if not late else house.state / "elsewhere")
    index.rebuild(house.log)
    house.run()
    while index.step(house.log):
        pass
    folder = house.state / ("elsewhere" if late else "log")
    searcher = Searcher(house.log, folder)
    assert [row.sequence for row in searcher.ask(Question(person=READER)).rows] == [6, 10, 11, 13]
    assert [row.sequence for row in searcher.ask(Question(person=HELD)).rows] == [13]
    assert searcher.ask(Question(client="3")).rows == ()
    counted = searcher.count(Question(person=READER)).tallies
    assert sum(one.count for one in counted) == 4
    fresh = IndexWriter(house.state / "fresh")
    fresh.rebuild(house.log)
    anew = Searcher(house.log, house.state / "fresh").count(Question(person=READER)).tallies
    assert {one.deed: one.count for one in anew} == {one.deed: one.count for one in counted}
    for writer in (index, fresh):
        writer.close()


def test_counts_of_thirty_days_do_not_change_and_nothing_is_unreadable(house: House) -> None:
    for day in range(100, 0, -1):
        at = NOW - timedelta(days=day)
        house.record(day, access((str(day),), at=at, phase=Phase.RELEASED), plain(day, at=at))
    house.log.pack(entries=90, kept=20, blocks_max=9)
    before, after = History(), History()
    before.rebuild(house.log, now=NOW)
    house.run()
    assert len(house.gone()) > 50
    after.rebuild(house.log, now=NOW)
    assert after.unreadable == before.unreadable == 0
    asked = {"own": frozenset[str](), "base": 1_000, "book": 0}
    assert after.usage(READER, NOW, **asked) == before.usage(READER, NOW, **asked)  # type: ignore[arg-type]


def test_the_defaults_touch_nothing_of_a_young_record(house: House) -> None:
    fill(house)
    house.days = dict(DEFAULT_DAYS)
    house.run()
    assert house.gone() == [1, 3]
