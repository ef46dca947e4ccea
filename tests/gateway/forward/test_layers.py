"""What servers answer, and what is held at one time: streams go through as they come, oddities of a server reach nobody."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.demo.outside import Outside
from gateway import watch
from gateway.forward.layers import MAX_ANSWER_HEAD_BYTES
from tests.services.way_out import SECRET, Firm, WayOut, basic, heard, running

MIB = 1024 * 1024
type Answer = Callable[[asyncio.StreamWriter], None]


class Played:
    """A server that a test plays, in place of the usual one outside."""

    def __init__(self, port: int) -> None:
        self.port = port


@asynccontextmanager
async def before(tmp_path: Path, answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> AsyncIterator[WayOut]:
    """A proxy before a server that answers as the test says, after it has read a head."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        outcome = answer(reader, writer)
        if asyncio.iscoroutine(outcome):
            await outcome
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    far: Outside = Played(port)  # type: ignore[assignment]
    async with running(Firm(tmp_path / "firm", [port]), far) as way_out:
        yield way_out
    server.close()


async def test_an_answer_larger_than_any_upload_goes_through_and_is_not_held(tmp_path: Path) -> None:
    piece = os.urandom(MIB)

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (200 * MIB))
        for _number in range(200):
            writer.write(piece)
            await writer.drain()

    before_bytes = _resident()
    async with before(tmp_path, pour) as way_out:
        reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
        writer.write(_get(way_out))
        taken, peak = 0, 0
        while data := await asyncio.wait_for(reader.read(MIB), 10):
            taken += len(data)
            peak = max(peak, _resident())
        writer.close()
    assert taken > 200 * MIB
    assert peak - before_bytes < 64 * MIB


async def test_events_of_a_server_come_one_by_one(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def events(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
        await go_on.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")

    async with before(tmp_path, events) as way_out:
        reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
        writer.write(_get(way_out))
        assert await asyncio.wait_for(reader.readuntil(b"first"), 5)
        go_on.set()
        assert await asyncio.wait_for(reader.readuntil(b"second"), 5)
        writer.close()


@pytest.mark.parametrize("interim", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 3])
async def test_interim_answers_are_left_out(tmp_path: Path, interim: bytes) -> None:
    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(interim + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with before(tmp_path, answer) as way_out:
        found = heard(await way_out.talk(_get(way_out)))
    assert (found.status, found.body) == (200, b"ok")


async def test_what_only_a_proxy_may_say_does_not_come_from_a_server(tmp_path: Path) -> None:
    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = b'Proxy-Authenticate: Basic realm="x"\r\nProxy-Connection: close\r\nAlt-Svc: h3=":443"\r\nX-Own: kept'
        writer.write(b"HTTP/1.1 407 Please\r\n" + lines + b"\r\nContent-Length: 0\r\n\r\n")

    async with before(tmp_path, answer) as way_out:
        found = heard(await way_out.talk(_get(way_out)))
    assert found.headers["x-own"] == "kept"
    assert {"proxy-authenticate", "proxy-connection", "alt-svc"} & set(found.headers) == set()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"HTTP/1.1 2000 OK\r\n\r\nhello",
        b"nonsense\r\n\r\nhello",
    ],
)
async def test_an_answer_that_cannot_be_read_is_no_answer(tmp_path: Path, answer: bytes) -> None:
    def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with before(tmp_path, reply) as way_out:
        found = await way_out.talk(_get(way_out), seconds=5)
    assert b"hello" not in found
    assert found == b"" or heard(found).status in (502, 503)


async def test_a_head_without_end_is_cut(tmp_path: Path) -> None:
    sent = 0

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while sent < 100 * MIB:
                writer.write(b"X-A: " + b"a" * 60_000 + b"\r\n")
                await writer.drain()
                sent += 60_000
        except ConnectionError:
            pass

    async with before(tmp_path, endless) as way_out:
        found = heard(await way_out.talk(_get(way_out)))
    assert found.status == 502
    assert sent < MAX_ANSWER_HEAD_BYTES + 16 * MIB  # and what the sockets' buffers take


async def test_what_all_connections_hold_together_has_an_end(tmp_path: Path, far: Outside) -> None:
    far.arrivals.seen.clear()
    limits = watch.Limits(held_bytes=12 * MIB)
    async with running(Firm(tmp_path / "firm", [far.port]), far, limits=limits) as way_out:
        place, body = way_out.at(), b"nothing of the firm " * (MIB // 4)  # 5 MiB each
        head = f"POST http://{place}/collect HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic {basic(SECRET)}\r\n"
        begun = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        waiting = [await asyncio.open_connection("127.0.0.1", way_out.port) for _ in range(2)]
        for _, writer in waiting:
            writer.write(begun + body[:-1])  # all but the last byte: held
            await writer.drain()
        for _ in range(500):
            if way_out.parts and sum(one.pending for one in _connections(way_out)) >= 10 * MIB:
                break
            await asyncio.sleep(0.01)
        refused = heard(await way_out.talk(begun + body))
        assert refused.status == 403
        for reader, writer in waiting:
            writer.write(body[-1:])
            assert heard(await asyncio.wait_for(reader.read(), 10)).status == 200
            writer.close()
    assert len(far.arrivals.uploads()) == 2


def _connections(way_out: WayOut) -> list[watch.Watched]:
    return list(way_out.proxy.watch.connections.values())


def _get(way_out: WayOut) -> bytes:
    place = way_out.at()
    log_in = f"Proxy-Authorization: Basic {basic(SECRET)}"
    return f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n{log_in}\r\nConnection: close\r\n\r\n".encode()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("cuts", [(), (1,), (4_000, 4_001), (9_999,), (10_000,), (10_000, 10_001), (5_000, 10_300), (10_500,)])
async def test_a_body_arrives_whole_in_whatever_pieces_it_comes_and_what_follows_it_is_the_next_request(
    cuts: tuple[int, ...], way_out: WayOut
) -> None:
    bodies = [(b"an ordinary line of a letter\n" * 400)[:10_000], b"the second one"]
    heads = [
        f"POST http://{way_out.at()}/collect HTTP/1.1\r\nHost: {way_out.at()}\r\nContent-Length: {len(body)}\r\n"
        f"Proxy-Authorization: Basic {basic(SECRET)}\r\n{more}\r\n".encode()
        for body, more in zip(bodies, ("", "Connection: close\r\n"), strict=True)
    ]
    following = bodies[0] + heads[1] + bodies[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
    writer.write(heads[0])
    for begin, end in zip((0, *cuts), (*cuts, len(following)), strict=True):
        await asyncio.sleep(0.02)  # a piece of its own
        writer.write(following[begin:end])
    answers = await asyncio.wait_for(reader.read(-1), 10)
    writer.close()
    assert answers.count(b" 200 ") == 2, answers[:300]
    assert [one.body for one in way_out.far.arrivals.uploads()] == bodies


async def test_a_body_that_breaks_off_goes_nowhere(way_out: WayOut) -> None:
    head = f"POST http://{way_out.at()}/collect HTTP/1.1\r\nHost: {way_out.at()}\r\nContent-Length: 30\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
    writer.write(f"{head}Proxy-Authorization: Basic {basic(SECRET)}\r\n\r\n".encode())
    for piece in (b"fifteen of them", b"and not all"):
        await asyncio.sleep(0.02)  # a piece of its own
        writer.write(piece)
    await asyncio.sleep(0.02)
    writer.write_eof()
    assert b" 200 " not in await asyncio.wait_for(reader.read(-1), 10)
    writer.close()
    assert not way_out.far.arrivals.uploads()
