"""Waiting for what other threads and processes do, and talking to a port in bytes."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def until[T](look: Callable[[], T], seconds: float = 60.0, *, what: str = "it") -> T:
    """Look again until it is so, and give what was seen; what another process does has no event to wait for."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


def until_it_listens(process: subprocess.Popen[str] | subprocess.Popen[bytes], port: int, said: Path | None = None) -> None:
    """Wait for a server that was just started; fails when it has ended instead, with what it wrote to `said`."""

    def listens() -> bool:
        assert process.poll() is None, said.read_text(encoding="utf-8") if said is not None else "it has ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return False
        return True

    until(listens, what=f"somebody on port {port}")


async def talk(port: int, *pieces: bytes, seconds: float) -> bytes:
    """Send pieces on one connection, give everything that came back until the other side closed it or the time was over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        async with asyncio.timeout(seconds):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            while data := await reader.read(65_536):
                received += data
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return received
