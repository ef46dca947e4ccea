"""A client that reads a part of an answer, waits until its connection is broken, and then takes what is left."""

from __future__ import annotations

import select
import socket
from dataclasses import dataclass

_ENDED = select.POLLERR | select.POLLHUP
_RECEIVE_BUFFER = 32 * 1024


@dataclass(slots=True)
class HalfRead:
    """One connection, with the beginning of its answer."""

    _socket: socket.socket
    begun: bytes

    @classmethod
    def of(cls, port: int, request: bytes, least: int = 64 * 1024) -> HalfRead:
        """Send a request and read so many bytes of the answer."""
        connected = socket.socket()
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        connected.settimeout(60)
        connected.connect(("127.0.0.1", port))
        connected.sendall(request)
        begun = b""
        while len(begun) < least:
            piece = connected.recv(16 * 1024)
            assert piece, begun[:300]
            begun += piece
        return cls(connected, begun)

    @property
    def announced(self) -> int:
        """Bytes of the whole body, as the head says."""
        head = self.begun.partition(b"\r\n\r\n")[0].lower()
        return int(head.partition(b"content-length:")[2].split()[0])

    def is_broken(self, seconds: float = 20) -> bool:
        """Whether the other side breaks the connection while nothing is read."""
        poll = select.poll()
        poll.register(self._socket, _ENDED)
        return bool(poll.poll(seconds * 1000))

    def rest(self) -> int:
        """Read to the end of the body, or of the connection, and give how many bytes of the body came in all."""
        count, announced = len(self.begun.partition(b"\r\n\r\n")[2]), self.announced
        try:
            while count < announced and (piece := self._socket.recv(64 * 1024)):
                count += len(piece)
        except ConnectionError:
            pass
        finally:
            self._socket.close()
        return count
