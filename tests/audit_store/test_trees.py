"""What is stated about the log, and when; and that nothing else is stated in its place."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from audit_store.log_file import Entry
from audit_store.merkle import root_of
from audit_store.statement import TREES, End, Tree
from audit_store.statements import Statements, StatementsError
from audit_store.trees import EVERY, EVERY_EVENTS, Trees, leaf_of

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


class PlayedLog:
    """Entries in memory."""

    def __init__(self) -> None:
        self.rows: list[Entry] = []

    def add(self, count: int, at: datetime, producer: str = "gateway") -> None:
        for _ in range(count):
            number = len(self.rows) + 1
            self.rows.append(Entry(number, int(at.timestamp() * 1000), producer, 1, number, b"{}", number.to_bytes(32)))

    def entries(self, after: int, limit: int, *, until: int | None = None) -> list[Entry]:
        return [row for row in self.rows if after < row.sequence <= (until or len(self.rows))][:limit]


class House:
    def __init__(self, state: Path) -> None:
        self.log, self.now, self.broken = PlayedLog(), NOON, list[str]()
        self.statements = Statements.open(state, clock=lambda: self.now)

    def trees(self) -> Trees:
        return Trees(self.log, self.statements, self.broken.append, lambda: self.now)

    def stated(self) -> list[Tree]:
        return [one.body for one in self.statements.after(TREES, 0, 1_000) if isinstance(one.body, Tree)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.statements.close()


def test_the_first_is_stated_at_once_and_then_every_minute_if_anything_is_new(house: House) -> None:
    trees = house.trees()
    trees.step()
    assert house.stated() == []
    house.log.add(3, NOON)
    trees.step()
    house.log.add(2, NOON, "console")
    trees.step()
    house.now += EVERY - timedelta(seconds=1)
    trees.step()
    assert [tree.size for tree in house.stated()] == [3]
    house.now += timedelta(seconds=1)
    trees.step()
    trees.step()
    house.now += EVERY
    trees.step()
    rows = house.log.rows
    ends = (End("console", 1, 5, rows[4].hash), End("gateway", 1, 3, rows[2].hash))
    assert house.stated()[1:] == [Tree(date(2026, 5, 12), 1, 5, root_of([leaf_of(row) for row in rows]), ends)]


def test_a_thousand_events_are_stated_without_waiting(house: House) -> None:
    trees = house.trees()
    house.log.add(2 * EVERY_EVENTS + 5, NOON)
    trees.step()
    assert [tree.size for tree in house.stated()] == [1_000, 2_000]
    house.log.add(EVERY_EVENTS, NOON)
    trees.step()
    assert house.stated()[-1].size == 3_000
    house.now += EVERY
    trees.step()
    assert house.stated()[-1].size == 3_005


def test_a_day_is_closed_whole_and_the_next_begins_its_own_tree(house: House) -> None:
    trees = house.trees()
    house.log.add(3, NOON)
    trees.step()
    house.log.add(2, NOON)
    house.log.add(4, NOON + timedelta(days=1))
    trees.step()
    house.log.add(1, NOON)  # the clock was set back: the day goes on
    house.now += EVERY
    trees.step()
    assert [(str(tree.day), tree.first, tree.size) for tree in house.stated()] == [
        ("2026-05-12", 1, 3),
        ("2026-05-12", 1, 5),
        ("2026-05-13", 6, 5),
    ]
    assert house.stated()[1].last == 5


def test_a_clock_that_was_set_back_does_not_stop_it(house: House) -> None:
    trees = house.trees()
    house.log.add(1, NOON)
    trees.step()
    house.now -= timedelta(days=1)
    house.log.add(1, NOON)
    trees.step()
    assert [tree.size for tree in house.stated()] == [1, 2]


def test_a_new_process_goes_on_where_the_old_one_was(house: House) -> None:
    house.log.add(5, NOON)
    house.trees().step()
    house.log.add(2, NOON)
    later = house.trees()
    later.step()
    assert len(house.stated()) == 1
    house.now += EVERY
    later.step()
    assert house.broken == []
    assert house.stated()[-1].root == root_of([leaf_of(row) for row in house.log.rows])
    assert [end.sequence for end in house.stated()[-1].ends] == [7]


@pytest.mark.parametrize("harm", ["cut", "changed", "emptied"])
def test_a_log_that_is_not_what_was_stated_is_broken_with_in_the_open(house: House, harm: str) -> None:
    house.log.add(5, NOON)
    house.trees().step()
    match harm:
        case "cut":
            del house.log.rows[3:]
        case "changed":
            house.log.rows[2] = house.log.rows[2]._replace(hash=bytes(32))
        case "emptied":
            house.log.rows.clear()
    later = house.trees()
    later.step()
    house.log.add(1, NOON)
    later.step()
    house.now += EVERY
    later.step()
    assert house.broken == ["log 1 to 5 is not what statement log 1 says"]
    assert [tree.broken for tree in house.stated()][:2] == [None, house.broken[0]]
    assert house.stated()[-1].root == root_of([leaf_of(row) for row in house.log.rows])
    assert house.stated()[-1].size == len(house.log.rows)


def test_what_could_not_be_signed_is_stated_later_and_none_is_left_out(house: House, tmp_path: Path) -> None:
    trees = house.trees()
    house.log.add(EVERY_EVENTS + 10, NOON)
    key = tmp_path / "keys" / "checkpoint.key"
    key.chmod(0o644)
    for _ in range(2):
        with pytest.raises(StatementsError):
            trees.step()
    key.chmod(0o600)
    trees.step()
    house.now += EVERY
    trees.step()
    assert house.stated()[-1].size == EVERY_EVENTS + 10
    assert house.stated()[-1].root == root_of([leaf_of(row) for row in house.log.rows])
