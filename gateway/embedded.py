"""The proxy library embedded, for both of its uses: its listener with our limits on every connection, and the checks of its setup."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any, cast

from mitmproxy import version
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Server
from mitmproxy.hooks import all_hooks
from mitmproxy.http import MessageData
from mitmproxy.master import Master
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.events import DataReceived, Event
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.server import ConnectionIO
from mitmproxy.utils import asyncio_utils

from gateway.guard import IDLE_HOOKS, Guarded, first_passing, unguarded
from gateway.watch import Watch, Watched

_AT_ONCE = struct.pack("ii", 1, 0)
"""`SO_LINGER`: the system throws away what was not taken yet, and the other side sees that the connection broke."""
GRACE_SECONDS = 2.0
"""How long a stop waits for answers under way."""


class StartError(Exception):
    """The gateway cannot start; the text is one clear line."""


class ListenError(StartError):
    """The address cannot be listened on, for example because the port is taken."""


class Listener(Proxyserver):
    """The library's listener with our limits on every connection, and with its hooks going straight to our guard.

    The library's own road, its addon manager, swallows what an addon raises and costs a sixth of a request.
    """

    name = "proxyserver"

    def __init__(self, watch: Watch, refused: Callable[[str], None], addon: Guarded) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._watch = watch
        self._refused = refused
        self._handlers: dict[str, ProxyConnectionHandler] = {}
        self._hooks = {
            kind: (dataclasses.fields(kind)[0].name, getattr(addon, name))  # type: ignore[arg-type]
            for name, kind in all_hooks.items()
            if issubclass(kind, StartHook) and name not in IDLE_HOOKS
        }

    async def _handle_hook(self, hook: StartHook) -> None:
        entry = self._hooks.get(type(hook))
        if entry is not None:
            await entry[1](getattr(hook, entry[0]))

    @contextlib.contextmanager
    def register_connection(self, connection_id: tuple[Any, ...] | str, handler: ProxyConnectionHandler) -> Iterator[None]:
        """Called by the library around the life of a client connection."""
        if len(self.connections) >= self._watch.limits.connections:
            handler.client.error = "too many connections"
        transport = handler.transports[handler.client]
        reader, writer = transport.reader, transport.writer
        if not isinstance(reader, asyncio.StreamReader) or not isinstance(writer, asyncio.StreamWriter):
            raise TypeError("not a TCP connection")
        self._watch.add(handler.client.id, self._watched(handler, transport, writer))
        self._handlers[handler.client.id] = handler
        try:
            with super().register_connection(connection_id, handler):
                yield
        finally:
            writer.close()  # the library leaves it open when it is cancelled while it waits for a hook
            reader._buffer.clear()  # type: ignore[attr-defined]  # of a body that was not read to its end
            del self._handlers[handler.client.id]
            self._watch.remove(handler.client.id)

    async def tell(self, client_id: str, event: Event) -> None:
        """Let the layers of a client's connection handle an event of ours, if it is still there."""
        handler = self._handlers.get(client_id)
        if handler is not None:
            await handler.server_event(event)

    def abort(self, client_id: str, server: Server) -> None:
        """Close a connection to a server so that nothing more is written to it."""
        handler = self._handlers.get(client_id)
        transport = handler.transports.get(server) if handler is not None else None
        if transport is not None and isinstance(transport.writer, asyncio.StreamWriter):
            transport.writer.transport.abort()

    def _watched(self, handler: ProxyConnectionHandler, transport: ConnectionIO, writer: asyncio.StreamWriter) -> Watched:

        def close() -> None:
            if transport.handler is not None:
                transport.handler.cancel("limit")

        def abort() -> None:
            with contextlib.suppress(OSError):  # it is closed already
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()

        watched = Watched(
            inner=cast("asyncio.StreamReader", transport.reader),
            close=close,
            abort=abort,
            unsent=writer.transport.get_write_buffer_size,
            refused=self._refused,
            limits=self._watch.limits,
            now=asyncio.get_running_loop().time,
        )
        transport.reader = _Reader(watched, handler)  # type: ignore[assignment]
        handler.log = watched.log  # type: ignore[method-assign]
        handler.handle_hook = self._handle_hook  # type: ignore[method-assign]
        return watched


@dataclasses.dataclass(slots=True)
class _Reader:
    """Hands each piece to the library's layers itself: the library's loop would keep the last one of a body until another one comes."""

    watched: Watched
    handler: ProxyConnectionHandler

    async def read(self, n: int) -> bytes:
        """Nothing, when the client sends no more."""
        while piece := await self.watched.read(n):
            try:
                await self.handler.server_event(DataReceived(self.handler.client, piece))
            except asyncio.CancelledError as error:
                piece = b""
                raise error.with_traceback(None)  # noqa: B904 - the library keeps it, and its frames hold the piece
            piece = b""
            await self.handler.drain_writers()  # type: ignore[no-untyped-call]
        return b""


async def listen(listener: Listener, where: str) -> int:
    """Bind, and give the port that was bound. `where` is the address as it was configured. Raises ListenError."""
    await listener.setup_servers()
    instance = next(iter(listener.servers))
    if instance.last_exception is not None or not instance.listen_addrs:
        why = getattr(instance.last_exception, "strerror", None) or "no address"
        reason = why.splitlines()[0].rpartition("] ")[2]
        raise ListenError(f"cannot listen on {where}: {reason}; is another program using this port?")
    return int(instance.listen_addrs[0][1])


def tame() -> None:
    """What is global in the library: the name in its own error pages, its log, its debugging aids."""
    version.MITMPROXY = "Torwart"
    logging.getLogger("mitmproxy").setLevel(logging.CRITICAL)  # its log holds what clients sent
    MessageData.__post_init__ = _unchecked  # type: ignore[method-assign]
    asyncio_utils.set_task_debug_info = _unnamed


def check_setup(master: Master, options: dict[str, Any], listener: Listener, addon: Guarded) -> None:
    """Raises StartError if the library is set otherwise than `options` says, or another addon slipped in."""
    wrong = [name for name, value in options.items() if getattr(master.options, name) != value]
    if wrong or master.addons.chain != [listener, addon]:
        raise StartError(f"the proxy library is not set up as it must be: {', '.join(wrong) or 'addons'}")
    if found := unguarded(addon):
        raise StartError(f"hooks without the guard: {', '.join(found)}")


async def self_test(addon: type[Guarded]) -> None:
    """Plant a fault in every hook and look whether the guard denies. Raises StartError: then nothing must start."""
    if (name := await first_passing(addon)) is not None:
        raise StartError(f"self-test: a fault in the hook {name} is not denied")


def _unchecked(_: MessageData) -> None:
    """In place of the library's debugging aid that compares the types of its own parser's results: a tenth of a request's time."""


def _unnamed(task: asyncio.Task[Any], *, name: str, client: tuple[Any, ...] | None = None) -> None:
    """In place of the names that the library gives its tasks: for each of the four of a request it looks into the environment."""
