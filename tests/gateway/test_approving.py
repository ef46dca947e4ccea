"""What others have to approve: asked for with the key, approved elsewhere with theirs, and let go once when it is repeated."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit_store.event import EventAction
from auth.approval_tables import ApprovalRequest
from auth.storage import reading, writing
from auth.tables import Person
from deploy.demo.software_key import SoftwareKey
from detectors.client_index.identifier import Identifier, Kind
from gateway.approving import samples
from gateway.exchange import Response
from policies.load import load
from tests.services.gate import TORWART, Gate, answers, call, told

RULES = """
rules:
  - {id: read, roles: [manager], actions: [list, read, search, export, update, delete], resource: client, effect: allow}
  - {id: two, roles: [manager], actions: [export, delete], resource: client, effect: require, reason: export_needs_key, require: %s}
"""
KEY_AND_OWNER = "{all: [key, {approval: {role: owner}}]}"
EXPORT = ("model.party.party.export_data", [7, 8], ["name", "phone"], False)
ROWS = [[7, "Muster GmbH", "030 1234567"], [8, "Beispiel AG", "040 7654321"]]
GIVEN = b"030 1234567"


class Firm:
    """The gate's manager, and Olga, an owner with a key of her own."""

    def __init__(self, gate: Gate, tmp_path: Path, need: str) -> None:
        self.gate, self.tmp_path = gate, tmp_path
        self.rules(need)
        gate.own(7, 8)
        self.approvals = gate.assembled.handler.approving.approvals
        self.stepup = gate.assembled.handler.touch.stepup
        self.olga = gate.people.add("Olga", "olga@firma.example", ["owner"])
        self.olgas = SoftwareKey()
        keys = self.stepup._keys
        token = keys.issue_token(self.olga.id, None)
        keys.complete_registration(token, self.olgas.create(keys.begin_registration(token)[0], TORWART))

    def rules(self, need: str, version: str = "1") -> None:
        path = self.tmp_path / "rules.yaml"
        path.write_text(RULES % need, encoding="utf-8")
        policy, handler = load(path, version), self.gate.assembled.handler
        questions = replace(handler.questions, policy=lambda: policy)
        self.gate.assembled = replace(self.gate.assembled, handler=replace(handler, questions=questions))

    async def export(self, *, what: tuple[Any, ...] = EXPORT, rows: Any = ROWS) -> Response:
        return await self.gate.ask(call(*what), answers(rows))

    async def asked(self) -> str:
        """The manager tries it, and asks for approval with the key; the number of the act."""
        self.gate.listen()
        assert told(await self.export())
        (act,) = await self.gate.held()
        self.ask(act)
        return act

    def ask(self, act: str) -> None:
        done = self.stepup.complete(act, self.gate.key.get(self.stepup.begin(act, "for the fair"), TORWART))
        assert done.state == "asked"
        assert self.approvals.open(act, done.said) is not None

    def approve(self, act: str, *, yes: bool = True) -> None:
        self.approvals.complete(act, self.olga.id, self.olgas.get(self.approvals.begin(act, self.olga.id, yes=yes), TORWART))

    def reason(self) -> str:
        return str([one for one in self.gate.events() if one["event"]["action"] == "access"][-1]["event"].get("reason"))


@pytest.fixture
def firm(gate: Gate, tmp_path: Path, request: pytest.FixtureRequest) -> Firm:
    return Firm(gate, tmp_path, getattr(request, "param", "{approval: {role: owner}}"))


async def test_the_request_ends_at_once_and_its_repeat_goes_on_once_when_others_said_yes(firm: Firm) -> None:
    act = await firm.asked()
    assert firm.reason() == "approval_needed"
    assert told(await firm.export())
    assert firm.reason() == "approval_waits"
    firm.approve(act)
    answer = await firm.export()
    assert told(answer) == ""
    assert GIVEN in answer.body
    assert told(await firm.export()), "once"
    assert firm.reason() == "approval_needed"


async def test_nobody_hears_of_it_before_the_person_has_asked_with_the_key(firm: Firm) -> None:
    firm.gate.listen()
    assert told(await firm.export())
    assert firm.approvals.waiting_for(firm.olga.id) == []
    (act,) = await firm.gate.held()
    assert firm.stepup.cancel(act)
    assert firm.approvals.open(act, None) is not None, "only the console opens it, after the touch"


@pytest.mark.parametrize("firm", [KEY_AND_OWNER], indirect=True)
async def test_the_own_key_is_still_asked_for_and_the_approval_is_used_up_with_the_release(firm: Firm) -> None:
    act = await firm.asked()
    firm.approve(act)
    waiting = asyncio.create_task(firm.export())
    (touch,) = await firm.gate.held()
    assert touch != act
    assert firm.approvals.pending("act", firm.gate.boris.id, _digest(firm)) is not None, "not used up while the key is missing"  # type: ignore[arg-type]
    firm.gate.touch(touch)
    assert GIVEN in (await waiting).body
    assert [one["event"]["action"] for one in firm.gate.events()].count(EventAction.APPROVAL_TAKEN) == 1


@pytest.mark.parametrize("firm", ["key"], indirect=True)
async def test_where_only_the_answer_shows_that_others_are_needed_they_are_asked_after_the_touch(firm: Firm) -> None:
    path = firm.tmp_path / "rules.yaml"
    more = "  - {id: many, roles: [manager], actions: [export], resource: client, effect: require, reason: export_needs_key,\n"
    more += "     require: {approval: {role: owner}}, reaches: {counter: exported_day, count: 2}}\n"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    policy, handler = load(path, "1"), firm.gate.assembled.handler
    questions = replace(handler.questions, policy=lambda: policy)
    firm.gate.assembled = replace(firm.gate.assembled, handler=replace(handler, questions=questions))
    firm.gate.listen()
    waiting = asyncio.create_task(firm.export())
    (touch,) = await firm.gate.held()
    firm.gate.touch(touch)
    assert told(await waiting)
    (act,) = await firm.gate.held()
    firm.ask(act)
    firm.approve(act)
    waiting = asyncio.create_task(firm.export())
    (touch,) = await firm.gate.held()
    firm.gate.touch(touch)
    assert GIVEN in (await waiting).body


def _digest(firm: Firm) -> str:
    with reading(firm.gate.assembled.engine) as session:
        return session.scalars(select(ApprovalRequest.digest)).one()


async def test_approvers_see_who_what_how_many_and_three_masked_rows(firm: Firm) -> None:
    act = await firm.asked()
    request = firm.approvals.get(act)
    assert request is not None
    assert (request.requester_id, request.reason) == (firm.gate.boris.id, "for the fair")
    shown = request.shown
    assert (shown["action"], shown["asked"], shown["allowed"], shown["fields"], shown["policy"]) == ("export", 2, 2, ["name", "phone"], "1")
    assert request.samples is not None
    assert request.samples["rows"] == [["•••bH", "", "•••67"], ["•••AG", "", "•••21"]]
    firm.approve(act)
    assert GIVEN in (await firm.export()).body
    after = firm.approvals.get(act)
    assert after is not None
    assert after.samples is None


async def test_more_clients_other_fields_and_a_no_are_not_let_go(firm: Firm) -> None:
    firm.approve(await firm.asked())
    assert told(await firm.export(rows=[*ROWS, [9, "Dritte KG", "030 999999"]]))
    assert told(
        await firm.export(what=(EXPORT[0], [7, 8], ["name", "phone", "email"], False), rows=[[*row, "a@b.example"] for row in ROWS])
    )
    assert told(await firm.export()) == ""


async def test_a_no_ends_it(firm: Firm) -> None:
    firm.approve(await firm.asked(), yes=False)
    assert told(await firm.export())
    assert firm.reason() == "approval_needed"


async def test_e89_a_change_of_the_rules_after_the_approval_asks_anew(firm: Firm) -> None:
    firm.approve(await firm.asked())
    firm.rules("{approval: {role: owner}}", "2")
    assert told(await firm.export())
    assert firm.reason() == "approval_needed"


async def test_e89_an_approver_who_lost_the_role_has_approved_nothing(firm: Firm) -> None:
    firm.approve(await firm.asked())
    with writing(firm.gate.assembled.engine) as session:
        session.get_one(Person, firm.olga.id).roles = ["manager"]
    assert told(await firm.export())
    assert firm.reason() == "approval_waits"


async def test_what_changes_something_is_not_sent_before_and_once_after(firm: Firm) -> None:
    delete = ("model.party.party.delete", [7])
    firm.gate.listen()
    assert told(await firm.export(what=delete))
    sent = len(firm.gate.reached)
    (act,) = await firm.gate.held()
    firm.ask(act)
    firm.approve(act)
    assert told(await firm.export(what=delete, rows=None)) == ""
    assert len(firm.gate.reached) == sent + 1
    assert told(await firm.export(what=delete, rows=None))
    assert len(firm.gate.reached) == sent + 1


async def test_e93_a_fourth_request_is_not_asked(firm: Firm) -> None:
    for number in range(3):
        firm.gate.listen()
        assert told(await firm.export(rows=[[20 + number, "Muster GmbH", "030 1234567"]]))
        (act,) = await firm.gate.held()
        firm.ask(act)
    assert told(await firm.export())
    assert firm.reason() == "approval_too_many"
    assert firm.stepup.open_of(firm.gate.boris.id, "") == []


def test_samples_are_of_the_first_three_and_hold_no_clear_value() -> None:
    known = [
        Identifier(str(n), kind, value) for n in range(5) for kind, value in ((Kind.NAME, f"Kunde {n}"), (Kind.EMAIL, f"k{n}@x.example"))
    ]
    assert samples([str(n) for n in range(5)], known) == (("•••", "•••", ""),) * 3
    assert samples([], known) == ()
    assert samples(["7"], known) == ()
