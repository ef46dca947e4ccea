"""The only road to the CRM, against a real server that behaves and misbehaves."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from gateway.exchange import Request
from gateway.upstream import Upstream
from tests.services.front import Front

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def test_a_connection_is_used_again_by_the_same_client_and_by_nobody_else(front: Front) -> None:
    await front.talk(front.head(b"GET /1 HTTP/1.1") + front.head(b"GET /2 HTTP/1.1", b"Connection: close"))
    assert (front.upstream.connections, len(front.upstream.requests)) == (1, 2)
    await front.ask(b"GET /3 HTTP/1.1")
    assert front.upstream.connections == 2


async def test_a_crm_that_closes_after_each_answer_is_asked_on_new_connections(front: Front) -> None:
    front.upstream.answer, front.upstream.close_after = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", True
    answer = await front.talk(front.head(b"GET /1 HTTP/1.1") + front.head(b"GET /2 HTTP/1.1", b"Connection: close"))
    assert answer.count(b"hello") == 2
    assert front.upstream.connections == 2


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (OK, b"hello"),
        (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-T: 1\r\n\r\n", b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"hello"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" + gzip.compress(b"hello", mtime=0), b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
async def test_answers_are_read_whole_and_without_their_encoding(front: Front, wire: bytes, body: bytes) -> None:
    front.upstream.answer = wire
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer.split(b" ")[1] in (b"200", b"204")
    assert answer.partition(b"\r\n\r\n")[2] == body
    assert b"ncoding" not in answer


async def test_an_answer_without_a_length_ends_with_its_connection(front: Front) -> None:
    front.upstream.answer, front.upstream.close_after = b"HTTP/1.0 200 OK\r\n\r\nhello", True
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer.endswith(b"content-length: 5\r\n\r\nhello")


NONSENSE = {
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "malformed"),
    "both lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "malformed"),
    "signed length": (b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "malformed"),
    "folded header": (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", "malformed"),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello", "malformed"),
    "more than promised": (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhello", "malformed"),
    "bad chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", "malformed"),
    "chunk without its end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", "malformed"),
    "unknown transfer coding": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "malformed"),
    "switches protocol": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "malformed"),
    "endless head": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, "malformed"),
    "promises too much": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n", "too large"),
    "chunks too much": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nF4241\r\n", "too large"),
    "bomb": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", "too large"),
    "wrong label": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "content encoding"),
    "unknown label": (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello", "content encoding"),
    "two labels": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 5\r\n\r\nhello", "content encoding"),
    "truncated gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n" + gzip.compress(b"hello", mtime=0)[:12],
        "content encoding",
    ),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_an_answer_that_cannot_be_read_gives_a_clear_page_and_no_byte_of_it(front: Front, name: str) -> None:
    wire, what = NONSENSE[name]
    if name == "bomb":
        bomb = gzip.compress(b"hello" * 1_000_000)
        wire = wire % (len(bomb), bomb)
    front.upstream.answer = wire
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert answer.endswith(b"the CRM does not answer")
    assert b"hello" not in answer
    assert front.judge.failures == [what]


async def test_a_crm_that_is_slow_gives_a_clear_page_after_the_time_limit(front: Front) -> None:
    front.upstream.answer = None
    assert (await front.ask(b"GET /x HTTP/1.1")).startswith(b"HTTP/1.1 502 ")
    assert front.judge.failures == ["timeout"]


async def test_a_crm_that_breaks_off_gives_a_clear_page(front: Front) -> None:
    front.upstream.answer, front.upstream.close_after = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello", True
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"hello" not in answer
    assert front.judge.failures == ["closed"]


async def test_a_crm_that_is_down_gives_a_clear_page(front: Front) -> None:
    front.upstream.close()
    assert (await front.ask(b"GET /x HTTP/1.1")).startswith(b"HTTP/1.1 502 ")
    assert front.judge.failures == ["connect"]


async def test_a_write_is_never_sent_twice(front: Front) -> None:
    front.upstream.answer, front.upstream.close_after = b"", True
    await front.talk(front.head(b"POST /x HTTP/1.1", b"Content-Length: 0", b"Connection: close"))
    assert len(front.upstream.requests) == 1


async def test_a_connection_whose_client_has_gone_is_closed_after_its_answer() -> None:
    asked, go, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def crm(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await go.wait()
        writer.write(OK)
        await reader.read()  # until the gateway closes
        closed.set()
        writer.close()

    server = await asyncio.start_server(crm, "127.0.0.1", 0)
    upstream = Upstream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_seconds=5, answer_limit_bytes=1_000)
    answer = asyncio.create_task(upstream.send(Request("GET", "/", (), (), b"", "192.0.2.1", "c1")))
    await asked.wait()
    upstream.forget("c1")
    go.set()
    assert (await answer).body == b"hello"
    await asyncio.wait_for(closed.wait(), 5)
    server.close()
