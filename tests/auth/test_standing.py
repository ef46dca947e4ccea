"""How a status, its plans and a leave are read at a moment."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import inspect

from auth.people_tables import StatusPlan
from auth.standing import is_away, local_day, narrows, start_of, status_at
from auth.tables import Person
from policies.request import Status

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def plan(status: Status, hours: int) -> StatusPlan:
    made = StatusPlan(status=status.value, due_at=NOON + timedelta(hours=hours))
    inspect(made).info["torwart_doubt"] = None  # as if one of our processes had left it like this
    return made


@pytest.mark.parametrize(
    ("status", "plans", "expected"),
    [
        (Status.ACTIVE, [], Status.ACTIVE),
        (Status.ACTIVE, [plan(Status.GONE, 1)], Status.ACTIVE),
        (Status.ACTIVE, [plan(Status.GONE, 0)], Status.GONE),
        (Status.ACTIVE, [plan(Status.GONE, -1), plan(Status.LAST_DAY, -2)], Status.GONE),
        (Status.GONE, [plan(Status.LAST_DAY, -2)], Status.GONE),
    ],
)
def test_a_plan_counts_from_its_moment_on_and_never_gives_anything(status: Status, plans: list[StatusPlan], expected: Status) -> None:
    assert status_at(status, plans, NOON) is expected


def test_a_status_is_nearer_to_the_end_or_not() -> None:
    ladder = list(Status)
    assert all(narrows(one, other) == (ladder.index(other) > ladder.index(one)) for one in ladder for other in ladder)


def test_a_day_begins_on_the_clock_of_this_machine() -> None:
    day = date(2026, 7, 1)
    assert local_day(start_of(day)) == day
    assert local_day(start_of(day) - timedelta(microseconds=1)) == date(2026, 6, 30)


def test_a_leave_is_from_its_first_moment_to_before_its_end() -> None:
    person = Person(leave_from=NOON, leave_until=NOON + timedelta(days=1))
    for hours, away in ((-1, False), (0, True), (23, True), (24, False)):
        assert is_away(person, NOON + timedelta(hours=hours)) is away
    assert not is_away(Person(), NOON)
