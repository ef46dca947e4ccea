"""Statuses that are planned for a day, and the last day that ends by itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from audit_store.event import EventAction
from audit_store.spool import SpoolError
from auth.people import PeopleError
from auth.people_tables import StatusPlan
from auth.plans import Plans
from auth.standing import local_day, start_of
from auth.storage import writing
from auth.tables import Person
from policies.request import Level, Status
from tests.services.house import House

REASON = "zieht nach Hamburg"


@pytest.fixture
def plans(house: House) -> Plans:
    return Plans(house.engine, house.events, house.pseudonyms)


def tomorrow() -> date:
    return local_day(datetime.now(UTC)) + timedelta(days=1)


def let_it_come(house: House, person: Person, status: Status, day: date | None = None) -> None:
    """As if the day that was planned for had begun, or `day`."""
    with writing(house.engine) as session:
        (plan,) = (
            one for one in session.query(StatusPlan) if one.person_id == person.id and (one.status, one.state) == (status, "planned")
        )
        plan.due_at = datetime.now(UTC) - timedelta(seconds=1)
        if day is not None:
            plan.day, plan.due_at = day.isoformat(), start_of(day)


def status_of(house: House, person: Person) -> str:
    found = house.people.by_id(person.id)
    assert found is not None
    return found.status


def test_a_status_comes_on_its_day_and_not_before(house: House, anna: Person, boris: Person, plans: Plans) -> None:
    plans.plan(anna.id, Status.NOTICE_GIVEN, tomorrow(), boris.id, REASON)
    assert plans.carry_out() == []
    assert status_of(house, anna) == "active"
    let_it_come(house, anna, Status.NOTICE_GIVEN)
    (carried,) = plans.carry_out()
    assert (carried.pseudonym, carried.status, carried.cut) == (anna.pseudonym, Status.NOTICE_GIVEN, ())
    found = house.people.by_id(anna.id)
    assert found is not None
    assert (found.status, found.status_reason) == ("notice_given", REASON)
    assert found.status_since is not None
    assert plans.carry_out() == []


def test_it_is_recorded_when_it_is_planned_and_when_it_comes_without_the_words(
    house: House, anna: Person, boris: Person, plans: Plans
) -> None:
    plans.plan(anna.id, Status.NOTICE_GIVEN, tomorrow(), boris.id, REASON)
    let_it_come(house, anna, Status.NOTICE_GIVEN)
    plans.carry_out()
    (planned,) = house.events.of(EventAction.STATUS_PLANNED)
    (changed,) = house.events.of(EventAction.STATUS_CHANGED)
    assert (planned.pseudonym, changed.pseudonym) == (boris.pseudonym, None)
    assert planned.document["torwart"]["words"] == {"to": "notice_given", "on": tomorrow().isoformat()}
    assert changed.document["torwart"]["words"] == {"from": "active", "to": "notice_given", "planned": tomorrow().isoformat()}
    assert not [event for event in house.events.seen if REASON.encode() in event.canonical()]


def test_a_last_day_ends_by_itself_and_cuts_everything(house: House, anna: Person, plans: Plans) -> None:
    house.people.set_status(anna.id, Status.LAST_DAY, None)
    (plan,) = plans.of(anna.id)
    assert (plan.status, plan.automatic, plan.day) == ("gone", True, tomorrow().isoformat())
    house.sessions.bind("living", "session", anna.id, "anna")
    let_it_come(house, anna, Status.GONE)
    (carried,) = plans.carry_out()
    assert (carried.status, [piece.kind for piece in carried.cut]) == (Status.GONE, ["session"])
    assert house.sessions.find("living") is None
    assert status_of(house, anna) == "gone"


def test_after_days_without_anybody_the_last_day_and_its_end_come_at_once(house: House, anna: Person, plans: Plans) -> None:
    plans.plan(anna.id, Status.LAST_DAY, tomorrow(), None)
    let_it_come(house, anna, Status.LAST_DAY, tomorrow() - timedelta(days=3))
    assert [one.status for one in plans.carry_out()] == [Status.LAST_DAY, Status.GONE]
    assert status_of(house, anna) == "gone"


def test_of_many_consoles_one_carries_it_out(house: House, anna: Person, plans: Plans) -> None:
    plans.plan(anna.id, Status.GONE, tomorrow(), None)
    let_it_come(house, anna, Status.GONE)
    with ThreadPoolExecutor(8) as threads:
        done = [
            one for lot in threads.map(lambda _: Plans(house.engine, house.events, house.pseudonyms).carry_out(), range(8)) for one in lot
        ]
    assert len(done) == 1
    assert len(house.events.of(EventAction.STATUS_CHANGED)) == 1


def test_a_gateway_obeys_the_day_though_nobody_carries_it_out(house: House, anna: Person, plans: Plans) -> None:
    house.sessions.bind("living", "session", anna.id, "anna")
    house.people.set_status(anna.id, Status.LAST_DAY, None)
    directory = house.directory()
    view = directory.session("living")
    assert view is not None
    assert (directory.principal(view).status, directory.principal(view).level) == (Status.LAST_DAY, Level.DEPARTING)
    let_it_come(house, anna, Status.GONE)
    directory = house.directory()
    assert directory.session("living") is None
    assert directory.person(anna.id).status is Status.GONE


def test_what_cannot_be_recorded_waits_and_holds_up_nobody_else(house: House, anna: Person, boris: Person) -> None:
    plans = Plans(house.engine, house.events, house.pseudonyms)
    for person in (anna, boris):
        plans.plan(person.id, Status.GONE, tomorrow(), None)
        let_it_come(house, person, Status.GONE)

    def not_anna(event: object) -> None:
        if getattr(event, "document", {})["torwart"].get("subject") == anna.pseudonym:
            raise SpoolError("no room")

    with pytest.raises(SpoolError):
        Plans(house.engine, not_anna, house.pseudonyms).carry_out()
    assert (status_of(house, anna), status_of(house, boris)) == ("active", "gone")
    assert [one.pseudonym for one in plans.carry_out()] == [anna.pseudonym]


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (Status.ACTIVE, []),
        (Status.TALK_PLANNED, ["last_day"]),
        (Status.NOTICE_GIVEN, ["last_day"]),
        (Status.LAST_DAY, ["gone"]),
        (Status.GONE, []),
    ],
)
def test_a_status_that_is_set_drops_plans_that_make_no_sense_any_more(
    house: House, anna: Person, plans: Plans, status: Status, left: list[str]
) -> None:
    plans.plan(anna.id, Status.LAST_DAY, tomorrow(), None)
    house.people.set_status(anna.id, status, None)
    assert [plan.status for plan in plans.of(anna.id)] == left
    assert len(house.events.of(EventAction.STATUS_PLAN_ENDED)) == (0 if "last_day" in left else 1)


def test_who_stays_after_all_is_not_gone_at_midnight(house: House, anna: Person, plans: Plans) -> None:
    house.people.set_status(anna.id, Status.LAST_DAY, None)
    house.people.set_status(anna.id, Status.NOTICE_GIVEN, None)
    assert plans.of(anna.id) == []


def test_a_plan_is_withdrawn_but_not_the_end_of_a_last_day(house: House, anna: Person, boris: Person, plans: Plans) -> None:
    plans.plan(anna.id, Status.GONE, tomorrow(), None)
    assert plans.withdraw(anna.id, boris.id) == 1
    assert plans.withdraw(anna.id, boris.id) == 0
    house.people.set_status(anna.id, Status.LAST_DAY, None)
    assert plans.withdraw(anna.id, boris.id) == 0
    assert [plan.status for plan in plans.all()] == ["gone"]


def test_a_new_day_takes_the_place_of_the_old_one(anna: Person, plans: Plans) -> None:
    for days in (1, 30):
        plans.plan(anna.id, Status.LAST_DAY, tomorrow() + timedelta(days=days), None)
    (plan,) = plans.of(anna.id)
    assert plan.day == (tomorrow() + timedelta(days=30)).isoformat()


@pytest.mark.parametrize(
    ("days", "status", "text"),
    [
        (0, Status.LAST_DAY, "from tomorrow on"),
        (-400, Status.LAST_DAY, "from tomorrow on"),
        (4000, Status.LAST_DAY, "three years"),
        (3, Status.ACTIVE, "can be set, not planned"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(anna: Person, plans: Plans, days: int, status: Status, text: str) -> None:
    with pytest.raises(PeopleError, match=text):
        plans.plan(anna.id, status, tomorrow() + timedelta(days=days - 1), None)


def test_nobody_plans_for_themselves_nor_for_nobody(anna: Person, plans: Plans) -> None:
    with pytest.raises(PeopleError, match="another administrator"):
        plans.plan(anna.id, Status.GONE, tomorrow(), anna.id)
    with pytest.raises(PeopleError, match="another administrator"):
        plans.withdraw(anna.id, anna.id)
    with pytest.raises(PeopleError, match="no such person"):
        plans.plan("nobody", Status.GONE, tomorrow(), None)
    with pytest.raises(PeopleError, match="no such person"):
        plans.withdraw("nobody", None)


def test_a_restart_keeps_what_is_planned(house: House, anna: Person, plans: Plans) -> None:
    plans.plan(anna.id, Status.GONE, tomorrow(), None)
    let_it_come(house, anna, Status.GONE)
    house.engine.dispose()
    assert [one.status for one in Plans(house.engine, house.events, house.pseudonyms).carry_out()] == [Status.GONE]
