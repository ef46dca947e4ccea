"""Somebody new, from the page."""

import pytest

from auth.tables import Person
from tests.services.console import Pages

FORM = {"name": "Clara Neu", "email": "clara@firma.example", "roles": "manager, intern", "language": "en", "accounts": "clara | clara.neu"}


@pytest.fixture
def owner(pages: Pages) -> Person:
    return pages.add("Oskar Brandt", "owner")


def test_a_person_is_added_with_everything_and_a_link_for_the_key_comes_next(pages: Pages, owner: Person) -> None:
    client = pages.client(owner)
    assert "Person anlegen" in client.get("/people").text
    assert client.get("/people/new").status_code == 200
    answer = client.post("/people/new", data={**FORM, "csrf": pages.csrf(client), "team": "Nord", "manager": owner.email})
    clara = pages.services.people.find("clara.neu")
    assert clara is not None
    assert answer.headers["location"] == f"/people/{clara.id}?done=added"
    assert (clara.roles, clara.language, clara.team, clara.manager_id) == (["intern", "manager"], "en", "Nord", owner.id)
    assert pages.services.people.accounts(clara.id) == ["clara", "clara.neu"]


@pytest.mark.parametrize("broken", [{"email": "oskar@firma.example"}, {"roles": "Admin!"}, {"manager": "nobody"}, {"accounts": "oskar"}])
def test_what_cannot_be_adds_nobody(pages: Pages, owner: Person, broken: dict[str, str]) -> None:
    client = pages.client(owner)
    answer = client.post("/people/new", data={**FORM, "csrf": pages.csrf(client), **broken})
    assert answer.headers["location"] == "/people/new?done=refused"
    assert len(pages.services.people.all()) == 1


def test_only_administrators_add(pages: Pages, owner: Person) -> None:
    guard = pages.client(pages.add("Sina Wache", "security"))
    assert guard.get("/people/new").status_code == 403
    assert guard.post("/people/new", data={**FORM, "csrf": pages.csrf(guard)}).status_code == 403
    assert pages.client(owner).post("/people/new", data=FORM).status_code == 403, "without the token of the form"
