"""A read that its rule lets be confirmed with a code goes on with it, once; an export held beside it does not (promises E86)."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from auth.act import StepUpRefused
from policies.load import load
from tests.services.gate import Gate, answers, call, told

RULES = """
rules:
  - {id: read, roles: [manager], actions: [list, read, search, export], resource: client, effect: allow}
  - {id: sure, roles: [manager], actions: [read, list], resource: client, effect: require, reason: confirm_first,
     require: {any: [key, code]}}
  - {id: export, roles: [manager], actions: [export], resource: client, effect: require, reason: export_needs_key, require: key}
"""
READ = ("model.party.party.read", [7], ["name"])
EXPORT = ("model.party.party.export_data", [7], ["name", "phone"], False)


@pytest_asyncio.fixture
async def by_rules(gate: Gate, tmp_path: Path) -> Gate:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    policy, handler = load(path, "1"), gate.assembled.handler
    gate.assembled = replace(gate.assembled, handler=replace(handler, questions=replace(handler.questions, policy=lambda: policy)))
    gate.own(7)
    gate.listen()
    return gate


async def test_a_card_that_was_confirmed_with_a_code_goes_out_and_the_record_says_how(by_rules: Gate) -> None:
    crm = answers([{"id": 7, "name": "Muster GmbH"}])
    first = await by_rules.ask(call(*READ), crm)
    assert b"Muster GmbH" not in first.body
    (act,) = await by_rules.held()
    by_rules.assembled.handler.touch.stepup.confirm_by_code(act, None, read=False, use=lambda _person: 59_000_000)
    answer = await by_rules.ask(call(*READ), crm)  # this call is not held open: the client sends it again
    assert told(answer) == ""
    assert b"Muster GmbH" in answer.body
    released = [one for one in by_rules.events() if one["torwart"].get("act", {}).get("phase") == "released"]
    assert [proof["kind"] for proof in released[-1]["torwart"]["question"]["proofs"]] == ["code"]
    assert released[-1]["event"]["reason"] == "code_confirmed"
    assert b"Muster GmbH" not in (await by_rules.ask(call(*READ), crm)).body, "once"


async def test_an_export_is_not_confirmed_with_a_code(by_rules: Gate) -> None:
    waiting = asyncio.create_task(by_rules.ask(call(*EXPORT), answers([[7, "Muster GmbH", "030 1234567"]])))
    (act,) = await by_rules.held()
    stepup = by_rules.assembled.handler.touch.stepup
    with pytest.raises(StepUpRefused):
        stepup.confirm_by_code(act, None, read=False, use=lambda _person: 59_000_000)
    stepup.cancel(act)
    assert b"030 1234567" not in (await waiting).body
