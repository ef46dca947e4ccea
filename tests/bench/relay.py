"""A relay that takes an upload whole and sends it on, and does nothing else: what the second transfer costs that any proxy makes.

`python -m tests.bench.relay TARGET_PORT` listens on a free port of the loopback, prints it, and ends when its input does.
"""

from __future__ import annotations

import asyncio
import sys

LIMIT = 4_000_000


async def _relay(target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", target, limit=LIMIT)
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(length)  # whole, before the first byte goes on
            up_writer.write(head + body)
            await up_writer.drain()
            writer.write(await up_reader.readuntil(b"\r\n\r\nok"))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
        up_writer.close()


async def _serve(target: int) -> None:
    server = await asyncio.start_server(lambda reader, writer: _relay(target, reader, writer), "127.0.0.1", 0, limit=LIMIT)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
