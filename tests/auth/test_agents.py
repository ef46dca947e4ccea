"""Agents: one token, one key, one person; what is not signed, repeated or revoked is refused and said."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from audit_store.event import EventAction
from auth.agent_alarms import AgentAlarms
from auth.agent_signature import decode
from auth.agents import AgentRefusedError, Agents, KnownAgent
from auth.enrolment import TokenError
from auth.storage import writing
from auth.tables import AgentToken, Person
from policies.request import Status
from tests.services.forger import Forger
from tests.services.house import TORWART, House


@pytest.fixture
def agents(house: House) -> Agents:
    return Agents(house.engine, house.events, AgentAlarms(house.events), TORWART)


def enrol(agents: Agents, person: Person) -> Forger:
    forger = Forger(TORWART)
    token = agents.issue(person.id, None)
    known = agents.enrol(token, forger.public_key, forger.proof(token), "desk 7")
    forger.id, forger.pseudonym = known.id, known.pseudonym
    return forger


def ask(agents: Agents, forger: Forger, counter: int, /, **changes: Any) -> KnownAgent:
    question = {"agent": forger.id, "counter": counter, "method": "POST", "target": "/api/intake", "body": b"{}"}
    signed = forger.headers("POST", "/api/intake", b"{}", counter=counter)["torwart-signature"]
    return agents.authenticate(**(question | {"signature": decode(signed)} | changes))  # type: ignore[arg-type]


def causes(house: House) -> list[object]:
    return [event.document["torwart"]["words"]["cause"] for event in house.events.of(EventAction.AGENT_REFUSED)]


def test_a_token_makes_one_agent_of_one_person_and_both_are_recorded(house: House, agents: Agents, anna: Person) -> None:
    forger = enrol(agents, anna)
    ((row, person),) = agents.all()
    assert (row.id, row.label, person.id) == (forger.id, "desk 7", anna.id)
    assert [event.document["torwart"]["subject"] for event in house.events.of(EventAction.AGENT_ENROLLED)] == [forger.producer]
    assert house.events.of(EventAction.AGENT_TOKEN_ISSUED)[0].document["torwart"]["subject"] == anna.pseudonym


def test_a_token_used_twice_is_refused_and_said(house: House, agents: Agents, anna: Person) -> None:
    token, first, second = agents.issue(anna.id, None), Forger(TORWART), Forger(TORWART)
    agents.enrol(token, first.public_key, first.proof(token))
    with pytest.raises(AgentRefusedError, match="token_used"):
        agents.enrol(token, second.public_key, second.proof(token))
    assert causes(house) == ["token_used"]
    assert house.events.of(EventAction.AGENT_REFUSED)[0].document["event"]["severity"] == 73


def test_the_same_enrolment_again_after_a_lost_answer_is_the_same_agent(house: House, agents: Agents, anna: Person) -> None:
    token, forger = agents.issue(anna.id, None), Forger(TORWART)
    assert agents.enrol(token, forger.public_key, forger.proof(token)) == agents.enrol(token, forger.public_key, forger.proof(token))
    assert len(agents.all()) == 1
    assert causes(house) == []


def test_a_token_used_fifty_times_at_once_makes_one_agent(agents: Agents, anna: Person) -> None:
    token = agents.issue(anna.id, None)
    done: list[str] = []

    def register() -> None:
        forger = Forger(TORWART)
        try:
            done.append(agents.enrol(token, forger.public_key, forger.proof(token)).id)
        except AgentRefusedError:
            done.append("refused")

    threads = [threading.Thread(target=register) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), done.count("refused"), len(agents.all())) == (50, 49, 1)


def test_a_token_runs_out_and_a_new_one_voids_the_old(house: House, agents: Agents, anna: Person) -> None:
    old, forger = agents.issue(anna.id, None), Forger(TORWART)
    new = agents.issue(anna.id, None)
    with pytest.raises(AgentRefusedError, match="token_used"):
        agents.enrol(old, forger.public_key, forger.proof(old))
    with writing(house.engine) as session:
        for row in session.scalars(select(AgentToken)):
            row.expires_at -= timedelta(hours=24)
    with pytest.raises(AgentRefusedError, match="token_expired"):
        agents.enrol(new, forger.public_key, forger.proof(new))
    with pytest.raises(AgentRefusedError, match="token_unknown"):
        agents.enrol("guess", forger.public_key, forger.proof("guess"))


@pytest.mark.parametrize("what", ["another token", "another host", "another key", "nothing"])
def test_who_has_not_the_key_does_not_enrol_it(agents: Agents, anna: Person, what: str) -> None:
    token, forger, other = agents.issue(anna.id, None), Forger(TORWART), Forger("https://elsewhere.example")
    proof = {
        "another token": forger.proof("x"),
        "another host": other.proof(token),
        "another key": Forger(TORWART).proof(token),
        "nothing": b"",
    }
    key = other.public_key if what == "another host" else forger.public_key
    with pytest.raises(AgentRefusedError, match="enrolment_unsigned"):
        agents.enrol(token, key, proof[what])
    assert agents.all() == []


def test_nobody_who_is_cut_off_enrols_and_a_key_enrols_once(house: House, agents: Agents, anna: Person, boris: Person) -> None:
    token, forger = agents.issue(anna.id, None), enrol(agents, boris)
    with pytest.raises(AgentRefusedError, match="key_known"):
        agents.enrol(token, forger.public_key, forger.proof(token))
    house.people.freeze(anna.id, None)
    fresh = Forger(TORWART)
    with pytest.raises(AgentRefusedError, match="token_used"):  # the freeze took it
        agents.enrol(token, fresh.public_key, fresh.proof(token))
    with writing(house.engine) as session:
        session.execute(update(AgentToken).values(used_at=None))
    with pytest.raises(AgentRefusedError, match="person_cut_off"):
        agents.enrol(token, fresh.public_key, fresh.proof(token))
    with pytest.raises(TokenError):
        agents.issue(anna.id, None)


def test_a_signed_request_is_its_agents_and_of_a_person_who_is_gone_too(house: House, agents: Agents, anna: Person) -> None:
    forger = enrol(agents, anna)
    assert ask(agents, forger, 1) == KnownAgent(forger.id, anna.pseudonym)
    house.people.set_status(anna.id, Status.GONE, None)
    assert ask(agents, forger, 2).producer == forger.producer
    assert agents.all()[0][0].last_seen_at is not None


@pytest.mark.parametrize("counter", [1, 5])
def test_a_counter_that_was_seen_or_passed_is_refused_and_its_owner_hears_how_far_it_is(
    house: House, agents: Agents, anna: Person, counter: int
) -> None:
    forger = enrol(agents, anna)
    ask(agents, forger, 5)
    with pytest.raises(AgentRefusedError) as refused:
        ask(agents, forger, counter)
    assert (refused.value.cause, refused.value.counter) == ("counter", 5)
    (alarm,) = house.events.of(EventAction.AGENT_REFUSED)
    assert (alarm.document["user"]["id"], alarm.document["torwart"]["subject"]) == (anna.pseudonym, forger.producer)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "GET"},
        {"target": "/api/intake?x"},
        {"body": b"{} "},
        {"counter": 8},
        {"signature": b"\0" * 64},
        {"signature": b""},
        {"counter": 0},
        {"counter": 1 << 63},
    ],
)
def test_a_signature_is_good_for_exactly_what_was_signed(house: House, agents: Agents, anna: Person, changes: dict[str, Any]) -> None:
    forger = enrol(agents, anna)
    with pytest.raises(AgentRefusedError, match="unsigned"):
        ask(agents, forger, 7, **changes)
    (alarm,) = house.events.of(EventAction.AGENT_REFUSED)
    assert "user" not in alarm.document  # whoever it was, it is not known that it was Anna's
    assert ask(agents, forger, 7)


def test_the_key_of_one_agent_does_not_speak_for_another(agents: Agents, anna: Person, boris: Person) -> None:
    mine, other = enrol(agents, anna), enrol(agents, boris)
    with pytest.raises(AgentRefusedError, match="unsigned"):
        ask(agents, mine, 1, agent=other.id)
    with pytest.raises(AgentRefusedError, match="agent_unknown"):
        ask(agents, mine, 1, agent="nobody")


def test_a_revoked_agent_is_refused_and_only_its_own_person_names_it(house: House, agents: Agents, anna: Person, boris: Person) -> None:
    forger = enrol(agents, anna)
    assert not agents.remove(boris.id, forger.id, None)
    assert agents.remove(anna.id, forger.id, None)
    assert not agents.remove(anna.id, forger.id, None)
    with pytest.raises(AgentRefusedError, match="removed"):
        ask(agents, forger, 1)
    assert causes(house) == ["removed"]
    assert [event.document["torwart"]["subject"] for event in house.events.of(EventAction.AGENT_REMOVED)] == [forger.producer]


def test_a_thousand_refusals_are_two_events_with_the_exact_count(house: House) -> None:
    now = [0.0]
    alarms = AgentAlarms(house.events, lambda: now[0])
    for _ in range(1_000):
        alarms.refused("unsigned")
    alarms.flush()
    assert [event.document["torwart"]["numbers"]["count"] for event in house.events.seen] == [1]
    now[0] = 60.0
    alarms.flush()
    assert [event.document["torwart"]["numbers"]["count"] for event in house.events.seen] == [1, 999]
    now[0] = 121.0
    alarms.flush()
    alarms.refused("unsigned")
    assert [event.document["torwart"]["numbers"]["count"] for event in house.events.seen] == [1, 999, 1]
