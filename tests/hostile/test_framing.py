"""Hostile inputs A and B on real sockets: refused or closed, one event, nothing at the CRM."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.services.front import Front

BOMB = gzip.compress(b"\0" * 50_000_000)

# {host} is replaced by the right Host header value. Name -> (bytes on the wire, statuses that are a refusal; 0 is a closed connection).
CASES: dict[str, tuple[bytes, set[int]]] = {
    "A1 both lengths": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "A2 two lengths": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", {400}),
    "A2 same length twice": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", {400}),
    "A2 plus": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: +5\r\n\r\nabcde", {400}),
    "A2 hex": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0x5\r\n\r\nabcde", {400}),
    "A2 list": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5,5\r\n\r\nabcde", {400}),
    "A2 inner space": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5 5\r\n\r\nabcde", {400}),
    "A2 2^64": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 18446744073709551616\r\n\r\nabc", {400, 413}),
    "A3 xchunked": (b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", {400}),
    "A3 chunked, identity": (b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", {400}),
    "A3 gzip, chunked": (b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", {400}),
    "A3 chunked twice": (
        b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        {400},
    ),
    "A3 chunked on 1.0": (b"POST / HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "A3 bad chunk size": (b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", {400, 0}),
    "A4 folded header": (b"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: a\r\n b\r\n\r\n", {400}),
    "A5 CR alone": (b"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: a\rb\r\n\r\n", {400}),
    "A5 NUL in a header": (b"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: a\0b\r\n\r\n", {400}),
    "A5 NUL in the path": (b"GET /a\0b HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "A5 byte over 0x7f": (b"GET /\xff HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "A6 space before colon": (b"GET / HTTP/1.1\r\nHost: {host}\r\nAccept : a\r\n\r\n", {400}),
    "A6 empty name": (b"GET / HTTP/1.1\r\nHost: {host}\r\n: a\r\n\r\n", {400}),
    "A6 200 headers": (b"GET / HTTP/1.1\r\nHost: {host}\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + b"\r\n", {431}),
    "A6 64 KB header": (b"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: " + b"a" * 65_536 + b"\r\n\r\n", {431}),
    "A6 endless head": (b"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: " + b"a" * 1_000_000, {0}),
    "A7 two hosts": (b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n", {400}),
    "A7 the same host twice": (b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n", {400}),
    "A7 no host": (b"GET / HTTP/1.1\r\nAccept: a\r\n\r\n", {400}),
    "A7 host with path": (b"GET / HTTP/1.1\r\nHost: {host}/x\r\n\r\n", {400}),
    "A7 host with query": (b"GET / HTTP/1.1\r\nHost: {host}?x\r\n\r\n", {400}),
    "A7 host with user": (b"GET / HTTP/1.1\r\nHost: a@{host}\r\n\r\n", {400}),
    "A7 other port": (b"GET / HTTP/1.1\r\nHost: crm.localhost:1\r\n\r\n", {400}),
    "A7 no port": (b"GET / HTTP/1.1\r\nHost: crm.localhost\r\n\r\n", {400}),
    "A7 by address": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "A8 absolute form": (b"GET http://evil.example/abs HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "A8 absolute form to us": (b"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "A8 authority form": (b"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "A8 asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "A10 trailers": (b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-User: a\r\n\r\n", {400, 0}),
    "A12 HTTP/2 without TLS": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 0}),
    "A15 other expectation": (b"POST / HTTP/1.1\r\nHost: {host}\r\nExpect: the worst\r\nContent-Length: 1\r\n\r\na", {417}),
    "A15 body of a GET": (b"GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n\r\nabc", {400}),
    "A16 websocket": (
        b"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        {403},
    ),
    "A16 h2c": (b"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", {403}),
    "A21 bomb": (
        b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB,
        {400, 413},
    ),
    "A22 gzip that is none": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", {400}),
    "A22 gzip twice": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 3\r\n\r\nabc", {400}),
    "A22 unknown": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Encoding: foo\r\nContent-Length: 3\r\n\r\nabc", {415}),
    "A body over the limit": (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000001\r\n\r\n", {413}),
    "A chunks over the limit": (
        b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"80000\r\n"
        + b"a" * 0x80000
        + b"\r\n"
        + b"80000\r\n"
        + b"a" * 0x80000,
        {413, 0},
    ),
    "B26 underscore twin": (b"GET / HTTP/1.1\r\nHost: {host}\r\nX_User: admin\r\n\r\n", {400}),
    "B26 method override": (b"POST / HTTP/1.1\r\nHost: {host}\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n", {400}),
    "B32 cookie twice": (b"GET / HTTP/1.1\r\nHost: {host}\r\nCookie: a=1; a=2\r\n\r\n", {400}),
    "B32 cookie twice in two headers": (b"GET / HTTP/1.1\r\nHost: {host}\r\nCookie: a=1\r\nCookie: a=2\r\n\r\n", {400}),
    "B32 8 KB cookie": (b"GET / HTTP/1.1\r\nHost: {host}\r\nCookie: a=" + b"1" * 8192 + b"\r\n\r\n", {400}),
    "C36 dot segment": (b"GET /api/../admin HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 double slash": (b"GET //admin HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 encoded dots": (b"GET /%2e%2e/admin HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 encoded slash": (b"GET /a%2fadmin HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 backslash": (b"GET /a\\admin HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 parameter": (b"GET /admin;x=1 HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 NUL": (b"GET /admin%00 HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 fragment": (b"GET /admin#x HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 trailing dot": (b"GET /admin. HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 doubly encoded": (b"GET /%2561dmin HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 half a percent": (b"GET /%6 HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C36 not UTF-8": (b"GET /%ff HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "C37 new method": (b"PATCH / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n", {400}),
    "C37 lower-case method": (b"get / HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "no HTTP at all": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", {400, 0}),
    "TLS on the plain port": (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n", {400, 0}),
    "malformed line": (b"GET\r\n\r\n", {400, 0}),
    "X18 capitals": (b"GET /.TORWART/held HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "X18 encoded full width": (b"GET /.%EF%BD%94orwart/held HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "X18 further down": (b"GET /crm/.torwart HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "X18 with an ending": (b"GET /.torwarts HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "X18 with a space": (b"GET /.torwart%20/held HTTP/1.1\r\nHost: {host}\r\n\r\n", {400}),
    "X19 service worker": (b"GET /sw.js HTTP/1.1\r\nHost: {host}\r\nService-Worker: script\r\n\r\n", {403}),
}


@pytest.mark.parametrize("name", CASES)
async def test_an_ambiguous_request_is_refused_recorded_once_and_reaches_nobody(front: Front, name: str) -> None:
    wire, statuses = CASES[name]
    answer = await front.talk(wire.replace(b"{host}", front.host))
    status = int(answer.split(b" ")[1]) if answer else 0
    assert status in statuses, answer[:200]
    assert len(front.refused) == 1, front.refused
    assert front.judge.seen == []
    assert front.upstream.requests == []
    assert front.upstream.connections == 0


async def test_a_refusal_closes_the_connection_and_judges_nothing_behind_it(front: Front) -> None:
    behind = front.head(b"GET /b HTTP/1.1")
    answer = await front.talk(front.head(b"GET //a HTTP/1.1") + behind)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert front.judge.seen == []
    assert front.upstream.requests == []


async def test_chunked_in_any_case_is_reassembled_and_sent_with_a_length(front: Front) -> None:
    """A3, A11: chunk extensions and one-byte chunks are gone when the body is judged."""
    chunks = b"".join(b"1;ext=x\r\n%c\r\n" % byte for byte in b"hello") + b"0\r\n\r\n"
    await front.talk(front.head(b"POST /x HTTP/1.1", b"Connection: close", b"Transfer-Encoding: Chunked") + chunks)
    assert front.judge.seen[0].body == b"hello"
    assert front.upstream.requests[0].endswith(b"content-length: 5\r\n\r\nhello")
    assert b"ransfer" not in front.upstream.requests[0]


async def test_bare_line_feeds_are_forwarded_only_in_canonical_form(front: Front) -> None:
    await front.talk(b"GET  /x \tHTTP/1.1\nHost: %s\nConnection: close\n\n" % front.host)
    assert front.upstream.requests == [
        b"GET /x HTTP/1.1\r\nhost: %s\r\naccept-encoding: gzip\r\nx-forwarded-for: 127.0.0.1\r\n\r\n" % front.upstream.url[7:].encode()
    ]


async def test_a_pipelined_second_request_is_judged_by_itself(front: Front) -> None:
    """A9."""
    answer = await front.talk(front.head(b"GET /a HTTP/1.1") + front.head(b"GET /../b HTTP/1.1"))
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert answer.count(b"HTTP/1.1 400 ") == 1
    assert [request.path for request in front.judge.seen] == ["/a"]
    assert len(front.upstream.requests) == 1
    assert len(front.refused) == 1


async def test_a_body_is_asked_for_and_meets_no_other_answer(front: Front) -> None:
    """A15: `Expect: 100-continue`, the body before or after the interim answer."""
    head = front.head(b"POST /x HTTP/1.1", b"Expect: 100-continue", b"Content-Length: 5", b"Connection: close")
    for pieces in ((head, b"hello"), (head + b"hello",)):
        answer = await front.talk(*pieces)
        assert answer.startswith(b"HTTP/1.1 100 ")
        assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert all(request.endswith(b"\r\n\r\nhello") and b"xpect" not in request for request in front.upstream.requests)


async def test_identity_and_forwarding_headers_never_reach_the_crm(front: Front) -> None:
    """B26; our own mark holds the connected peer's address and nothing else."""
    evil = ["X-User", "X-Forwarded-User", "X-Forwarded-For", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri"]
    evil += ["X-Real-IP", "Remote-User", "X-Remote-User", "Via", "X-Unheard-Of", "If-None-Match"]
    answer = await front.ask(b"GET /x HTTP/1.1", *(f"{name}: evil".encode() for name in evil))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"evil" not in front.upstream.requests[0]
    assert b"x-forwarded-for: 127.0.0.1\r\n" in front.upstream.requests[0]
    assert all("evil" not in value for _, value in front.judge.seen[0].headers)


async def test_connection_cannot_take_our_own_header_away(front: Front) -> None:
    """B27."""
    await front.talk(front.head(b"GET /x HTTP/1.1", b"Connection: close, X-Forwarded-For, Accept", b"Accept: text/html"))
    assert b"x-forwarded-for: 127.0.0.1\r\n" in front.upstream.requests[0]
    assert b"text/html" not in front.upstream.requests[0]


async def test_our_cookies_never_reach_the_crm(front: Front) -> None:
    """B33."""
    await front.ask(b"GET /x HTTP/1.1", b"Cookie: torwart_listen=1; tryton_session=a:1:b; __Host-torwart=2")
    assert b"cookie: tryton_session=a:1:b\r\n" in front.upstream.requests[0]
    assert b"torwart" not in front.upstream.requests[0]
    assert front.judge.seen[0].header("cookie") == "torwart_listen=1; tryton_session=a:1:b; __Host-torwart=2"


async def test_byte_ranges_are_removed_and_other_units_are_kept(front: Front) -> None:
    """A23."""
    await front.ask(b"GET /x HTTP/1.1", b"Range: Bytes=0-99")
    await front.ask(b"GET /x HTTP/1.1", b"Range: records=0-99")
    assert b"range" not in front.upstream.requests[0].lower()
    assert b"range: records=0-99\r\n" in front.upstream.requests[1]


async def test_a_packed_body_is_unpacked_before_it_is_judged(front: Front) -> None:
    packed = gzip.compress(b'{"id": 1}')
    await front.ask(b"POST /x HTTP/1.1", b"Content-Encoding: gzip", b"Content-Length: %d" % len(packed), body=packed)
    assert front.judge.seen[0].body == b'{"id": 1}'
    assert b"gzip\r\ncontent" not in front.upstream.requests[0]
    assert front.upstream.requests[0].endswith(b'{"id": 1}')


@pytest.mark.parametrize(
    ("pieces", "what"),
    [
        ((b"GET / HTTP/1.1\r\nHo",), "slow head"),
        ((b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\na",), "slow body"),
        ((b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",), "slow body"),
    ],
)
async def test_a_client_that_never_finishes_is_cut_off(front: Front, pieces: tuple[bytes, ...], what: str) -> None:
    """A14."""
    await front.talk(*(piece.replace(b"{host}", front.host) for piece in pieces))
    assert front.refused == [what]
    assert front.upstream.requests == []


async def test_a_client_that_drips_bytes_is_cut_off_all_the_same(front: Front) -> None:
    """A14: activity alone does not keep a connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    for byte in front.head(b"GET / HTTP/1.1"):
        if reader.at_eof():
            break
        writer.write(bytes([byte]))
        await asyncio.sleep(0.05)
    assert await reader.read() == b""
    assert front.refused == ["slow head"]
    writer.close()


async def test_a_thousand_pipelined_requests_do_not_fill_the_memory(front: Front) -> None:
    """What follows a request that is still judged is limited."""
    release = asyncio.Event()

    async def wait(request: object) -> object:
        await release.wait()
        raise AssertionError("the client was cut off before")

    front.judge.first = wait  # type: ignore[assignment]
    await front.talk(front.head(b"GET / HTTP/1.1"), *[b"x" * 65_536] * 8)
    release.set()
    assert front.refused[0] == "too much pipelined"
    assert front.upstream.requests == []
