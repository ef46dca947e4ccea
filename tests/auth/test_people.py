"""People, their status, and the freeze."""

from datetime import UTC, date, datetime

import pytest

from audit_store.event import EventAction
from auth.people import PeopleError
from auth.tables import Person
from policies.request import Status
from tests.services.house import House


def test_a_person_is_found_by_id_pseudonym_address_and_account(house: House, anna: Person) -> None:
    assert anna.pseudonym == house.pseudonyms.of(anna.id)
    for word in (anna.id, anna.pseudonym, anna.pseudonym.lower(), "Anna@firma.example", "anna"):
        found = house.people.find(word)
        assert found is not None, word
        assert found.id == anna.id
    assert house.people.find("nobody") is None
    by_account, by_pseudonym = house.people.by_account("anna"), house.people.by_pseudonym(anna.pseudonym)
    assert by_account is not None
    assert by_pseudonym is not None
    assert by_account.id == by_pseudonym.id == anna.id


def test_an_account_is_spelled_exactly(house: House, anna: Person) -> None:
    assert house.people.by_account("Anna") is None
    assert house.people.by_account("anna ") is None


def test_several_accounts_belong_to_one_person_and_none_to_two(house: House, anna: Person, boris: Person) -> None:
    house.people.bind(anna.id, "anna.feldmann")
    assert house.people.accounts(anna.id) == ["anna", "anna.feldmann"]
    with pytest.raises(PeopleError, match="somebody else"):
        house.people.bind(boris.id, "anna")
    with pytest.raises(PeopleError, match="belongs to somebody else"):
        house.people.add("Anna Zwei", "anna2@firma.example", ["manager"], "de", ["anna"])
    assert [person.name for person in house.people.all()] == ["Anna Feldmann", "Boris Hartwig"]


@pytest.mark.parametrize(
    ("name", "email", "roles", "language"),
    [
        ("", "a@firma.example", ["manager"], "de"),
        ("Anna\nAdmin", "a@firma.example", ["manager"], "de"),
        ("A" * 201, "a@firma.example", ["manager"], "de"),
        ("Anna", "no address", ["manager"], "de"),
        ("Anna", "a@firma.example", [], "de"),
        ("Anna", "a@firma.example", ["Manager!"], "de"),
        ("Anna", "a@firma.example", ["manager"], "xx"),
    ],
)
def test_unusable_values_are_refused(house: House, name: str, email: str, roles: list[str], language: str) -> None:
    with pytest.raises(PeopleError):
        house.people.add(name, email, roles, language)
    assert house.people.all() == []


def test_an_address_belongs_to_one_person(house: House, anna: Person) -> None:
    with pytest.raises(PeopleError, match="e-mail"):
        house.people.add("Another", "ANNA@firma.example", ["manager"], "de")


def test_a_freeze_cuts_what_is_open_and_says_what(house: House, anna: Person, boris: Person) -> None:
    crm = house.sessions.bind("crm-secret", "session", anna.id, "anna")
    api = house.sessions.bind("rest-secret", "api_key", anna.id, "anna")
    others = house.sessions.bind("boris-secret", "session", boris.id, "boris")
    token = house.console.open(anna.id, None)

    cut = house.people.freeze(anna.id, boris.id)

    assert {(piece.kind, piece.account) for piece in cut} == {("session", "anna"), ("api_key", "anna"), ("console", "")}
    assert {crm.id, api.id} < {piece.id for piece in cut}
    assert others.id not in {piece.id for piece in cut}
    assert house.sessions.find("crm-secret") is None
    assert house.sessions.find("rest-secret") is None
    assert house.sessions.find("boris-secret") is not None
    assert house.console.find(token) is None
    assert house.people.last_cut(anna.id) == cut
    assert house.people.freeze(anna.id, boris.id) == cut, "a second freeze says what the first one cut"


def test_a_freeze_is_recorded_with_every_session_that_it_cut(house: House, anna: Person, boris: Person) -> None:
    house.sessions.bind("one", "session", anna.id, "anna")
    house.sessions.bind("two", "token", anna.id, "anna")
    house.people.freeze(anna.id, boris.id)
    (frozen,) = house.events.of(EventAction.PERSON_FROZEN)
    assert frozen.pseudonym == boris.pseudonym
    assert frozen.document["torwart"]["subject"] == anna.pseudonym
    cut = house.events.of(EventAction.SESSION_CUT)
    assert sorted(event.document["torwart"]["words"]["kind"] for event in cut) == ["session", "token"]
    assert {event.document["torwart"]["subject"] for event in cut} == {anna.pseudonym}


def test_lifting_a_freeze_brings_back_only_what_the_freeze_cut(house: House, anna: Person, boris: Person) -> None:
    logged_out = house.sessions.bind("old", "session", anna.id, "anna")
    house.sessions.end(logged_out.id, "logout")
    house.sessions.bind("living", "session", anna.id, "anna")
    token = house.console.open(anna.id, None)
    house.people.freeze(anna.id, boris.id)
    house.people.unfreeze(anna.id, boris.id)
    assert house.sessions.find("living") is not None
    assert house.sessions.find("old") is None
    assert house.console.find(token) is None, "the console asks for the key again"
    assert house.people.last_cut(anna.id) == []


def test_nobody_lifts_their_own_freeze(house: House, anna: Person) -> None:
    house.people.freeze(anna.id, None)
    with pytest.raises(PeopleError, match="another administrator"):
        house.people.unfreeze(anna.id, anna.id)
    person = house.people.by_id(anna.id)
    assert person is not None
    assert person.frozen


def test_nobody_changes_their_own_status(house: House, anna: Person) -> None:
    with pytest.raises(PeopleError, match="another administrator"):
        house.people.set_status(anna.id, Status.ACTIVE, anna.id)


def test_a_sign_in_during_a_freeze_waits_for_its_end(house: House, anna: Person) -> None:
    house.people.freeze(anna.id, None)
    house.sessions.bind("raced", "session", anna.id, "anna")
    assert house.sessions.find("raced") is None
    house.people.unfreeze(anna.id, None)
    assert house.sessions.find("raced") is not None


def test_who_is_gone_loses_every_session_for_good(house: House, anna: Person, boris: Person) -> None:
    house.sessions.bind("living", "session", anna.id, "anna")
    cut = house.people.set_status(anna.id, Status.GONE, boris.id)
    assert [piece.kind for piece in cut] == ["session"]
    house.people.set_status(anna.id, Status.ACTIVE, boris.id)
    assert house.sessions.find("living") is None
    house.people.set_status(anna.id, Status.GONE, boris.id)
    with pytest.raises(PermissionError):
        house.console.open(anna.id, None)


def test_a_change_of_status_is_recorded_before_and_after(house: House, anna: Person, boris: Person) -> None:
    assert house.people.set_status(anna.id, Status.NOTICE_GIVEN, boris.id) == []
    (event,) = house.events.of(EventAction.STATUS_CHANGED)
    assert event.document["torwart"]["words"] == {"from": "active", "to": "notice_given"}
    person = house.people.by_id(anna.id)
    assert person is not None
    assert person.status == Status.NOTICE_GIVEN


def test_what_cannot_be_recorded_does_not_happen(house: House, anna: Person) -> None:
    def full(_event: object) -> None:
        raise OSError("no space left")

    house.people._record = full
    house.sessions.bind("living", "session", anna.id, "anna")
    with pytest.raises(OSError, match="no space"):
        house.people.freeze(anna.id, None)
    person = house.people.by_id(anna.id)
    assert person is not None
    assert not person.frozen
    assert house.sessions.find("living") is not None


def test_no_event_about_people_says_a_name_or_an_address(house: House, anna: Person, boris: Person) -> None:
    house.sessions.bind("a-credential-of-anna", "session", anna.id, "anna")
    house.people.bind(anna.id, "anna.feldmann")
    house.people.set_status(anna.id, Status.LAST_DAY, boris.id, reason="leaves for a competitor")
    house.people.freeze(anna.id, boris.id)
    house.people.unfreeze(anna.id, boris.id)
    written = b"\n".join(event.canonical() for event in house.events.seen).lower()
    assert house.events.seen
    for word in (b"feldmann", b"anna@", b"competitor", b"a-credential", b"anna"):
        assert word not in written


def test_times_are_kept_exactly_and_in_utc(house: House, anna: Person) -> None:
    again = house.people.by_id(anna.id)
    assert again is not None
    assert again.created_at == anna.created_at
    assert again.created_at.tzinfo is UTC
    assert again.created_at <= datetime.now(UTC)


def test_a_leave_has_its_days_and_ends_when_it_is_said(house: House, anna: Person, boris: Person) -> None:
    house.people.set_leave(anna.id, date(2026, 7, 1), date(2026, 7, 14), boris.id)
    found = house.people.by_id(anna.id)
    assert found is not None
    assert found.leave_from is not None
    assert found.leave_until is not None
    assert (found.leave_from.astimezone().date(), found.leave_until.astimezone().date()) == (date(2026, 7, 1), date(2026, 7, 15))
    house.people.set_leave(anna.id, None, None, boris.id)
    found = house.people.by_id(anna.id)
    assert found is not None
    assert found.leave_from is found.leave_until is None
    said = [event.document["torwart"] for event in house.events.of(EventAction.LEAVE_CHANGED)]
    assert said[0]["words"] == {"from": "2026-07-01", "until": "2026-07-14"}
    assert said[1]["numbers"] == {"ended": 1}
    with pytest.raises(PeopleError, match="in this order"):
        house.people.set_leave(anna.id, date(2026, 7, 2), date(2026, 7, 1), boris.id)


def test_a_manager_who_is_nobody_is_refused(house: House) -> None:
    with pytest.raises(PeopleError, match="no such manager"):
        house.people.add("Anna", "a@firma.example", ["manager"], manager_id="nobody")
