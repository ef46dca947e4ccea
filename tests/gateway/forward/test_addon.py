"""Every hook of the way out denies after any fault."""

from __future__ import annotations

import asyncio

import pytest
from mitmproxy.hooks import all_hooks

from gateway.embedded import StartError, self_test
from gateway.forward import layers
from gateway.forward.addon import Addon
from gateway.guard import IDLE_HOOKS, denies

FAULTS: list[type[BaseException]] = [RuntimeError, MemoryError, RecursionError, asyncio.CancelledError, OSError, GeneratorExit]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("hook", sorted(set(all_hooks) - IDLE_HOOKS))
async def test_every_fault_in_every_hook_denies_and_is_recorded(hook: str, fault: type[BaseException]) -> None:
    assert await denies(Addon, hook, fault)


async def test_a_hook_without_the_guard_fails_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    async def open_door(self: Addon, flow: object) -> None:
        """Passes whatever comes."""

    monkeypatch.setattr(Addon, "websocket_message", open_door)
    with pytest.raises(StartError, match="websocket_message"):
        await self_test(Addon)


def test_the_layers_are_the_librarys_own_again_after_the_end() -> None:
    assert not layers.in_use()
    with layers.stricter(1, lambda _: None, lambda: False):
        assert layers.in_use()
    assert not layers.in_use()
