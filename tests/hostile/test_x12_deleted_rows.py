"""X12: a row that limits a person, or says whose an act is, is missed when somebody deletes it; what is deleted otherwise gives nothing."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from audit_store.event import EventAction
from auth.act import StepUpRefused
from auth.belongings import missing
from auth.console_sessions import may_sign_in
from auth.erasure import erase
from auth.keys import KeyRefusedError
from auth.levels import Levels
from auth.people import People
from auth.person_values import PeopleError
from auth.plans import Plans
from auth.row_alarms import ForgedRowsError
from auth.row_repair import accept_person
from auth.row_versions import RowVersions
from auth.sealed_rows import attach
from auth.standing import local_day
from auth.storage import reading, writing
from auth.tables import CrmAccount, Person
from policies.request import Level, Status
from tests.hostile.test_x12_people import alarms, sql, watch
from tests.services.house import SEAL, TORWART, Ceremonies, House
from tests.services.postgres import BOTH

DELETED = {
    "an account": "DELETE FROM crm_accounts WHERE account = 'anna'",
    "a level": "DELETE FROM risk_levels",
    "a planned status": "DELETE FROM status_plans",
}


def plans(house: House) -> Plans:
    return Plans(house.engine, house.events, house.pseudonyms)


def level(house: House, person: Person) -> None:
    until = datetime.now(UTC) + timedelta(days=7)
    Levels(house.engine, house.events, house.pseudonyms).set(person.id, Level.WATCHED, until, "copies at night", None)


@pytest.fixture
def watched(house: House, anna: Person) -> Person:
    """Anna, with two accounts, who is watched and will be gone tomorrow."""
    house.people.bind(anna.id, "anna2")
    level(house, anna)
    plans(house).plan(anna.id, Status.GONE, local_day(datetime.now(UTC)) + timedelta(days=1), None)
    return anna


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize("what", DELETED)
def test_x12_whose_row_was_deleted_is_cut_off_everywhere_with_one_alarm(house: House, watched: Person, boris: Person, what: str) -> None:
    directory, token = house.directory(), house.console.open(watched.id, None)
    assert not directory.person(watched.id).frozen
    sql(house, DELETED[what])
    directory.refresh()
    assert directory.person(watched.id).frozen
    assert not directory.person(boris.id).frozen
    assert house.console.find(token) is None
    with pytest.raises(PermissionError):
        house.console.open(watched.id, None)
    for _ in range(2):
        with pytest.raises(ForgedRowsError):
            watch(house).look()
    house.people.set_leave(watched.id, None, None, None)  # changes nothing that is sealed
    house.people.change(watched.id, {"team": "north"}, boris.id)  # seals the row anew
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    assert alarms(house) == [("people", "missing", watched.pseudonym)]


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize("what", DELETED)
def test_x12_what_else_is_changed_about_the_person_does_not_make_it_forgotten(house: House, watched: Person, what: str) -> None:
    sql(house, DELETED[what])
    house.people.bind(watched.id, "anna3")
    house.people.unbind(watched.id, "anna2", None)
    house.people.change(watched.id, {"team": "south", "roles": ["manager"]}, None)
    house.people.freeze(watched.id, None)
    house.people.unfreeze(watched.id, None)
    assert house.directory().person(watched.id).frozen
    assert not may_sign_in(house.people.by_id(watched.id) or Person())


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize("what", DELETED)
def test_the_person_counts_again_when_somebody_has_looked_and_says_so(house: House, watched: Person, what: str) -> None:
    sql(house, DELETED[what])
    done = accept_person(house.engine, house.events, house.pseudonyms, watched.id, withheld={"manager"})
    assert (done.withheld, done.left) == ((), ()), "nothing was wrong with the roles"
    assert house.events.seen[-1].document["torwart"]["words"]["missing"] in ("crm_accounts", "risk_levels", "status_plans")
    assert not house.directory().person(watched.id).frozen
    watch(house).look()
    assert house.directory().person_of_account("anna2") == watched.id


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_what_is_made_anew_is_not_missed(house: House, watched: Person) -> None:
    sql(house, DELETED["an account"])
    sql(house, DELETED["a level"])
    house.people.bind(watched.id, "anna")
    assert house.directory().person(watched.id).frozen
    level(house, watched)
    assert not house.directory().person(watched.id).frozen
    watch(house).look()


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_a_planned_status_that_was_deleted_is_dropped_like_one_that_is_there(house: House, watched: Person, boris: Person) -> None:
    plans(house).plan(watched.id, Status.LAST_DAY, local_day(datetime.now(UTC)) + timedelta(days=1), None)
    sql(house, "DELETE FROM status_plans WHERE status = 'last_day'")
    directory = house.directory()
    assert directory.person(watched.id).frozen
    assert plans(house).withdraw(watched.id, boris.id) == 2
    directory.refresh()
    assert not directory.person(watched.id).frozen
    watch(house).look()
    ended = house.events.of(EventAction.STATUS_PLAN_ENDED)[-1].document["torwart"]
    assert (ended["words"], ended["numbers"]) == ({"why": "withdrawn"}, {"missing": 1})
    assert plans(house).withdraw(watched.id, boris.id) == 0


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize("other", [DELETED["an account"], DELETED["a level"], "UPDATE people SET team = 'north'"])
def test_x12_to_drop_a_deleted_plan_makes_nothing_else_good(house: House, watched: Person, other: str) -> None:
    sql(house, DELETED["a planned status"])
    sql(house, other)
    plans(house).withdraw(watched.id, None)
    assert house.directory().person(watched.id).frozen
    with pytest.raises(ForgedRowsError):
        watch(house).look()


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_the_end_of_a_last_day_is_not_dropped_by_its_deletion(house: House, anna: Person) -> None:
    """Nobody drops it while it is there: the list of a person does not say which plan it was."""
    house.people.set_status(anna.id, Status.LAST_DAY, None)
    sql(house, DELETED["a planned status"])
    with pytest.raises(PeopleError, match="the end of the last day"):
        plans(house).withdraw(anna.id, None)
    plans(house).plan(anna.id, Status.GONE, local_day(datetime.now(UTC)) + timedelta(days=7), None)
    assert plans(house).withdraw(anna.id, None) == 1, "the new one"
    assert house.directory().person(anna.id).frozen
    house.people.set_status(anna.id, Status.GONE, None)
    assert plans(house).withdraw(anna.id, None) == 1
    watch(house).look()


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize(("began", "due"), [(0, 0), (3, 1)], ids=["today", "three days ago"])
def test_x12_the_end_of_a_last_day_that_was_deleted_is_planned_anew(house: House, anna: Person, began: int, due: int) -> None:
    """Who accepts what stands about a person does not make a last day endless by it; one that is over ends at once."""
    house.people.set_status(anna.id, Status.LAST_DAY, None)
    since = datetime.now(UTC) - timedelta(days=began)
    with writing(house.engine) as session:
        session.get_one(Person, anna.id).status_since = since
    sql(house, DELETED["a planned status"])
    done = accept_person(house.engine, house.events, house.pseudonyms, anna.id, withheld=())
    assert done.gone_from == (local_day(since) + timedelta(days=1)).isoformat()
    planned = house.events.of(EventAction.STATUS_PLANNED)[-1].document["torwart"]["words"]
    assert planned == {"to": "gone", "on": done.gone_from}
    (end,) = plans(house).of(anna.id)
    assert (end.status, end.automatic, end.day) == ("gone", True, done.gone_from)
    watch(house).look()
    assert [one.status for one in plans(house).carry_out()] == due * [Status.GONE]


def test_what_is_accepted_plans_no_second_end(house: House, anna: Person) -> None:
    house.people.bind(anna.id, "anna2")
    house.people.set_status(anna.id, Status.LAST_DAY, None)
    sql(house, "DELETE FROM crm_accounts WHERE account = 'anna2'")
    assert accept_person(house.engine, house.events, house.pseudonyms, anna.id, withheld=()).gone_from is None
    assert len(plans(house).of(anna.id)) == 1


def test_x12_a_name_with_a_line_break_stands_for_nothing_else(house: House, watched: Person) -> None:
    (plan,) = plans(house).of(watched.id)
    sql(house, DELETED["a planned status"])
    insert = "INSERT INTO crm_accounts (account, person_id, kind) VALUES (:account, :id, 'login')"
    sql(house, insert, account=f"x\nstatus_plans:{plan.id}", id=watched.id)
    assert house.directory().person(watched.id).frozen


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_an_account_that_was_taken_away_is_not_put_back(house: House, watched: Person, boris: Person) -> None:
    """Its row has a seal of ours, of the time when it was hers."""
    with house.engine.connect() as connection:
        old = connection.execute(text("SELECT account, person_id, kind, seal FROM crm_accounts WHERE account = 'anna2'")).one()
    house.people.unbind(watched.id, "anna2", None)
    insert = "INSERT INTO crm_accounts (account, person_id, kind, seal) VALUES (:account, :person_id, :kind, :seal)"
    sql(house, insert, **old._mapping)
    directory = house.directory()
    assert directory.person_of_account("anna2") is None
    assert directory.person_of_account("anna") == watched.id
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    assert alarms(house) == [("crm_accounts", "unlisted", watched.pseudonym)]
    house.people.unbind(watched.id, "anna2", None)
    watch(house).look()
    house.people.bind(boris.id, "anna2")
    assert house.directory().person_of_account("anna2") == boris.id


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_an_older_and_milder_level_is_the_strictest(house: House, anna: Person) -> None:
    level(house, anna)
    with house.engine.connect() as connection:
        old = connection.execute(text("SELECT level, since, until, seal FROM risk_levels")).one()
    Levels(house.engine, house.events, house.pseudonyms).set(
        anna.id, Level.DEPARTING, datetime.now(UTC) + timedelta(days=80), "copies at night", None
    )
    sql(house, "UPDATE risk_levels SET level = :level, since = :since, until = :until, seal = :seal", **old._mapping)
    assert house.directory().person(anna.id).level is Level.DEPARTING
    with pytest.raises(ForgedRowsError):
        watch(house).look()


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_list_without_the_row_is_a_forged_one(house: House, watched: Person) -> None:
    sql(house, DELETED["a planned status"])
    for value in ("", None):
        sql(house, "UPDATE people SET belongings = :value WHERE id = :id", value=value, id=watched.id)
        assert house.directory().person(watched.id).frozen
        assert house.directory().person_of_account("anna") is None


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_the_row_of_before_it_was_listed_is_an_older_copy(house: House, anna: Person) -> None:
    with house.engine.connect() as connection:
        old = connection.execute(text("SELECT version, seal, belongings FROM people WHERE id = :id"), {"id": anna.id}).one()
    level(house, anna)
    sql(house, DELETED["a level"])
    restore = "UPDATE people SET version = :version, seal = :seal, belongings = :belongings WHERE id = :id"
    sql(house, restore, **old._mapping, id=anna.id)
    assert house.directory().person(anna.id).frozen


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_what_we_end_ourselves_is_not_missed(house: House, watched: Person) -> None:
    """All roads by which such a row goes, one after the other."""
    until = datetime.now(UTC) + timedelta(days=7)
    house.people.unbind(watched.id, "anna2", None)
    Levels(house.engine, house.events, house.pseudonyms).set(watched.id, Level.NORMAL, until, "it was nothing", None)
    assert plans(house).withdraw(watched.id, None) == 1
    sql(house, "DELETE FROM status_plans")  # those that are over limit nobody
    house.people.set_status(watched.id, Status.LAST_DAY, None)
    assert [plan.automatic for plan in plans(house).of(watched.id)] == [True]
    house.people.set_status(watched.id, Status.GONE, None)
    assert plans(house).of(watched.id) == []
    watch(house).look()
    level(house, watched)
    erase(house.engine, house.events, watched.id)
    with reading(house.engine) as session:
        person = session.get_one(Person, watched.id)
        assert (person.doubt, person.belongings) == (None, "")
    watch(house).look()
    assert alarms(house) == []


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_two_gateways_that_change_one_person_at_once_raise_no_alarm(house: House, anna: Person) -> None:
    """Each binds and unbinds accounts of its own, while a third one looks."""
    stop, seen = threading.Event(), []

    def changes(name: str) -> Iterator[None]:
        people = People(house.engine, house.events, house.pseudonyms)
        for _ in range(8):
            people.bind(anna.id, name)
            yield
            people.unbind(anna.id, name, None)
            yield
        people.bind(anna.id, name)

    def look() -> None:
        while not stop.is_set():
            with reading(house.engine) as session:
                seen.extend(row.doubt for row in (*session.scalars(select(Person)), *session.scalars(select(CrmAccount))))

    looking = threading.Thread(target=look)
    changing = [threading.Thread(target=lambda name=name: list(changes(name))) for name in ("first", "second")]
    looking.start()
    for thread in changing:
        thread.start()
    for thread in changing:
        thread.join()
    stop.set()
    looking.join()
    assert seen
    assert set(seen) == {None}
    assert set(house.people.accounts(anna.id)) == {"anna", "first", "second"}
    watch(house).look()


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_deleted_key_confirms_nothing_and_signs_nobody_in(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART)
    options, ceremony = ceremonies.sign_in.begin()
    signed = key.get(options, TORWART)
    sql(ceremonies.house, "DELETE FROM keys")
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.complete(act.id, answer)
    assert set(ceremonies.refusals()) == {"unknown_key"}
    with pytest.raises(KeyRefusedError):
        ceremonies.sign_in.complete(ceremony, signed)
    with pytest.raises(KeyRefusedError):  # and no key comes in its place by itself
        ceremonies.keys.begin_registration("")


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_touch_of_whose_limit_was_deleted_ends(ceremonies: Ceremonies, anna: Person) -> None:
    level(ceremonies.house, anna)
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART)
    sql(ceremonies.house, DELETED["a level"])
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.complete(act.id, answer)
    assert set(ceremonies.refusals()) == {"person"}


def test_another_machine_misses_it_too(house: House, watched: Person, tmp_path: Path) -> None:
    """What is missed stands in the row of the person, and in no memory of one machine."""
    sql(house, DELETED["a planned status"])
    attach(house.engine, SEAL, RowVersions(tmp_path / "another machine"))
    with reading(house.engine) as session:
        assert [name.partition(":")[0] for name in missing(session.get_one(Person, watched.id))] == ["status_plans"]
    assert house.directory().person(watched.id).frozen
