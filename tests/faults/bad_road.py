"""A road between agent and console that cuts connections, sends requests twice and waits, at random."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time


class BadRoad:
    """Listens on `port` of this machine and goes on to `target`. Understands only requests with Content-Length, one after the other."""

    def __init__(self, port: int, target: int, chance: random.Random) -> None:
        self._target = target
        self._chance = chance
        self.cut = 0
        """Connections cut, before the request or after it without its answer."""
        self.repeated = 0
        """Requests sent twice."""
        self._listener = socket.create_server(("127.0.0.1", port))
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
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := _message(connection):
                time.sleep(self._chance.uniform(0, 0.1))
                what = self._chance.choice(("cut", "cut late", "repeat", "pass", "pass", "pass"))
                if what == "cut":
                    self.cut += 1
                    return
                answer = self._ask(request)
                if what == "repeat":
                    self.repeated += 1
                    self._ask(request)
                if what == "cut late":
                    self.cut += 1
                    return
                connection.sendall(answer)

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self._target), 10) as onward:
            onward.sendall(request)
            return _message(onward)


def _message(connection: socket.socket) -> bytes:
    """One head and as much body as it says; empty at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body
