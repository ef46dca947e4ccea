"""X12: who is deleted whole in the database is nobody, and is missed; what is put back is an older copy."""

import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from audit_store.database import Server, open_database
from audit_store.event import EventAction
from auth.console_sessions import may_sign_in
from auth.deleted_people import accept_deletion, deleted_people
from auth.erasure import erase
from auth.people import People
from auth.person_values import PeopleError
from auth.row_alarms import ForgedRowsError, RowAlarms
from auth.row_versions import RowVersions
from auth.sealed_rows import attach
from auth.sessions import API_KEY
from auth.tables import Person
from tests.hostile.test_x12_people import alarms, sql, watch
from tests.services.house import SEAL, House
from tests.services.postgres import BOTH


def delete_person(house: House, person: Person) -> None:
    """Whatever leads to the person goes first: the server keeps foreign keys, whoever writes."""
    with house.engine.begin() as connection:
        for table in ("crm_accounts", "crm_sessions", "console_sessions"):
            connection.execute(text(f"DELETE FROM {table} WHERE person_id = :id"), {"id": person.id})  # noqa: S608 -- names of ours
    sql(house, "DELETE FROM people WHERE id = :id", id=person.id)


def kept(house: House, table: str, key: str, person: Person) -> dict[str, object]:
    """A row of a person, as a backup has it."""
    with house.engine.connect() as connection:
        row = connection.execute(text(f"SELECT * FROM {table} WHERE {key} = :id"), {"id": person.id}).one()  # noqa: S608 -- names of ours
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in row._mapping.items()}


def put_back(house: House, table: str, row: dict[str, object]) -> None:
    names = list(row)
    sql(house, f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})", **row)  # noqa: S608


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_deleted_person_is_nobody(house: House, anna: Person, boris: Person) -> None:
    house.sessions.bind("secret of anna", API_KEY, anna.id, "anna")
    directory, token = house.directory(), house.console.open(anna.id, None)
    assert directory.session("secret of anna") is not None
    delete_person(house, anna)
    directory.refresh()
    for view in (directory, house.directory()):
        assert view.session("secret of anna") is None
        assert view.person_of_account("anna") is None
        with pytest.raises(KeyError):
            view.person(anna.id)
    assert house.console.find(token) is None
    with pytest.raises(PermissionError):
        house.console.open(anna.id, None)
    assert not house.directory().person(boris.id).frozen


def test_x12_an_account_whose_person_was_deleted_is_nobodys_with_an_alarm(house: House, anna: Person) -> None:
    with house.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = 0")
        connection.exec_driver_sql("DELETE FROM people")
        connection.exec_driver_sql("UPDATE revisions SET number = number + 1")
        connection.exec_driver_sql("PRAGMA foreign_keys = 1")
    assert house.directory().person_of_account("anna") is None
    assert house.people.by_account("anna") is None
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    assert alarms(house) == [("crm_accounts", "unlisted", anna.pseudonym), ("people", "deleted", anna.pseudonym)]
    accept_deletion(house.engine, house.events, house.pseudonyms, anna.id)
    watch(house).look()
    assert house.people.accounts(anna.id) == [], "it would be hers as soon as she is there"


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_a_person_of_whom_no_row_is_left_is_missed_with_one_alarm(house: House, anna: Person, boris: Person) -> None:
    watch(house).look()
    delete_person(house, anna)
    for _ in range(2):
        with pytest.raises(ForgedRowsError):
            watch(house).look()
    assert alarms(house) == [("people", "deleted", anna.pseudonym)]
    assert list(deleted_people(house.engine)) == [anna.id]
    assert not house.directory().person(boris.id).frozen


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_who_was_deleted_is_gone_when_somebody_accepts_it(house: House, anna: Person, tmp_path: Path) -> None:
    other = RowVersions(tmp_path / "another machine")
    attach(house.engine, SEAL, other)
    watch(house).look()  # it has seen her, too
    attach(house.engine, SEAL, RowVersions(tmp_path / "row-versions"))
    old = kept(house, "people", "id", anna)
    delete_person(house, anna)
    accept_deletion(house.engine, house.events, house.pseudonyms, anna.id)
    said = house.events.of(EventAction.PERSON_CHANGED)[-1].document["torwart"]
    assert (said["words"], said["subject"]) == ({"what": "seal", "missing": "people", "status": "gone"}, anna.pseudonym)
    found = house.people.by_id(anna.id)
    assert found is not None
    assert (found.doubt, found.pseudonym, found.name, found.roles, found.status) == (None, anna.pseudonym, anna.pseudonym, [], "gone")
    assert not may_sign_in(found)
    for memory in (RowVersions(tmp_path / "row-versions"), other):
        attach(house.engine, SEAL, memory)
        watch(house).look()
    with pytest.raises(PeopleError, match="no such person was deleted"):
        accept_deletion(house.engine, house.events, house.pseudonyms, anna.id)
    assert erase(house.engine, house.events, anna.id).emptied["people"] == 1, "by the product's own way"
    watch(house).look()
    delete_person(house, anna)
    put_back(house, "people", old)
    assert house.directory().person(anna.id).frozen, "the row of before is an older copy"
    delete_person(house, anna)
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    assert ("people", "deleted", anna.pseudonym) in alarms(house), "another deletion, another alarm"


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_a_person_whose_rows_are_put_back_is_there_again(house: House, boris: Person) -> None:
    person, account = kept(house, "people", "id", boris), kept(house, "crm_accounts", "person_id", boris)
    delete_person(house, boris)
    with pytest.raises(ForgedRowsError):
        watch(house).look()
    put_back(house, "people", person)
    put_back(house, "crm_accounts", account)
    watch(house).look()
    assert not house.directory().person(boris.id).frozen
    assert house.directory().person_of_account("boris") == boris.id


def test_who_was_never_there_is_not_missed(house: House, anna: Person) -> None:
    """Not by a transaction that failed, nor for a word on the command line."""
    with pytest.raises(PeopleError):
        house.people.add("Berta", "berta@firma.example", ["manager"], "de", ["anna"])
    watch(house).look()
    for person_id in (anna.id, "nobody", ""):
        with pytest.raises(PeopleError, match="no such person was deleted"):
            accept_deletion(house.engine, house.events, house.pseudonyms, person_id)


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_people_who_are_added_while_two_machines_look_raise_no_alarm(house: House, place: Path | Server, tmp_path: Path) -> None:
    stop, looks, found = threading.Event(), [0, 0], []
    other = open_database(place)
    attach(other, SEAL, RowVersions(tmp_path / "another machine"))

    def look(number: int, engine: Engine) -> None:
        alarms = RowAlarms(engine, house.events, house.pseudonyms)
        while not stop.is_set():
            try:
                alarms.look()
            except ForgedRowsError as error:
                found.append(error)
            looks[number] += 1

    looking = [threading.Thread(target=look, args=one) for one in enumerate((house.engine, other))]
    for thread in looking:
        thread.start()
    adding = People(other, house.events, house.pseudonyms)
    for number in range(20):
        house.people.add(f"Person {number}", f"p{number}@firma.example", ["manager"])
        adding.add(f"Other {number}", f"o{number}@firma.example", ["manager"])
    stop.set()
    for thread in looking:
        thread.join()
    other.dispose()
    assert all(looks)
    assert found == []
