"""The only road to the CRM: a strict HTTP/1.1 client. The proxy library itself cannot reach the CRM (`gateway.server`), so nothing goes
there that was not judged, and an answer is read by one parser, completely, before anybody sees a byte of it.

A connection belongs to one client connection and carries one request at a time: whatever a request smuggles, it meets nobody else's answer.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

from gateway.answer import Answer, UpstreamError
from gateway.exchange import Request, Response
from gateway.hygiene import target, upstream_headers

IDLE_SECONDS = 1.5
"""A connection that rested longer is not used again: the shortest keep-alive time of usual servers is 2 s, and a request lost to a
connection that is just being closed must not be sent twice."""
_OUTBOUND_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Upstream:
    """The CRM, as seen from the gateway."""

    def __init__(self, url: str, *, timeout_seconds: float, answer_limit_bytes: int, trusted: Path | None = None) -> None:
        """`trusted` is a PEM file with the authorities for an https upstream; None: those of the machine. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.path not in ("", "/") or parts.query:
            raise ValueError("the upstream must be scheme, host and port, for example http://127.0.0.1:8000")
        self._tls = ssl.create_default_context(cafile=trusted) if parts.scheme == "https" else None
        self._host = parts.hostname
        self._port = parts.port or (443 if self._tls else 80)
        self._authority = parts.netloc
        self._timeout_seconds = timeout_seconds
        self._answer_limit = answer_limit_bytes
        self._resting: defaultdict[str, list[_Connection]] = defaultdict(list)
        self._busy: dict[_Connection, str] = {}

    async def send(self, request: Request) -> Response:
        """Send a judged request and read the whole answer. Raises UpstreamError; never sends a request twice."""
        head = self._head(request)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                connection = await self._connection(request.connection_id)
                self._busy[connection] = request.connection_id
                try:
                    response = await connection.exchange(head, request.body, head_only=request.method == "HEAD")
                except BaseException:
                    connection.close()
                    raise
                finally:
                    del self._busy[connection]
        except TimeoutError:
            raise UpstreamError("timeout") from None
        if connection.reusable and not connection.orphaned:
            self._resting[request.connection_id].append(connection)
        else:
            connection.close()
        return response

    def forget(self, connection_id: str) -> None:
        """The client connection is gone: its resting connections to the CRM go too, and one that is in use goes after its answer."""
        for connection in self._resting.pop(connection_id, ()):
            connection.close()
        for connection, owner in self._busy.items():
            connection.orphaned |= owner == connection_id

    def close(self) -> None:
        """Close everything, also what is under way."""
        for connection_id in list(self._resting):
            self.forget(connection_id)
        for connection in list(self._busy):
            connection.close()

    async def _connection(self, connection_id: str) -> _Connection:
        loop = asyncio.get_running_loop()
        resting = self._resting.get(connection_id)
        while resting:
            connection = resting.pop()
            if connection.reusable and loop.time() - connection.rested_at < IDLE_SECONDS:
                return connection
            connection.close()
        try:
            name = self._host if self._tls else None
            _, connection = await loop.create_connection(
                lambda: _Connection(loop, self._answer_limit), self._host, self._port, ssl=self._tls, server_hostname=name
            )
        except OSError:  # ssl.SSLError is one
            raise UpstreamError("connect") from None
        return connection

    def _head(self, request: Request) -> bytes:
        # Tryton 8.0 labels large answers gzip even where it was not accepted, and sends them plain: so gzip is accepted.
        lines = [f"{request.method} {target(request)} HTTP/1.1", f"host: {self._authority}", "accept-encoding: gzip"]
        for name, value in upstream_headers(request):
            if not _OUTBOUND_VALUE.fullmatch(value):
                raise ValueError("a header value that cannot be sent")
            lines.append(f"{name}: {value}")
        if request.body or request.method in ("POST", "PUT"):
            lines.append(f"content-length: {len(request.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Connection(asyncio.Protocol):
    """One connection to the CRM: one request, then one answer, then perhaps the next."""

    def __init__(self, loop: asyncio.AbstractEventLoop, answer_limit: int) -> None:
        self._loop = loop
        self._limit = answer_limit
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._waiting: asyncio.Future[Response] | None = None
        self.reusable = False
        self.orphaned = False
        """The client has gone while it was in use."""
        self.rested_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    async def exchange(self, head: bytes, body: bytes, *, head_only: bool) -> Response:
        """Raises UpstreamError."""
        if self._transport is None or self._transport.is_closing():
            raise UpstreamError("closed")
        self.reusable = False
        self._answer = Answer(self._limit, head_only=head_only)
        self._waiting = self._loop.create_future()
        self._transport.write(head + body if len(body) < 65_536 else head)
        if len(body) >= 65_536:
            self._transport.write(body)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        waiting, answer = self._waiting, self._answer
        if waiting is None or answer is None or waiting.done():
            self.close()  # bytes that nobody asked for
            return
        try:
            done = answer.feed(data)
        except UpstreamError as error:
            self._fail(error.what)
            return
        if done:
            self._finish(answer, waiting)

    def eof_received(self) -> bool:
        waiting, answer = self._waiting, self._answer
        if waiting is not None and answer is not None and not waiting.done() and answer.ends_with_the_connection:
            answer.keep_alive = False
            self._finish(answer, waiting)
        else:
            self._fail("closed")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("closed")

    def close(self) -> None:
        self._fail("closed")

    def _finish(self, answer: Answer, waiting: asyncio.Future[Response]) -> None:
        try:
            response = answer.response()
        except UpstreamError as error:
            self._fail(error.what)
            return
        self.reusable = answer.keep_alive
        self.rested_at = self._loop.time()
        waiting.set_result(response)
        self._waiting = self._answer = None  # a connection that rests holds no client

    def _fail(self, what: str) -> None:
        self.reusable = False
        if self._transport is not None:
            self._transport.abort() if self._waiting is not None and not self._waiting.done() else self._transport.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(UpstreamError(what))  # a new one: one that was raised holds the frames with the answer
        self._waiting = self._answer = None
