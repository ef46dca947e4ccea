"""The listener before the CRM: mitmproxy embedded, with a master of our own and exactly two addons, its listener and ours.

mitmproxy parses HTTP and TLS of the clients, nothing else. It cannot reach the CRM: its own upstream is a name that does not exist
(RFC 6761, section 6.4), and `Addon.server_connect` refuses every connection besides. Bare line feeds, doubled spaces in the request line
and chunk extensions are read by it and never seen again: what is sent to the CRM is built anew from the judged request.
One gateway per process: the library keeps its options in a global.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.utils import asyncio_utils
from OpenSSL import SSL

from gateway.addon import Addon, Judge
from gateway.embedded import GRACE_SECONDS, Listener, ListenError, StartError, check_setup, listen, self_test, tame
from gateway.settings import CrmSettings
from gateway.tls import CertificateError, server_context
from gateway.upstream import Upstream
from gateway.watch import Limits, Watch

__all__ = ["OPTIONS", "Gateway", "ListenError", "StartError", "public_hosts"]

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
WITHDRAWN_SECONDS = 0.5
"""How often it is looked whose access was withdrawn (law 10: within a second)."""


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
        await self_test(Addon)
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
        tame()
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
        port = await listen(listener, settings.listen)
        addon.hosts = public_hosts(settings.url, port)
        await master.running()
        tasks = [asyncio.create_task(self._watch.sweep()), asyncio.create_task(self._cut_withdrawn())]
        self._closing.push_async_callback(self._close, listener, upstream, tasks)
        return port

    async def _cut_withdrawn(self) -> None:
        """Break off answers to people whose access was withdrawn meanwhile, for ever. A fault here breaks off all of them."""
        while True:
            await asyncio.sleep(WITHDRAWN_SECONDS)
            try:
                self._watch.cut(self._judge.withdrawn())
            except Exception:  # noqa: BLE001 - who may still be given something cannot be known
                with contextlib.suppress(Exception):  # the next look comes all the same
                    self._watch.cut(lambda _: True)

    async def _close(self, listener: Listener, upstream: Upstream, tasks: list[asyncio.Task[None]]) -> None:
        await listener.servers.update([])
        await self._watch.finish(GRACE_SECONDS)
        for task in tasks:
            task.cancel()
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
