"""What a question says the act would bring the counters to."""

from dataclasses import replace
from pathlib import Path

import pytest

from policies.load import load
from tests.services.gate import Gate, answers, call

RULES = """
export_threshold: {answer: 1}
rules:
  - {id: read, roles: [manager], actions: [list, read, search, export], resource: client, effect: allow}
  - {id: enough, roles: [manager], actions: [export], resource: client, reaches: {counter: exported_day, count: 1}, effect: deny,
     reason: day_limit}
"""
BY_NAME = call("model.party.party.export_data", [7], ["name", "phone"], False), [[7, "Muster GmbH", "030 1234567"]]
BY_EFFECT = (
    call("model.party.party.read", [7, 8], ["name", "phone"]),
    [{"id": 7, "name": "Muster GmbH", "phone": "030 1234567"}, {"id": 8, "name": "Beck", "phone": "030 7654321"}],
)


@pytest.mark.parametrize(("request_", "result"), [BY_NAME, BY_EFFECT], ids=["by its name", "by its effect"])
async def test_an_export_is_counted_as_one_before_it_is_decided(gate: Gate, tmp_path: Path, request_: object, result: object) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    policy, handler = load(path, "1"), gate.assembled.handler
    gate.assembled = replace(gate.assembled, handler=replace(handler, questions=replace(handler.questions, policy=lambda: policy)))
    gate.own(7, 8)
    gate.listen()
    await gate.ask(request_, answers(result))
    (event,) = [one for one in gate.events() if one["event"]["action"] == "access"]
    assert event["event"]["reason"] == "day_limit"
    assert event["torwart"]["act"]["action"] == "export"
