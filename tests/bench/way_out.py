"""What the way out costs an upload that is no finding, in milliseconds, beside its transfer.

An upload is sent directly, through a relay that only takes it whole and sends it on (`relay.py`: the second transfer that any proxy makes),
and through the proxy. What judging costs is the proxy's time less the relay's; what is added to a direct upload is printed beside it. Proxy
and relay are processes of their own on one core, with the proxy's workers; sender and server are this process on the other. Every upload is
compared with what arrived, and the record with what was sent.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from audit_store.spool import SpoolReader
from deploy.demo.papers import invoice
from tests.bench.letters import letters
from tests.bench.report import BenchError, Row, row
from tests.detectors.documents import docx, paragraph
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


def _picture(side: int) -> bytes:
    """A PNG (W3C PNG specification, section 5) whose pixels are noise: like a photograph, they cannot be packed."""
    rows = b"".join(b"\0" + random.Random(row).randbytes(3 * side) for row in range(side))  # noqa: S311 - noise, not a secret
    parts = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


TEXT, PDF, PNG, DOCX = (
    "text/plain",
    "application/pdf",
    "image/png",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)
BODIES = {
    "form of 200 B": (TEXT, _repeated(200)),
    "text of 8 KB": (TEXT, _repeated(8_000)),
    "invoice, PDF": (PDF, invoice(2_041)),
    "picture of 1 MB, PNG": (PNG, _picture(577)),
    "letters in a DOCX": (DOCX, docx("".join(paragraph(escape(line)) for line in letters(30_000).decode().splitlines()))),
    "text of 1 MB": (TEXT, _repeated(MB)),
    "letters, 512 KB": (TEXT, letters(512 * 1024)),
    "letters, 1 MB": (TEXT, letters(MB)),
}


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
    relay = subprocess.Popen(  # noqa: ASYNC220 - nothing runs yet
        ["taskset", "-c", str(_CORES[0]), sys.executable, "-m", "tests.bench.relay", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {_CORES[1]})
        await _ready(process, firm.port)
        if relay.stdout is None:
            raise BenchError("the relay does not start")
        roads = _Roads(port, int(relay.stdout.readline()), firm.port)
        return {f"upload_added {what}": await _measured(*upload, firm, roads, server, rounds, uploads) for what, upload in BODIES.items()}
    finally:
        os.sched_setaffinity(0, before)
        for one in (process, relay):
            one.terminate()
            one.wait()
        listening.close()


@dataclass(frozen=True, slots=True)
class _Roads:
    """Ports: the server itself, the relay before it, the proxy before it."""

    direct: int
    relay: int
    proxy: int


async def _measured(kind: str, body: bytes, firm: Firm, roads: _Roads, server: _Server, rounds: int, uploads: int) -> Row:
    size = len(body)
    place = f"cloud.localhost:{roads.direct}"
    rest = f"Host: {place}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n"
    direct = f"POST /collect HTTP/1.1\r\n{rest}\r\n".encode() + body
    by_proxy = f"POST http://{place}/collect HTTP/1.1\r\n{rest}Proxy-Authorization: Basic {basic(SECRET)}\r\n\r\n".encode() + body
    count = uploads if size < 100_000 else max(uploads // 5, 1)
    recorded, arrived = _recorded(firm), server.bytes
    added: list[float] = []
    costs: list[float] = []
    for _ in range(rounds):
        plain = statistics.median(await _timed(roads.direct, direct, count))
        twice = statistics.median(await _timed(roads.relay, direct, count))
        judged = statistics.median(await _timed(roads.proxy, by_proxy, count))
        added.append(judged - plain)
        costs.append(judged - twice)
    if server.bytes - arrived != 3 * rounds * count * size:
        raise BenchError("what arrived is not what was sent")
    expected = rounds * count if size >= 4_096 else 0
    if _recorded(firm) - recorded != expected:
        raise BenchError(f"{_recorded(firm) - recorded} uploads were recorded, not {expected}")
    rounds_said = ", ".join(f"{ms:.2f}" for ms in costs)
    said = f"{size:,} B: {statistics.median(costs):.2f} ms beside the transfer (medians of {count} uploads; {rounds} rounds: {rounds_said})"
    return row(
        [ms / ADDED_MS for ms in costs], floor=1.0, target=0.6, lines=[said, f"adds {statistics.median(added):.2f} ms to a direct upload"]
    )


async def _timed(port: int, request: bytes, count: int) -> list[float]:
    """Milliseconds of uploads one after the other on one connection, the first few left out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        writer.write(request)
        await writer.drain()
        try:
            answer = await reader.readuntil(b"\r\n\r\nok")
        except asyncio.IncompleteReadError as error:
            raise BenchError(f"an upload was answered with {error.partial[:60]!r}") from None
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
