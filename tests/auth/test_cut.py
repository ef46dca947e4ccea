"""What is cut, piece by piece."""

from datetime import UTC, datetime

from auth.cut import FROZEN, GONE, cut_off, last_cut
from auth.storage import writing
from auth.tables import Person
from tests.services.house import Ceremonies


def _everything(ceremonies: Ceremonies, person: Person) -> None:
    ceremonies.house.sessions.bind("cookie", "session", person.id, "anna")
    ceremonies.house.sessions.bind("header", "token", person.id, "anna")
    ceremonies.house.console.open(person.id, None)
    ceremonies.hold(person)


def test_every_kind_of_open_thing_is_cut_and_named(ceremonies: Ceremonies, anna: Person) -> None:
    _everything(ceremonies, anna)
    with writing(ceremonies.house.engine) as session:
        cut = cut_off(session, session.get_one(Person, anna.id), datetime.now(UTC), GONE, None, ceremonies.house.events)
    assert sorted(piece.kind for piece in cut) == ["act", "console", "session", "token"]
    with writing(ceremonies.house.engine) as session:
        again = cut_off(session, session.get_one(Person, anna.id), datetime.now(UTC), GONE, None, ceremonies.house.events)
    assert again == []


def test_what_a_freeze_suspends_is_not_suspended_twice(ceremonies: Ceremonies, anna: Person) -> None:
    _everything(ceremonies, anna)
    for expected in (4, 0):
        with writing(ceremonies.house.engine) as session:
            cut = cut_off(session, session.get_one(Person, anna.id), datetime.now(UTC), FROZEN, None, ceremonies.house.events)
        assert len(cut) == expected


def test_who_was_never_frozen_lost_nothing(ceremonies: Ceremonies, anna: Person) -> None:
    with writing(ceremonies.house.engine) as session:
        assert last_cut(session, session.get_one(Person, anna.id)) == []
