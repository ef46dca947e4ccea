"""The stage of orders: answers of machines become the next phase of their act, once; what anybody else says changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit_store import log_questions
from audit_store.event import EventAction, Phase, plain_event
from audit_store.log_blocks import unpack
from audit_store.search import search
from audit_store.spool import Spool
from auth.agent_order import Verb, order_of
from auth.order_key import signed_order
from auth.tables import Person
from console.orders import OrderStage
from policies.request import Action, Channel
from tests.console.api.test_intake import enrolled
from tests.services.console import Pages, deed
from tests.services.forger import Forger

ACT = "file-" + "7f3a19c2" + "0" * 19
EVENT = "e" * 32


class Stage:
    """The stage of an installation with one agent, whose file was seen and is ordered to be put aside."""

    def __init__(self, pages: Pages) -> None:
        self.services = pages.services
        self.agent: Forger = enrolled(pages, "Anna Feldmann")
        anna = self.services.people.by_account("anna")
        assert anna is not None
        self.anna: Person = anna
        self.spool = Spool.open(self.services.installation.state / "spool" / self.agent.producer, self.agent.producer)
        seen = deed(anna, Action.FILE_COPY, Phase.OBSERVED, range(7), at=datetime.now(UTC), act_id=ACT, channel=Channel.REMOVABLE)
        pages.record(seen)
        self.stage = self.fresh()
        self.services.orders.put_aside(self.agent.id, ACT, EVENT, None, anna.pseudonym)
        self.step()

    def fresh(self) -> OrderStage:
        """As after a start of the console."""
        return OrderStage(
            engine=self.services.engine,
            log=self.services.log,
            own=self.services.spool,
            record=self.services.spool.append,
            orders=self.services.orders,
            sign=lambda order: signed_order(self.services.installation.state, order),
        )

    def step(self) -> None:
        self.services.log.take(self.spool)
        self.stage.step()
        self.services.log.take(self.services.spool)

    def tells(self, action: EventAction, outcome: str = "success", counter: int = 1, **more: str) -> None:
        numbers: dict[str, int | str] = {"order": counter, "event": EVENT, **more}
        who, machine = self.anna.pseudonym, self.agent.producer
        self.spool.append(plain_event(action, at=datetime.now(UTC), pseudonym=who, subject=machine, outcome=outcome, numbers=numbers))

    def phases(self) -> list[str]:
        found = search(self.services.log, action=EventAction.ACCESS, act=ACT)
        return [one.document["torwart"]["act"]["phase"] for one in found]

    def state(self) -> str:
        return self.services.orders.all()[0].state


@pytest.fixture
def stage(pages: Pages) -> Iterator[Stage]:
    made = Stage(pages)
    yield made
    made.spool.close()


def test_what_was_put_aside_and_given_back_are_phases_of_the_act_with_all_that_it_was(stage: Stage) -> None:
    stage.tells(EventAction.FILE_QUARANTINED)
    stage.step()
    assert (stage.phases(), stage.state()) == (["observed", "put_aside"], "aside")
    first, second = [one.document for one in search(stage.services.log, action=EventAction.ACCESS, act=ACT)]
    assert second["torwart"] == {**first["torwart"], "act": {**first["torwart"]["act"], "phase": "put_aside"}}
    assert (second["event"]["outcome"], second["event"]["type"], second["user"]) == ("failure", ["creation", "denied"], first["user"])
    assert second["event"]["id"] != first["event"]["id"]
    vera = stage.services.people.add("Vera", "vera@firma.example", ["security"], "de", ["vera"])
    stage.services.orders.release("7F3A19C2", vera.id, "work")
    stage.step()
    stage.tells(EventAction.FILE_RELEASED, counter=2)
    stage.step()
    assert (stage.phases(), stage.state()) == (["observed", "put_aside", "put_back"], "given_back")


def test_packed_entries_without_an_answer_are_not_read_in_every_round(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log grows for years, and the round comes four times a second."""
    unpacked: list[object] = []

    def noted(block: Any) -> Any:
        unpacked.append(block)
        return unpack(block)

    assert stage.services.log.pack(entries=1, kept=0)
    monkeypatch.setattr(log_questions, "unpack", noted)
    stage.step()
    assert unpacked == []
    stage.tells(EventAction.FILE_QUARANTINED)
    stage.services.log.take(stage.spool)
    assert stage.services.log.pack(entries=1, kept=0)
    stage.step()
    assert stage.state() == "aside"
    assert len(unpacked) >= 1, "an answer that was packed meanwhile is heard"


def test_an_answer_that_comes_twice_is_one_phase(stage: Stage) -> None:
    stage.tells(EventAction.FILE_QUARANTINED)
    stage.tells(EventAction.FILE_QUARANTINED)
    stage.step()
    stage.stage = stage.fresh()
    stage.step()
    assert stage.phases() == ["observed", "put_aside"]


def test_after_a_crash_between_the_record_and_the_order_there_is_one_phase(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.tells(EventAction.FILE_QUARANTINED)

    def crash(_self: OrderStage, order: object) -> None:
        say(_self, order)  # type: ignore[arg-type]
        raise MemoryError

    say = OrderStage._say
    with monkeypatch.context() as broken:
        broken.setattr(OrderStage, "_say", crash)
        with pytest.raises(MemoryError):
            stage.step()
    assert stage.state() == "ordered"
    stage.stage = stage.fresh()
    stage.step()
    assert (stage.phases(), stage.state()) == (["observed", "put_aside"], "aside")


@pytest.mark.parametrize("action", [EventAction.FILE_QUARANTINED, EventAction.ORDER_REFUSED])
def test_a_file_that_was_left_is_no_phase_and_the_order_is_over(stage: Stage, action: EventAction) -> None:
    stage.tells(action, "failure", cause="gone")
    stage.step()
    assert (stage.phases(), stage.state()) == (["observed"], "left")
    assert stage.services.orders.all()[0].last.cause == "gone"


def test_answers_about_orders_that_were_never_given_change_nothing(stage: Stage) -> None:
    stage.tells(EventAction.FILE_QUARANTINED, counter=2)
    stage.tells(EventAction.FILE_RELEASED, counter=1)
    stage.spool.append(
        plain_event(EventAction.ORDER_REFUSED, at=datetime.now(UTC), pseudonym="P-1", numbers={"cause": "forged", "count": 3})
    )
    stage.step()
    assert (stage.phases(), stage.state()) == (["observed"], "ordered")


def test_another_agent_cannot_answer_for_this_one(stage: Stage, pages: Pages, tmp_path: Path) -> None:
    other = enrolled(pages, "Boris Anders")
    spool = Spool.open(stage.services.installation.state / "spool" / other.producer, other.producer)
    who = stage.anna.pseudonym
    numbers: dict[str, int | str] = {"order": 1, "event": EVENT}
    event = plain_event(EventAction.FILE_QUARANTINED, at=datetime.now(UTC), pseudonym=who, subject=other.producer, numbers=numbers)
    spool.append(event)
    stage.services.spool.append(event)
    stage.services.log.take(spool)
    stage.step()
    assert (stage.phases(), stage.state()) == (["observed"], "ordered")
    spool.close()


def test_without_the_key_the_answers_are_heard_and_the_orders_wait(stage: Stage) -> None:
    (stage.services.installation.state / "orders" / "order.key").unlink()
    stage.services.orders.put_aside(stage.agent.id, "file-" + "1" * 27, "1" * 32, None, stage.anna.pseudonym)
    stage.tells(EventAction.FILE_QUARANTINED)
    stage.services.log.take(stage.spool)
    with pytest.raises(FileNotFoundError):
        stage.stage.step()
    assert [one.state for one in stage.services.orders.all()] == ["aside", "ordered"]


def test_what_was_signed_is_an_order_for_this_agent_and_its_event(stage: Stage) -> None:
    (row,) = stage.services.orders.waiting(stage.agent.id, 0)
    order = order_of(row.signed or b"")
    assert (order.agent, order.verb, order.event, order.digest) == (stage.agent.id, Verb.QUARANTINE, EVENT, None)
