"""Open acts of a gateway process, its own and those that others hold: told, released, ended, forgotten."""

import asyncio
import time

import pytest
from sqlalchemy import select

from auth.attendance import Attendance
from auth.people_tables import GatewayView
from auth.storage import reading
from auth.tables import Person
from gateway import holds
from gateway.holds import Holds
from gateway.notice import Notice, notice_of
from tests.services.house import TORWART, Ceremonies


def notice(act_id: str) -> Notice:
    return Notice(act_id, "s1", "de", "text", 2, 2, "link", time.monotonic() + 60)


def gateway(ceremonies: Ceremonies, name: str) -> Holds:
    """Another process on the same database."""
    stepup = ceremonies.gateway(holder=f"gateway-{name}")
    Attendance(ceremonies.house.engine, f"gateway-{name}").tell(1)
    return Holds(stepup, lambda act, left: notice_of(act, f"{TORWART}/act/{act.id}", left))


async def until_told(kept: Holds, seen: str = "") -> tuple[str, list[Notice]]:
    return await asyncio.wait_for(kept.poll("s1", seen, 20), 20)


async def test_ended_acts_are_forgotten_though_no_page_asks_for_them(
    ceremonies: Ceremonies, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "ENDED_NOTICE_SECONDS", 0)
    kept = Holds(ceremonies.stepup)
    for number in range(3):
        act = ceremonies.hold(anna, ids=(str(number),))
        waiting = asyncio.create_task(kept.wait(act, notice(act.id), "c1"))
        await asyncio.sleep(0)
        kept.disconnected("c1")
        assert await waiting is None
    assert len(kept._notices) == 1


async def test_an_act_whose_client_has_gone_is_turned_down(ceremonies: Ceremonies, anna: Person) -> None:
    kept = Holds(ceremonies.stepup)
    act = ceremonies.hold(anna)
    waiting = asyncio.create_task(kept.wait(act, notice(act.id), "c1"))
    await asyncio.sleep(0)
    kept.disconnected("c1")
    assert await waiting is None
    found = ceremonies.stepup.get(act.id)
    assert found is not None
    assert found.state == "cancelled"


async def test_a_page_at_one_process_is_told_of_a_call_that_waits_in_another(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    asked, holding = gateway(ceremonies, "north"), gateway(ceremonies, "south")
    ceremonies.stepup = ceremonies.gateway(holder="gateway-south")
    token, none = await asked.poll("s1", "", 0.01)
    assert none == []
    act = ceremonies.hold(anna)
    page = asyncio.create_task(until_told(asked, token))
    assert not holding.page_connected("s1")
    assert await holding.page_elsewhere(act), "the other process says that its page listens"
    waiting = asyncio.create_task(holding.wait(act, notice(act.id), "c1"))
    token, (told,) = await page
    assert (told.act_id, told.state, told.repeat, told.asked) == (act.id, "open", False, 2)
    assert "braucht Ihren Schl\u00fcssel" in told.text
    assert told.link == f"{TORWART}/act/{act.id}?popup=1"
    ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), TORWART))
    proof = await waiting
    assert proof is not None
    assert proof.grant_id == act.id
    token, (told,) = await until_told(asked, token)
    assert told.state == "released"


async def test_a_page_at_one_process_turns_down_what_waits_in_another(ceremonies: Ceremonies, anna: Person) -> None:
    asked, holding = gateway(ceremonies, "north"), gateway(ceremonies, "south")
    act = ceremonies.hold(anna)
    waiting = asyncio.create_task(holding.wait(act, notice(act.id), "c1"))
    await until_told(asked, (await asked.poll("s1", "", 0.01))[0])
    assert not asked.cancel(act.id, "s2"), "a page of another session may not"
    assert not asked.cancel("unknown", "s1")
    assert asked.cancel(act.id, "s1")
    assert await waiting is None


async def test_the_token_means_the_same_at_every_process(ceremonies: Ceremonies, anna: Person) -> None:
    north, south = gateway(ceremonies, "north"), gateway(ceremonies, "south")
    ceremonies.hold(anna)
    first, told = await until_told(north, (await north.poll("s1", "", 0.01))[0])
    assert len(told) == 1
    second, told = await until_told(south, (await south.poll("s1", "", 0.01))[0])
    assert len(told) == 1
    assert first == second


async def test_where_no_page_listens_a_call_is_to_be_repeated_and_a_later_page_hears_it(ceremonies: Ceremonies, anna: Person) -> None:
    asked, other = gateway(ceremonies, "north"), gateway(ceremonies, "south")
    act = ceremonies.hold(anna)
    assert not await other.page_elsewhere(act)
    ceremonies.stepup.repeats(act.id)
    _, (told,) = await until_told(asked, (await asked.poll("s1", "", 0.01))[0])
    assert told.repeat


async def test_a_gateway_alone_asks_nobody(ceremonies: Ceremonies, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "ELSEWHERE_SECONDS", 3_600)
    kept = gateway(ceremonies, "north")
    assert not await asyncio.wait_for(kept.page_elsewhere(ceremonies.hold(anna)), 10)
    with reading(ceremonies.house.engine) as session:
        assert len(list(session.scalars(select(GatewayView)))) == 1


async def test_pages_of_another_session_hear_nothing(ceremonies: Ceremonies, anna: Person) -> None:
    kept = gateway(ceremonies, "north")
    token, _ = await kept.poll("s2", "", 0.01)
    act = ceremonies.hold(anna)
    assert await kept.poll("s2", token, 3 * holds.LOOK_SECONDS) == (token, [])
    assert not ceremonies.stepup.was_told(act.id)


async def test_only_so_many_answers_wait_in_memory(ceremonies: Ceremonies, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "MAX_WAITING_BYTES", 100)
    monkeypatch.setattr(holds, "MAX_WAITING", 2)
    kept = Holds(ceremonies.stepup)
    assert kept.has_room(100)
    assert not kept.has_room(101)
    acts = [ceremonies.hold(anna, ids=(str(number),)) for number in range(2)]
    first = asyncio.create_task(kept.wait(acts[0], notice(acts[0].id), "c1", 60))
    await asyncio.sleep(0)
    assert kept.has_room(40)
    assert not kept.has_room(41)
    second = asyncio.create_task(kept.wait(acts[1], notice(acts[1].id), "c2", 0))
    await asyncio.sleep(0)
    assert not kept.has_room(0)
    kept.disconnected("c1")
    kept.disconnected("c2")
    await asyncio.gather(first, second)
    assert kept.has_room(100)
