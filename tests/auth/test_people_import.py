"""A table of people: what it would change is said first, it is taken over whole or not at all, and it is taken back."""

import pytest

from audit_store.event import Event, EventAction
from auth.people import PeopleError
from auth.people_csv import PeopleTableError
from auth.people_import import Imports
from auth.tables import Person
from policies.request import Status
from tests.services.house import House

HEAD = "email;name;roles;team;manager;accounts;status\n"
ROLES = frozenset({"manager", "head_of_sales", "owner"})


@pytest.fixture
def by_hand() -> set[str]:
    """Roles that no table gives; a test fills it."""
    return set()


@pytest.fixture
def imports(house: House, by_hand: set[str]) -> Imports:
    def record(events: list[Event]) -> None:
        house.events.seen += events

    return Imports(house.engine, record, house.pseudonyms, lambda: ROLES, lambda: by_hand)  # type: ignore[arg-type] # a sequence is a list here


@pytest.fixture
def owner(house: House) -> Person:
    return house.people.add("Oskar Brandt", "oskar@firma.example", ["owner"])


def table(*rows: str) -> bytes:
    return (HEAD + "".join(f"{row}\n" for row in rows)).encode()


def known(house: House, word: str) -> Person:
    found = house.people.find(word)
    assert found is not None
    return found


def told(imports: Imports, data: bytes, by: str | None = None, **how: bool) -> list[str]:
    with pytest.raises(PeopleTableError) as error:
        imports.preview(data, by, **how)
    return [str(fault) for fault in error.value.faults]


def test_a_preview_says_what_would_be_and_changes_nothing(
    house: House, imports: Imports, anna: Person, boris: Person, owner: Person
) -> None:
    before = len(house.events.seen)
    data = table(
        "anna@firma.example;Anna Berg;manager|head_of_sales;Nord;oskar@firma.example;anna|anna.berg;notice_given",
        "oskar@firma.example;Oskar Brandt;owner;;;;",
        "clara@firma.example;Clara Neu;manager;Nord;anna@firma.example;clara;",
    )
    found = imports.preview(data, None, complete=True)
    assert [one.email for one in found.new] == ["clara@firma.example"]
    assert [(one.email, one.after) for one in found.gone] == [("boris@firma.example", {"status": "gone"})]
    (changed,) = found.changed
    assert changed.before == {
        "name": "Anna Feldmann",
        "roles": ["manager"],
        "team": None,
        "manager_id": None,
        "accounts": ["anna"],
        "status": "active",
    }
    assert changed.after == {
        "name": "Anna Berg",
        "roles": ["head_of_sales", "manager"],
        "team": "Nord",
        "manager_id": owner.id,
        "accounts": ["anna", "anna.berg"],
        "status": "notice_given",
    }
    assert found.same == 1
    assert imports.preview(data, None).gone == ()
    assert len(house.events.seen) == before
    assert known(house, boris.id).status == "active"


def test_it_is_taken_over_and_recorded_person_by_person(house: House, imports: Imports, anna: Person, boris: Person, owner: Person) -> None:
    house.sessions.bind("of boris", "session", boris.id, "boris")
    data = (
        table(
            "anna@firma.example;Anna Berg;head_of_sales;Nord;clara@firma.example;anna|boris;",
            "oskar@firma.example;Oskar Brandt;owner;;;;",
            "clara@firma.example;=Clara;manager;;oskar@firma.example;clara;",
        )
        + b"boris@firma.example;Boris Hartwig;manager;;;;gone\n"
    )
    imports.apply(data, None)
    clara, after = known(house, "clara"), known(house, "anna")
    assert (after.name, after.roles, after.team, after.manager_id) == ("Anna Berg", ["head_of_sales"], "Nord", clara.id)
    assert (clara.name, clara.manager_id) == ("=Clara", owner.id)
    assert house.people.accounts(anna.id) == ["anna", "boris"]
    assert known(house, boris.id).status == "gone"
    assert house.sessions.find("of boris") is None
    (imported,) = house.events.of(EventAction.PEOPLE_IMPORTED)
    assert imported.document["torwart"]["numbers"] == {"new": 1, "changed": 2, "gone": 0}
    assert len(house.events.of(EventAction.ROLES_CHANGED)) == 1
    assert len(house.events.of(EventAction.ACCOUNT_UNBOUND)) == 1
    assert imports.preview(data, None).all == (), "the same table changes nothing more"


def test_the_last_import_is_taken_back(house: House, imports: Imports, anna: Person, boris: Person, owner: Person) -> None:
    data = table(
        "anna@firma.example;Anna Berg;head_of_sales;Nord;oskar@firma.example;anna|boris;talk_planned",
        "oskar@firma.example;Oskar Brandt;owner;;;;",
        "clara@firma.example;Clara Neu;manager;;;clara;",
        "boris@firma.example;Boris Hartwig;manager;;;;",
    )
    imports.apply(data, None)
    assert imports.undo(None) == 3
    after = known(house, anna.id)
    assert (after.name, after.roles, after.team, after.manager_id, after.status) == ("Anna Feldmann", ["manager"], None, None, "active")
    assert (house.people.accounts(anna.id), house.people.accounts(boris.id)) == (["anna"], ["boris"])
    clara = known(house, "clara@firma.example")
    assert (clara.status, house.people.accounts(clara.id)) == ("gone", [])
    with pytest.raises(PeopleError, match="no import to take back"):
        imports.undo(None)


def test_what_was_changed_since_is_not_overwritten_by_taking_back(house: House, imports: Imports, anna: Person, boris: Person) -> None:
    imports.apply(table("anna@firma.example;Anna Berg;manager;Nord;;anna;", "boris@firma.example;B;manager;Nord;;boris;"), None)
    house.people.change(anna.id, {"team": "Ost"}, None)
    with pytest.raises(PeopleError, match=anna.pseudonym):
        imports.undo(None)
    assert known(house, boris.id).name == "B", "all or nothing"


def test_what_cannot_be_recorded_is_not_taken_over(house: House, imports: Imports, anna: Person) -> None:
    def full(_events: object) -> None:
        raise OSError("no space left")

    imports._record = full
    with pytest.raises(OSError, match="no space"):
        imports.apply(table("anna@firma.example;Anna Berg;manager;;;anna;", "neu@firma.example;Neu;manager;;;;"), None)
    assert known(house, anna.id).name == "Anna Feldmann"
    assert house.people.find("neu@firma.example") is None
    assert imports.last() is None


def test_every_fault_is_said_at_once(house: House, imports: Imports, anna: Person, boris: Person) -> None:
    data = table(
        "anna@firma.example;Anna;manger;;nobody@firma.example;boris;",
        "ANNA@firma.example;Anna;manager;;;;left",
        "neu@firma.example;Neu;manager;;;neu;",
        "auch@firma.example;Auch;manager;;;neu;",
    )
    assert told(imports, data) == [
        "2:3: roles: nobody has the role 'manger' and no rule names it: allow it by name if it is meant",
        "2:5: manager: nobody is called so, here or in the table: an e-mail address, an account or a pseudonym",
        "2:6: accounts: boris belongs to somebody else",
        "3:1: email: this person stands in line 2 already",
        "3:7: status: 'left' is none of active, talk_planned, notice_given, last_day, gone",
        "5:6: accounts: neu stands in line 4 already",
    ]
    with pytest.raises(PeopleTableError):
        imports.apply(data, None)
    assert imports.preview(table("anna@firma.example;Anna;manger;;;anna;"), None, new_roles=["manger"]).changed
    assert boris.status == "active"


@pytest.mark.parametrize(
    "rows",
    [
        ("anna@firma.example;Anna;manager;;anna@firma.example;anna;",),
        ("anna@firma.example;Anna;manager;;boris@firma.example;anna;", "boris@firma.example;Boris;manager;;anna;boris;"),
        ("anna@firma.example;Anna;manager;;neu@firma.example;anna;", "neu@firma.example;Neu;manager;;anna;;"),
    ],
)
def test_nobody_is_over_themselves(imports: Imports, anna: Person, boris: Person, rows: tuple[str, ...]) -> None:
    assert anna.id != boris.id
    assert all("own manager" in fault for fault in told(imports, table(*rows)))


def test_who_is_over_whom_may_be_turned_round(house: House, imports: Imports, anna: Person, boris: Person) -> None:
    house.people.change(boris.id, {"manager_id": anna.id}, None)
    imports.apply(table("anna@firma.example;Anna;manager;;boris;anna;", "boris@firma.example;Boris;manager;;;boris;"), None)
    assert (known(house, anna.id).manager_id, known(house, boris.id).manager_id) == (boris.id, None)


def test_an_address_changes_for_whom_the_pseudonym_names(house: House, imports: Imports, anna: Person, boris: Person) -> None:
    data = f"pseudonym;email\n{anna.pseudonym};berg@firma.example\n".encode()
    assert imports.apply(data, None).changed[0].after == {"email": "berg@firma.example"}
    assert "belongs to somebody else" in told(imports, f"pseudonym;email\n{anna.pseudonym};{boris.email}\n".encode())[0]
    assert "nobody is called so" in told(imports, b"pseudonym;email\nP-00000000;x@firma.example\n")[0]


def test_nobody_imports_a_change_of_themselves_and_somebody_goes_on_administering(imports: Imports, anna: Person, owner: Person) -> None:
    """Law 9."""
    own = table("oskar@firma.example;Oskar Brandt;owner|manager;;;;")
    assert "ask another administrator" in told(imports, own, owner.id)[0]
    assert "ask another administrator" in told(imports, table(f"{anna.email};Anna Feldmann;manager;;;anna;"), owner.id, complete=True)[0]
    assert "nobody could administer" in told(imports, table("oskar@firma.example;Oskar Brandt;manager;;;;"))[0]
    assert "nobody could administer" in told(imports, table(f"{anna.email};Anna Feldmann;manager;;;anna;"), complete=True)[0]


def test_a_role_that_needs_a_second_person_is_given_by_no_table_and_by_no_taking_back(
    house: House, imports: Imports, anna: Person, owner: Person, by_hand: set[str]
) -> None:
    also = house.people.add("Berta", "berta@firma.example", ["owner"])
    imports.apply(table("berta@firma.example;Berta;manager;;;;"), None)
    by_hand.add("owner")
    assert "second person's yes" in told(imports, table(f"{anna.email};Anna;owner;;;anna;"))[0]
    assert "second person's yes" in told(imports, table("neu@firma.example;Neu;owner;;;;"))[0]
    assert imports.preview(table(f"{owner.email};Oskar Brandt;owner|manager;;;;"), None).changed, "who has it keeps it"
    with pytest.raises(PeopleError, match=also.pseudonym):
        imports.undo(None)
    house.people.set_status(owner.id, Status.GONE, None)
    assert "second person's yes" in told(imports, table(f"{owner.email};Oskar Brandt;owner|manager;;;;active"))[0]
    assert imports.preview(table(f"{owner.email};Oskar Brandt;manager;;;;active"), None).changed


def test_what_was_looked_at_is_what_is_taken_over(house: House, imports: Imports, anna: Person) -> None:
    data = table("anna@firma.example;Anna Berg;manager;;;anna;")
    seen = imports.preview(data, None).digest
    house.people.change(anna.id, {"team": "Ost"}, None)
    with pytest.raises(PeopleTableError, match="look again"):
        imports.apply(data, None, seen=seen)
    imports.apply(data, None, seen=imports.preview(data, None).digest)
    assert known(house, anna.id).team is None


def test_who_was_taken_back_may_come_again(house: House, imports: Imports) -> None:
    data = table("neu@firma.example;Neu;manager;;;neu;active")
    imports.apply(data, None)
    imports.undo(None)
    imports.apply(data, None)
    neu = known(house, "neu")
    assert Status(neu.status) is Status.ACTIVE


def test_an_empty_table_changes_nothing_and_is_no_import(house: House, imports: Imports) -> None:
    assert imports.apply(HEAD.encode(), None).all == ()
    assert imports.last() is None
    assert house.events.seen == []
