"""Nothing of an upload or of a page stays in the forward proxy's memory when it is over, without the collector."""

from __future__ import annotations

import asyncio

import pytest

from tests.services.remains import no_collector, remains_for_good
from tests.services.way_out import SECRET, WayOut, basic, email, rows

WORD = "<a long letter>"
TIMES = 20_000
"""The word so often: a body that is read in several pieces."""


@pytest.mark.parametrize("ends", ["answered", "stopped", "closed", "gone midway"])
async def test_no_body_outlives_its_exchange(way_out: WayOut, ends: str) -> None:
    clients = "\r\n" + rows(*range(1, 10)).decode() if ends == "stopped" else ""
    head = [f"POST http://{way_out.at()}/collect HTTP/1.1", f"Host: {way_out.at()}", "Content-Type: text/plain"]
    head += [f"Proxy-Authorization: Basic {basic(SECRET)}", *(["Connection: close"] if ends == "closed" else [])]
    length = len(WORD) * TIMES + len(clients) + (1 if ends == "gone midway" else 0)
    with no_collector():
        reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
        for _ in range(1 if ends in ("closed", "gone midway", "stopped") else 3):
            writer.write("\r\n".join([*head, f"Content-Length: {length}", "", ""]).encode() + (WORD * TIMES + clients).encode())
            if ends != "gone midway":
                answer = await reader.readuntil(b"\r\n\r\n")
                assert answer.split()[1] == (b"403" if ends == "stopped" else b"200")
            if ends == "answered":
                await reader.readuntil(b"ok")
                await asyncio.sleep(0.05)  # so much must not follow before the exchange is over
        await writer.drain()
        if ends in ("closed", "gone midway"):
            writer.close()
        await asyncio.sleep(0.1)
        way_out.far.arrivals.seen.clear()
        assert await remains_for_good(WORD, email(3), times=3) == []
        writer.close()
