"""Orders on the server's side: wanted once, signed in order, kept until they are answered or over, released by a reviewer alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from audit_store.event import EventAction
from auth.agent_alarms import AgentAlarms
from auth.agent_order import Order, Verb, order_of
from auth.agents import Agents
from auth.orders import FETCHED_MAX, Answer, OrderError, Orders
from auth.storage import database_now, writing
from auth.tables import AgentOrder, Person
from tests.services.forger import Forger
from tests.services.house import TORWART, House

ACT = "file-" + "7f3a19c2" + "0" * 19
HANDLE = "7F3A19C2"
DIGEST = "d" * 64
DONE = Answer(Verb.QUARANTINE, "done", None)


@pytest.fixture
def orders(house: House) -> Orders:
    return Orders(house.engine, house.events)


@pytest.fixture
def agent(house: House, anna: Person) -> str:
    return enrolled(house, anna)


def enrolled(house: House, person: Person) -> str:
    agents, forger = Agents(house.engine, house.events, AgentAlarms(house.events), TORWART), Forger(TORWART)
    token = agents.issue(person.id, None)
    return agents.enrol(token, forger.public_key, forger.proof(token)).id


def sign(order: Order) -> bytes:
    return b"signature of " + order.signed_bytes()[:20]


def wanted(orders: Orders, agent: str, person: Person, number: int = 0, digest: str | None = DIGEST) -> bool:
    act = ACT if not number else f"file-{number:027x}"
    return orders.put_aside(agent, act, f"{number:032x}", digest, person.pseudonym)


def done(orders: Orders, agent: str, counter: int = 1, verb: Verb = Verb.QUARANTINE) -> bool:
    return orders.answered(agent, counter, Answer(verb, "done", None), lambda _row: None)


def reviewer(house: House) -> Person:
    return house.people.add("Vera Prüfer", "vera@firma.example", ["security"], "de", ["vera"])


def test_it_is_wanted_once_and_recorded_with_the_act_and_the_person(house: House, orders: Orders, agent: str, anna: Person) -> None:
    assert [wanted(orders, agent, anna), wanted(orders, agent, anna)] == [True, False]
    (event,) = house.events.of(EventAction.QUARANTINE_ORDERED)
    assert (event.act_id, event.document["torwart"]["subject"]) == (ACT, anna.pseudonym)
    assert [(file.handle, file.state) for file in orders.all()] == [(HANDLE, "ordered")]


def test_counters_grow_by_agent_and_orders_are_for_their_own_agent(house: House, orders: Orders, agent: str, anna: Person) -> None:
    other = enrolled(house, anna)
    for number, one in ((1, agent), (2, other), (3, agent)):
        wanted(orders, one, anna, number)
    assert orders.sign(sign) == 3
    read = [order_of(row.signed or b"") for row in orders.waiting(agent, 0)]
    assert [(order.counter, order.event, order.agent) for order in read] == [(1, f"{1:032x}", agent), (2, f"{3:032x}", agent)]
    assert [order_of(row.signed or b"").counter for row in orders.waiting(other, 0)] == [1]
    assert (orders.highest(agent), orders.highest(other), orders.highest("f" * 16)) == (2, 1, 0)
    assert [row.counter for row in orders.waiting(agent, 1)] == [2]
    assert orders.sign(sign) == 0


def test_a_key_that_cannot_be_used_leaves_the_orders_waiting(orders: Orders, agent: str, anna: Person) -> None:
    wanted(orders, agent, anna)

    def no_key(_order: Order) -> bytes:
        raise FileNotFoundError("order.key is not here")

    with pytest.raises(FileNotFoundError):
        orders.sign(no_key)
    assert orders.waiting(agent, 0) == []
    assert orders.sign(sign) == 1
    assert [row.counter for row in orders.waiting(agent, 0)] == [1]


def test_many_orders_come_in_pieces(orders: Orders, agent: str, anna: Person) -> None:
    for number in range(1, FETCHED_MAX + 3):
        wanted(orders, agent, anna, number)
    orders.sign(sign)
    first = orders.waiting(agent, 0)
    assert (len(first), len(orders.waiting(agent, first[-1].counter or 0))) == (FETCHED_MAX, 2)


def test_an_answer_counts_once_and_only_from_its_own_agent(house: House, orders: Orders, agent: str, anna: Person) -> None:
    wanted(orders, agent, anna)
    orders.sign(sign)
    other = enrolled(house, anna)
    assert not done(orders, other)
    assert not done(orders, agent, counter=2)
    assert not done(orders, agent, verb=Verb.RELEASE)
    assert [done(orders, agent), done(orders, agent)] == [True, False]
    assert (orders.all()[0].state, orders.waiting(agent, 0)) == ("aside", [])


def test_what_cannot_be_recorded_does_not_count_as_done(orders: Orders, agent: str, anna: Person) -> None:
    wanted(orders, agent, anna)
    orders.sign(sign)

    def full(_row: AgentOrder) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        orders.answered(agent, 1, DONE, full)
    assert orders.all()[0].state == "ordered"


def test_a_refused_or_failed_order_is_over_with_its_cause(orders: Orders, agent: str, anna: Person) -> None:
    for number, state in ((1, "failed"), (2, "refused")):
        wanted(orders, agent, anna, number)
        orders.sign(sign)
        assert orders.answered(agent, number, Answer(None, state, "gone"), lambda _row: None)
    assert [(file.state, file.last.cause) for file in orders.all()] == [("left", "gone")] * 2


def test_an_order_that_nobody_fetches_ends_and_that_is_recorded(house: House, orders: Orders, agent: str, anna: Person) -> None:
    wanted(orders, agent, anna)
    orders.sign(sign)
    assert orders.expire() == 0
    with writing(house.engine) as session:
        session.execute(update(AgentOrder).values(expires_at=database_now(session) - timedelta(seconds=1)))
    assert orders.waiting(agent, 0) == []
    assert orders.expire() == 1
    assert orders.all()[0].state == "left"
    (event,) = house.events.of(EventAction.FILE_QUARANTINED)
    assert (event.pseudonym, event.document["event"]["outcome"]) == (anna.pseudonym, "failure")
    assert event.document["torwart"]["words"] == {"cause": "expired"}


def test_an_agent_that_knows_more_than_a_restored_database_is_caught_up_with(orders: Orders, agent: str, anna: Person) -> None:
    wanted(orders, agent, anna, 1)
    orders.sign(sign)
    assert orders.waiting(agent, 7) == []
    assert orders.sign(sign) == 1
    assert [row.counter for row in orders.waiting(agent, 7)] == [8]
    wanted(orders, agent, anna, 2)
    orders.sign(sign)
    assert orders.highest(agent) == 9


def test_a_reviewer_releases_and_only_that_content_on_that_machine_stays(house: House, orders: Orders, agent: str, anna: Person) -> None:
    vera = reviewer(house)
    wanted(orders, agent, anna)
    orders.sign(sign)
    done(orders, agent)
    assert orders.release(HANDLE.lower(), vera.id, "agreed with the printer").state == "release_ordered"
    orders.sign(sign)
    order = order_of(orders.waiting(agent, 1)[0].signed or b"")
    assert (order.verb, order.event, order.digest, order.handle) == (Verb.RELEASE, "0" * 32, DIGEST, HANDLE)
    (event,) = house.events.of(EventAction.RELEASE_ORDERED)
    assert (event.pseudonym, event.document["torwart"]["subject"]) == (vera.pseudonym, anna.pseudonym)
    assert "printer" not in str(event.document)
    with writing(house.engine) as session:
        row = session.scalars(select(AgentOrder).where(AgentOrder.verb == Verb.RELEASE)).one()
        assert (row.by, row.reason) == (vera.id, "agreed with the printer")
    done(orders, agent, 2, Verb.RELEASE)
    assert orders.all()[0].state == "given_back"
    assert not wanted(orders, agent, anna, 5)
    assert wanted(orders, agent, anna, 6, digest="e" * 64)
    assert wanted(orders, enrolled(house, anna), anna, 7)


def test_who_may_not_release_is_told_why(house: House, orders: Orders, agent: str, anna: Person) -> None:
    vera = reviewer(house)
    manager = house.people.add("Max Kollege", "max@firma.example", ["manager"], "de", ["max"])
    wanted(orders, agent, anna)
    with pytest.raises(OrderError, match="is not aside"):
        orders.release(HANDLE, vera.id, "work")
    orders.sign(sign)
    done(orders, agent)
    for by, reason, why in ((manager.id, "work", "only admin"), (vera.id, "  ", "say why"), (vera.id, "x" * 501, "say why")):
        with pytest.raises(OrderError, match=why):
            orders.release(HANDLE, by, reason)
    with pytest.raises(OrderError, match="there is no file"):
        orders.release("00000000", vera.id, "work")
    orders.release(HANDLE, vera.id, "work")
    with pytest.raises(OrderError, match="released before"):
        orders.release(HANDLE, vera.id, "again")


def test_nobody_releases_their_own_file(house: House, orders: Orders) -> None:
    vera = reviewer(house)
    agent = enrolled(house, vera)
    wanted(orders, agent, vera)
    orders.sign(sign)
    done(orders, agent)
    with pytest.raises(OrderError, match="their own file"):
        orders.release(HANDLE, vera.id, "work")


def test_a_machine_that_was_revoked_is_ordered_nothing(house: House, orders: Orders, agent: str, anna: Person) -> None:
    Agents(house.engine, house.events, AgentAlarms(house.events), TORWART).remove(anna.id, agent, None)
    assert not wanted(orders, agent, anna)
