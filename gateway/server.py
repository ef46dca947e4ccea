"""The listener before the CRM: mitmproxy embedded, with a master of our own and exactly two addons, its listener and ours.

mitmproxy parses HTTP and TLS of the clients, nothing else. It cannot reach the CRM: its own upstream is a name that does not exist
(RFC 6761, section 6.4), and `Addon.server_connect` refuses every connection besides. Bare line feeds, doubled spaces in the request line
and chunk extensions are read by it and never seen again: what is sent to the CRM is built anew from the judged request.
One gateway per process: the library keeps its options in a global.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from mitmproxy import flow, version
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client, Server
from mitmproxy.hooks import all_hooks
from mitmproxy.http import Headers, HTTPFlow, MessageData, Request, Response
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.server import ConnectionIO
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tcp import TCPFlow
from mitmproxy.tls import TlsData
from mitmproxy.utils import asyncio_utils
from OpenSSL import SSL

from gateway.addon import IDLE_HOOKS, Addon, Judge, RefuseLayer
from gateway.settings import CrmSettings
from gateway.tls import CertificateError, server_context
from gateway.upstream import Upstream
from gateway.watch import Limits, Watch, Watched

OPTIONS: dict[str, Any] = {
    "validate_inbound_headers": True,
    "http2": False,
    "http3": False,
    "websocket": False,
    "rawtcp": False,
    "ssl_insecure": False,
    "keep_host_header": True,
    "connection_strategy": "lazy",
    "stream_large_bodies": None,
    "store_streamed_bodies": False,
    "mode": ["reverse:http://nowhere.invalid:1"],
}
"""What the library must be set to; compared again after the start. HTTP/2 is off: its floods and its own request smuggling have no door."""
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

    def __init__(self, watch: Watch, refused: Callable[[str], None], addon: Addon) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._watch = watch
        self._refused = refused
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
        writer = transport.writer
        if not isinstance(transport.reader, asyncio.StreamReader) or not isinstance(writer, asyncio.StreamWriter):
            raise TypeError("not a TCP connection")
        self._watch.add(handler.client.id, self._watched(handler, transport, writer))
        try:
            with super().register_connection(connection_id, handler):
                yield
        finally:
            writer.close()  # the library leaves it open when it is cancelled while it waits for a hook
            self._watch.remove(handler.client.id)

    def _watched(self, handler: ProxyConnectionHandler, transport: ConnectionIO, writer: asyncio.StreamWriter) -> Watched:

        def close() -> None:
            if transport.handler is not None:
                transport.handler.cancel("limit")

        watched = Watched(
            inner=cast("asyncio.StreamReader", transport.reader),
            close=close,
            unsent=writer.transport.get_write_buffer_size,
            refused=self._refused,
            limits=self._watch.limits,
            now=asyncio.get_running_loop().time,
        )
        transport.reader = watched  # type: ignore[assignment]
        handler.log = watched.log  # type: ignore[method-assign]
        handler.handle_hook = self._handle_hook  # type: ignore[method-assign]
        return watched


class Gateway:
    """The gateway's listener. `record_refused(what)` is called for every refusal that no judge sees and returns when it is on disk."""

    def __init__(
        self,
        settings: CrmSettings,
        judge: Judge,
        record_refused: Callable[[str], None],
        *,
        limits: Limits | None = None,
        trusted: Path | None = None,
    ) -> None:
        """`trusted` is a PEM file with the authorities of an https upstream; None: those of the machine."""
        self._settings = settings
        self._judge = judge
        self._record_refused = record_refused
        self._watch = Watch(limits or Limits())
        self._trusted = trusted
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> int:
        """Test the guard, listen, and give the port that was bound (of use when the settings say 0). Raises StartError."""
        await self_test()
        try:
            return await self._start(self._make_upstream(), self._make_tls())
        except BaseException:
            await self._closing.aclose()
            raise

    async def stop(self) -> None:
        """Listen no more, give answers under way a moment, then close everything."""
        await self._closing.aclose()

    async def _start(self, upstream: Upstream, tls: SSL.Context | None) -> int:
        settings = self._settings
        version.MITMPROXY = "Torwart"  # names itself in the library's own error pages
        logging.getLogger("mitmproxy").setLevel(logging.CRITICAL)  # its log holds what clients sent
        MessageData.__post_init__ = _unchecked  # type: ignore[method-assign]
        self._closing.enter_context(asyncio_utils.set_eager_task_factory())
        master = Master(Options())
        self._closing.push_async_callback(master.done)
        addon = Addon(self._judge, upstream, self._watch, self._record_refused, body_limit=settings.request_limit_bytes, tls=tls)
        listener = Listener(self._watch, self._record_refused, addon)
        master.addons.add(listener, addon)  # type: ignore[no-untyped-call]
        options = OPTIONS | {
            "body_size_limit": str(settings.request_limit_bytes),
            "listen_host": settings.listen_host,
            "listen_port": settings.listen_port,
        }
        master.options.update(**options)  # type: ignore[no-untyped-call]
        check_setup(master, options, listener, addon)
        port = await self._listen(listener)
        addon.hosts = public_hosts(settings.url, port)
        await master.running()
        sweep = asyncio.create_task(self._watch.sweep())
        self._closing.push_async_callback(self._close, listener, upstream, sweep)
        return port

    async def _listen(self, listener: Listener) -> int:
        await listener.setup_servers()
        instance = next(iter(listener.servers))
        if instance.last_exception is not None or not instance.listen_addrs:
            why = getattr(instance.last_exception, "strerror", None) or "no address"
            reason = why.splitlines()[0].rpartition("] ")[2]
            raise ListenError(f"cannot listen on {self._settings.listen}: {reason}; is another program using this port?")
        return int(instance.listen_addrs[0][1])

    async def _close(self, listener: Listener, upstream: Upstream, sweep: asyncio.Task[None]) -> None:
        await listener.servers.update([])
        await self._watch.drain(GRACE_SECONDS)
        sweep.cancel()
        upstream.close()

    def _make_upstream(self) -> Upstream:
        settings = self._settings
        try:
            return Upstream(
                settings.upstream,
                timeout_seconds=settings.upstream_timeout_seconds,
                answer_limit_bytes=settings.answer_limit_bytes,
                trusted=self._trusted,
            )
        except (ValueError, OSError) as error:
            raise StartError(f"crm.upstream: {error}") from None

    def _make_tls(self) -> SSL.Context | None:
        settings = self._settings
        if settings.certificate is None or settings.key is None:
            if urlsplit(settings.url).scheme == "https":
                raise StartError("crm.certificate and crm.key are needed for an https crm.url")
            return None
        try:
            return server_context(settings.certificate, settings.key)
        except CertificateError as error:
            raise StartError(str(error)) from None


def public_hosts(url: str, port: int) -> frozenset[str]:
    """The Host values that mean this CRM: the public name with its port, without it where the scheme implies it. 0 is the bound port."""
    parts = urlsplit(url)
    name = (parts.hostname or "").lower()
    implied = 443 if parts.scheme == "https" else 80
    number = implied if parts.port is None else (parts.port or port)
    return frozenset({f"{name}:{number}"} | ({name} if number == implied else set()))


def check_setup(master: Master, options: dict[str, Any], listener: Listener, addon: Addon) -> None:
    """Raises StartError if the library is set otherwise than `OPTIONS` says, or another addon slipped in."""
    wrong = [name for name, value in options.items() if getattr(master.options, name) != value]
    if wrong or master.addons.chain != [listener, addon]:
        raise StartError(f"the proxy library is not set up as it must be: {', '.join(wrong) or 'addons'}")
    unguarded = [name for name in all_hooks if name not in IDLE_HOOKS and not getattr(getattr(addon, name, None), "guarded", False)]
    if unguarded:
        raise StartError(f"hooks without the guard: {', '.join(unguarded)}")


def _unchecked(_: MessageData) -> None:
    """In place of the library's debugging aid that compares the types of its own parser's results: a tenth of a request's time."""


async def self_test() -> None:
    """Plant a fault in every hook and look whether the guard denies. Raises StartError: then the gateway must not start."""
    for name in all_hooks:
        if name not in IDLE_HOOKS and not await denies(name, RuntimeError):
            raise StartError(f"self-test: a fault in the hook {name} is not denied")


async def denies(hook: str, fault: type[BaseException]) -> bool:
    """True if this fault, planted in this hook, lets nothing pass and is recorded."""

    def plant(_: str) -> None:
        raise fault

    recorded: list[str] = []
    addon = Addon.with_fault(plant, recorded.append)
    data = _subject(hook)
    await getattr(addon, hook)(data)
    match data:
        case HTTPFlow():
            seal = data.response is not None and data.response.status_code == 503 and data.response.content != _CANARY
            denied = seal or (data.error is not None and data.error.msg == flow.Error.KILLED_MESSAGE)
        case flow.Flow():
            denied = data.error is not None and data.error.msg == flow.Error.KILLED_MESSAGE
        case Client():
            denied = data.error is not None
        case ServerConnectionHookData():
            denied = data.server.error is not None
        case NextLayer():
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
            return NextLayer(Context(client, Options()))
        case "tls" | "quic" | "socks5":
            return TlsData(client, Context(client, Options()))
        case "tcp" | "udp" | "dns":
            return TCPFlow(client, server, live=True)
    data = HTTPFlow(client, server, live=True)
    data.request = Request("crm", 80, b"GET", b"http", b"", b"/", b"HTTP/1.1", Headers(), b"", None, 0.0, 0.0)
    data.response = Response(b"HTTP/1.1", 200, b"OK", Headers(), _CANARY, None, 0.0, 0.0)
    return data
