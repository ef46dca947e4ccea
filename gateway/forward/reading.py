"""Reads what an upload holds: its body, and what its address and its headers carry."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import Protocol

from detectors.verdict import Unread, Verdict
from gateway.forward.framing import Asked
from gateway.forward.uploads import carried

_QUERY = "application/x-www-form-urlencoded"
_LONG = 1024 * 1024
"""From this many bytes on a digest is made in a thread: other connections go on."""
_LONG_PATH = 100
"""From this many bytes on the path beside a body is read, too."""


class Scans(Protocol):
    """Who reads content (`detectors.scanner.Scanner`)."""

    async def scan(self, content: bytes, *, media_type: str | None = None, encoding: str | None = None, name: str | None = None) -> Verdict:
        """What is in it. May raise: then nothing goes out."""


async def read_upload(scanner: Scans, asked: Asked, body: bytes) -> Verdict:
    """The verdict on a whole upload. Raises what the scanner raises."""
    found = []
    if body:
        found.append(await scanner.scan(body, media_type=asked.header("content-type"), encoding=asked.header("content-encoding")))
    if asked.query:
        found.append(await scanner.scan(asked.query.encode("ascii"), media_type=_QUERY))
    if len(asked.path) > 1 and (not body or len(asked.path) >= _LONG_PATH):
        found.append(await scanner.scan(asked.path.encode("ascii"), media_type=_QUERY))
    if headers := carried(asked):
        found.append(await read_headers(scanner, headers))
    return joined(found)


async def read_headers(scanner: Scans, headers: str) -> Verdict:
    """The clients in headers. What cannot be read in them is no cause: cookies and tokens are sealed by nature."""
    return replace(await scanner.scan(headers.encode("latin-1"), media_type="text/plain"), unread=())


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
    )


async def digest(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    if len(data) < _LONG:
        return sha256(data).hexdigest()
    return (await asyncio.to_thread(sha256, data)).hexdigest()
