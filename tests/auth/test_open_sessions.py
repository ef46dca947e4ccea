"""One list of everything that a person is signed in to."""

from audit_store.event import EventAction
from auth.console_sessions import OWN, Seat
from auth.open_sessions import OpenSessions
from auth.tables import Person
from tests.services.house import House


def test_all_kinds_stand_in_one_list_of_their_person_alone(house: House, anna: Person, boris: Person) -> None:
    known = OpenSessions(house.console, house.sessions)
    house.console.open(anna.id, None, Seat("Firefox · Linux", "10.0.0.7"))
    for secret, kind in (("one", "session"), ("two", "token"), ("three", "api_key"), ("four", "proxy")):
        house.sessions.bind(secret, kind, anna.id, "anna")
    house.sessions.bind("five", "session", boris.id, "boris")
    assert sorted(one.kind for one in known.of(anna.id)) == ["api_key", "console", "proxy", "session", "token"]
    (console,) = [one for one in known.of(anna.id) if one.kind == "console"]
    assert (console.device, console.source) == ("Firefox · Linux", "10.0.0.7")
    house.people.freeze(boris.id, None)
    assert [one.suspended for one in known.of(boris.id)] == [True]


def test_one_is_ended_by_its_id_and_nobody_ends_a_colleague_s(house: House, anna: Person, boris: Person) -> None:
    known = OpenSessions(house.console, house.sessions)
    mine = house.sessions.bind("one", "session", anna.id, "anna")
    theirs = house.sessions.bind("two", "session", boris.id, "boris")
    token = house.console.open(boris.id, None)
    assert known.end(anna.id, theirs.id, OWN) is False
    found = house.console.find(token)
    assert found is not None
    assert known.end(anna.id, found[0].id, OWN) is False
    assert house.sessions.find("two") is not None
    assert house.console.find(token) is not None
    assert known.end(anna.id, mine.id, OWN) is True
    assert known.end(anna.id, mine.id, OWN) is False
    assert house.sessions.find("one") is None
    (cut,) = house.events.of(EventAction.SESSION_CUT)
    assert (cut.document["torwart"]["subject"], cut.document["torwart"]["words"]["why"]) == (anna.pseudonym, OWN)


def test_all_others_leaves_this_one_and_what_was_given_out(house: House, anna: Person) -> None:
    known = OpenSessions(house.console, house.sessions)
    here = house.console.find(house.console.open(anna.id, None))
    assert here is not None
    house.console.open(anna.id, None)
    for secret, kind in (("one", "session"), ("two", "token"), ("three", "api_key"), ("four", "proxy")):
        house.sessions.bind(secret, kind, anna.id, "anna")
    assert known.end_all(anna.id, OWN, but=here[0].id) == 3
    assert sorted(one.kind for one in known.of(anna.id)) == ["api_key", "console", "proxy"]
