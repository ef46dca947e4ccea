"""Transactions: all or nothing, one writer at a time, one clock."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from auth.storage import database_now, grow, hits_one, reading, writing
from auth.tables import Person
from tests.services.house import House


def test_what_raises_leaves_nothing_behind(house: House, anna: Person) -> None:
    def fail() -> None:
        with writing(house.engine) as session:
            session.get_one(Person, anna.id).name = "Somebody Else"
            session.flush()
            raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        fail()
    with reading(house.engine) as session:
        assert session.get_one(Person, anna.id).name == "Anna Feldmann"


def test_what_was_read_still_holds_when_it_is_written(house: House, anna: Person) -> None:
    def add() -> None:
        with writing(house.engine) as session:
            person = session.get_one(Person, anna.id)
            person.name = str(int(person.name) + 1)

    with writing(house.engine) as session:
        session.get_one(Person, anna.id).name = "0"
    threads = [threading.Thread(target=add) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(house.engine) as session:
        assert session.get_one(Person, anna.id).name == "30"


def test_revisions_only_grow_and_each_kind_has_its_own(house: House) -> None:
    with writing(house.engine) as session:
        assert [grow(session, "one"), grow(session, "one"), grow(session, "two")] == [1, 2, 1]
    with writing(house.engine) as session:
        assert grow(session, "one") == 3


def test_an_update_hits_one_row_or_is_told_apart(house: House, anna: Person, boris: Person) -> None:
    with writing(house.engine) as session:
        assert hits_one(session, update(Person).where(Person.id == anna.id).values(team="north"))
        assert not hits_one(session, update(Person).where(Person.id == "nobody").values(team="north"))
        assert not hits_one(session, update(Person).values(team="south"))


def test_the_databases_clock_is_ours_on_one_machine(house: House) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    with reading(house.engine) as session:
        seen = database_now(session)
    assert seen.tzinfo is UTC
    assert before <= seen <= datetime.now(UTC) + timedelta(milliseconds=2)


def test_what_was_read_can_be_used_afterwards(house: House, anna: Person) -> None:
    with reading(house.engine) as session:
        person = session.scalars(select(Person)).one()
    assert person.name == anna.name
