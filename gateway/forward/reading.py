"""Reads what an upload holds: its body, and what its address carries (its head: `gateway.forward.heads`)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from hashlib import sha256
from typing import Any, Protocol

from detectors.verdict import Unread, Verdict
from gateway.forward.framing import Asked

_QUERY = "application/x-www-form-urlencoded"
_SHORT, _LONG = 16 * 1024, 1024 * 1024
"""Below so many bytes a digest is made sooner than a task of its own; from so many on it is made in a thread: other connections go on."""

_ONE_CORE = os.process_cpu_count() == 1
"""Then a digest beside a scan saves no time, and each makes the other slower: both read the content through one cache."""


class Scans(Protocol):
    """Who reads content (`detectors.scanner.Scanner`)."""

    async def scan(self, content: bytes, *, media_type: str | None = None, encoding: str | None = None, name: str | None = None) -> Verdict:
        """What is in it. May raise: then nothing goes out."""


async def read_upload(scanner: Scans, asked: Asked, body: bytes) -> list[Verdict]:
    """The verdicts on its body and on its address, where that carries content. Raises what the scanner raises."""
    found = []
    if body:
        found.append(await scanner.scan(body, media_type=asked.header("content-type"), encoding=asked.header("content-encoding")))
    if asked.query:
        found.append(await scanner.scan(asked.query.encode("ascii"), media_type=_QUERY))
    if len(asked.path) > 1 and not body:
        found.append(await scanner.scan(asked.path.encode("ascii"), media_type=_QUERY))
    return found


def joined(verdicts: list[Verdict]) -> Verdict:
    """Several parts of one request as one verdict: a client in two of them is one client."""
    if len(verdicts) == 1:
        return verdicts[0]
    clients = {client: frozenset[object]() for one in verdicts for client in one.clients}
    kinds = {client: frozenset().union(*(one.clients.get(client, frozenset()) for one in verdicts)) for client in clients}
    unread = frozenset(cause for one in verdicts for cause in one.unread)
    return Verdict(
        clients=kinds,
        keys=frozenset().union(*(one.keys for one in verdicts)),
        suspected=frozenset().union(*(one.suspected for one in verdicts)),
        unread=tuple(cause for cause in Unread if cause in unread),
        size=sum(one.size for one in verdicts),
        parts=sum(one.parts for one in verdicts),
        marks=tuple(dict.fromkeys(mark for one in verdicts for mark in one.marks)),
    )


async def with_digest[Found](reading: Coroutine[Any, Any, Found], file: bytes) -> tuple[Found, str]:
    """What a reading finds, and the SHA-256 (hexadecimal) of a file, made while the workers read. Raises what the reading raises."""
    if len(file) < _SHORT or _ONE_CORE:
        return await reading, await _digest(file)
    found, digest = await asyncio.gather(reading, _digest(file))  # in this order: the content is handed over first
    return found, digest


async def _digest(data: bytes) -> str:
    if len(data) < _LONG:
        return sha256(data).hexdigest()
    return (await asyncio.to_thread(sha256, data)).hexdigest()
