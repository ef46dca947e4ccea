"""What the way out costs an upload that is no finding: beside the same upload sent directly, in milliseconds.

The proxy runs as a process of its own with its workers; sender and server are this one. Every upload is compared with what arrived, and
the record with what was sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from audit_store.spool import SpoolReader
from tests.bench.letters import letters
from tests.bench.report import BenchError, Row, row
from tests.services.way_out import SECRET, Firm, basic

ROUNDS, UPLOADS = 7, 150
MB = 1_000_000
ADDED_MS = 5.0
"""The issue's own promise for an upload that is no finding, beside its transfer."""
_CORES = (0, 1)
_READY_SECONDS = 40.0
_SENTENCE = b"Sehr geehrte Damen und Herren, anbei erhalten Sie unser Angebot vom dritten Mai; Fragen beantworten wir gern. "


def _repeated(size: int) -> bytes:
    return (_SENTENCE * (size // len(_SENTENCE) + 1))[:size]


BODIES = {"form of 200 B": _repeated(200), "text of 8 KB": _repeated(8_000), "text of 1 MB": _repeated(MB), "letters, 1 MB": letters(MB)}


class _Server:
    """Reads uploads and says how long they were."""

    def __init__(self) -> None:
        self.bytes = 0
        self.uploads = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                self.bytes += len(await reader.readexactly(length))
                self.uploads += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def run(quick: bool) -> dict[str, Row]:
    """The rows `upload_added …`: the ratio is added milliseconds over the promised 5. Raises BenchError."""
    rounds, uploads = (1, 5) if quick else (ROUNDS, UPLOADS)
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as name:
        return asyncio.run(_run(Path(name), rounds, uploads))


async def _run(folder: Path, rounds: int, uploads: int) -> dict[str, Row]:
    server = _Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=4_000_000)
    port = listening.sockets[0].getsockname()[1]
    firm = Firm(folder / "firm", [port])
    process = subprocess.Popen(["taskset", "-c", str(_CORES[0]), sys.executable, "-m", "gateway.forward.serve", str(firm.config)])  # noqa: ASYNC220 - nothing runs yet
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {_CORES[1]})
        await _ready(process, firm.port)
        return {f"upload_added {what}": await _measured(body, firm, port, server, rounds, uploads) for what, body in BODIES.items()}
    finally:
        os.sched_setaffinity(0, before)
        process.terminate()
        process.wait()
        listening.close()


async def _measured(body: bytes, firm: Firm, port: int, server: _Server, rounds: int, uploads: int) -> Row:
    size = len(body)
    place = f"cloud.localhost:{port}"
    rest = f"Host: {place}\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n"
    direct = f"POST /collect HTTP/1.1\r\n{rest}\r\n".encode() + body
    by_proxy = f"POST http://{place}/collect HTTP/1.1\r\n{rest}Proxy-Authorization: Basic {basic(SECRET)}\r\n\r\n".encode() + body
    count = uploads if size < 100_000 else max(uploads // 5, 1)
    recorded, arrived = _recorded(firm), server.bytes
    added: list[float] = []
    for _ in range(rounds):
        plain = await _timed(port, direct, count)
        judged = await _timed(firm.port, by_proxy, count)
        added.append(statistics.median(judged) - statistics.median(plain))
    if server.bytes - arrived != 2 * rounds * count * size:
        raise BenchError("what arrived is not what was sent")
    expected = rounds * count if size >= 4_096 else 0
    if _recorded(firm) - recorded != expected:
        raise BenchError(f"{_recorded(firm) - recorded} uploads were recorded, not {expected}")
    said = f"adds {statistics.median(added):.2f} ms (medians of {count} uploads; {rounds} rounds: {', '.join(f'{ms:.2f}' for ms in added)})"
    return row([ms / ADDED_MS for ms in added], floor=1.0, target=0.6, lines=[said])


async def _timed(port: int, request: bytes, count: int) -> list[float]:
    """Milliseconds of uploads one after the other on one connection, the first few left out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        writer.write(request)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\nok")
        took.append((time.perf_counter() - begun) * 1_000)
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise BenchError(f"an upload was answered with {answer[:60]!r}")
    writer.close()
    return took


def _recorded(firm: Firm) -> int:
    reader = SpoolReader.open(firm.state / "spool" / "proxy")
    try:
        return sum(b'"action":"access"' in one.canonical for one in reader.read(0, 1_000_000))
    finally:
        reader.close()


async def _ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            await asyncio.sleep(0.05)
        else:
            return
    raise BenchError("the proxy does not start")
