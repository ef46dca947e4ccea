"""The guard around every hook of the proxy library, for both of its uses: before the CRM and on the way out.

mitmproxy logs an exception of a hook and goes on as if nothing had happened. Here any exception in a hook is a denial, a hook that nobody
wrote denies by existing, and the start plants a fault in each of them to see that it is so.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Self

import mitmproxy.addons.proxyserver  # noqa: F401  (registers all hook classes)
from mitmproxy import flow as mitmflow
from mitmproxy import hooks, http
from mitmproxy.connection import Client, Server
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tcp import TCPFlow
from mitmproxy.tls import TlsData
from mitmproxy.websocket import WebSocketData, WebSocketMessage
from wsproto.frame_protocol import Opcode

from gateway.exchange import Response

FAULT = Response(
    503,
    (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")),
    b"Torwart hat einen Fehler, es ist nichts hinausgegangen. / Torwart has a fault, nothing went out.\n",
)
"""What a client gets after a fault of ours."""
IDLE_HOOKS = frozenset(
    {"load", "configure", "running", "done", "update", "add_log", "tls_clienthello", "tls_failed_client"}
    | {"server_connect_error", "server_disconnected", "tcp_end", "udp_end", "websocket_end"}
)
"""Hooks after which nothing can go in or out by itself. All others are handled by an addon or deny by existing (`_unexpected`)."""


class DeniedError(Exception):
    """A hook refuses by itself; the guard does the rest."""


class RefuseLayer(layer.Layer):
    """Closes the client connection at once: the layer of a connection whose protocol could not be chosen."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield commands.CloseConnection(self.context.client)


class Guarded:
    """An addon whose hooks are guarded: decorate its class with `guard_all`. A subclass says how a flow is answered (`answer_fault`)."""

    fault: Callable[[str], None] | None = None
    """Fault flag for the self-test and the fault tests: called with the hook's name before the hook, may raise."""
    _record_refused: Callable[[str], None]

    @classmethod
    def with_fault(cls, fault: Callable[[str], None], record_refused: Callable[[str], None]) -> Self:
        """An addon for the self-test: `fault` is called before each hook, and there is nothing behind it."""
        addon = cls.__new__(cls)
        addon.fault = fault
        addon._record_refused = record_refused
        return addon

    def answer_fault(self, flow: http.HTTPFlow) -> None:
        """Put `FAULT` in place of whatever the flow would become."""
        raise NotImplementedError

    def deny(self, hook: str, data: object, error: BaseException) -> None:
        """Make sure that nothing passes. Never raises: the last resort is the killed flow."""
        try:
            if hook != "server_connect" or not isinstance(error, DeniedError):
                self._record_refused(f"fault in {hook}: {type(error).__name__}")
        except BaseException:  # noqa: BLE001, S110 - the record is impossible; the denial below is what counts
            pass
        try:
            self._deny(data)
        except BaseException:  # noqa: BLE001 - no memory for an answer: nothing at all
            if isinstance(data, mitmflow.Flow):
                data.error = mitmflow.Error(mitmflow.Error.KILLED_MESSAGE)
            elif isinstance(data, Client):
                data.error = "denied"

    def _deny(self, data: object) -> None:
        match data:
            case http.HTTPFlow() if data.websocket is None:
                self.answer_fault(data)
            case http.HTTPFlow(websocket=WebSocketData() as socket):
                for message in socket.messages[-1:]:
                    message.dropped = True
                data.error = mitmflow.Error(mitmflow.Error.KILLED_MESSAGE)
            case mitmflow.Flow():
                data.error = mitmflow.Error(mitmflow.Error.KILLED_MESSAGE)
            case Client():
                data.error = "denied"
            case ServerConnectionHookData():
                data.server.error = "denied"
            case layer.NextLayer():
                data.layer = RefuseLayer(data.context)
            case TlsData():
                data.ssl_conn = None  # without a connection object the handshake fails
            case _:
                pass  # SOCKS and the like: the library's own answer is no


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Awaitable[None]]:
    """The outermost guard around one hook: any exception denies, also MemoryError, RecursionError and CancelledError."""

    @functools.wraps(function)
    async def guard(self: Guarded, *arguments: Any) -> None:
        try:
            if self.fault is not None:
                self.fault(name)
            result = function(self, *arguments)
            if inspect.isawaitable(result):
                await result
        except BaseException as error:
            self.deny(name, arguments[0] if arguments else None, error)
            task = asyncio.current_task()
            if isinstance(error, (KeyboardInterrupt, SystemExit)) or (task is not None and task.cancelling()):
                raise

    guard.guarded = True  # type: ignore[attr-defined]
    return guard


def guard_all[A: Guarded](addon: type[A]) -> type[A]:
    """Wrap every hook that mitmproxy knows: ours, and a denial for those that we do not have. A misspelt hook is a start-up error."""
    for name in hooks.all_hooks:
        function = addon.__dict__.get(name)
        if function is None and name not in IDLE_HOOKS:
            function = _unexpected
        if function is not None:
            setattr(addon, name, _guarded(name, function))
    return addon


def _unexpected(self: Guarded, data: object) -> None:
    raise DeniedError("a hook that must not happen")


def unguarded(addon: Guarded) -> list[str]:
    """Hooks of an addon that are not guarded: there must be none."""
    return [name for name in hooks.all_hooks if name not in IDLE_HOOKS and not getattr(getattr(addon, name, None), "guarded", False)]


async def first_passing(addon: type[Guarded]) -> str | None:
    """Plant a fault in every hook and look whether the guard denies; the first hook that lets something pass, None if none does."""
    for name in hooks.all_hooks:
        if name not in IDLE_HOOKS and not await denies(addon, name, RuntimeError):
            return name
    return None


async def denies(addon: type[Guarded], hook: str, fault: type[BaseException]) -> bool:
    """True if this fault, planted in this hook, lets nothing pass and is recorded."""

    def plant(_: str) -> None:
        raise fault

    recorded: list[str] = []
    data = _subject(hook)
    await getattr(addon.with_fault(plant, recorded.append), hook)(data)
    match data:
        case http.HTTPFlow(websocket=WebSocketData() as socket):
            denied = data.error is not None and all(message.dropped for message in socket.messages)
        case http.HTTPFlow():
            answered = data.response is not None and data.response.status_code == 503 and data.response.content != _CANARY
            denied = answered or (data.error is not None and data.error.msg == mitmflow.Error.KILLED_MESSAGE)
        case mitmflow.Flow():
            denied = data.error is not None and data.error.msg == mitmflow.Error.KILLED_MESSAGE
        case Client():
            denied = data.error is not None
        case ServerConnectionHookData():
            denied = data.server.error is not None
        case layer.NextLayer():
            denied = isinstance(data.layer, RefuseLayer)
        case TlsData():
            denied = data.ssl_conn is None
        case _:
            denied = False
    return denied and recorded == [f"fault in {hook}: {fault.__name__}"]


_CANARY = b"an answer that must not pass"


def _subject(hook: str) -> object:
    """What the library gives to this hook."""
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0.0)
    server = Server(address=("127.0.0.1", 3))
    match hook.partition("_")[0]:
        case "client":
            return client
        case "server":
            return ServerConnectionHookData(server=server, client=client)
        case "next":
            return layer.NextLayer(Context(client, Options()))
        case "tls" | "quic" | "socks5":
            return TlsData(client, Context(client, Options()))
        case "tcp" | "udp" | "dns":
            return TCPFlow(client, server, live=True)
    data = http.HTTPFlow(client, server, live=True)
    data.request = http.Request("crm", 80, b"GET", b"http", b"", b"/", b"HTTP/1.1", http.Headers(), b"", None, 0.0, 0.0)
    data.response = http.Response(b"HTTP/1.1", 200, b"OK", http.Headers(), _CANARY, None, 0.0, 0.0)
    if hook.startswith("websocket"):
        data.websocket = WebSocketData(messages=[WebSocketMessage(Opcode.TEXT, True, _CANARY)])
    return data
