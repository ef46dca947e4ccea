"""Enrolment over the wire, and the filter: for agents only, and never the key of the index (promise 12)."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Response

from auth.agent_order import Order, order_of
from auth.agent_signature import decode, encode, signature_holds
from auth.order_key import public_order_key, signed_order
from detectors.client_index.folder import index_key
from policies.request import Status
from tests.console.api.test_intake import alarms, enrolled, send, wire
from tests.services.agents import build_index, email
from tests.services.console import Pages
from tests.services.forger import Forger

FILTER = "/api/agents/filter"


def test_an_enrolment_gives_an_id_the_persons_pseudonym_and_the_key_of_orders_and_no_more(pages: Pages) -> None:
    anna, forger = pages.add("Anna Feldmann"), Forger(pages.url)
    answer = wire(pages).post("/api/agents/enrol", json=forger.wish(pages.services.agents.issue(anna.id, None)))
    assert answer.status_code == 200
    order_key = public_order_key(pages.services.installation.state)
    assert order_key is not None
    assert answer.json() == {
        "agent": pages.services.agents.all()[0][0].id,
        "pseudonym": anna.pseudonym,
        "order_key": encode(order_key),
    }


@pytest.mark.parametrize(
    "change", [{"token": "guess"}, {"proof": encode(b"\0" * 64)}, {"proof": "?"}, {"public_key": ""}, {"public_key": encode(b"\1" * 31)}]
)
def test_every_refusal_of_an_enrolment_reads_the_same(pages: Pages, change: dict[str, Any]) -> None:
    forger = Forger(pages.url)
    token = pages.services.agents.issue(pages.add("Anna Feldmann").id, None)
    answer = wire(pages).post("/api/agents/enrol", json=forger.wish(token) | change)
    assert (answer.status_code, answer.json()["cause"]) == (403, "refused")
    assert len(alarms(pages)) == 1


def test_the_filter_is_for_agents_and_comes_once(pages: Pages) -> None:
    build_index(pages.services.installation.state, range(300))
    agent = enrolled(pages, "Anna Feldmann")
    first = wire(pages).get(FILTER, headers=agent.headers("GET", FILTER))
    assert first.status_code == 200
    again = wire(pages).get(FILTER, headers={**agent.headers("GET", FILTER), "if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert wire(pages).get(FILTER).status_code == 401


def test_the_filter_holds_neither_the_key_of_the_index_nor_a_client(pages: Pages) -> None:
    state = pages.services.installation.state
    build_index(state, range(300))
    agent = enrolled(pages, "Anna Feldmann")
    data = wire(pages).get(FILTER, headers=agent.headers("GET", FILTER)).content
    key = index_key(state)
    assert key not in data
    assert key.hex().encode() not in data
    assert not any(email(number).encode() in data for number in range(300))


def test_without_an_index_the_agent_hears_that_it_comes_later(pages: Pages) -> None:
    agent = enrolled(pages, "Anna Feldmann")
    answer = wire(pages).get(FILTER, headers=agent.headers("GET", FILTER))
    assert (answer.status_code, answer.json()["cause"]) == (503, "no_index")


def test_a_revoked_agent_gets_no_filter_and_is_told_why(pages: Pages) -> None:
    agent = enrolled(pages, "Anna Feldmann")
    person = pages.services.people.by_account("anna")
    assert person is not None
    pages.services.agents.remove(person.id, agent.id, None)
    answer = wire(pages).get(FILTER, headers=agent.headers("GET", FILTER))
    assert (answer.status_code, answer.json()["cause"]) == (403, "removed")


def test_the_machine_of_somebody_who_is_gone_delivers_and_is_given_no_filter(pages: Pages) -> None:
    agent = enrolled(pages, "Anna Feldmann")
    person = pages.services.people.by_account("anna")
    assert person is not None
    pages.services.people.set_status(person.id, Status.GONE, None)
    answer = wire(pages).get(FILTER, headers=agent.headers("GET", FILTER))
    assert (answer.status_code, answer.json()["cause"]) == (403, "gone")
    assert orders(pages, agent).status_code == 200


def orders(pages: Pages, agent: Forger, after: int | str = 0) -> Response:
    target = f"/api/agents/orders?after={after}"
    answer: Response = wire(pages).get(target, headers=agent.headers("GET", target))
    return answer


def test_orders_come_to_their_own_agent_as_they_were_signed_until_they_are_answered(pages: Pages) -> None:
    state, ours = pages.services.installation.state, pages.services.orders
    agent, other = enrolled(pages, "Anna Feldmann"), enrolled(pages, "Boris Anders")
    for number in (1, 2):
        ours.put_aside(agent.id, f"file-{number:027x}", f"{number:032x}", None, agent.pseudonym)
    assert orders(pages, agent).json() == {"orders": []}
    ours.sign(lambda order: signed_order(state, order))
    found = orders(pages, agent).json()["orders"]
    public = public_order_key(state)
    assert public is not None
    assert all(signature_holds(public, decode(one["signature"]), one["order"].encode()) for one in found)
    read: list[Order] = [order_of(one["order"].encode()) for one in found]
    assert [(order.counter, order.event) for order in read] == [(1, f"{1:032x}"), (2, f"{2:032x}")]
    assert [one["order"] for one in orders(pages, agent, 1).json()["orders"]] == [found[1]["order"]]
    assert orders(pages, other).json() == {"orders": []}
    empty = send(pages, agent, [])
    assert (empty.json()["orders"], send(pages, other, []).json()["orders"]) == (2, 0)


def test_orders_are_for_agents_and_a_counter_is_a_number_with_room_to_grow(pages: Pages) -> None:
    agent = enrolled(pages, "Anna Feldmann")
    assert wire(pages).get("/api/agents/orders").status_code == 401
    for after in ("-1", "x", str(10**17), str(1 << 70)):
        assert orders(pages, agent, after).status_code == 422, after
