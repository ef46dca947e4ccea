"""What other processes had a person given is known before anything goes out, or nothing goes out."""

from __future__ import annotations

import dataclasses

import pytest

from audit_store import followers
from audit_store.spool import FILE, Spool
from audit_store.turns import Turns
from gateway import grounds
from tests.audit_store.acts import access
from tests.services.gate import Gate, answers, call, told

READ = call("model.party.party.read", [1, 2], ["name"])
NAMES = answers([{"id": 1, "name": "Name 1"}, {"id": 2, "name": "Name 2"}])


async def test_a_record_of_another_process_that_cannot_be_read_denies(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "WHOLE_LOOK_SECONDS", 0.0)
    gate.own(1, 2)
    spools = gate.assembled.spool.folder.parent
    other = Spool.open(spools / "proxy", "proxy")
    other.append(access(("7",)))
    assert told(await gate.ask(READ, NAMES)) == ""
    (spools / "proxy" / FILE).rename(spools / "away")
    answer = await gate.ask(READ, NAMES)
    assert told(answer) != ""
    assert b"Name 1" not in answer.body
    (spools / "away").rename(spools / "proxy" / FILE)
    assert told(await gate.ask(READ, NAMES)) == ""
    other.close()


async def test_who_gets_no_turn_in_time_is_denied_and_what_was_seen_needs_none(gate: Gate) -> None:
    gate.own(1, 2)
    handler = gate.assembled.handler
    path = gate.assembled.spool.folder.parent.parent / grounds.TURNS
    hasty, elsewhere = Turns(path, seconds=0.05), Turns(path)
    impatient = dataclasses.replace(gate.assembled, handler=dataclasses.replace(handler, turns=hasty))
    gate.assembled = impatient
    async with elsewhere.of(gate.boris.pseudonym):
        answer = await gate.ask(READ, NAMES)
        assert told(answer) != ""
        assert b"Name 1" not in answer.body
    assert told(await gate.ask(READ, NAMES)) == ""
    async with elsewhere.of(gate.boris.pseudonym):
        assert told(await gate.ask(READ, NAMES)) == "", "it changes no count"
    hasty.close()
    elsewhere.close()
