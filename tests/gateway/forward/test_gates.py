"""The guard and the gates of the way out: a fault anywhere, or a hook that does nothing, lets no upload pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.embedded import StartError
from gateway.forward import server
from gateway.forward.addon import Addon
from gateway.forward.server import OPTIONS, Proxy
from tests.services.way_out import SECRET, WayOut, basic, heard, rows

LIST = rows(*range(1, 10))
LIVE = ["client_connected", "next_layer", "requestheaders", "request", "responseheaders", "response", "server_connect", "server_connected"]


def planted(hook: str, fault: type[BaseException]) -> Callable[[str], None]:
    def plant(name: str) -> None:
        if name == hook:
            raise fault

    return plant


@pytest.mark.parametrize("fault", [RuntimeError, MemoryError, asyncio.CancelledError])
@pytest.mark.parametrize("hook", LIVE)
async def test_a_fault_on_the_wire_lets_no_list_out(
    way_out: WayOut, monkeypatch: pytest.MonkeyPatch, hook: str, fault: type[BaseException]
) -> None:
    monkeypatch.setattr(Addon, "fault", staticmethod(planted(hook, fault)))
    place = way_out.at()
    head = f"POST http://{place}/collect HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\nContent-Length: {len(LIST)}\r\n"
    raw = await way_out.talk(f"{head}Proxy-Authorization: Basic {basic(SECRET)}\r\n\r\n".encode() + LIST, seconds=3)
    assert raw == b"" or heard(raw).status >= 400
    assert way_out.far.arrivals.seen == []


@pytest.mark.parametrize("hook", ["request", "requestheaders", "server_connect", "server_connected"])
async def test_a_fault_before_the_wire_lets_nothing_out_at_all(way_out: WayOut, monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    monkeypatch.setattr(Addon, "fault", staticmethod(planted(hook, RuntimeError)))
    answer = await way_out.send("POST", "cloud", "/collect", b"nothing of the firm")
    assert answer.status in (502, 503)
    assert way_out.far.arrivals.seen == []
    assert f"fault in {hook}: RuntimeError" in way_out.whats()


@pytest.mark.parametrize("hook", ["request", "requestheaders"])
async def test_a_hook_that_does_nothing_sends_nothing(way_out: WayOut, monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    """The last gate by itself: as if a release of the library no longer called our hook."""

    async def idle(_: object, *__: object) -> None:
        """Does nothing."""

    class Dead(Addon):
        pass

    setattr(Dead, hook, idle)
    monkeypatch.setattr(server, "Addon", Dead)
    monkeypatch.setattr(server, "self_test", idle)
    monkeypatch.setattr(server, "check_setup", lambda *_: None)
    parts = way_out.parts
    settings = way_out.firm.read().proxy.model_copy(update={"listen": "127.0.0.1:0"})
    dead = Proxy(settings, parts.judge, parts.authority, parts.record_refused)
    other = WayOut(way_out.firm, await dead.start(), parts, way_out.far, dead)
    place = way_out.at()
    head = f"POST http://{place}/collect HTTP/1.1\r\nHost: {place}\r\nContent-Length: {len(LIST)}\r\n"
    try:
        raw = await other.talk(f"{head}Proxy-Authorization: Basic {basic(SECRET)}\r\n\r\n".encode() + LIST)
    finally:
        await dead.stop()
    assert (hook, raw[:12]) in (("request", b""), ("requestheaders", b"HTTP/1.1 403"))
    assert way_out.far.arrivals.seen == []


@pytest.mark.parametrize("option", [name for name, value in OPTIONS.items() if isinstance(value, bool)])
async def test_a_weakened_option_refuses_the_start(way_out: WayOut, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    check = server.check_setup

    def weaken(master: object, *rest: object) -> None:
        master.options.update(**{option: not OPTIONS[option]})  # type: ignore[attr-defined]
        check(master, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(server, "check_setup", weaken)
    parts = way_out.parts
    with pytest.raises(StartError, match=option):
        await Proxy(way_out.firm.read().proxy, parts.judge, parts.authority, parts.record_refused).start()


async def test_a_library_that_does_not_take_our_layers_refuses_the_start(way_out: WayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "in_use", lambda: False)
    parts = way_out.parts
    settings = way_out.firm.read().proxy.model_copy(update={"listen": "127.0.0.1:0"})
    with pytest.raises(StartError, match="layers"):
        await Proxy(settings, parts.judge, parts.authority, parts.record_refused).start()
