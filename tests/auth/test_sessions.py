"""Credentials of the CRM and whose they are."""

import pytest
from sqlalchemy import select

from audit_store.database import Base
from audit_store.event import EventAction
from auth.sessions import SessionError
from auth.storage import reading
from auth.tables import Person
from tests.services.house import House


def test_a_credential_is_found_by_its_secret_alone(house: House, anna: Person) -> None:
    bound = house.sessions.bind("secret-of-anna", "session", anna.id, "anna")
    found = house.sessions.find("secret-of-anna")
    assert found is not None
    assert (found.id, found.person_id, found.kind, found.account) == (bound.id, anna.id, "session", "anna")
    for other in ("secret-of-ann", "secret-of-anna ", "SECRET-OF-ANNA", "", "anna"):
        assert house.sessions.find(other) is None


def test_the_database_holds_no_credential(house: House, anna: Person) -> None:
    house.sessions.bind("very-secret-credential", "session", anna.id, "anna")
    token = house.console.open(anna.id, None)
    with reading(house.engine) as session:
        dump = repr([session.execute(select(table)).all() for table in Base.metadata.sorted_tables])
    assert anna.id in dump
    assert "very-secret-credential" not in dump
    assert token not in dump


def test_the_hash_needs_the_key_of_the_installation(house: House) -> None:
    from auth.sessions import Sessions

    assert house.sessions.hash("one") == house.sessions.hash("one")
    assert house.sessions.hash("one") != house.sessions.hash("two")
    assert house.sessions.hash("one") != Sessions(house.engine, house.events, b"x" * 32).hash("one")


def test_a_credential_of_one_person_is_never_bound_to_another(house: House, anna: Person, boris: Person) -> None:
    house.sessions.bind("shared", "session", anna.id, "anna")
    with pytest.raises(SessionError, match="somebody else"):
        house.sessions.bind("shared", "session", boris.id, "boris")
    found = house.sessions.find("shared")
    assert found is not None
    assert found.person_id == anna.id


def test_the_same_credential_again_is_one_session(house: House, anna: Person) -> None:
    first = house.sessions.bind("same", "session", anna.id, "anna")
    assert house.sessions.bind("same", "session", anna.id, "anna").id == first.id
    assert len(house.sessions.of(anna.id)) == 1


def test_nothing_is_bound_to_nobody_or_by_an_empty_secret(house: House, anna: Person) -> None:
    with pytest.raises(SessionError):
        house.sessions.bind("secret", "session", "no such person", "anna")
    with pytest.raises(SessionError):
        house.sessions.bind("", "session", anna.id, "anna")


def test_an_ended_session_is_not_found(house: House, anna: Person) -> None:
    bound = house.sessions.bind("secret", "session", anna.id, "anna")
    house.sessions.end(bound.id, "logout")
    assert house.sessions.find("secret") is None
    assert house.events.of(EventAction.SESSION_CUT) == [], "the logout itself is the record"


def test_ending_all_sessions_says_which_and_records_each(house: House, anna: Person, boris: Person) -> None:
    ended = {house.sessions.bind(secret, "session", anna.id, "anna").id for secret in ("one", "two")}
    house.sessions.bind("three", "session", boris.id, "boris")
    assert {row.id for row in house.sessions.end_all(anna.id, "stolen")} == ended
    assert {event.document["torwart"]["words"]["session"] for event in house.events.of(EventAction.SESSION_CUT)} == ended
    assert house.sessions.find("three") is not None


def test_a_bound_rest_key_is_recorded(house: House, anna: Person) -> None:
    house.sessions.bind("rest-key", "api_key", anna.id, "anna")
    (event,) = house.events.of(EventAction.ACCOUNT_BOUND)
    assert event.document["torwart"]["words"] == {"kind": "api_key"}
