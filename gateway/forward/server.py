"""The forward proxy's listener: mitmproxy embedded, in a process of its own, with stricter layers of ours and one addon.

Unlike the gateway before the CRM, the library opens the connections to the servers here, and passes their answers through as they come.
What it may open, and what it may send, is decided and sealed by us (`gateway.forward.addon`, `gateway.forward.layers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.utils import asyncio_utils
from OpenSSL import SSL

from gateway.embedded import GRACE_SECONDS, Listener, StartError, check_setup, listen, self_test, tame
from gateway.forward.addon import Addon
from gateway.forward.authority import Authority
from gateway.forward.judge import Judge
from gateway.forward.layers import in_use, stricter
from gateway.forward.places import PlaceError, Places
from gateway.forward.settings import ProxySettings
from gateway.forward.tls import Tls
from gateway.watch import Limits, Watch

OPTIONS: dict[str, Any] = {
    "validate_inbound_headers": True,
    "http2": False,
    "http3": False,
    "websocket": True,
    "rawtcp": False,
    "ssl_insecure": False,
    "connection_strategy": "lazy",
    "stream_large_bodies": None,
    "store_streamed_bodies": False,
    "body_size_limit": None,
    "mode": ["regular"],
}
"""What the library must be set to; compared again after the start. Limits of bodies are ours (`layers.Stream`): the library's own would
end large downloads, too."""
LIMITS = Limits(body_bytes_per_second=4 * 1024, idle_seconds=300.0)
WITHDRAWN_SECONDS = 0.5
"""How often it is looked whose access was withdrawn (law 10: within a second)."""


class Proxy:
    """The forward proxy. One per process, and nothing else of the library beside it."""

    def __init__(
        self,
        settings: ProxySettings,
        judge: Judge,
        authority: Authority,
        record_refused: Any,
        *,
        limits: Limits = LIMITS,
    ) -> None:
        self._settings = settings
        self._judge = judge
        self._authority = authority
        self._record_refused = record_refused
        self.watch = Watch(limits)
        """The client connections."""
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> int:
        """Test the guard, listen, and give the port that was bound. Raises StartError."""
        await self_test(Addon)
        try:
            return await self._start(_tls(self._authority, self._settings.trusted))
        except BaseException:
            await self._closing.aclose()
            raise

    async def stop(self) -> None:
        """Listen no more, give answers under way a moment, then close everything."""
        await self._closing.aclose()

    async def _start(self, tls: Tls) -> int:
        settings = self._settings
        tame()
        self._closing.enter_context(stricter(settings.upload_limit_bytes, self.watch.drain, self.watch.crowded))
        self._closing.enter_context(asyncio_utils.set_eager_task_factory())
        master = Master(Options())
        self._closing.push_async_callback(master.done)
        listener: Listener
        addon = Addon(
            self._judge,
            tls,
            self.watch,
            self._record_refused,
            lambda client, server: listener.abort(client, server),
            message_limit=settings.upload_limit_bytes,
            bypass=Bypass(settings.bypass),
        )
        listener = Listener(self.watch, self._record_refused, addon)
        master.addons.add(listener, addon)  # type: ignore[no-untyped-call]
        options = OPTIONS | {"listen_host": settings.listen_host, "listen_port": settings.listen_port}
        master.options.update(**options)  # type: ignore[no-untyped-call]
        check_setup(master, options, listener, addon)
        if not in_use():
            raise StartError("the proxy library does not use the layers of ours: this release of it is not known")
        port = await listen(listener, settings.listen)
        await master.running()
        self._closing.enter_context(only_judged_names(self._judge.places))
        tasks = [asyncio.create_task(self.watch.sweep()), asyncio.create_task(self._end_withdrawn(listener, addon))]
        self._closing.push_async_callback(self._close, listener, tasks)
        return port

    async def _end_withdrawn(self, listener: Listener, addon: Addon) -> None:
        """Close the connections of people whose access was withdrawn, for ever. A fault here closes all of them.

        A WebSocket is told why, and closed the next time if it is still there.
        """
        while True:
            await asyncio.sleep(WITHDRAWN_SECONDS)
            try:
                ending = list(self._judge.withdrawn())
            except Exception:  # noqa: BLE001 - who may still be there cannot be known
                ending = list(self.watch.connections)
            for connection_id in ending:
                with contextlib.suppress(Exception):  # the others are ended all the same, and this one is looked at again
                    if (farewell := addon.farewell(connection_id)) is not None:
                        await listener.tell(connection_id, farewell)
                    else:
                        self.watch.close(connection_id)

    async def _close(self, listener: Listener, tasks: list[asyncio.Task[None]]) -> None:
        await listener.servers.update([])
        await self.watch.finish(GRACE_SECONDS)
        for task in tasks:
            task.cancel()


class Bypass:
    """Whether the TLS of a host goes through unread."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._hosts = hosts

    def __call__(self, host: str) -> bool:
        return any(host == one or host.endswith("." + one) for one in self._hosts)


@contextlib.contextmanager
def only_judged_names(places: Places) -> Any:
    """While this holds, the event loop resolves judged places alone, to the addresses that were judged (attacks X9: no second answer)."""
    loop = asyncio.get_running_loop()

    async def getaddrinfo(host: Any, port: Any, **_: int) -> list[tuple[Any, ...]]:
        try:
            addresses = places.judged(str(host).lower(), int(port))
        except PlaceError as error:
            raise OSError(error.what) from None
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in addresses
        ]

    before = loop.getaddrinfo
    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    try:
        yield
    finally:
        loop.getaddrinfo = before  # type: ignore[method-assign]


def _tls(authority: Authority, trusted: Path | None) -> Tls:
    try:
        return Tls(authority, trusted)
    except (SSL.Error, OSError):
        raise StartError(f"proxy.trusted: {trusted} is no readable PEM file with certificates") from None
