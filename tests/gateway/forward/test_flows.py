"""No whole body stays in the forward proxy's memory when its exchange is over, without the collector."""

from __future__ import annotations

import asyncio

import pytest

from tests.services.remains import no_collector, remains
from tests.services.way_out import SECRET, WayOut, basic, rows

WORD = "<a long letter>"
TIMES = 20_000
"""The word so often: a body that is read in several pieces."""


@pytest.mark.parametrize("ends", ["answered", "stopped", "closed"])
async def test_no_body_outlives_its_exchange(way_out: WayOut, ends: str) -> None:
    clients = "\r\n" + rows(*range(1, 10)).decode() if ends == "stopped" else ""
    head = [f"POST http://{way_out.at()}/collect HTTP/1.1", f"Host: {way_out.at()}", "Content-Type: text/plain"]
    head += [f"Proxy-Authorization: Basic {basic(SECRET)}", *(["Connection: close"] if ends == "closed" else [])]
    length = len(WORD) * TIMES + len(clients)
    with no_collector():
        reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
        for _ in range(3 if ends == "answered" else 1):
            writer.write("\r\n".join([*head, f"Content-Length: {length}", "", ""]).encode() + (WORD * TIMES + clients).encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.split()[1] == (b"403" if ends == "stopped" else b"200")
            if ends == "answered":
                await reader.readuntil(b"ok")
                await asyncio.sleep(0.05)  # so much must not follow before the exchange is over
        await writer.drain()
        if ends == "closed":
            writer.close()
        await asyncio.sleep(0.1)
        way_out.far.arrivals.seen.clear()
        assert remains(WORD, times=TIMES) == []
        writer.close()
