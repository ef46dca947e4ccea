"""Promise 6 (B30, B31) and fault 13: what is taken away is gone at once, also in the middle of an act; no database, no answer."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.exchange import Request, Response
from policies.request import Status
from tests.faults.played_crm import CANARY, PlayedCrm
from tests.faults.stand import Stand, stand
from tests.services.gate import Gate, answers, call, told
from tests.services.tryton_calls import result

ROWS = [[1, f"{CANARY}-1@firma.example"], [2, f"{CANARY}-2@firma.example"]]
EXPORT = call("model.party.party.export_data", [1, 2], ["email"])
READ = call("model.party.party.read", [1, 2], ["name", "email"])


def phases(gate: Gate) -> list[str]:
    """The phases of all acts on clients that were recorded, in order."""
    return [event["torwart"]["act"]["phase"] for event in gate.events() if event["event"]["action"] == "access"]


def is_withheld(response: Response) -> bool:
    """Whether a refusal was given, without a byte of the CRM's answer."""
    return CANARY.encode() not in response.body and (response.status == 401 or told(response) != "")


async def held(gate: Gate) -> tuple[asyncio.Task[Response], str]:
    """An export that waits for a touch."""
    gate.own(*range(1, 101))
    gate.listen()
    task = asyncio.create_task(gate.ask(EXPORT, answers(ROWS)))
    (act_id,) = await gate.held()
    return task, act_id


async def test_a_freeze_ends_a_held_act(gate: Gate) -> None:
    task, _ = await held(gate)
    gate.people.freeze(gate.boris.id, None)
    assert is_withheld(await task)
    assert gate.reached == []
    assert phases(gate) == ["held", "not_confirmed"]


async def test_who_leaves_while_an_act_is_held_gets_nothing_for_the_touch(gate: Gate) -> None:
    task, act_id = await held(gate)
    gate.people.set_status(gate.boris.id, Status.NOTICE_GIVEN, None)
    gate.touch(act_id)
    assert is_withheld(await task)
    assert gate.reached == []
    assert (phases(gate)[-1], gate.events()[-1]["event"]["reason"]) == ("denied", "export_not_now")


async def test_a_client_that_goes_while_its_act_is_held_leaves_it_unconfirmed(gate: Gate) -> None:
    task, act_id = await held(gate)
    gate.assembled.handler.disconnected(EXPORT.connection_id)
    assert is_withheld(await task)
    assert gate.reached == []
    assert phases(gate) == ["held", "not_confirmed"]
    act = gate.assembled.handler.touch.stepup.get(act_id)
    assert act is not None
    assert act.state == "cancelled"


@pytest.mark.parametrize("withdraw", ["freeze", "gone", "session"])
async def test_a_withdrawal_acts_while_the_crm_is_still_thinking(gate: Gate, withdraw: str) -> None:
    gate.own(*range(1, 101))

    def crm(_request: Request) -> Response:
        if withdraw == "freeze":
            gate.people.freeze(gate.boris.id, None)
        elif withdraw == "gone":
            gate.people.set_status(gate.boris.id, Status.GONE, None)
        else:
            gate.assembled.handler.signin.sessions.end_all(gate.boris.id, "test")
        return result([{"id": client, "name": f"Name {client}", "email": email} for client, email in ROWS])

    assert is_withheld(await gate.ask(READ, crm))
    assert phases(gate)[-1:] == ["denied"]
    assert "released" not in phases(gate)


async def test_who_is_gone_is_refused_from_the_next_request_on(gate: Gate) -> None:
    gate.own(*range(1, 101))
    rows = [{"id": client, "name": f"Name {client}", "email": email} for client, email in ROWS]
    assert not is_withheld(await gate.ask(READ, answers(rows)))
    gate.people.set_status(gate.boris.id, Status.GONE, None)
    assert is_withheld(await gate.ask(READ, answers(rows)))
    assert len(gate.reached) == 1


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Stand]:
    crm = PlayedCrm()
    with stand(tmp_path / "firm", crm.port) as one:
        one.sign_in()
        one.start()
        yield one
    crm.close()


def export(gateway: Stand) -> tuple[int, str]:
    """Ask for an export as the web client; status and title."""
    heard = gateway.call("model.party.party.export_data", [1, 3], ["name", "email"])
    assert CANARY.encode() not in heard.body
    said = json.loads(heard.body) if heard.body.startswith(b"{") else {}
    return heard.status, said["error"][1][0] if "error" in said else heard.body.decode()


@pytest.mark.slow  # the wait for a lock is 5 s
def test_a_locked_database_denies_what_needs_it_and_heals(gateway: Stand) -> None:
    with closing(sqlite3.connect(gateway.state / "torwart.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        status, _ = export(gateway)  # no act can be opened
        assert status == 503
        assert gateway.page(1).status == 200  # reading goes on: who may what is known, and no change can be committed
        other.execute("ROLLBACK")
    assert export(gateway)[1].startswith("Angehalten")
    assert gateway.page(2).status == 200


@pytest.mark.parametrize("other", [None, "a copy", "junk"])
def test_a_database_that_is_replaced_or_removed_denies_everything(gateway: Stand, other: str | None) -> None:
    """What is withdrawn in the file that has the name now would not be seen in the one that is still open."""
    assert gateway.page(1).status == 200
    database = gateway.state / "torwart.db"
    old = database.rename(database.with_suffix(".old"))
    if other is not None:
        database.write_bytes(old.read_bytes() if other == "a copy" else b"junk" * 5_000)
    before = len(gateway.acts())
    heard = gateway.page(2)
    assert (heard.status, CANARY.encode() in heard.body) == (503, False)
    assert len(gateway.acts()) == before + 1
    assert export(gateway)[0] == 503


def test_a_damaged_database_is_refused_at_the_start_in_one_line(gateway: Stand) -> None:
    gateway.kill()
    for path in gateway.state.glob("torwart.db*"):
        path.write_bytes(b"\xa5" * path.stat().st_size)
    gateway.launch()
    assert gateway.ended() == 2
    (line,) = gateway.said.read_text("utf-8").splitlines()
    assert line == f"torwart: {gateway.state / 'torwart.db'}: file is not a database: restore a backup"
