"""A TCP relay before a server that can freeze: its connections stay open and nothing moves on them, as when a cable is gone (half open)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path

ESTABLISHED = "01"
"""State of a connection in `/proc/net/tcp` (Linux, include/net/tcp_states.h)."""
_PIECE = 65_536


class Relay:
    """Listens on a port of 127.0.0.1 and passes bytes on, in one thread."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._upstream = port
        self._loop = asyncio.new_event_loop()
        self._moving = asyncio.Event()
        self._moving.set()
        self._ends: list[asyncio.StreamWriter] = []
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        ready = threading.Event()
        self._loop.call_soon(lambda: self._loop.create_task(self._listen(ready)))
        self._thread.start()
        ready.wait()

    def freeze(self) -> None:
        """Nothing is read and nothing is sent; who connects is heard by nobody."""
        self._loop.call_soon_threadsafe(self._moving.clear)

    def thaw(self) -> None:
        self._loop.call_soon_threadsafe(self._moving.set)

    def connected(self) -> int:
        """Connections to it that are open at the client's end."""
        wanted = f"{self.port:04X}"
        rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
        return sum(row[2].endswith(f":{wanted}") and row[3] == ESTABLISHED for row in rows)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_forever()
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        self._loop.run_until_complete(self._stop())
        self._loop.close()

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self, ready: threading.Event) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        ready.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        await self._moving.wait()
        there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._ends.append(back)
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE):
                await self._moving.wait()
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
