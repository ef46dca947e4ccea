"""Attacks X29: an agent that makes another one's handle, by trying numbers until the first digits agree, does not keep its file from being
given back, and gets nothing of its own instead.
"""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from audit_store.event import EventAction
from audit_store.handles import LENGTH, handle_of
from audit_store.sealing import unseal
from auth.agent_alarms import AgentAlarms
from auth.agent_order import Order, Verb
from auth.agents import Agents
from auth.orders import Answer, OrderError, Orders
from auth.tables import Person
from tests.services.forger import Forger
from tests.services.house import TORWART, House

MINE = "file-" + "7f3a19c2" + "1" * 19
TWIN = "file-" + "7f3a19c2" + "2" * 19
"""What an agent finds that counts its epochs up until 32 bits of a digest are as it wants them: minutes."""


@pytest.fixture
def files(house: House, anna: Person) -> tuple[Orders, Person, Person]:
    """Berta's file is aside, and so is Anna's, under the same handle; Vera reviews."""
    orders = Orders(house.engine, house.events)
    berta = house.people.add("Berta Blau", "berta@firma.example", ["manager"], "de", ["berta"])
    vera = house.people.add("Vera Prüfer", "vera@firma.example", ["security"], "de", ["vera"])
    agents = Agents(house.engine, house.events, AgentAlarms(house.events), TORWART)
    for person, act in ((berta, MINE), (anna, TWIN)):
        token, forger = agents.issue(person.id, None), Forger(TORWART)
        agent = agents.enrol(token, forger.public_key, forger.proof(token)).id
        assert orders.put_aside(agent, act, act[-32:].rjust(32, "0"), "d" * 64, person.pseudonym)
        orders.sign(_sign)
        (row,) = orders.waiting(agent, 0)
        assert orders.answered(agent, row.counter or 0, Answer(Verb.QUARANTINE, "done", None), lambda _row: None)
    return orders, berta, vera


def _sign(order: Order) -> bytes:
    return b"signature of " + order.signed_bytes()[:20]


def test_two_files_of_one_handle_are_both_named_and_neither_is_taken_for_the_other(files: tuple[Orders, Person, Person]) -> None:
    orders, berta, vera = files
    assert handle_of(MINE) == handle_of(TWIN) == "7F3A19C2"
    assert LENGTH * 4 == 32, "so many bits have to be tried"
    with pytest.raises(OrderError) as told:
        orders.release("7F3A19C2", vera.id, "asked for by the client")
    assert MINE in str(told.value)
    assert TWIN in str(told.value)
    assert berta.pseudonym in str(told.value)
    assert {file.state for file in orders.all()} == {"aside"}


@pytest.mark.parametrize("word", [MINE, f"  {MINE.upper()} "])
def test_the_act_names_exactly_one(house: House, files: tuple[Orders, Person, Person], word: str) -> None:
    orders, berta, vera = files
    released = orders.release(word, vera.id, "asked for by the client")
    assert (released.person.id, released.first.act_id) == (berta.id, MINE)
    assert {file.first.act_id: file.state for file in orders.all()} == {MINE: "release_ordered", TWIN: "aside"}
    (event,) = house.events.of(EventAction.RELEASE_ORDERED)
    assert (event.pseudonym, event.document["torwart"]["subject"]) == (vera.pseudonym, berta.pseudonym)
    sealed = event.document["torwart"]["sealed"]
    assert "client" not in str(event.document)
    with Session(house.engine) as session:
        assert unseal(session, sealed) == "asked for by the client"


@pytest.mark.parametrize("word", ["file-7f3a19c2", MINE[:-1], "7F3A", "", "file-"])
def test_a_part_of_it_names_none(files: tuple[Orders, Person, Person], word: str) -> None:
    orders, _, vera = files
    with pytest.raises(OrderError, match="there is no file"):
        orders.release(word, vera.id, "asked for by the client")
