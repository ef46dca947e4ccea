"""Open acts in the gateway's memory: what has ended is forgotten, whether a page asks for it or not."""

import asyncio
import time

import pytest

from auth.tables import Person
from gateway import holds
from gateway.holds import Holds, Notice
from tests.services.house import Ceremonies


def notice(act_id: str) -> Notice:
    return Notice(act_id, "s1", "de", "text", 2, 2, "link", time.monotonic() + 60)


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
