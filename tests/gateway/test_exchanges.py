"""Nothing of an exchange stays in memory when it is over, however it ends, and without the collector."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from gateway.exchange import Forward, Reply, Request, Response, Step
from gateway.server import Gateway
from tests.services.front import LIMITS, Front, Upstream, settings, until
from tests.services.gate import Gate
from tests.services.remains import no_collector, remains_for_good
from tests.services.tryton_calls import TOKEN

ASKED, CAME, GOES = "<asked for>", "<came from the CRM>", "<goes out>"
TIMES = 8_000
"""Each mark so often: a body that the library reads in several pieces."""

type Talk = Callable[[Front, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _answered(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Three exchanges; the connection stays, as do those to the CRM."""
    for _ in range(3):
        _post(front, writer)
        await _answer(reader)


async def _last(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _post(front, writer, b"Connection: close")
    await _answer(reader)
    await reader.read()


async def _pipelined(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _post(front, writer)
    _post(front, writer)
    await _answer(reader)
    await _answer(reader)


async def _gone_midway(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(front.head(b"POST /x HTTP/1.1", b"Content-Length: 1000000") + ASKED.encode() * TIMES)
    await writer.drain()
    await asyncio.sleep(0.05)


async def _gone_while_judged(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    asked = asyncio.Event()
    gone = asyncio.Event()

    async def wait(request: Request) -> Step:
        asked.set()
        await gone.wait()
        return await _forward(request)

    front.judge.first = wait
    _post(front, writer)
    await asked.wait()
    writer.close()
    await until(lambda: front.judge.gone)
    gone.set()
    await asyncio.sleep(0.05)


async def _held(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """For a touch, while the next request waits behind it."""
    touched = asyncio.Event()

    async def wait(request: Request) -> Step:
        await touched.wait()
        return await _forward(request)

    front.judge.first = wait
    _post(front, writer)
    _post(front, writer)
    await until(lambda: front.judge.seen)
    await asyncio.sleep(0.05)
    touched.set()
    await _answer(reader)
    await _answer(reader)


async def _refused(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def refuse(_: Request) -> Step:
        return Reply(Response(403, (("content-type", "text/plain"),), GOES.encode() * TIMES))

    front.judge.first = refuse
    for _ in range(2):
        _post(front, writer)
        await _answer(reader, 403)


async def _gone_while_answered(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _post(front, writer)
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    reader._buffer.clear()  # type: ignore[attr-defined]  # what this client took
    await until(lambda: front.judge.gone)


async def _too_large(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """In chunks, whose sum nobody announces."""
    writer.write(front.head(b"POST /x HTTP/1.1", b"Transfer-Encoding: chunked"))
    piece = ASKED.encode() * TIMES
    for _ in range(1_100_000 // len(piece) + 1):
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    assert (await reader.read()).startswith(b"HTTP/1.1 413 ")


async def _fault(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def fail(_: Response) -> Response:
        raise RecursionError

    front.judge.then = fail
    _post(front, writer)
    assert (await reader.read()).startswith(b"HTTP/1.1 503 ")


async def _crm_breaks_off(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert front.upstream.answer is not None
    front.upstream.answer, front.upstream.close_after = front.upstream.answer[:-1], True
    _post(front, writer)
    await reader.readuntil(b"the CRM does not answer")


async def _crm_lies(front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert front.upstream.answer is not None
    front.upstream.answer += b"more"
    _post(front, writer)
    await reader.readuntil(b"the CRM does not answer")


@pytest.mark.parametrize(
    "talk",
    [
        *(_answered, _last, _pipelined, _held, _refused),
        *(_gone_midway, _gone_while_judged, _gone_while_answered, _too_large, _fault, _crm_breaks_off, _crm_lies),
    ],
)
async def test_no_body_outlives_its_exchange(front: Front, talk: Talk) -> None:
    front.upstream.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (TIMES * len(CAME)) + CAME.encode() * TIMES
    front.judge.then = _masked
    with no_collector():
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        await talk(front, reader, writer)
        if talk not in (_answered, _pipelined, _held, _refused):
            writer.close()
        # What the doubles hold themselves.
        front.upstream.answer = None
        front.upstream.requests.clear()
        front.judge.seen.clear()
        assert await remains_for_good(ASKED, CAME, GOES) == []
        writer.close()


@pytest_asyncio.fixture
async def firm(gate: Gate) -> AsyncIterator[Front]:
    """The real route behind the real proxy; the double in the CRM's place knows no Tryton."""
    upstream = Upstream()
    front = Front(0, gate.assembled.handler, upstream)  # type: ignore[arg-type]
    gateway = Gateway(settings(upstream.url), gate.assembled.handler, front.record_refused, limits=LIMITS)
    front.port = await gateway.start()
    try:
        yield front
    finally:
        await gateway.stop()
        upstream.close()


@pytest.mark.parametrize("method", ["read", "search_read"])
async def test_no_client_outlives_its_exchange(gate: Gate, firm: Front, method: str) -> None:
    gate.own(*range(1, 11))
    fields = ["name", "email"]
    params: list[Any] = [[*range(1, 11)], fields] if method == "read" else [[], 0, 50, None, fields]
    ask = json.dumps({"id": 7, "method": f"model.party.party.{method}", "params": [*params, {"x": ASKED * TIMES}]}).encode()
    headers = [b"Content-Length: %d" % len(ask), b"Content-Type: application/json", f"Cookie: tryton_session=boris:3:{TOKEN}".encode()]
    headers += [b"Sec-Fetch-Site: same-origin", b"Sec-Fetch-Mode: cors"]
    firm.upstream.answer = _clients(range(1, 11))
    with no_collector():
        reader, writer = await asyncio.open_connection("127.0.0.1", firm.port)
        for _ in range(3):
            writer.write(firm.head(b"POST /crm/rpc/ HTTP/1.1", *headers) + ask)
            assert await _answer(reader) > TIMES  # of ten clients by name: not a refusal
        firm.upstream.answer = None
        firm.upstream.requests.clear()
        del ask
        assert gate.assembled.handler.learner.settled(10.0)
        assert await remains_for_good(ASKED, CAME) == []
        writer.close()


def _clients(numbers: range) -> bytes:
    rows = [{"id": number, "name": CAME * (TIMES // 10), "email": f"{number}@{CAME * 20}"} for number in numbers]
    body = json.dumps({"id": 7, "result": rows}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def _forward(request: Request) -> Step:
    return Forward(request, request)


async def _masked(_: Response) -> Response:
    return Response(200, (("content-type", "text/plain"),), GOES.encode() * TIMES)


def _post(front: Front, writer: asyncio.StreamWriter, *headers: bytes) -> None:
    body = ASKED.encode() * TIMES
    writer.write(front.head(b"POST /x HTTP/1.1", b"Content-Length: %d" % len(body), *headers) + body)


async def _answer(reader: asyncio.StreamReader, status: int = 200) -> int:
    """Read an answer and keep nothing of it; its length."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 %d " % status), head
    return len(await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])))
