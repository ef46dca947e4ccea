"""Enrolment over the wire, and the filter: for agents only, and never the key of the index (promise 12)."""

from __future__ import annotations

from typing import Any

import pytest

from auth.agent_signature import encode
from detectors.client_index.folder import index_key
from tests.console.api.test_intake import alarms, enrolled, wire
from tests.services.agents import build_index, email
from tests.services.console import Pages
from tests.services.forger import Forger

FILTER = "/api/agents/filter"


def test_an_enrolment_gives_an_id_and_the_persons_pseudonym_and_no_more(pages: Pages) -> None:
    anna, forger = pages.add("Anna Feldmann"), Forger(pages.url)
    answer = wire(pages).post("/api/agents/enrol", json=forger.wish(pages.services.agents.issue(anna.id, None)))
    assert answer.status_code == 200
    assert answer.json() == {"agent": pages.services.agents.all()[0][0].id, "pseudonym": anna.pseudonym}


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
