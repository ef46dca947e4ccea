"""A real gateway before a real, recording upstream, with a judge that lets everything through or does what a test tells it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest_asyncio

from gateway.exchange import Forward, Request, Response, Step
from gateway.server import Gateway
from gateway.settings import CrmSettings
from gateway.watch import Limits
from tests.services.waiting import talk


@dataclass
class Upstream:
    """A plain HTTP server in threads of its own: notes every byte, answers what the test sets. Understands only Content-Length."""

    answer: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
    """None: never answer."""
    close_after: bool = False
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            while head := self._head(reader):
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                self.requests.append(head + reader.read(length))
                if self.answer is not None:
                    connection.sendall(self.answer)
                if self.close_after:
                    return

    @staticmethod
    def _head(reader: object) -> bytes:
        lines = b""
        while not lines.endswith(b"\r\n\r\n"):
            line: bytes = reader.readline()  # type: ignore[attr-defined]
            if not line:
                return b""
            lines += line
        return lines


@dataclass
class LetThrough:
    """The simplest judge: forwards, and releases what came back."""

    seen: list[Request] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    first: Callable[[Request], Awaitable[Step]] | None = None
    """What `before` does instead of forwarding."""
    then: Callable[[Response], Awaitable[Response]] | None = None
    is_withdrawn: bool = False
    """Whether the one credential of all clients gives nothing any more."""

    async def before(self, request: Request) -> Step:
        self.seen.append(request)
        return await self.first(request) if self.first else Forward(request, request)

    async def after(self, state: object, response: Response) -> Response:
        return await self.then(response) if self.then else response

    async def upstream_failed(self, state: object, what: str) -> Response:
        self.failures.append(what)
        return Response(502, (("content-type", "text/plain"),), b"the CRM does not answer")

    def disconnected(self, connection_id: str) -> None:
        self.gone.append(connection_id)

    def receiver(self, state: object) -> str | None:
        return "everybody"

    def withdrawn(self) -> Callable[[str], bool]:
        return lambda _: self.is_withdrawn


@dataclass
class Front:
    """The gateway under test and everything around it."""

    port: int
    judge: LetThrough
    upstream: Upstream
    refused: list[str] = field(default_factory=list)
    record_fails: bool = False

    def record_refused(self, what: str) -> None:
        """Stands where the spool is."""
        if self.record_fails:
            raise OSError("disk full")
        self.refused.append(what)

    @property
    def host(self) -> bytes:
        return b"crm.localhost:%d" % self.port

    def head(self, line: bytes, *headers: bytes) -> bytes:
        """A head with the right Host."""
        return b"\r\n".join([line, b"Host: " + self.host, *headers, b"", b""])

    async def talk(self, *pieces: bytes, seconds: float = 5.0) -> bytes:
        """Send pieces on one connection, give everything that came back until the gateway closed it or the time was over."""
        return await talk(self.port, *pieces, seconds=seconds)

    async def ask(self, line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
        """One request on a connection of its own."""
        return await self.talk(self.head(line, b"Connection: close", *headers) + body)


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for something to become true; TimeoutError if it does not."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other threads too
            await asyncio.sleep(0.005)


LIMITS = Limits(idle_seconds=60, head_seconds=0.4, body_seconds=0.4, unread_seconds=60)


def settings(upstream_url: str, **changes: object) -> CrmSettings:
    """Settings of a gateway on a free port."""
    values: dict[str, object] = {
        "url": "http://crm.localhost:0",
        "listen": "127.0.0.1:0",
        "upstream": upstream_url,
        "upstream_timeout_seconds": 1.0,
        "answer_limit_bytes": 1_000_000,
        "request_limit_bytes": 1_000_000,
    }
    return CrmSettings.model_validate(values | changes)


@pytest_asyncio.fixture
async def front() -> AsyncIterator[Front]:
    """A started gateway; stopped and the upstream closed afterwards."""
    upstream = Upstream()
    front = Front(0, LetThrough(), upstream)
    gateway = Gateway(settings(upstream.url), front.judge, front.record_refused, limits=LIMITS)
    front.port = await gateway.start()
    try:
        yield front
    finally:
        await gateway.stop()
        with contextlib.suppress(OSError):  # closed by the test
            upstream.close()
