"""Coroutines that wait for one commit, and how they are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from audit_store.spool_file import SpoolError


class Receipt(NamedTuple):
    """An event is durable."""

    sequence: int
    hash: bytes
    epoch: int


class Waiting(NamedTuple):
    """An event on its way to the disk, and the coroutine that waits for it."""

    canonical: bytes
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Receipt]


def tell(group: list[Waiting], result: list[Receipt] | SpoolError) -> None:
    """Wake each loop once for all of its coroutines."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Receipt], Receipt | SpoolError]]] = defaultdict(list)
    found: Sequence[Receipt | SpoolError] = [result] * len(group) if isinstance(result, SpoolError) else result
    for waiting, answer in zip(group, found, strict=True):
        by_loop[waiting.loop].append((waiting.future, answer))
    for loop, answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list[tuple[asyncio.Future[Receipt], Receipt | SpoolError]]) -> None:
    for future, answer in answers:
        if future.done():
            continue  # its coroutine was cancelled: an event without a delivery is allowed, the reverse is not
        if isinstance(answer, SpoolError):
            future.set_exception(answer)
        else:
            future.set_result(answer)
