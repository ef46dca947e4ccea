"""Promises 8 and 9, X15: what happens at the same moment is counted one after the other, and a touch is used once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from gateway.exchange import Forward, Reply, Request, Response
from tests.services.gate import Gate, call, told
from tests.services.tryton_calls import result

BASE = 1_000
STOP = 150
"""15 % of the base: no manager sees so many clients of others in a day."""
KEY = 100
"""10 %: from here on with the key."""


async def ask_slowly(gate: Gate, request: Request, crm: asyncio.Event, response: Response) -> Response:
    """One exchange whose answer the CRM keeps back until all have been asked."""
    step = await gate.assembled.handler.before(request)
    if isinstance(step, Reply):
        return step.response
    assert isinstance(step, Forward)
    gate.reached.append(step.request)
    await crm.wait()
    return await gate.assembled.handler.after(step.state, response)


def names(clients: range, number: int) -> Response:
    """The CRM's answer to the call of this number."""
    return result([{"id": client, "name": f"Name {client}"} for client in clients], number=number)


async def touch_all(gate: Gate, tasks: Sequence[asyncio.Task[Response]]) -> None:
    """The manager confirms whatever is asked, as long as something waits."""
    while not all(task.done() for task in tasks):
        for act_id in await gate.held(0):
            gate.touch(act_id)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("touching", [False, True], ids=["without the key", "with the key"])
async def test_twenty_reads_at_once_do_not_pass_the_limits(gate: Gate, touching: bool) -> None:
    gate.own(*range(901, 1_001), of=BASE)
    crm = asyncio.Event()
    lots = [range(first, first + 20) for first in range(1, 401, 20)]
    reads = [call("model.party.party.read", list(lot), ["name"], number=number) for number, lot in enumerate(lots)]
    if touching:
        gate.listen()
    crm_says = [names(lot, number) for number, lot in enumerate(lots)]
    tasks = [asyncio.create_task(ask_slowly(gate, read, crm, said)) for read, said in zip(reads, crm_says, strict=True)]
    await asyncio.sleep(0)
    crm.set()
    if touching:
        await touch_all(gate, tasks)
    responses = await asyncio.gather(*tasks)
    out = sum(len(lot) for lot, response in zip(lots, responses, strict=True) if told(response) == "" and b"Name" in response.body)
    assert (KEY < out <= STOP) if touching else (0 < out <= KEY)
    shown = sum(event["torwart"]["clients"]["shown_count"] for event in gate.events() if phase(event) == "released")
    assert shown == out


def phase(event: object) -> str:
    """The phase of an act's event."""
    assert isinstance(event, dict)
    return str(event["torwart"].get("act", {}).get("phase", ""))


async def test_ten_repeats_after_one_touch_release_once(gate: Gate) -> None:
    gate.own(*range(1, 101), of=BASE)
    script = partial(call, "model.party.party.export_data", [1, 2], ["name"])
    answer = result([[1, "Name 1"], [2, "Name 2"]])

    async def ask() -> Response:
        return await gate.ask(script(), lambda _request: answer)

    first = await ask()  # no page listens: the act is opened and told
    assert told(first) != ""
    (act_id,) = await gate.held()
    gate.touch(act_id)
    responses = await asyncio.gather(*(ask() for _ in range(10)))
    assert sum(told(response) == "" and b"Name 1" in response.body for response in responses) == 1
    assert len(gate.reached) == 1
    assert sum(phase(event) == "released" for event in gate.events()) == 1
