"""Who a person is, changed: it counts from the next request on, and nobody does it to themselves."""

from typing import cast

import pytest

from audit_store.event import EventAction
from auth.people import PeopleError
from auth.person_values import PersonChange
from auth.tables import Person
from tests.services.house import House


def test_every_member_changes_and_what_stays_is_not_told(house: House, anna: Person, boris: Person) -> None:
    change = PersonChange(
        name=" Anna Berg ",
        email="Anna.Berg@firma.example",
        roles=["head_of_sales", "manager"],
        language="en",
        team="Nord",
        territory="DE-HH",
        manager_id=boris.id,
    )
    assert house.people.change(anna.id, change, boris.id) == ("name", "email", "roles", "language", "team", "territory", "manager_id")
    assert house.people.change(anna.id, change, boris.id) == ()
    found = house.people.by_id(anna.id)
    assert found is not None
    assert (found.name, found.email, found.roles) == ("Anna Berg", "anna.berg@firma.example", ["head_of_sales", "manager"])
    assert (found.language, found.team, found.territory, found.manager_id) == ("en", "Nord", "DE-HH", boris.id)
    assert [person.id for person in house.people.reports(boris.id)] == [anna.id]
    assert house.people.change(anna.id, {"team": " ", "manager_id": None}, boris.id) == ("team", "manager_id")


def test_the_record_has_roles_by_name_and_of_the_rest_only_which_it_was(house: House, anna: Person, boris: Person) -> None:
    house.people.change(anna.id, {"roles": ["head_of_sales"], "name": "Anna Berg", "team": "Nord", "manager_id": boris.id}, boris.id)
    (roles,) = house.events.of(EventAction.ROLES_CHANGED)
    (changed,) = house.events.of(EventAction.PERSON_CHANGED)
    assert roles.document["torwart"]["words"] == {"added": "head_of_sales", "removed": "manager"}
    assert (roles.pseudonym, roles.document["torwart"]["subject"]) == (boris.pseudonym, anna.pseudonym)
    assert changed.document["torwart"]["words"] == {"what": "name team manager"}
    written = b"".join(event.canonical() for event in house.events.seen)
    assert b"Berg" not in written
    assert b"Nord" not in written


def test_roles_team_and_accounts_are_seen_at_the_next_request(house: House, anna: Person, boris: Person) -> None:
    house.sessions.bind("secret", "session", anna.id, "anna")
    directory = house.directory()
    house.people.change(anna.id, {"roles": ["intern"], "team": "Nord"}, boris.id)
    directory.refresh()
    view = directory.session("secret")
    assert view is not None
    assert (directory.principal(view).roles, directory.principal(view).team) == ({"intern"}, "Nord")
    house.people.bind(anna.id, "anna2")
    directory.refresh()
    assert directory.person_of_account("anna2") == anna.id


def test_an_account_that_is_taken_away_takes_its_sign_ins_along(house: House, anna: Person, boris: Person) -> None:
    house.people.bind(anna.id, "anna2")
    house.sessions.bind("of the first", "session", anna.id, "anna")
    house.sessions.bind("of the second", "session", anna.id, "anna2")
    directory = house.directory()
    assert [(cut.kind, cut.account) for cut in house.people.unbind(anna.id, "anna2", boris.id)] == [("session", "anna2")]
    directory.refresh()
    assert directory.person_of_account("anna2") is None
    assert directory.session("of the second") is None
    assert directory.session("of the first") is not None
    assert house.people.accounts(anna.id) == ["anna"]
    (unbound,) = house.events.of(EventAction.ACCOUNT_UNBOUND)
    assert unbound.document["torwart"]["words"] == {"kind": "login"}
    (ended,) = house.events.of(EventAction.SESSION_CUT)
    assert ended.document["torwart"]["words"]["why"] == "unbound"
    house.people.bind(boris.id, "anna2")
    with pytest.raises(PeopleError, match="not this person's"):
        house.people.unbind(anna.id, "anna2", None)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": " "}, "a name has"),
        ({"email": "nobody"}, "must look like"),
        ({"email": "boris@firma.example"}, "belongs to somebody else"),
        ({"roles": []}, "at least one"),
        ({"roles": ["Admin!"]}, "lower-case"),
        ({"language": "xx"}, "must be one of"),
        ({"team": "T" * 101}, "a team has"),
        ({"territory": "a\nb"}, "a territory has"),
        ({"manager_id": "nobody"}, "no such manager"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_of_it_holds(
    house: House, anna: Person, boris: Person, change: dict[str, object], text: str
) -> None:
    assert boris.email == "boris@firma.example"
    whole = {"team": "Nord", **change}
    with pytest.raises(PeopleError, match=text):
        house.people.change(anna.id, cast("PersonChange", whole), None)
    found = house.people.by_id(anna.id)
    assert found is not None
    assert (found.name, found.email, found.roles, found.team) == (anna.name, anna.email, anna.roles, None)


def test_nobody_is_over_themselves(house: House, anna: Person, boris: Person) -> None:
    house.people.change(boris.id, {"manager_id": anna.id}, None)
    for above in (anna.id, boris.id):
        with pytest.raises(PeopleError, match="own manager"):
            house.people.change(anna.id, {"manager_id": above}, None)


def test_nobody_changes_their_own_roles_team_manager_accounts_or_leave(house: House, anna: Person) -> None:
    """Law 9: the owner neither."""
    changes: tuple[PersonChange, ...] = ({"roles": ["owner"]}, {"team": "Nord"}, {"manager_id": None}, {"territory": "x"})
    for change in changes:
        with pytest.raises(PeopleError, match="another administrator"):
            house.people.change(anna.id, change, anna.id)
    with pytest.raises(PeopleError, match="another administrator"):
        house.people.unbind(anna.id, "anna", anna.id)
    with pytest.raises(PeopleError, match="another administrator"):
        house.people.set_leave(anna.id, None, None, anna.id)


def test_a_change_that_cannot_be_recorded_does_not_happen(house: House, anna: Person) -> None:
    def full(_event: object) -> None:
        raise OSError("no space left")

    house.people._record = full
    with pytest.raises(OSError, match="no space"):
        house.people.change(anna.id, {"roles": ["admin"]}, None)
    found = house.people.by_id(anna.id)
    assert found is not None
    assert found.roles == ["manager"]
