"""Time and size limits of client connections: slow heads, slow bodies, endless heads, answers that nobody reads (hostile input A14).

The proxy library has none of them. Each connection is in one phase: `head` (waiting for or reading a request's head), `body`, `busy`
(judged, perhaps held for a touch; its waiting is limited elsewhere). On the way out there are three more: `stream` (an answer goes through
as it comes), `tunnel` (messages or bytes both ways), `drain` (refused before its body had come: what still comes is thrown away for a
moment, so that the client reads the answer). One sweep looks at all connections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

type Phase = Literal["head", "body", "busy", "stream", "tunnel", "drain"]

MAX_HEAD_BYTES = 128 * 1024
"""Raw bytes of a head, TLS records included, before the connection is closed; `gateway.hygiene` refuses far less in good order."""
MAX_PIPELINED_BYTES = 128 * 1024
"""Raw bytes that may follow a request while it is being judged."""
BODY_BYTES = 256 * 1024
"""Bytes of an announced body that are read at once, as many as the event loop takes from a socket: each piece costs the same work."""

_USUAL = frozenset({"client connect", "client disconnect", "client kill connection", "closing transports...", "transports closed!"})
"""What the library logs of every connection. Anything else, with a head half read, means that it refused the head."""
_SETTLE_SECONDS = 0.02
"""Between "the answer is handed over" and "it is written" a stop waits this long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one client connection."""

    idle_seconds: float = 75.0
    """Between two requests, nothing sent."""
    head_seconds: float = 20.0
    """From the first byte of a head to its last."""
    body_seconds: float = 30.0
    """For a body, plus the time that its bytes need at `body_bytes_per_second`."""
    body_bytes_per_second: int = 8 * 1024
    unread_seconds: float = 60.0
    """An answer of which the client took nothing for so long."""
    drain_seconds: float = 5.0
    """For the client to read an answer that came before its request was over."""
    held_bytes: int = 512 * 1024 * 1024
    """Raw bytes of all bodies that are being read or judged at one time, on the way out."""
    connections: int = 2_000
    """All client connections together."""


class Reader(Protocol):
    """The reading end of a connection."""

    async def read(self, n: int) -> bytes: ...


@dataclass(slots=True)
class Watched:
    """One client connection. Stands in for its reader, so that every byte is counted before it is parsed."""

    inner: Reader
    close: Callable[[], None]
    abort: Callable[[], None]
    """Break the connection: what the client has not taken yet is thrown away, also what the system holds."""
    unsent: Callable[[], int]
    refused: Callable[[str], None]
    limits: Limits
    now: Callable[[], float]
    phase: Phase = "head"
    pending: int = 0
    """Raw bytes that came in this phase."""
    announced: int = 0
    """Bytes of the body, as its head says; 0 where it does not."""
    since: float = field(init=False)
    seen_unsent: int = 0
    held: int = 0
    """Raw bytes of the body that is being judged."""
    message_limit: int | None = None
    """Raw bytes of one message in a tunnel; None: a tunnel that is not read."""
    holders: set[str] = field(default_factory=set, repr=False)
    """Credentials that the answers which may still be under way were released to."""
    here: bool = True
    closed_by_us: bool = False
    complained: bool = False
    """The library said something that it does not say of every connection."""

    def __post_init__(self) -> None:
        self.since = self.now()

    async def read(self, n: int) -> bytes:
        """Like the reader's own."""
        due = self.announced - self.pending if self.phase == "body" else 0  # and never more of what follows than otherwise
        data = await self.inner.read(max(n, min(due, BODY_BYTES)))
        while data and self.phase == "drain":
            data = await self.inner.read(n)
        if not data:
            self.here = False
            return data
        if self.phase == "head" and not self.pending:
            self.since = self.now()
        self.pending += len(data)
        limit, what = self._limit()
        if limit is not None and self.pending > limit:
            self.stop(what)
            return b""  # reads as the end: the parser does not see the rest
        return data

    def _limit(self) -> tuple[int | None, str]:
        match self.phase:
            case "head":
                return MAX_HEAD_BYTES, "head too large"
            case "busy" | "stream":
                return MAX_PIPELINED_BYTES, "too much pipelined"
            case "tunnel":
                return self.message_limit, "message too large"
            case "body" | "drain":
                return None, ""

    def enter(self, phase: Phase) -> None:
        """A new phase; what was pipelined while busy belongs to the next head. Nothing follows a `drain`."""
        if self.phase == "drain":
            return
        if phase == "body" and self.unsent() == 0:
            self.holders.clear()
        if phase == "busy":
            self.held = self.pending if self.phase == "body" else self.held
        elif phase != "body":
            self.held = 0
        self.pending = self.pending if self.phase in ("busy", "stream") and phase in ("head", "stream") else 0
        self.phase = phase
        self.since = self.now()

    def check(self) -> None:
        """Close the connection if its time is over."""
        age = self.now() - self.since
        match self.phase:
            case "body" if age > self.limits.body_seconds + self.pending / self.limits.body_bytes_per_second:
                self.stop("slow body")
            case "head" if self.pending:
                if age > self.limits.head_seconds:
                    self.stop("slow head")
            case "drain" if age > self.limits.drain_seconds:
                self.stop(None)
            case "head" | "stream" if (unsent := self.unsent()) > 0:
                if unsent != self.seen_unsent:
                    self.seen_unsent, self.since = unsent, self.now()
                elif age > self.limits.unread_seconds:
                    self.stop(None)
            case "head" if age > self.limits.idle_seconds:
                self.stop(None)

    def stop(self, what: str | None) -> None:
        """Close now; with a reason it is a refusal, without one it is housekeeping."""
        if self.closed_by_us:
            return
        self.closed_by_us, self.here = True, False
        if what is not None:
            self.refused(what)
        self.close()

    def cut(self) -> None:
        """Close now, so that nothing more arrives of what was already handed over: what is half sent stays so, visibly."""
        self.closed_by_us, self.here = True, False
        self.abort()
        self.close()

    def log(self, message: str, level: int = logging.INFO, exc_info: object = None) -> None:
        """Takes the place of the library's log, which writes clients' bytes. An error in the library closes the connection."""
        self.complained = self.complained or message not in _USUAL
        if level >= logging.ERROR:
            self.stop("protocol error")

    def leave(self) -> None:
        """Only what was handed over is still written; a client that takes none of it is not waited for."""
        self.phase, self.since, self.seen_unsent = "stream", self.now(), 0
        self.closed_by_us, self.close = False, self.abort

    def ended(self) -> None:
        """The connection is gone. A head that the library refused to read, or that never ended, is recorded."""
        if self.phase == "head" and self.pending and self.complained and not self.closed_by_us:
            self.refused("malformed head" if self.here else "incomplete head")
        self.here = False


class Watch:
    """All client connections; the addon tells their phases (`gateway.addon.Phases`)."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.connections: dict[str, Watched] = {}
        self.leaving: list[Watched] = []
        """Connections that were closed and have not written everything yet."""

    def add(self, connection_id: str, watched: Watched) -> None:
        """A new connection."""
        self.connections[connection_id] = watched

    def remove(self, connection_id: str) -> None:
        """The connection is gone."""
        watched = self.connections.pop(connection_id)
        watched.ended()
        if watched.unsent() > 0:
            watched.leave()
            self.leaving.append(watched)

    async def finish(self, grace_seconds: float) -> None:
        """Close what rests, let answers under way go out, and after the grace close those too."""
        now = asyncio.get_running_loop().time
        deadline = now() + grace_seconds
        while self.connections:
            for watched in list(self.connections.values()):
                rests = watched.phase not in ("busy", "stream") and watched.unsent() == 0 and now() - watched.since > _SETTLE_SECONDS
                if rests or now() > deadline:
                    watched.stop(None)
            await asyncio.sleep(_SETTLE_SECONDS)

    def body(self, connection_id: str, announced: int = 0) -> None:
        """A head is complete that announces so many bytes."""
        if (watched := self.connections.get(connection_id)) is not None:
            watched.announced = announced
            watched.enter("body")

    def busy(self, connection_id: str) -> None:
        self._enter(connection_id, "busy")

    def answered(self, connection_id: str) -> None:
        self._enter(connection_id, "head")

    def stream(self, connection_id: str) -> None:
        """An answer goes through as it comes."""
        self._enter(connection_id, "stream")

    def drain(self, connection_id: str) -> None:
        """The request was refused before it was over."""
        self._enter(connection_id, "drain")

    def crowded(self) -> bool:
        """Whether the bodies of all connections together are more than may be held."""
        held = sum(one.held + (one.pending if one.phase == "body" else 0) for one in self.connections.values())
        return held > self.limits.held_bytes

    def tunnel(self, connection_id: str, message_limit: int | None) -> None:
        """Messages both ways, each of at most so many raw bytes; None: bytes that are not read. Called again after each message."""
        watched = self.connections.get(connection_id)
        if watched is not None:
            watched.message_limit = message_limit
            watched.enter("tunnel")

    def given(self, connection_id: str, credential: str) -> None:
        """An answer was released to who has this credential, and is on its way."""
        watched = self.connections.get(connection_id)
        if watched is not None:
            watched.holders.add(credential)

    def cut(self, withdrawn: Callable[[str], bool]) -> None:
        """Break every connection with an answer under way to a credential that was withdrawn.

        One whose next request is being judged, with nothing else under way, goes on: it hears why.
        """
        for watched in [*self.connections.values(), *self.leaving]:
            if (watched.phase != "busy" or watched.unsent() > 0) and any(map(withdrawn, watched.holders)):
                watched.cut()

    def close(self, connection_id: str) -> None:
        """End a connection whose person may do nothing any more; who calls has recorded why. An answer half sent is never completed."""
        watched = self.connections.get(connection_id)
        if watched is None:
            return
        if watched.phase in ("stream", "tunnel") or watched.unsent() > 0:
            watched.cut()
        else:
            watched.stop(None)

    def connected(self, connection_id: str) -> bool:
        watched = self.connections.get(connection_id)
        return watched is not None and watched.here

    async def sweep(self) -> None:
        """Look at all connections, for ever."""
        shortest = min(self.limits.idle_seconds, self.limits.head_seconds, self.limits.body_seconds, self.limits.unread_seconds)
        while True:
            await asyncio.sleep(min(1.0, shortest / 4))
            self.leaving = [watched for watched in self.leaving if watched.unsent() > 0]
            for watched in [*self.connections.values(), *self.leaving]:
                watched.check()

    def _enter(self, connection_id: str, phase: Phase) -> None:
        watched = self.connections.get(connection_id)
        if watched is not None:
            watched.enter(phase)
