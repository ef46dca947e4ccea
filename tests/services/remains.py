"""Where a text still lies in this process's memory, without asking the collector to free anything first."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collector() -> Iterator[None]:
    """What only the collector would free stays."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def remains(*marks: str, times: int = 10) -> list[str]:
    """The texts and bytes that hold one of the marks so often: their kind, their length, and the kind of what holds them."""
    seen: set[int] = set()
    found: list[str] = []
    own = threading.get_ident()
    waiting = [*gc.get_objects(), *(frame for thread, frame in sys._current_frames().items() if thread != own)]
    while waiting:
        holder = waiting.pop()
        for held in gc.get_referents(holder):
            if isinstance(held, memoryview):
                held = held.obj
            if type(held) in (bytes, bytearray, str):
                text = held if type(held) is str else bytes(held).decode("latin-1")
                where = f"{type(held).__name__} of {len(held)} in {type(holder).__name__}"
                found += [f"{mark} in {where}" for mark in marks if text.count(mark) >= times]
            elif not gc.is_tracked(held) and id(held) not in seen:  # a dict of plain values is reached only from above
                seen.add(id(held))
                waiting.append(held)
    return found


async def remains_for_good(*marks: str, times: int = 10) -> list[str]:
    """As `remains`, once nothing of it goes by itself any more: the end of an exchange takes its time on a busy machine."""
    for _ in range(20):
        await asyncio.sleep(0.05)
        if not (found := remains(*marks, times=times)):
            break
    return found
