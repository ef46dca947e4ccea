"""Places outside: one must have what must be there first; one that fails or hangs keeps nobody waiting for ever."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_store.outside import HEAD_START, Batch, NotWitnessedError, Outside, PlaceError, Trouble
from audit_store.statement import End, Head
from audit_store.statements import Statements


class Played:
    """A place that keeps names of statements, or fails."""

    def __init__(self, name: str, *, every: timedelta = timedelta(), seconds: float = 5) -> None:
        self.name, self.every, self.seconds = name, every, seconds
        self.kept: list[str] = []
        self.calls = 0
        self.fails = False
        self.hanging: threading.Event | None = None

    def put(self, batches: Sequence[Batch]) -> None:
        self.calls += 1
        if self.hanging is not None:
            self.hanging.wait()
        if self.fails:
            raise PlaceError(Trouble.ABSENT, "mount it")
        self.kept += [one.name for batch in batches for one in batch.statements]


class House:
    """Statements with a clock that is turned by hand."""

    def __init__(self, state: Path) -> None:
        self.now = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)
        self.statements = Statements.open(state, clock=lambda: self.now)
        self.count = 0

    def outside(self, *places: Played) -> Outside:
        return Outside(self.statements, places, lambda: self.now)

    def must(self, outside: Outside) -> None:
        self.count += 1
        outside.must_have(self.statements.sign("gateway", Head(End("gateway", 1, self.count, bytes(32)))))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.statements.close()


def test_without_places_nothing_is_asked(house: House) -> None:
    house.must(house.outside())


def test_one_place_is_enough_and_all_at_once_ones_are_tried(house: House) -> None:
    bad, good = Played("bad"), Played("good")
    bad.fails = True
    outside = house.outside(bad, good)
    house.must(outside)
    assert (bad.calls, good.kept) == (1, ["gateway 1"])
    assert outside.states["bad"].trouble is Trouble.ABSENT
    assert outside.states["bad"].failing_since == house.now
    assert outside.states["good"].taken_at == house.now
    good.fails = True
    with pytest.raises(NotWitnessedError, match=r"no place outside.*bad: mount it; good: mount it"):
        house.must(outside)
    bad.fails = False
    house.must(outside)
    assert bad.kept == ["gateway 1", "gateway 2", "gateway 3"], "what it missed comes first"
    outside.close()


def test_a_mail_is_sent_at_once_only_where_nobody_else_has_it(house: House) -> None:
    folder, mail = Played("folder"), Played("mail", every=timedelta(hours=24))
    outside = house.outside(folder, mail)
    house.must(outside)
    assert mail.calls == 0
    folder.fails = True
    house.must(outside)
    assert mail.kept == ["gateway 2"]
    mail.fails = True
    with pytest.raises(NotWitnessedError):
        house.must(outside)
    outside.close()


def test_a_place_that_hangs_counts_as_failed_and_is_not_asked_again_meanwhile(house: House) -> None:
    place = Played("share", seconds=0.05)
    place.hanging = threading.Event()
    outside = house.outside(place)
    for _ in range(2):
        with pytest.raises(NotWitnessedError, match="reachable"):
            house.must(outside)
    house.now += timedelta(minutes=1)
    outside.deliver()
    assert place.calls == 1
    assert outside.states["share"].trouble is Trouble.SILENT
    place.hanging.set()
    outside.close()


def test_delivery_leaves_a_new_statement_to_its_maker_and_a_mail_to_its_hour(house: House) -> None:
    folder, mail = Played("folder"), Played("mail", every=timedelta(hours=24))
    outside = house.outside(folder, mail)
    house.statements.sign("gateway", Head(End("gateway", 1, 1, bytes(32))))
    outside.deliver()
    assert folder.kept == []
    assert outside.states["folder"].waiting == 2
    assert mail.kept == ["gateway 1", "keys 1"], "the first mail shows that it works"
    outside.deliver(at_once=True)
    assert folder.kept == ["gateway 1", "keys 1"]
    house.statements.sign("gateway", Head(End("gateway", 1, 2, bytes(32))))
    house.now += HEAD_START
    outside.deliver()
    outside.deliver()
    assert folder.kept == ["gateway 1", "keys 1", "gateway 2"]
    assert outside.states["folder"].waiting == 0
    house.now += timedelta(hours=23)
    outside.deliver()
    assert mail.calls == 1
    assert outside.states["mail"].waiting == 1
    house.now += timedelta(hours=1)
    outside.deliver()
    assert mail.kept == ["gateway 1", "keys 1", "gateway 2"]
    outside.close()


def test_a_place_is_told_what_it_had_and_where_this_machine_stands(house: House) -> None:
    seen: list[Batch] = []
    place = Played("folder")
    place.put = seen.extend  # type: ignore[method-assign]
    outside = house.outside(place)
    house.must(outside)
    house.must(outside)
    assert [(one.after.number if one.after else None, one.newest) for one in seen] == [(None, 1), (1, 2)]
    outside.close()


def test_a_place_that_had_more_than_this_machine_is_not_written(house: House) -> None:
    place = Played("folder")
    house.statements.note_sent("folder", "gateway", 7)
    outside = house.outside(place)
    with pytest.raises(NotWitnessedError, match="the state folder is an older one"):
        house.must(outside)
    assert place.calls == 0
    assert outside.states["folder"].trouble is Trouble.AHEAD
    outside.close()
