"""Hostile inputs A1 to A10 and A18 on the way out: what could be read in two ways reaches no server."""

from __future__ import annotations

import pytest

from tests.services.way_out import SECRET, WayOut, basic, heard, rows


def head(way_out: WayOut, *lines: bytes, first: bytes | None = None, host: bytes | None = None) -> bytes:
    """A head with the right first line, Host and log-in, and these lines in it."""
    place = way_out.at().encode()
    first = first if first is not None else b"POST http://" + place + b"/collect HTTP/1.1"
    log_in = b"Proxy-Authorization: Basic " + basic(SECRET).encode()
    return b"\r\n".join([first, host if host is not None else b"Host: " + place, log_in, *lines, b"", b""])


LIST = rows(*range(1, 10))
SIZED = b"Content-Length: %d" % len(LIST)


@pytest.mark.parametrize(
    "lines",
    [
        [SIZED, b"Transfer-Encoding: chunked"],
        [SIZED, b"Content-Length: 5"],
        [SIZED, SIZED.replace(b"Content-Length", b"content-length"), b"Content-Length: 0"],
        [b"Content-Length: +5"],
        [b"Content-Length: 0x5"],
        [b"Content-Length: 5,5"],
        [b"Content-Length: -1"],
        [b"Content-Length: 18446744073709551616000"],
        [b"Content-Length: 5 5"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: identity, chunked"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding : chunked"],
        [b"Transfer-Encoding: \x0bchunked"],
        [b"X-A: b\r\n folded: c", SIZED],
        [b"X-A: b\x00c", SIZED],
        [b"X-A: b\rX-B: c", SIZED],
        [b": empty", SIZED],
        [b"X A: b", SIZED],
        [b"Content-Type: text/plain", b"Content-Type: application/zip", SIZED],
        [b"Content-Encoding: gzip", b"Content-Encoding: identity", SIZED],
        [b"X-%d: a" % 1 if False else b"\r\n".join(b"X-%d: a" % number for number in range(300)), SIZED],
        [b"X-Long: " + b"a" * 70_000, SIZED],
    ],
)
async def test_an_ambiguous_head_reaches_no_server(way_out: WayOut, lines: list[bytes]) -> None:
    raw = await way_out.talk(head(way_out, *lines, b"Connection: close") + LIST, seconds=5)
    assert raw == b"" or heard(raw).status in (400, 403, 431, 503), raw[:200]
    assert way_out.far.arrivals.seen == []
    assert way_out.acts()


@pytest.mark.parametrize(
    ("first", "host"),
    [
        (None, b"Host: paste.localhost:1"),
        (None, b"Host: evil.example"),
        (None, b"X-Host: nothing"),
        (None, b"Host: @HOST@\r\nHost: @HOST@"),
        (None, b"Host: user@@HOST@"),
        (None, b"Host: @HOST@/x"),
        (None, b"Host: @HOST@?x"),
        (None, b"Host: @HOST@#x"),
        (None, b"Host: "),
        (b"POST https://@HOST@/collect HTTP/1.1", None),
        (b"POST ftp://@HOST@/collect HTTP/1.1", None),
        (b"POST http://@HOST@/col\x00lect HTTP/1.1", None),
        (b"POST http://@HOST@/col\xfflect HTTP/1.1", None),
        (b"POST http://@HOST@/collect#x HTTP/1.1", None),
        (b"post http://@HOST@/collect HTTP/1.1", None),
        (b"POST http://@HOST@/collect HTTP/2.0", None),
        (b"POST http://@HOST@/collect HTTP/0.9", None),
        (b"POST http://@HOST@/collect", None),
        (b"POST * HTTP/1.1", None),
        (b"POST http:///collect HTTP/1.1", None),
        (b"PRI * HTTP/2.0", None),
    ],
)
async def test_where_it_goes_is_one_place_or_none(way_out: WayOut, first: bytes | None, host: bytes | None) -> None:
    place = way_out.at().encode()
    first = first.replace(b"@HOST@", place) if first else None
    host = host.replace(b"@HOST@", place) if host else None
    raw = await way_out.talk(head(way_out, SIZED, b"Connection: close", first=first, host=host) + LIST, seconds=5)
    assert raw == b"" or heard(raw).status in (400, 403), raw[:200]
    assert way_out.far.arrivals.seen == []


async def test_a_list_in_one_byte_chunks_with_extensions_is_found(way_out: WayOut) -> None:
    chunks = b"".join(b"1;name=value\r\n" + LIST[place : place + 1] + b"\r\n" for place in range(len(LIST))) + b"0\r\n\r\n"
    raw = await way_out.talk(head(way_out, b"Transfer-Encoding: Chunked", b"Connection: close") + chunks)
    assert heard(raw).status == 403
    assert way_out.acts()[0]["event"]["reason"] == "clients_leave"
    assert way_out.far.arrivals.seen == []


async def test_a_chunked_body_goes_on_with_a_length(way_out: WayOut) -> None:
    raw = await way_out.talk(head(way_out, b"Transfer-Encoding: chunked", b"Connection: close") + b"5;a=b\r\nhallo\r\n0\r\n\r\n")
    assert heard(raw).status == 200
    (arrival,) = way_out.far.arrivals.seen
    assert arrival.body == b"hallo"
    assert arrival.headers["content-length"] == "5"
    assert "transfer-encoding" not in arrival.headers


async def test_trailers_carry_nothing_out(way_out: WayOut) -> None:
    body = b"5\r\nhallo\r\n0\r\nX-List: kunde1@client1.example\r\n\r\n"
    raw = await way_out.talk(head(way_out, b"Transfer-Encoding: chunked", b"Connection: close") + body, seconds=5)
    assert way_out.far.arrivals.seen == []
    assert not raw.startswith(b"HTTP/1.1 2")
    refused = [event for event in way_out.record() if event["event"]["action"] in ("refused", "connection-refused")]
    assert refused, "it was stopped, and the record says so"


async def test_headers_named_in_connection_and_those_for_proxies_do_not_go_on(way_out: WayOut) -> None:
    lines = [
        b"Connection: close, X-Private",
        b"X-Private: a",
        b"X-Forwarded-For: 1.2.3.4",
        b"Forwarded: for=x",
        b"TE: trailers",
        b"Keep-Alive: 5",
    ]
    raw = await way_out.talk(
        head(way_out, *lines, b"Upgrade: h2c", b"HTTP2-Settings: AAAA", b"X-Own: kept", b"Content-Length: 5") + b"hallo"
    )
    assert heard(raw).status == 200
    (arrival,) = way_out.far.arrivals.seen
    assert arrival.headers["x-own"] == "kept"
    gone = {"x-private", "x-forwarded-for", "forwarded", "te", "keep-alive", "upgrade", "http2-settings", "proxy-authorization"}
    assert gone & set(arrival.headers) == set()


async def test_a_pipelined_second_request_is_judged_by_itself(way_out: WayOut) -> None:
    first = head(way_out, b"Content-Length: 5") + b"hallo"
    second = head(way_out, SIZED, b"Connection: close") + LIST
    raw = await way_out.talk(first + second)
    assert raw.count(b"HTTP/1.1 200") == 1
    assert b"HTTP/1.1 403" in raw
    assert [one.body for one in way_out.far.arrivals.seen] == [b"hallo"]


async def test_a_smuggled_request_in_a_body_stays_a_body(way_out: WayOut) -> None:
    inner = head(way_out, b"Content-Length: 0")
    raw = await way_out.talk(head(way_out, b"Content-Length: %d" % len(inner), b"Connection: close") + inner)
    assert heard(raw).status == 200
    assert [one.body for one in way_out.far.arrivals.seen] == [inner]


async def test_expect_continue_is_answered_by_us_and_only_to_those_who_may_send(way_out: WayOut) -> None:
    raw = await way_out.talk(head(way_out, b"Content-Length: 5", b"Expect: 100-continue", b"Connection: close") + b"hallo")
    assert raw.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    nobody = head(way_out, b"Content-Length: 5", b"Expect: 100-continue", b"Connection: close").replace(basic(SECRET).encode(), b"eDp5")
    raw = await way_out.talk(nobody, seconds=3)
    assert raw.startswith(b"HTTP/1.1 407 ")
