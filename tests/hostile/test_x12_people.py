"""X12, X15: a row about a person or an approval that was written, changed or brought back by hand gives nothing and raises an alarm."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select, text

from audit_store.event import EventAction
from auth.act import StepUpRefused
from auth.approval_request import MAX_OPEN, ApprovalKind, ApprovalRefused, Shown
from auth.approval_tables import Approval as Given
from auth.approval_tables import ApprovalRequest
from auth.approvals import Approvals
from auth.console_sessions import may_sign_in
from auth.levels import Levels
from auth.person_values import PeopleError
from auth.plans import Plans
from auth.row_alarms import ForgedRowsError, RowAlarms
from auth.row_repair import accept_person
from auth.row_versions import RowVersions
from auth.sealed_rows import attach
from auth.sessions import API_KEY
from auth.standing import PEOPLE, local_day
from auth.storage import grow, reading, writing
from auth.tables import ConsoleSession, CrmAccount, CrmSession, Person, RiskLevel
from deploy.demo.software_key import SoftwareKey
from policies.needs import Approval
from policies.request import Level, Status
from tests.services.house import SEAL, TORWART, Ceremonies, House
from tests.services.postgres import BOTH

FOREVER = 32_503_680_000_000_000
ASKED = Shown("export", asked=300, allowed=300, fields=("name",), destination="download", policy="v1", reason_code="x")
DIGEST = "ab" * 32


def sql(house: House, statement: str, **values: object) -> None:
    """As somebody with a shell on the database would write it; the number of changes is grown too, so that gateways look."""
    with house.engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount >= 1
        connection.execute(text("UPDATE revisions SET number = number + 1"))


def alarms(house: House) -> list[tuple[str, str, object]]:
    found = [event.document["torwart"] for event in house.events.of(EventAction.AUTHORITY_ALARM)]
    return [(said["words"]["table"], said["words"]["cause"], said["subject"]) for said in found]


def watch(house: House) -> RowAlarms:
    return RowAlarms(house.engine, house.events, house.pseudonyms)


PERSON: dict[str, object] = {
    "roles": '["manager", "owner"]',
    "status": "talk_planned",
    "frozen": True,
    "email": "thief@elsewhere.example",
    "name": "Olga Owner",
    "pseudonym": "P-00000000",
    "user_handle": b"x" * 32,
    "team": "north",
    "territory": "all",
    "manager_id": "somebody",
    "leave_from": 0,
    "leave_until": FOREVER,
    "status_since": 0,
    "frozen_at": 0,
    "version": 99,
    "seal": "0" * 64,
}


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize("column", PERSON)
def test_x12_a_changed_person_is_cut_off_everywhere_with_one_alarm(house: House, anna: Person, column: str) -> None:
    directory, token = house.directory(), house.console.open(anna.id, None)
    value = PERSON[column]
    cast = "CAST(:value AS json)" if column == "roles" and house.engine.dialect.name == "postgresql" else ":value"
    sql(house, f"UPDATE people SET {column} = {cast} WHERE id = :id", value=value, id=anna.id)  # noqa: S608 -- names of ours
    directory.refresh()
    assert directory.person(anna.id).frozen
    assert house.console.find(token) is None
    with pytest.raises(PermissionError):
        house.console.open(anna.id, None)
    for _ in range(2):
        with pytest.raises(ForgedRowsError):
            watch(house).look()
    assert alarms(house) == [("people", "seal", anna.pseudonym)]


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_freeze_undone_by_hand_stays(house: House, anna: Person) -> None:
    house.people.freeze(anna.id, None)
    sql(house, "UPDATE people SET frozen = false, frozen_at = NULL WHERE id = :id", id=anna.id)
    assert house.directory().person(anna.id).frozen
    assert not may_sign_in(house.people.by_id(anna.id) or Person())


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_person_of_the_thiefs_own_may_nothing(house: House, anna: Person) -> None:
    names = [column.name for column in Person.__table__.columns if column.name not in ("id", "pseudonym", "email", "user_handle")]
    copied = ", ".join(names)
    sql(
        house,
        f"INSERT INTO people (id, pseudonym, email, user_handle, {copied}) "  # noqa: S608 -- names of ours
        f"SELECT 'own', 'P-0000000F', 'own@elsewhere.example', :handle, {copied} FROM people WHERE id = :id",
        id=anna.id,
        handle=b"y" * 32,
    )
    assert house.directory().person("own").frozen
    assert not house.directory().person(anna.id).frozen
    with pytest.raises(PermissionError):
        house.console.open("own", None)


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x15_the_row_of_an_administrator_who_is_none_any_more_comes_back_to_nothing(house: House, anna: Person, boris: Person) -> None:
    """An older copy of the row, with its old seal, which is genuine."""
    house.people.change(anna.id, {"roles": ["admin"]}, None)
    with house.engine.connect() as connection:
        copied = connection.execute(text("SELECT roles, version, seal FROM people WHERE id = :id"), {"id": anna.id}).one()
    house.people.change(anna.id, {"roles": ["manager"]}, None)
    roles = copied.roles if isinstance(copied.roles, str) else json.dumps(copied.roles)
    cast = "CAST(:roles AS json)" if house.engine.dialect.name == "postgresql" else ":roles"
    statement = f"UPDATE people SET roles = {cast}, version = :version, seal = :seal WHERE id = :id"  # noqa: S608
    sql(house, statement, roles=roles, version=copied.version, seal=copied.seal, id=anna.id)
    assert house.directory().person(anna.id).frozen
    assert not may_sign_in(house.people.by_id(anna.id) or Person())
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    assert alarms(house) == [("people", "older", anna.pseudonym)]


def test_x12_what_is_changed_in_a_forged_row_does_not_make_it_true(house: House, anna: Person, boris: Person) -> None:
    sql(house, "UPDATE people SET roles = :roles WHERE id = :id", roles='["owner"]', id=anna.id)
    house.people.change(anna.id, {"team": "south"}, boris.id)
    house.people.freeze(anna.id, boris.id)
    house.people.unfreeze(anna.id, boris.id)
    house.people.set_status(anna.id, Status.ACTIVE, boris.id)
    assert house.directory().person(anna.id).frozen


def test_x12_without_the_key_of_the_seals_nobody_is_believed(house: House, anna: Person, tmp_path: Path) -> None:
    attach(house.engine, type(SEAL)(bytes(32)), RowVersions(tmp_path / "other"))
    assert house.directory().person(anna.id).frozen


def test_a_person_counts_again_when_somebody_has_looked_and_says_so(house: House, anna: Person) -> None:
    sql(house, "UPDATE people SET roles = :roles, team = 'north' WHERE id = :id", roles='["manager", "owner"]', id=anna.id)
    done = accept_person(house.engine, house.events, house.pseudonyms, anna.id, withheld={"owner", "admin"})
    assert done.withheld == ("owner",)
    person = house.directory().person(anna.id)
    assert (person.frozen, person.roles, person.team) == (False, {"manager"}, "north")
    said = [event.document["torwart"]["words"] for event in house.events.seen[-2:]]
    assert said[0]["what"] == "seal"
    assert said[1] == {"removed": "owner"}
    watch(house).look()
    with pytest.raises(PeopleError, match="as Torwart wrote it"):
        accept_person(house.engine, house.events, house.pseudonyms, anna.id, withheld=())


def test_x15_an_accepted_older_row_is_the_newest_from_then_on(house: House, anna: Person) -> None:
    with house.engine.connect() as connection:
        old = connection.execute(text("SELECT version, seal, team FROM people WHERE id = :id"), {"id": anna.id}).one()
    for team in ("north", "south", "west"):
        house.people.change(anna.id, {"team": team}, None)
    restore = "UPDATE people SET version = :version, seal = :seal, team = :team WHERE id = :id"
    sql(house, restore, **old._mapping, id=anna.id)
    accept_person(house.engine, house.events, house.pseudonyms, anna.id, withheld=())
    assert not house.directory().person(anna.id).frozen
    sql(house, restore, **old._mapping, id=anna.id)
    assert house.directory().person(anna.id).frozen


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_an_account_turned_to_somebody_else_is_nobodys(house: House, anna: Person, boris: Person) -> None:
    sql(house, "UPDATE crm_accounts SET person_id = :boris WHERE account = 'anna'", boris=boris.id)
    directory = house.directory()
    assert directory.person_of_account("anna") is None
    assert directory.person_of_account("boris") == boris.id
    assert house.people.by_account("anna") is None
    assert house.people.find("anna") is None
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    assert alarms(house) == [("crm_accounts", "seal", boris.pseudonym)]


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_session_turned_to_somebody_else_is_none(house: House, anna: Person, boris: Person) -> None:
    house.sessions.bind("secret of anna", API_KEY, anna.id, "anna")
    directory = house.directory()
    assert directory.session("secret of anna") is not None
    sql(house, "UPDATE crm_sessions SET person_id = :boris, revision = revision + 1000", boris=boris.id)
    directory.refresh()
    assert directory.session("secret of anna") is None
    assert house.sessions.find("secret of anna") is None
    house.sessions.bind("secret of anna", API_KEY, anna.id, "anna")
    view = house.directory().session("secret of anna")
    assert view is not None
    assert view.person_id == anna.id, "its true holder brings the credential and is let in"
    assert [alarm[:2] for alarm in alarms(house)] == [("crm_sessions", "seal")]


SIGN_IN = {"person_id": None, "expires_at": FOREVER, "csrf": "known", "opened_at": 0, "touched_at": FOREVER}


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize("column", SIGN_IN)
def test_x12_a_changed_sign_in_is_none(house: House, anna: Person, boris: Person, column: str) -> None:
    token = house.console.open(anna.id, None)
    value = boris.id if column == "person_id" else SIGN_IN[column]
    sql(house, f"UPDATE console_sessions SET {column} = :value", value=value)  # noqa: S608 -- names of ours
    assert house.console.find(token) is None
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    assert [alarm[:2] for alarm in alarms(house)] == [("console_sessions", "seal")]


def test_x12_an_ended_sign_in_does_not_come_back(house: House, anna: Person) -> None:
    token = house.console.open(anna.id, None)
    house.console.end_all(anna.id, "logout")
    sql(house, "UPDATE console_sessions SET ended_at = NULL, ended_why = NULL")
    assert house.console.find(token) is None


def test_x12_a_level_that_was_made_milder_is_the_strictest(house: House, anna: Person) -> None:
    Levels(house.engine, house.events, house.pseudonyms).set(
        anna.id, Level.WATCHED, datetime.now(UTC) + timedelta(days=7), "copies at night", None
    )
    sql(house, "UPDATE risk_levels SET until = 0")
    assert house.directory().person(anna.id).level is Level.DEPARTING


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        "day = '2099-12-31', due_at = :far",
        "status = 'notice_given'",
        "status = 'no such'",
        "state = 'withdrawn'",
        "automatic = true",
        "state = 'done', seal = NULL",
    ],
)
def test_x12_a_planned_status_that_was_put_off_or_made_milder_has_come(house: House, anna: Person, change: str) -> None:
    plans = Plans(house.engine, house.events, house.pseudonyms)
    plans.plan(anna.id, Status.GONE, local_day(datetime.now(UTC)) + timedelta(days=1), None)
    assert house.directory().person(anna.id).status is Status.ACTIVE
    values = {"far": FOREVER} if ":far" in change else {}
    sql(house, f"UPDATE status_plans SET {change}", **values)  # noqa: S608 -- words of ours
    assert house.directory().person(anna.id).status is Status.GONE
    assert plans.carry_out() == []
    for status in (Status.NOTICE_GIVEN, Status.ACTIVE):  # neither is hindered by it, nor ends it
        house.people.set_status(anna.id, status, None)
        assert house.directory().person(anna.id).status is Status.GONE
    for _ in range(2):
        with pytest.raises(ForgedRowsError):
            watch(house).look()
    assert alarms(house) == [("status_plans", "seal", anna.pseudonym)]
    assert plans.withdraw(anna.id, None) == 1
    assert house.directory().person(anna.id).status is Status.ACTIVE
    watch(house).look()


@pytest.fixture
def approvals(ceremonies: Ceremonies) -> Approvals:
    house = ceremonies.house
    return Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "this boot", used=ceremonies.used)


@pytest.fixture
def olga(ceremonies: Ceremonies) -> tuple[Person, SoftwareKey]:
    person = ceremonies.house.people.add("Olga Owner", "olga@firma.example", ["owner"])
    return person, ceremonies.enrol(person)


def asked(approvals: Approvals, requester: Person) -> ApprovalRequest:
    return approvals.ask(kind=ApprovalKind.ACT, requester=requester.id, digest=DIGEST, shown=ASKED, need=Approval(1, "owner", 3_600))


def say_yes(approvals: Approvals, request: ApprovalRequest, olga: tuple[Person, SoftwareKey]) -> None:
    person, key = olga
    approvals.complete(request.id, person.id, key.get(approvals.begin(request.id, person.id), TORWART))


REQUEST: dict[str, object] = {
    "need": orjson.dumps({"approval": {"count": 1, "role": "manager", "expires": 3600}}).decode(),
    "not_before": 0,
    "expires_at": FOREVER,
    "opened_at": FOREVER,
    "alone": True,
    "subject_id": None,
    "reason": "another",
    "samples_hash": "0" * 64,
    "shown": orjson.dumps({"action": "read"}).decode(),
    "version": 99,
    "seal": "0" * 64,
}


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize("column", REQUEST)
@pytest.mark.parametrize("state", ["open", "given"])
def test_x12_a_changed_request_is_none(
    ceremonies: Ceremonies, approvals: Approvals, anna: Person, olga: tuple[Person, SoftwareKey], column: str, state: str
) -> None:
    house, request = ceremonies.house, asked(approvals, anna)
    if state == "given":
        say_yes(approvals, request, olga)
    value = anna.id if column == "subject_id" else REQUEST[column]
    cast = "CAST(:value AS json)" if column in ("need", "shown") and house.engine.dialect.name == "postgresql" else ":value"
    sql(house, f"UPDATE approval_requests SET {column} = {cast}", value=value)  # noqa: S608 -- names of ours
    assert approvals.take(ApprovalKind.ACT, anna.id, DIGEST) is None
    assert approvals.given(ApprovalKind.ACT, anna.id, DIGEST) == ()
    assert approvals.waiting_for(olga[0].id) == []
    with pytest.raises(ApprovalRefused):
        approvals.begin(request.id, olga[0].id)
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    assert alarms(house) == [("approval_requests", "seal", anna.pseudonym)]


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_request_is_not_given_by_an_update(
    ceremonies: Ceremonies, approvals: Approvals, anna: Person, olga: tuple[Person, SoftwareKey]
) -> None:
    asked(approvals, anna)
    sql(ceremonies.house, "UPDATE approval_requests SET state = 'given'")
    assert approvals.take(ApprovalKind.ACT, anna.id, DIGEST) is None
    assert alarms(ceremonies.house) == [("approval_requests", "seal", anna.pseudonym)]


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_forged_requests_keep_nobody_from_asking(
    ceremonies: Ceremonies, approvals: Approvals, olga: tuple[Person, SoftwareKey], anna: Person
) -> None:
    for number in range(MAX_OPEN):
        approvals.withdraw(
            approvals.ask(
                kind=ApprovalKind.ACT, requester=anna.id, digest=f"{number:064}", shown=ASKED, need=Approval(1, "owner", 3_600)
            ).id,
            anna.id,
        )
    sql(ceremonies.house, "UPDATE approval_requests SET state = 'open', ended_at = NULL")
    assert approvals.waiting(anna.id) == 0
    assert asked(approvals, anna).state == "open"
    assert alarms(ceremonies.house) == [("approval_requests", "seal", anna.pseudonym)] * MAX_OPEN


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x15_a_request_that_was_withdrawn_is_not_brought_back(
    ceremonies: Ceremonies, approvals: Approvals, anna: Person, olga: tuple[Person, SoftwareKey]
) -> None:
    house, request = ceremonies.house, asked(approvals, anna)
    say_yes(approvals, request, olga)
    with house.engine.connect() as connection:
        old = connection.execute(text("SELECT version, seal, state, expires_at FROM approval_requests")).one()
    assert approvals.withdraw(request.id, anna.id)
    restore = "UPDATE approval_requests SET version = :version, seal = :seal, state = :state, expires_at = :expires_at, ended_at = NULL"
    sql(house, restore, **old._mapping)
    assert approvals.take(ApprovalKind.ACT, anna.id, DIGEST) is None
    assert alarms(house) == [("approval_requests", "older", anna.pseudonym)]


@pytest.mark.parametrize("place", BOTH, indirect=True)
@pytest.mark.parametrize(("column", "value"), [("given_at", 0), ("begun_at", FOREVER), ("key_id", None), ("why", "x"), ("seal", "0" * 64)])
def test_x12_a_changed_yes_is_none(
    ceremonies: Ceremonies, approvals: Approvals, anna: Person, olga: tuple[Person, SoftwareKey], column: str, value: object
) -> None:
    house, request = ceremonies.house, asked(approvals, anna)
    say_yes(approvals, request, olga)
    sql(house, f"UPDATE approvals SET {column} = :value", value=value)  # noqa: S608 -- names of ours
    assert approvals.given(ApprovalKind.ACT, anna.id, DIGEST) == ()
    assert approvals.take(ApprovalKind.ACT, anna.id, DIGEST) is None
    assert alarms(house) == [("approvals", "seal", olga[0].pseudonym)]


def test_x12_an_approver_whose_row_was_raised_by_hand_gives_nothing(
    ceremonies: Ceremonies, approvals: Approvals, anna: Person, boris: Person
) -> None:
    key, request = ceremonies.enrol(boris), asked(approvals, anna)
    sql(ceremonies.house, "UPDATE people SET roles = :roles WHERE id = :id", roles='["owner"]', id=boris.id)
    with pytest.raises(ApprovalRefused):
        approvals.complete(request.id, boris.id, key.get(approvals.begin(request.id, boris.id), TORWART))
    assert approvals.waiting_for(boris.id) == []


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_row_that_is_changed_by_hand_during_the_ceremony_ends_it(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART)
    sql(ceremonies.house, "UPDATE people SET team = 'north' WHERE id = :id", id=anna.id)
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.complete(act.id, answer)
    assert set(ceremonies.refusals()) == {"person"}


def test_everything_that_our_processes_write_is_genuine(ceremonies: Ceremonies, approvals: Approvals, anna: Person, boris: Person) -> None:
    """All roads by which these rows change, one after the other."""
    house = ceremonies.house
    house.people.bind(anna.id, "anna2")
    house.people.change(anna.id, {"team": "north", "roles": ["manager", "owner"], "manager_id": boris.id}, boris.id)
    house.people.set_leave(anna.id, None, None, boris.id)
    house.sessions.bind("secret", API_KEY, anna.id, "anna")
    house.console.open(anna.id, None)
    house.people.freeze(anna.id, boris.id)
    house.people.unfreeze(anna.id, boris.id)
    house.console.renew(house.console.open(anna.id, None), None)
    asked(approvals, anna)
    Levels(house.engine, house.events, house.pseudonyms).set(
        anna.id, Level.WATCHED, datetime.now(UTC) + timedelta(days=7), "copies at night", None
    )
    house.people.set_status(boris.id, Status.LAST_DAY, None)
    with reading(house.engine) as session:
        for kind in (Person, CrmAccount, CrmSession, ConsoleSession, RiskLevel, ApprovalRequest, Given):
            assert all(row.genuine for row in session.scalars(select(kind)))
    watch(house).look()
    assert alarms(house) == []


def test_x15_another_machine_learns_what_it_has_seen(house: House, anna: Person, tmp_path: Path) -> None:
    with house.engine.connect() as connection:
        old = connection.execute(text("SELECT version, seal, team FROM people WHERE id = :id"), {"id": anna.id}).one()
    house.people.change(anna.id, {"team": "north"}, None)
    attach(house.engine, SEAL, RowVersions(tmp_path / "another machine"))
    watch(house).look()
    sql(house, "UPDATE people SET version = :version, seal = :seal, team = :team WHERE id = :id", **old._mapping, id=anna.id)
    assert house.directory().person(anna.id).frozen


def test_an_alarm_is_raised_anew_when_the_row_is_changed_again(house: House, anna: Person) -> None:
    for team in ("north", "south"):
        sql(house, "UPDATE people SET team = :team WHERE id = :id", team=team, id=anna.id)
        for _ in range(2):
            with pytest.raises(ForgedRowsError):
                watch(house).look()
    assert len(alarms(house)) == 2


def test_a_gateway_tells_itself_what_it_does_not_believe(house: House, anna: Person) -> None:
    from auth.directory import Directory

    sql(house, "UPDATE people SET team = 'north' WHERE id = :id", id=anna.id)
    directory = Directory(house.engine, house.pseudonyms, bytes(range(32)), watch(house))
    with writing(house.engine) as session:
        grow(session, PEOPLE)
    directory.refresh()
    assert alarms(house) == [("people", "seal", anna.pseudonym)]


def test_a_row_that_is_changed_while_it_is_read_is_no_older_copy(house: House, anna: Person) -> None:
    """Another process commits, and notes the new version, after our transaction has seen the rows."""
    with reading(house.engine) as session:
        session.scalars(select(Person.id)).all()  # the view of the database begins here
        house.people.change(anna.id, {"team": "north"}, None)
        assert session.get_one(Person, anna.id).genuine
    watch(house).look()


def test_x12_an_account_beside_a_forged_person_counts_only_if_it_is_named(house: House, anna: Person) -> None:
    sql(house, "UPDATE people SET team = 'north' WHERE id = :id", id=anna.id)
    for account in ("thief", "hers"):
        sql(house, "INSERT INTO crm_accounts (account, person_id, kind) VALUES (:account, :id, 'login')", account=account, id=anna.id)
    with pytest.raises(PeopleError, match="no doubtful account"):
        accept_person(house.engine, house.events, house.pseudonyms, anna.id, withheld=(), accounts=["boris"])
    done = accept_person(house.engine, house.events, house.pseudonyms, anna.id, withheld=(), accounts=["hers"])
    assert done.left == ("thief",)
    directory = house.directory()
    assert (directory.person_of_account("hers"), directory.person_of_account("thief")) == (anna.id, None)
    with pytest.raises(PeopleError, match="--account: thief"):
        accept_person(house.engine, house.events, house.pseudonyms, anna.id, withheld=())
