"""What a gateway tells beside its work, while nobody asks it anything."""

import asyncio
import json
from collections.abc import Callable

import pytest

from auth.attendance import Attendance, attending
from auth.tables import Person
from auth.unmapped import Unmapped
from gateway import attendance
from gateway.attendance import attend, ended, keep_unmapped
from tests.services.gate import Gate, answers
from tests.services.house import CREDENTIAL_KEY, House
from tests.services.tryton_calls import JSON, request


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that another task does."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 -- it is the database that is looked at
            await asyncio.sleep(0.02)


async def test_an_idle_gateway_says_what_it_knows_and_leaves_when_it_ends(house: House, anna: Person) -> None:
    directory = house.directory()
    task = asyncio.create_task(attend(directory, Attendance(house.engine, "gateway")))
    await until(lambda: len(attending(house.engine, 0)) == 1)
    house.people.freeze(anna.id, None)
    await until(lambda: attending(house.engine, 0)[0].knows)
    assert directory.person(anna.id).frozen
    await ended(task)
    assert attending(house.engine, 0) == []


async def test_who_was_refused_as_nobody_is_written_down(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance, "UNMAPPED_SECONDS", 0.01)
    unmapped = Unmapped(house.engine, CREDENTIAL_KEY)
    task = asyncio.create_task(keep_unmapped(unmapped))
    for _ in range(2):
        unmapped.heard("clara")
    await until(lambda: [row.account for row in unmapped.all()] == ["clara"])
    await ended(task)


async def test_a_sign_in_with_an_account_of_nobody_is_heard(gate: Gate) -> None:
    unmapped = gate.assembled.handler.signin.unmapped
    for account in ("clara", "clara", "anna"):
        body = json.dumps({"method": "common.db.login", "params": [account, {"password": "x"}, "de"], "id": 0}).encode()
        await gate.ask(request("POST", "/crm/session/login", JSON, body=body), answers([]))
    unmapped.write_down()
    assert [(row.account, row.times) for row in unmapped.all()] == [("clara", 2)]
