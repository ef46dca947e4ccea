"""When orders are asked for, and that several go their way one by one. What must not be obeyed: `tests/hostile/test_x29_orders.py`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.orders import SOON_SECONDS
from auth.agent_order import Verb
from tests.services.ordered import CONTENT, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def test_after_a_file_was_told_of_it_asks_often_and_then_seldom(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.orders.soon()
    assert machine.orders._pauses == list(SOON_SECONDS)
    monkeypatch.setattr("agent.orders.SOON_SECONDS", (0.0, 0.0))
    machine.orders.soon()
    for _ in range(2):
        machine.orders.wait(threading.Event())
    assert machine.orders._pauses == []


def test_torwarts_hint_counts_only_for_an_order_that_was_not_had(machine: Machine) -> None:
    _, event = machine.arrives()
    machine.obeys(machine.order(event, counter=4))
    machine.orders.heard(4)
    assert machine.orders._pauses == []
    machine.orders.heard(5)
    assert machine.orders._pauses[0] == 0.0


def test_an_end_ends_the_waiting(machine: Machine) -> None:
    ending = threading.Event()
    ending.set()
    machine.orders.wait(ending)
    assert machine.asked == []


def test_several_orders_of_one_answer_are_carried_out_each_with_its_own_event(machine: Machine) -> None:
    files = [machine.arrives(f"{number}.csv") for number in range(5)]
    machine.obeys(*(machine.order(event, counter=number) for number, (_, event) in enumerate(files, 1)))
    assert [path.exists() for path, _ in files] == [False] * 5
    assert machine.held() == [CONTENT] * 5
    assert sorted(one["torwart"]["words"]["event"] for one in machine.told("file-quarantined")) == sorted(event for _, event in files)


def test_a_bad_order_keeps_no_good_one_waiting(machine: Machine) -> None:
    (path, event), (_, other) = machine.arrives(), machine.arrives("other.csv")
    bad = machine.order("0" * 32, counter=1)
    machine.obeys(bad, machine.order(event, counter=2), machine.order(other, Verb.RELEASE, counter=3))
    assert (path.exists(), machine.refusals()) == (False, ["never_told", "not_aside"])


def test_one_that_is_aside_already_is_said_to_be_again(machine: Machine) -> None:
    """The server signs anew what it had no answer to, after its database came from a backup."""
    _, event = machine.arrives()
    machine.obeys(machine.order(event))
    machine.obeys(machine.order(event))
    assert machine.outcomes() == [("success", ""), ("success", "")]
    assert machine.held() == [CONTENT]
    machine.obeys(machine.order(event, Verb.RELEASE))
    assert machine.outcomes("file-released") == [("success", "")]
