"""The digest of an upload is made while it is read."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any

import pytest

from gateway.forward import reading
from gateway.forward.reading import with_digest

SIZES = (0, 200, 100_000, 2_000_000)


async def _found(what: object) -> object:
    await asyncio.sleep(0)
    return what


@pytest.mark.parametrize("one_core", [True, False])
@pytest.mark.parametrize("size", SIZES)
async def test_gives_both(size: int, one_core: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_ONE_CORE", one_core)
    file = b"x" * size
    assert await with_digest(_found("a client"), file) == ("a client", sha256(file).hexdigest())


@pytest.mark.parametrize("size", [size for size in SIZES if size > 10_000])
async def test_does_not_wait_for_the_reading(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, begun, digested = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def noted(data: bytes) -> Any:
        assert begun.is_set(), "the content is handed over first"
        loop.call_soon_threadsafe(digested.set)
        return sha256(data)

    async def until_digested() -> str:
        begun.set()
        await digested.wait()
        return "nobody"

    monkeypatch.setattr(reading, "_ONE_CORE", False)
    monkeypatch.setattr(reading, "sha256", noted)
    found, _ = await asyncio.wait_for(with_digest(until_digested(), b"x" * size), 10)
    assert found == "nobody"


@pytest.mark.parametrize("size", SIZES)
async def test_a_fault_of_the_reading_is_raised(size: int) -> None:
    async def faulty() -> None:
        await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(LookupError):
        await with_digest(faulty(), b"x" * size)
