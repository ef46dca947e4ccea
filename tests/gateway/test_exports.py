"""An export leaves a manifest, or it does not leave; and what passes the gateway is known to the client index."""

import asyncio
from pathlib import Path

import pytest

from audit_store.client_sets import decode_ids
from audit_store.manifests import Manifests
from detectors.client_index.build import Build
from detectors.client_index.index import ClientIndex
from gateway.exchange import Response
from tests.services.gate import Gate, answers, call

FIELDS = ["name", "phone", "email"]
ROWS = [[number, f"Kunde {number}", f"+49 171 55500{number:02}", f"kunde{number}@example.com"] for number in (1, 2, 3)]
READ = [dict(zip(("id", *FIELDS), row, strict=True)) for row in ROWS]


pytestmark = pytest.mark.asyncio


def state_of(gate: Gate) -> Path:
    return Path(str(gate.assembled.engine.url.database)).parent


async def export(gate: Gate) -> Response:
    gate.own(1, 2, 3)
    gate.assembled.handler.directory.refresh()
    gate.listen()
    asked = asyncio.create_task(gate.ask(call("model.party.party.export_data", [1, 2, 3], FIELDS, False), answers(ROWS)))
    (act,) = await gate.held()
    gate.touch(act)
    return await asked


async def test_a_released_export_has_a_manifest_and_its_event_names_it(gate: Gate) -> None:
    response = await export(gate)
    assert b"5550002" in response.body
    event = gate.events()[-1]
    row = Manifests(gate.assembled.engine).get(event["torwart"]["manifest"])
    assert row is not None
    assert row.act_id == event["torwart"]["act"]["id"]
    assert row.pseudonym == gate.boris.pseudonym
    assert decode_ids(row.clients) == {"1", "2", "3"}
    assert row.digest == event["torwart"]["act"]["digest"]
    assert set(row.fields) == set(FIELDS)
    assert len(decode_ids(row.keys)) >= 6, "a phone number in several spellings and an address for each of three"
    assert b"5550002" not in repr(row.__dict__).encode()


async def test_a_list_on_the_screen_has_none(gate: Gate) -> None:
    gate.own(1, 2, 3)
    await gate.ask(call("model.party.party.read", [1, 2, 3], FIELDS), answers(READ))
    assert "manifest" not in gate.events()[-1]["torwart"]


async def test_an_export_whose_manifest_cannot_be_kept_is_not_released(gate: Gate) -> None:
    with gate.assembled.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON manifests BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    response = await export(gate)
    assert b"5550002" not in response.body
    assert "aufzeichnen" in response.body.decode()
    assert not [event for event in gate.events() if event["torwart"].get("act", {}).get("phase") == "released"]


async def test_what_is_read_and_what_is_created_is_learned_by_the_index(gate: Gate) -> None:
    gate.own(1, 2, 3)
    handler, state = gate.assembled.handler, state_of(gate)
    Build(state, ("DE",)).finish()
    await gate.ask(call("model.party.party.read", [1, 2, 3], FIELDS), answers(READ))
    new = {"name": "Neu AG", "contact_mechanisms": [["create", [{"type": "phone", "value": "+49 171 5559999"}]]]}
    await gate.ask(call("model.party.party.create", [new]), answers([99]))
    assert handler.learner.settled(10)
    index = ClientIndex(state)
    assert index.find("ruf 0171/5550002 an").clients.keys() == {"2"}
    assert index.find("0049 171 5559999").clients.keys() == {"99"}
    assert index.find("0171 5558888").clients == {}
    index.close()


async def test_a_learner_that_fails_holds_up_nobody(gate: Gate) -> None:
    gate.own(1, 2, 3)
    index = state_of(gate) / "index"
    for path in index.iterdir():
        path.unlink()
    index.rmdir()
    index.touch()
    response = await gate.ask(call("model.party.party.read", [1, 2, 3], FIELDS), answers(READ))
    assert b"5550002" in response.body
    assert not gate.assembled.handler.learner.settled(1.5)
    assert gate.assembled.handler.learner.faults > 0
    said = [event for event in gate.events() if event["event"]["action"] == "self-test"]
    assert [(event["torwart"]["subject"], event["event"]["outcome"]) for event in said] == [("client index", "failure")]
    index.unlink()
    index.mkdir(mode=0o700)
    Build(state_of(gate), ("DE",)).finish()
    assert gate.assembled.handler.learner.settled(10)
    assert gate.events()[-1]["event"]["outcome"] == "success"
