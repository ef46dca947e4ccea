"""What was cut is tried; a piece that still works is found, whatever the rows say."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from audit_store.event import EventAction
from auth.agent_alarms import AgentAlarms
from auth.agents import Agents
from auth.attendance import Attendance
from auth.cut import Cut
from auth.storage import writing
from auth.tables import CrmSession, Person
from auth.tried import SIGN_IN, Trial, counted
from policies.request import Status
from tests.services.forger import Forger
from tests.services.house import TORWART, Ceremonies


@pytest.fixture
def trial(ceremonies: Ceremonies) -> Trial:
    house = ceremonies.house
    agents = Agents(house.engine, house.events, AgentAlarms(house.events), TORWART)
    return Trial(house.engine, house.events, house.directory, house.console, ceremonies.stepup, agents)


def everything(ceremonies: Ceremonies, trial: Trial, person: Person) -> None:
    """One of each that a person can have open."""
    house, forger = ceremonies.house, Forger(TORWART)
    token = trial.agents.issue(person.id, None)
    trial.agents.enrol(token, forger.public_key, forger.proof(token))
    key = ceremonies.enrol(person)
    for kind in ("session", "token", "api_key", "proxy"):
        house.sessions.bind(f"secret {kind}", kind, person.id, "anna")
    house.console.open(person.id, None)
    confirmed = ceremonies.hold(person)
    ceremonies.stepup.complete(confirmed.id, key.get(ceremonies.stepup.begin(confirmed.id), TORWART))
    ceremonies.hold(person)
    trial.agents.issue(person.id, None)
    ceremonies.keys.issue_token(person.id, None)


def kinds(tried: Iterable[tuple[str, int, int]]) -> set[str]:
    return {kind for kind, _, _ in tried}


def test_who_is_gone_is_refused_with_everything(ceremonies: Ceremonies, trial: Trial, anna: Person) -> None:
    everything(ceremonies, trial, anna)
    cut = ceremonies.house.people.set_status(anna.id, Status.GONE, None)
    shown = trial.of(anna, cut)
    found = counted(shown.tried)
    assert shown.holds
    assert all(number == refused for _, number, refused in found)
    assert kinds(found) == {piece.kind for piece in cut} | {SIGN_IN}
    assert kinds(found) >= {"act", "agent", "agent_token", "api_key", "console", "key_token", "proxy", "session", "token"}
    (tried,) = ceremonies.house.events.of(EventAction.CUT_TRIED)
    assert tried.document["event"]["outcome"] == "success"
    assert tried.document["torwart"]["subject"] == anna.pseudonym


def test_who_is_frozen_too_and_afterwards_nothing_of_it_comes_back_but_the_crm(ceremonies: Ceremonies, trial: Trial, anna: Person) -> None:
    everything(ceremonies, trial, anna)
    assert trial.of(anna, ceremonies.house.people.freeze(anna.id, None)).holds


def test_nothing_that_was_cut_comes_back_with_a_status_that_gives_more(ceremonies: Ceremonies, trial: Trial, anna: Person) -> None:
    everything(ceremonies, trial, anna)
    cut = ceremonies.house.people.set_status(anna.id, Status.GONE, None)
    ceremonies.house.people.set_status(anna.id, Status.ACTIVE, None)
    shown = trial.of(anna, cut)
    assert {one.kind for one in shown.tried if not one.refused} == {SIGN_IN, "agent"}, "as for everybody who works here"
    assert ceremonies.house.console.of(anna.id) == [], "what the trying itself opened is ended"


def test_a_piece_that_still_works_is_found(ceremonies: Ceremonies, trial: Trial, anna: Person) -> None:
    """Somebody writes into the database behind us."""
    everything(ceremonies, trial, anna)
    people = ceremonies.house.people
    cut = people.set_status(anna.id, Status.GONE, None)
    with writing(ceremonies.house.engine) as session:
        session.get_one(Person, anna.id).status = "active"
        for row in session.query(CrmSession):
            row.ended_at = None
    shown = trial.of(anna, cut)
    assert not shown.holds
    assert {one.kind for one in shown.tried if not one.refused} >= {"session", "token", "api_key", "proxy", SIGN_IN}
    assert ceremonies.house.events.of(EventAction.CUT_TRIED)[-1].document["event"]["outcome"] == "failure"


def test_a_kind_that_nobody_can_try_is_not_believed(trial: Trial, anna: Person) -> None:
    assert not trial.of(anna, [Cut("something new", "x", "", anna.created_at)]).holds


def test_a_gateway_that_does_not_answer_is_named(trial: Trial, anna: Person) -> None:
    Attendance(trial.engine, "gateway-b").tell(0)
    shown = replace(trial, wait_seconds=0).of(anna, [])
    assert [(one.producer, one.knows) for one in shown.gateways] == [("gateway-b", False)]
    assert not shown.holds
