"""Accounts of nobody: named when they come again, never at once, and not for ever."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from auth.people_tables import UnmappedAccount
from auth.storage import reading, writing
from auth.tables import Person
from auth.unmapped import KEPT, MOST, Unmapped
from tests.services.house import CREDENTIAL_KEY, House


@pytest.fixture
def unmapped(house: House) -> Unmapped:
    return Unmapped(house.engine, CREDENTIAL_KEY)


def stored(house: House) -> list[tuple[str | None, int]]:
    with reading(house.engine) as session:
        return [(row.account, row.times) for row in session.query(UnmappedAccount)]


def test_a_name_is_kept_when_it_comes_again(house: House, unmapped: Unmapped) -> None:
    unmapped.heard("clara")
    unmapped.write_down()
    assert stored(house) == [(None, 1)], "it may have been a password in the wrong field"
    unmapped.heard("clara")
    unmapped.heard("clara")
    unmapped.write_down()
    assert [(row.account, row.times) for row in unmapped.all()] == [("clara", 3)]


def test_nothing_is_written_on_the_way_and_nothing_is_lost_by_a_database_that_is_away(house: House, unmapped: Unmapped) -> None:
    unmapped.heard("clara")
    unmapped.heard("clara")
    assert stored(house) == []
    engine, unmapped._engine = unmapped._engine, create_engine("sqlite:////nowhere/at/all.db")
    with pytest.raises(OperationalError):
        unmapped.write_down()
    unmapped._engine = engine
    unmapped.write_down()
    assert stored(house) == [("clara", 2)]


def test_who_was_bound_meanwhile_is_not_listed(house: House, unmapped: Unmapped, anna: Person) -> None:
    for _ in range(2):
        unmapped.heard("anna2")
    unmapped.write_down()
    house.people.bind(anna.id, "anna2")
    assert unmapped.all() == []


def test_after_thirty_days_it_is_forgotten(house: House, unmapped: Unmapped) -> None:
    for _ in range(2):
        unmapped.heard("clara")
    unmapped.write_down()
    with writing(house.engine) as session:
        for row in session.query(UnmappedAccount):
            row.last_at = datetime.now(UTC) - KEPT - timedelta(seconds=1)
    assert unmapped.all() == []
    unmapped.heard("other")
    unmapped.write_down()
    assert len(stored(house)) == 1


def test_whoever_types_thousands_fills_nothing(house: House, unmapped: Unmapped) -> None:
    for lot in range(7):
        for number in range(150):
            unmapped.heard(f"name{lot}-{number}")
        unmapped.write_down()
    assert len(stored(house)) == MOST
    for odd in ("", "x" * 65, "a\nb"):
        unmapped.heard(odd)
    unmapped.write_down()
    assert len(stored(house)) == MOST
