"""Levels: set for a reason, ended by time, given by a departure."""

from datetime import UTC, datetime, timedelta

import pytest

from audit_store.event import EventAction
from auth.levels import LONGEST, Levels
from auth.people import PeopleError
from auth.storage import writing
from auth.tables import Person, RiskLevel
from policies.request import Level, Status
from tests.services.house import House


@pytest.fixture
def levels(house: House) -> Levels:
    return Levels(house.engine, house.events, house.pseudonyms)


def later(**how_much: float) -> datetime:
    return datetime.now(UTC) + timedelta(**how_much)


def level_of(house: House, person: Person) -> Level:
    return house.directory().person(person.id).level


def test_a_level_holds_at_the_next_request_and_is_recorded_without_its_reason(house: House, levels: Levels, anna: Person) -> None:
    directory = house.directory()
    assert directory.person(anna.id).level is Level.NORMAL
    levels.set(anna.id, Level.WATCHED, later(days=7), "copies at night", None)
    directory.refresh()
    assert directory.person(anna.id).level is Level.WATCHED
    (said,) = house.events.of(EventAction.LEVEL_CHANGED)
    assert said.document["torwart"]["subject"] == anna.pseudonym
    assert "night" not in said.canonical().decode()


def test_it_ends_by_itself_while_the_gateway_runs(house: House, levels: Levels, anna: Person) -> None:
    levels.set(anna.id, Level.WATCHED, later(days=7), "copies at night", None)
    directory = house.directory()
    assert directory.person(anna.id).level is Level.WATCHED
    with writing(house.engine) as session:  # the end is brought forward behind the back of `revisions`
        session.get_one(RiskLevel, anna.id).until = later(seconds=-1)
    directory._next_end = later(seconds=-1)  # type: ignore[assignment]
    directory.refresh()
    assert directory.person(anna.id).level is Level.NORMAL
    assert levels.of(anna.id) is None


def test_normal_ends_what_was_set_and_a_second_level_takes_the_place_of_the_first(house: House, levels: Levels, anna: Person) -> None:
    levels.set(anna.id, Level.WATCHED, later(days=1), "one", None)
    levels.set(anna.id, Level.DEPARTING, later(days=2), "two", None)
    row = levels.of(anna.id)
    assert row is not None
    assert (row.level, row.reason) == ("departing", "two")
    levels.set(anna.id, Level.NORMAL, later(), "over", None)
    assert level_of(house, anna) is Level.NORMAL


@pytest.mark.parametrize("status", [Status.TALK_PLANNED, Status.NOTICE_GIVEN, Status.LAST_DAY])
def test_who_is_about_to_leave_is_departing_whatever_was_set(house: House, levels: Levels, anna: Person, status: Status) -> None:
    levels.set(anna.id, Level.WATCHED, later(days=1), "one", None)
    house.people.set_status(anna.id, status, None)
    assert level_of(house, anna) is Level.DEPARTING


def test_what_is_no_level_is_refused_and_changes_nothing(house: House, levels: Levels, anna: Person, boris: Person) -> None:
    for until, reason, by in (
        (later(days=1), "", None),
        (later(days=1), "x" * 501, None),
        (later(days=-1), "past", None),
        (datetime.now(UTC) + LONGEST + timedelta(minutes=1), "years", None),
        (later(days=1), "myself", anna.id),
    ):
        with pytest.raises(PeopleError):
            levels.set(anna.id, Level.WATCHED, until, reason, by)
    with pytest.raises(PeopleError, match="no such person"):
        levels.set("nobody", Level.WATCHED, later(days=1), "who", boris.id)
    assert level_of(house, anna) is Level.NORMAL
    assert house.events.of(EventAction.LEVEL_CHANGED) == []
