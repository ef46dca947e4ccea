"""Promises, part 2, faults 5, 13, 19 and 21 on the way out: scanner, record, database or rules gone — nothing goes out, and it recovers."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from audit_store.event import Event
from audit_store.spool import Receipt, SpoolError
from deploy.demo.outside import Outside
from detectors.budget import Limits
from detectors.client_index.index import ClientIndex
from detectors.scanner import Scanner
from detectors.verdict import Verdict
from gateway.forward.judge import Judge
from policies import reasons
from policies.reasons import Because
from tests.services.way_out import Firm, Heard, WayOut, rows, running

LIST = rows(*range(1, 10))
ORDINARY = b"nothing of the firm, " * 400
NOT_RECORDED = Because(reasons.NOT_RECORDED).for_employee("de")


async def send(way_out: WayOut, body: bytes) -> Heard:
    return await way_out.send("POST", "cloud", "/collect", body, content_type="text/plain")


class Broken:
    """A scanner that fails as a test says."""

    def __init__(self, fail: Callable[[], Verdict]) -> None:
        self._fail = fail

    async def scan(self, content: bytes, *, media_type: str | None = None, encoding: str | None = None, name: str | None = None) -> Verdict:
        return self._fail()


def raising(error: BaseException) -> Callable[[], Verdict]:
    def fail() -> Verdict:
        raise error

    return fail


@pytest.mark.parametrize("error", [RuntimeError(), MemoryError(), OSError(), asyncio.CancelledError(), TimeoutError()])
async def test_a_scanner_that_fails_lets_nothing_out(firm_outside: Firm, far: Outside, error: BaseException) -> None:
    far.arrivals.seen.clear()
    async with running(firm_outside, far, scanner=Broken(raising(error))) as way_out:
        assert (await send(way_out, ORDINARY)).status == 503
        assert far.arrivals.seen == []
        assert way_out.whats() == [f"fault in request: {type(error).__name__}"]
        assert (await way_out.send("GET", "cloud", "/page")).status == 200  # what is no upload needs no scanner


def kill(scanner: Scanner) -> None:
    """SIGKILL to its workers, by their ids."""
    for pid in scanner.pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def own(firm_outside: Firm, far: Outside) -> AsyncIterator[tuple[WayOut, Scanner]]:
    """A proxy with workers of its own, to be killed."""
    far.arrivals.seen.clear()
    scanner = Scanner(ClientIndex(firm_outside.state), Limits())
    try:
        async with running(firm_outside, far, scanner=scanner) as way_out:
            yield way_out, scanner
    finally:
        scanner.close()


async def test_killed_workers_leak_nothing_and_are_started_again(own: tuple[WayOut, Scanner]) -> None:
    way_out, scanner = own
    for _ in range(10):
        kill(scanner)
        answer = await send(way_out, LIST)
        assert answer.status in (403, 503)
    assert not way_out.far.arrivals.hold(b"client1", b"0000003")
    for _ in range(400):
        if (await send(way_out, ORDINARY)).status == 200:
            break
        await asyncio.sleep(0.05)
    assert (await send(way_out, LIST)).status == 403
    assert way_out.acts()[-1]["event"]["reason"] == "clients_leave"


async def test_workers_killed_while_uploads_are_under_way_leak_nothing(own: tuple[WayOut, Scanner]) -> None:
    way_out, scanner = own
    large = LIST + os.urandom(600_000).hex().encode()
    sending = [asyncio.create_task(send(way_out, large)) for _ in range(6)]
    for _ in range(20):
        await asyncio.sleep(0.02)
        kill(scanner)
    assert {(await one).status for one in sending} <= {403, 503}
    assert way_out.far.arrivals.seen == []


async def test_what_cannot_be_recorded_does_not_go_out(way_out: WayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_: Event) -> None:
        raise SpoolError("no space left on device")

    monkeypatch.setattr(way_out.parts.spool, "append_soon", full)
    for body in (ORDINARY, LIST):
        answer = await send(way_out, body)
        assert answer.status == 503
        assert answer.problem["detail"] == NOT_RECORDED
    assert way_out.far.arrivals.seen == []
    monkeypatch.undo()
    assert (await send(way_out, ORDINARY)).status == 200


async def test_the_record_is_on_disk_before_the_first_byte_goes_out(way_out: WayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived_before: list[int] = []
    append = way_out.parts.spool.append_soon

    async def slow(event: Event) -> Receipt:
        await asyncio.sleep(0.2)
        arrived_before.append(len(way_out.far.arrivals.seen))
        return await append(event)

    monkeypatch.setattr(way_out.parts.spool, "append_soon", slow)
    assert (await send(way_out, ORDINARY)).status == 200
    assert arrived_before == [0]
    assert len(way_out.far.arrivals.seen) == 1


async def test_without_its_database_nobody_gets_through(way_out: WayOut) -> None:
    database = way_out.firm.state / "torwart.db"
    database.rename(database.with_suffix(".away"))
    try:
        for answer in (await send(way_out, ORDINARY), await way_out.send("GET", "cloud", "/page")):
            assert answer.status == 503
    finally:
        database.with_suffix(".away").rename(database)
    assert way_out.far.arrivals.seen == []
    assert (await send(way_out, ORDINARY)).status == 200


async def test_a_replaced_database_is_one_that_cannot_be_read(way_out: WayOut) -> None:
    database = way_out.firm.state / "torwart.db"
    content = database.read_bytes()
    database.unlink()
    database.write_bytes(content)
    assert (await send(way_out, ORDINARY)).status == 503
    assert way_out.far.arrivals.seen == []


async def test_rules_that_cannot_be_evaluated_let_nothing_out(way_out: WayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt() -> None:
        raise ValueError

    broken = Judge(**{name: getattr(way_out.parts.judge, name) for name in Judge.__slots__} | {"policy": spoilt})
    monkeypatch.setattr(Judge, "request", lambda _, *given, **more: _request(broken, *given, **more))
    assert (await send(way_out, ORDINARY)).status == 503
    assert way_out.far.arrivals.seen == []


_request = Judge.request


async def test_manifests_that_cannot_be_read_stop_what_holds_clients(way_out: WayOut) -> None:
    with sqlite3.connect(way_out.firm.state / "torwart.db") as database:
        database.execute("DROP TABLE manifests")
    assert (await send(way_out, LIST)).status == 503
    assert (await send(way_out, rows(1))).status == 503
    assert (await send(way_out, ORDINARY)).status == 200
    assert not way_out.far.arrivals.hold(b"client1")


async def test_a_server_that_goes_away_in_the_middle_is_told(way_out: WayOut, tmp_path: Path) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    firm = Firm(tmp_path / "other", [port])
    async with running(firm, way_out.far) as other:
        other.far = _At(port)  # type: ignore[assignment]
        answer = await other.send("GET", "cloud", "/")
    assert answer.body == b"half"  # and the end of the connection: the client sees that it is not all
    server.close()


class _At:
    def __init__(self, port: int) -> None:
        self.port = port
