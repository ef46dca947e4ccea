"""Who is behind a connection of the proxy."""

from __future__ import annotations

import base64

import pytest

from auth.tables import Person
from gateway.forward.credentials import LogIns, secret_of
from policies.request import Status
from tests.services.house import House


def header(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        (header("anna:word"), "word"),
        (header(":word"), "word"),
        (header("anna:with:colons"), "with:colons"),
        (header("anna:"), None),
        (header("anna"), None),
        ("basic " + header("anna:word")[6:], "word"),
        ("Bearer word", None),
        ("Basic", None),
        ("Basic ***", None),
        ("Basic " + "A" * 2_000, None),
        (None, None),
        ("Basic //8=", None),
    ],
)
def test_the_secret_of_a_header(given: str | None, secret: str | None) -> None:
    assert secret_of(given) == secret


def test_a_log_in_counts_for_its_connection_until_it_is_withdrawn(house: House, anna: Person) -> None:
    house.sessions.bind("word", "proxy", anna.id, "anna")
    directory = house.directory()
    logins = LogIns(directory)
    assert logins.person("one", None) is None
    found = logins.person("one", header("x:word"))
    assert found is not None
    assert found.id == anna.id
    assert logins.person("one", None) == found  # within a tunnel it is not sent again
    assert logins.person("two", None) is None
    assert logins.pseudonym("one") == found.pseudonym
    assert list(logins.withdrawn()) == []
    house.people.freeze(anna.id, None)
    directory.refresh()
    assert list(logins.withdrawn()) == ["one"]
    house.people.unfreeze(anna.id, None)
    house.people.set_status(anna.id, Status.GONE, None)
    directory.refresh()
    assert logins.person("one", None) is None
    assert list(logins.withdrawn()) == ["one"]
    logins.forget("one")
    assert list(logins.withdrawn()) == []
    directory.close()


def test_a_wrong_log_in_takes_the_place_of_a_right_one(house: House, anna: Person) -> None:
    house.sessions.bind("word", "proxy", anna.id, "anna")
    directory = house.directory()
    logins = LogIns(directory)
    assert logins.person("one", header("x:word")) is not None
    assert logins.person("one", header("x:wrong")) is None
    assert logins.person("one", None) is None
    directory.close()


@pytest.mark.parametrize("kind", ["session", "token", "api_key"])
def test_a_credential_of_the_crm_is_no_log_in_here(house: House, anna: Person, kind: str) -> None:
    house.sessions.bind("word", kind, anna.id, "anna")
    directory = house.directory()
    assert LogIns(directory).person("one", header("x:word")) is None
    directory.close()


def test_the_one_person_of_a_machine_needs_no_log_in(house: House, anna: Person) -> None:
    directory = house.directory()
    logins = LogIns(directory, anna.id)
    found = logins.person("one", None)
    assert found is not None
    assert found.id == anna.id
    house.people.freeze(anna.id, None)
    directory.refresh()
    assert list(logins.withdrawn()) == ["one"]
    directory.close()
