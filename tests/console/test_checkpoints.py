"""The worker's stage that states and delivers: what it records when a place fails, and what the health page is told."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag

import pytest

from audit_store.event import Event, EventAction
from audit_store.log import Log
from audit_store.outside import Batch, Outside, PlaceError, Trouble
from audit_store.spool import Spool
from audit_store.statements import Statements, StatementsError
from audit_store.trees import Trees
from console.checkpoints import STAGE, Checkpoints
from tests.audit_store.acts import plain


class Played:
    """A place that fails when it is told to."""

    name, every, seconds = "folder /mnt/secret-name", timedelta(), 5.0

    def __init__(self) -> None:
        self.fails = False
        self.kept: list[str] = []

    def put(self, batches: Sequence[Batch]) -> None:
        if self.fails:
            raise PlaceError(Trouble.ABSENT, "mount it")
        self.kept += [one.name for batch in batches for one in batch.statements]


class House:
    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)
        self.place, self.recorded, self.errors = Played(), list[Event](), dict[str, str]()
        self.spool = Spool.open(folder / "spool" / "gateway", "gateway")
        self.log = Log.open(folder / "log", clock=self.clock)
        statements = Statements.open(folder, clock=self.clock)
        outside = Outside(statements, [self.place], self.clock)
        trees = Trees(self.log, statements, lambda cause: None, self.clock)
        self.checkpoints = Checkpoints(trees, statements, outside, self.recorded.append, timedelta(minutes=15), self.clock)

    def clock(self) -> datetime:
        return self.now

    def guarded(self, stage: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except StatementsError as error:
            self.errors[stage] = type(error).__name__
            return False
        return True

    def step(self, **later: float) -> None:
        self.spool.append(plain())
        self.log.take(self.spool)
        self.now += timedelta(**later)
        self.checkpoints.step(self.guarded)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.checkpoints.close()
    house.spool.close()
    house.log.close()


def test_what_the_log_took_is_stated_and_gets_outside(house: House) -> None:
    house.step()
    assert house.checkpoints.health.stated_at == house.now
    house.step(seconds=60)
    house.step(seconds=15)
    assert house.place.kept == ["keys 1", "log 1", "log 2"]
    (state,) = house.checkpoints.health.places
    assert (state.trouble, state.waiting) == (None, 0)


def test_a_place_that_fails_for_long_is_an_alarm_once_and_its_return_too(house: House) -> None:
    house.place.fails = True
    house.step()
    house.step(minutes=2)
    house.step(minutes=10)
    assert house.recorded == []
    for _ in range(3):
        house.step(minutes=6)
    (alarm,) = house.recorded
    assert (alarm.action, alarm.document["event"]["outcome"]) == (EventAction.OUTSIDE_PLACE, "failure")
    assert alarm.document["torwart"]["subject"] == "folder"
    assert alarm.document["torwart"]["words"] == {"trouble": "absent"}
    assert b"secret-name" not in alarm.canonical()
    house.place.fails = False
    house.step(minutes=1)
    house.step(minutes=1)
    assert [event.document["event"]["outcome"] for event in house.recorded] == ["failure", "success"]


def test_a_key_that_is_gone_stops_the_statements_and_is_a_fault_of_the_stage(house: House, tmp_path: Path) -> None:
    house.step()
    (tmp_path / "keys" / "checkpoint.key").unlink()
    house.step(minutes=2)
    assert house.errors == {STAGE: "StatementsError"}


def test_it_ends_when_it_is_told_to(house: House) -> None:
    ending = Flag()
    ending.set()
    house.checkpoints.run(ending, house.guarded)
    assert house.errors == {}
