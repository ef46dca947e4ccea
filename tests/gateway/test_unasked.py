"""What needs more than this road can ask for is denied, and says so."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from auth.act import StepUpRefused
from gateway.unasked import unasked
from policies import reasons
from policies.decision import Challenge
from policies.load import load
from policies.needs import AllOf, Approval, Key
from policies.reasons import Because
from tests.services.gate import TORWART, Gate, answers, call, told

RULES = """
rules:
  - {id: read, roles: [manager], actions: [list, read, search, export], resource: client, effect: allow}
  - {id: two, roles: [manager], actions: [export], resource: client, effect: require, reason: %s,
     require: {all: [key, {approval: {role: owner}}]}}
"""
EXPORT = ("model.party.party.export_data", [7], ["name", "phone"], False)


def test_a_reason_that_speaks_of_the_key_is_not_said():
    need = AllOf((Key(), Approval()))
    denial = unasked(Challenge((Because(reasons.EXPORT_NEEDS_KEY), Because(reasons.HAND_OVER_NEEDS_TWO)), need, 3, 3, rules=("1:two",)))
    assert [because.reason.code for because in denial.reasons] == ["hand_over_needs_two", "not_asked_for"]
    assert denial.reasons[-1].values == {"needs": "key, approval"}
    assert denial.rules == ("1:two",)


async def test_a_reason_is_asked_for_with_the_touch_and_lets_the_export_go(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("{approval: {role: owner}}", "justify") % "export_needs_key", encoding="utf-8")
    policy, handler = load(path, "1"), gate.assembled.handler
    gate.assembled = replace(gate.assembled, handler=replace(handler, questions=replace(handler.questions, policy=lambda: policy)))
    gate.own(7)
    gate.listen()
    waiting = asyncio.create_task(gate.ask(call(*EXPORT), answers([[7, "Muster GmbH", "030 1234567"]])))
    (act,) = await gate.held()
    stepup = gate.assembled.handler.touch.stepup
    with pytest.raises(StepUpRefused):
        stepup.begin(act)
    stepup.complete(act, gate.key.get(stepup.begin(act, "the client asked for it"), TORWART))
    answer = await waiting
    assert told(answer) == ""
    assert b"030 1234567" in answer.body
    released = [one for one in gate.events() if one["torwart"].get("act", {}).get("phase") == "released"]
    assert released[-1]["torwart"]["question"]["justified"] is True
