"""A download through the proxy that is half sent when its person is frozen is never completed."""

from __future__ import annotations

import asyncio

import pytest

from tests.services.half_read import HalfRead
from tests.services.outside import LARGE_BYTES
from tests.services.way_out import SECRET, WayOut, basic


@pytest.mark.parametrize("more", ["", "Connection: close\r\n"])
async def test_a_download_half_sent_stops_with_a_freeze(way_out: WayOut, more: str) -> None:
    place = way_out.at()
    head = f"GET http://{place}/large HTTP/1.1\r\nHost: {place}\r\n{more}Proxy-Authorization: Basic {basic(SECRET)}\r\n\r\n"
    half = await asyncio.to_thread(HalfRead.of, way_out.port, head.encode())
    assert half.announced == LARGE_BYTES
    with way_out.firm.people() as (people, _, _):
        people.freeze(way_out.firm.anna, None)
    assert await asyncio.to_thread(half.is_broken)
    assert await asyncio.to_thread(half.rest) < LARGE_BYTES
    assert way_out.proxy.watch.connections == {}


async def test_a_download_of_somebody_who_is_not_frozen_is_completed(way_out: WayOut) -> None:
    place = way_out.at()
    head = f"GET http://{place}/large HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\nProxy-Authorization: Basic {basic(SECRET)}\r\n\r\n"
    half = await asyncio.to_thread(HalfRead.of, way_out.port, head.encode())
    with way_out.firm.people() as (people, _, _):
        boris = people.find("boris")
        assert boris is not None
        people.freeze(boris.id, None)
    assert not await asyncio.to_thread(half.is_broken, 2)
    assert await asyncio.to_thread(half.rest) == LARGE_BYTES
