"""Hostile inputs D69 and D71 and bodies without end: bounded memory, one event, nothing out."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.demo.outside import Outside
from tests.services.way_out import SECRET, Firm, Heard, WayOut, basic, heard, multipart, rows, running

MIB = 1024 * 1024
LIST = rows(*range(1, 10))


def resident() -> int:
    """Bytes of this process in memory: proxy, test and server outside are all in it."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def measured(most: int) -> AsyncIterator[None]:
    """Fails if the process grows by more than this many bytes meanwhile."""
    before, peak = resident(), 0
    done = asyncio.Event()

    async def look() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, resident())
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(look())
    yield
    done.set()
    await looking
    assert peak - before < most, f"grew by {(peak - before) // MIB} MiB"


async def pour(way_out: WayOut, first: bytes, pieces: Iterator[bytes]) -> tuple[Heard, int]:
    """Send pieces until the proxy answers or closes; the answer, and how many bytes it took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
    answer = asyncio.create_task(reader.read(65_536))
    writer.write(first)
    sent = 0
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.wait_for(writer.drain(), 10)
            sent += len(piece)
            if answer.done():
                break
    except ConnectionError:
        pass
    raw = await asyncio.wait_for(answer, 10)
    writer.close()
    return heard(raw), sent


def head(way_out: WayOut, *lines: str) -> bytes:
    place = way_out.at()
    first = [f"POST http://{place}/collect HTTP/1.1", f"Host: {place}", f"Proxy-Authorization: Basic {basic(SECRET)}"]
    return "\r\n".join([*first, *lines, "", ""]).encode()


@pytest.fixture
async def small(tmp_path: Path, far: Outside) -> AsyncIterator[WayOut]:
    """A proxy that reads bodies of up to 8 MiB."""
    far.arrivals.seen.clear()
    async with running(Firm(tmp_path / "firm", [far.port], more=f"  upload_limit_bytes: {8 * MIB}\n"), far) as one:
        yield one


async def test_a_gigabyte_is_refused_at_its_head_and_never_held(way_out: WayOut) -> None:
    piece = os.urandom(MIB)
    async with measured(48 * MIB):
        answer, sent = await pour(way_out, head(way_out, f"Content-Length: {1024 * MIB}"), (piece for _ in range(1024)))
    assert answer.status == 403
    assert sent < 64 * MIB
    (act,) = way_out.acts()
    assert act["event"]["reason"] == "unread_leaves"
    assert act["file"] == {"size": 1024 * MIB}
    assert act["torwart"]["findings"] == [{"kind": "uninspectable", "detector": "too_large", "clients": 0, "where": "body"}]
    assert way_out.far.arrivals.seen == []


async def test_a_gigabyte_sent_to_its_end_is_thrown_away_as_it_comes(way_out: WayOut) -> None:
    """A client that does not listen while it sends: it gets its answer, or the end of the connection; nothing is held."""
    piece = os.urandom(MIB)
    async with measured(64 * MIB):
        _reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
        writer.write(head(way_out, f"Content-Length: {1024 * MIB}"))
        try:
            for _ in range(1024):
                writer.write(piece)
                await asyncio.wait_for(writer.drain(), 10)
        except ConnectionError:
            pass
        writer.close()
    assert len(way_out.acts()) == 1
    assert way_out.far.arrivals.seen == []


async def test_chunks_without_end_are_stopped_at_the_limit(small: WayOut) -> None:
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"

    def endless() -> Iterator[bytes]:
        while True:
            yield chunk

    async with measured(64 * MIB):
        answer, sent = await pour(small, head(small, "Transfer-Encoding: chunked"), endless())
    assert answer.status == 403
    assert sent < 64 * MIB
    (act,) = small.acts()
    assert act["torwart"]["findings"][0]["detector"] == "too_large"
    assert act["file"]["size"] > 8 * MIB
    assert small.far.arrivals.seen == []


async def test_a_body_in_crumbs_without_end_is_read_no_further(way_out: WayOut) -> None:
    piece = b"1\r\na\r\n" * 10_000

    def endless() -> Iterator[bytes]:
        while True:
            yield piece

    async with measured(48 * MIB):
        answer, sent = await pour(way_out, head(way_out, "Transfer-Encoding: chunked"), endless())
    assert answer.status == 403
    assert sent < 32 * MIB
    assert [act["event"]["reason"] for act in way_out.acts()] == ["unread_leaves"]


async def test_a_body_that_stops_half_way_reaches_nobody(way_out: WayOut) -> None:
    raw = await way_out.talk(head(way_out, "Content-Length: 5000") + LIST, seconds=1)
    assert raw == b""
    assert way_out.far.arrivals.seen == []


async def test_who_may_not_send_is_told_before_the_body(way_out: WayOut) -> None:
    first = head(way_out, f"Content-Length: {60 * MIB}").replace(basic(SECRET).encode(), b"eDp5")
    answer, sent = await pour(way_out, first, (b"a" * MIB for _ in range(60)))
    assert answer.status == 407
    assert sent < 60 * MIB
    assert way_out.far.arrivals.seen == []


def part(disposition: str, content: bytes, *more: str, boundary: str = "b") -> bytes:
    return "\r\n".join([f"--{boundary}", f"Content-Disposition: {disposition}", *more, "", ""]).encode() + content + b"\r\n"


END = b"--b--\r\n"
BROKEN = {
    "wrong boundary": (multipart("l.csv", LIST, boundary="other")[0], "multipart/form-data; boundary=b"),
    "no boundary named": (multipart("l.csv", LIST)[0], "multipart/form-data"),
    "missing end": (part('form-data; name="f"; filename="l.csv"', LIST), "multipart/form-data; boundary=b"),
    "no head of the part": (b"--b\r\n" + LIST + b"\r\n" + END, "multipart/form-data; boundary=b"),
    "two parts of one name": (
        part('form-data; name="f"; filename="a.txt"', b"a") + part('form-data; name="f"; filename="b.txt"', LIST) + END,
        "multipart/form-data; boundary=b",
    ),
    "RFC 5987 name": (part("form-data; name=\"f\"; filename*=UTF-8''liste.csv", LIST) + END, "multipart/form-data; boundary=b"),
    "nested": (
        part(
            'form-data; name="f"',
            part('file; filename="l.csv"', LIST, boundary="c") + b"--c--",
            "Content-Type: multipart/mixed; boundary=c",
        )
        + END,
        "multipart/form-data; boundary=b",
    ),
    "before the first boundary": (LIST + b"\r\n" + part('form-data; name="f"', b"x") + END, "multipart/form-data; boundary=b"),
    "after the last boundary": (part('form-data; name="f"', b"x") + END + LIST, "multipart/form-data; boundary=b"),
    "said to be a picture": (LIST, "image/png"),
    "said to be nothing": (LIST, ""),
    "bare line feeds": (multipart("l.csv", LIST)[0].replace(b"\r\n", b"\n"), "multipart/form-data; boundary=b0undary"),
    "gzip": (gzip.compress(LIST), "application/octet-stream"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_form_hides_nothing(way_out: WayOut, name: str) -> None:
    body, kind = BROKEN[name]
    headers = {"content_type": kind} if kind else {}
    answer = await way_out.send("POST", "cloud", "/collect", body, **headers)
    assert answer.status == 403
    assert way_out.far.arrivals.seen == []
    assert len(way_out.acts()) == 1


@pytest.mark.parametrize("coding", ["foo", "gzip, gzip", "br", "gzip", "deflate", "zstd", "gzip, foo"])
async def test_a_content_coding_that_lies_is_not_inspectable(way_out: WayOut, coding: str) -> None:
    answer = await way_out.send("POST", "cloud", "/collect", b"plain words, " * 600, content_encoding=coding)
    assert answer.status == 403
    assert way_out.acts()[0]["event"]["reason"] == "unread_leaves"
    assert way_out.far.arrivals.seen == []


async def test_a_packed_bomb_is_not_inspectable_and_costs_little(way_out: WayOut) -> None:
    bomb = gzip.compress(b"\0" * (200 * MIB), 9)
    async with measured(64 * MIB):
        answer = await way_out.send("POST", "cloud", "/collect", bomb, content_encoding="gzip")
    assert answer.status == 403
    (act,) = way_out.acts()
    assert act["event"]["reason"] == "unread_leaves"


async def test_an_empty_file_goes_out(way_out: WayOut) -> None:
    body, kind = multipart("leer.txt", b"")
    assert (await way_out.send("POST", "cloud", "/upload", body, content_type=kind)).status == 201
    (act,) = way_out.acts()
    assert act["file"]["size"] == 0
