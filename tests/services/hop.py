"""A hop between the gateway and the CRM: counts and keeps what the gateway sent, and can be slow, broken or away."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Sent:
    """One request as it reached the CRM's side."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    @property
    def method(self) -> str:
        """The RPC method, empty for anything else."""
        try:
            said: Any = json.loads(self.body)
        except ValueError:
            return ""
        return str(said.get("method", "")) if isinstance(said, dict) else ""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Hop:
    """Listens on a loopback port and passes requests on to `target`, unless a test sets something else."""

    target: str | None = None
    """Address of the CRM; None: there is none, `answer` must be set."""
    answer: bytes | None = None
    """Raw bytes that are answered instead of asking the CRM."""
    delay_seconds: float = 0.0
    """Time between the request and its answer."""
    cut_after: int | None = None
    """Bytes of an answer after which the connection is reset."""
    port: int = 0
    seen: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections from now on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def healed(self) -> None:
        """Pass everything on again."""
        self.answer, self.delay_seconds, self.cut_after = None, 0.0, None

    def since(self, mark: int) -> list[Sent]:
        """What was sent after `len(seen)` was `mark`."""
        return self.seen[mark:]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as reader:
            upstream: socket.socket | None = None
            while (request := _request(reader)) is not None:
                raw, sent = request
                with self._lock:
                    self.seen.append(sent)
                time.sleep(self.delay_seconds)
                if self.answer is not None:
                    self._send(connection, self.answer)
                    return
                if upstream is None:
                    assert self.target is not None
                    split = urlsplit(self.target)
                    upstream = socket.create_connection((split.hostname, split.port))
                    threading.Thread(target=self._pump, args=(upstream, connection), daemon=True).start()
                upstream.sendall(raw)

    def _pump(self, upstream: socket.socket, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), upstream:
            while data := upstream.recv(65_536):
                if not self._send(connection, data):
                    return
            connection.shutdown(socket.SHUT_RDWR)

    def _send(self, connection: socket.socket, data: bytes) -> bool:
        if self.cut_after is None:
            connection.sendall(data)
            return True
        connection.sendall(data[: self.cut_after])
        # An abortive close: the other side sees a reset in the middle of the answer.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.close()
        return False


def _request(reader: BinaryIO) -> tuple[bytes, Sent] | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        if not line:
            return None
        head += line
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    body = reader.read(length)
    return head + body, Sent(first, headers, body)


def http(status: str, body: bytes, *headers: str) -> bytes:
    """The bytes of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]).encode() + body
