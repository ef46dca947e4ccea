"""What is cut, piece by piece."""

from datetime import UTC, datetime

import pytest

from auth.agent_alarms import AgentAlarms
from auth.agents import AgentRefusedError, Agents
from auth.cut import FROZEN, GONE, cut_off, last_cut
from auth.keys import KeyRefusedError
from auth.storage import writing
from auth.tables import Agent, Person
from policies.request import Status
from tests.services.forger import Forger
from tests.services.house import TORWART, Ceremonies


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


def test_permissions_that_nobody_used_yet_are_void(ceremonies: Ceremonies, anna: Person) -> None:
    house = ceremonies.house
    agents = Agents(house.engine, house.events, AgentAlarms(house.events), TORWART)
    key_token, agent_token = ceremonies.keys.issue_token(anna.id, None), agents.issue(anna.id, None)
    cut = house.people.freeze(anna.id, None)
    assert [(piece.kind, piece.id) for piece in cut] == [("agent_token", ""), ("key_token", "")]
    assert house.people.last_cut(anna.id) == cut
    house.people.unfreeze(anna.id, None)
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.begin_registration(key_token)
    forger = Forger(TORWART)
    with pytest.raises(AgentRefusedError):
        agents.enrol(agent_token, forger.public_key, forger.proof(agent_token))
    written = b"".join(event.canonical() for event in house.events.seen)
    assert key_token.encode() not in written


def test_who_is_gone_is_told_of_the_machines_that_only_deliver_now(ceremonies: Ceremonies, anna: Person) -> None:
    house = ceremonies.house
    with writing(house.engine) as session:
        session.add(Agent(id="a1", person_id=anna.id, public_key=b"k" * 32, label="", enrolled_at=datetime.now(UTC), counter=0))
    assert house.people.freeze(anna.id, None) == []
    assert [(piece.kind, piece.id) for piece in house.people.set_status(anna.id, Status.GONE, None)] == [("agent", "a1")]
