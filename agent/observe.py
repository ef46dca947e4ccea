"""Looks at one file: is it new here, what may be in it, and does it have to be told."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from agent.places import Places
from agent.seen import Seen, Stamp
from agent.settings import Place
from agent.telling import Telling
from audit_store.event import Content, Event, file_event
from audit_store.spool import Spool
from detectors.verdict import Unread, Verdict
from policies.request import Channel

READ_BYTES = 64 * 1024 * 1024
"""Of a larger file this much is scanned, and it is told as too large; its digest is that of all of it."""
SUSPECTED_MAX = 30_000
"""Hashes in one event. Of more, the smallest: they are evenly spread, and `suspected_count` says how many there were."""
_CHUNK = 1024 * 1024
_UNENDED = frozenset({Unread.TIMED_OUT, Unread.CRASHED})
_SKIPPED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.ESTALE})


class Result(Enum):
    """How a look ended."""

    GONE = auto()
    """There is no regular file of that name (any more)."""
    KNOWN = auto()
    """It was looked at before."""
    CLEAN = auto()
    TOLD = auto()
    CHANGING = auto()
    """It changed while it was read: later again."""
    UNREADABLE = auto()
    """The system does not let us read it, or its scan did not end: later again."""


class Scan(Protocol):
    """What finds possible clients in a content: `detectors.scanner.Scanner.scan_blocking`."""

    def __call__(self, content: bytes, *, name: str | None = None) -> Verdict:
        """The verdict; never raises for content."""


class ClosingError(Exception):
    """The agent ends: what was begun counts for nothing and is done again at the next start."""


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: Stamp
    digest: bytes
    beginning: bytes
    """Up to one byte more than `READ_BYTES`, by which the scan sees that there is more."""


class Observer:
    """One thread at a time."""

    def __init__(
        self,
        *,
        places: Places,
        seen: Seen,
        spool: Spool,
        device: str,
        pseudonym: str,
        scan: Scan,
        closing: Callable[[], bool] = lambda: False,
        ours: Callable[[Path], bool] = lambda _: False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`device` is the agent's name (`Identity.producer`), `pseudonym` the person's. `closing`: verdicts count no more. `ours`: the
        agent itself is writing this file just now.
        """
        self._places = places
        self._seen = seen
        self._telling = Telling(spool, seen)
        self._device = device
        self._pseudonym = pseudonym
        self._scan = scan
        self._closing = closing
        self._ours = ours
        self._now = now
        self._tried: set[Path] = set()
        """Files whose scan did not end once."""
        self.counts: Counter[Result] = Counter()

    def look(self, path: Path) -> Result:
        """Look at a path and tell what has to be told, durably.

        Raises SeenError, SpoolError when nothing can be kept now: the file has to be looked at again; ClosingError at the end.
        """
        self.recover()
        place = self._places.of(path)
        result = Result.GONE if place is None else Result.KNOWN if self._ours(path) else self._look(place, path)
        self.counts[result] += 1
        return result

    def recover(self) -> int:
        """Append what a crash left between the two stores; how many events that were. Raises SeenError, SpoolError."""
        return self._telling.recover()

    def _look(self, place: Place, path: Path) -> Result:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno not in _SKIPPED:
                return Result.UNREADABLE
            self._seen.removed(place.path, path)
            return Result.GONE
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return Result.GONE
            stamp = Stamp.of(facts)
            if self._seen.same(place.path, stamp):
                return Result.KNOWN
            try:
                found = _read(descriptor, stamp)
            except OSError:
                return Result.UNREADABLE
        finally:
            os.close(descriptor)
        if found is None:
            return Result.CHANGING
        if self._seen.told(place.path, path, found.stamp, found.digest):
            self._seen.keep(place.path, path, found.stamp, found.digest, clean=False)
            return Result.KNOWN
        return self._judge(place, path, found)

    def _judge(self, place: Place, path: Path, found: _Read) -> Result:
        verdict = self._scan(found.beginning, name=os.fsencode(path.name).decode("utf-8", "replace"))  # names are bytes, not text
        if self._closing():
            raise ClosingError
        if verdict.unread and _UNENDED.issuperset(verdict.unread) and not verdict.suspected and path not in self._tried:
            self._tried.add(path)
            return Result.UNREADABLE  # a busy machine, or somebody ended the worker: once more before it is told
        self._tried.discard(path)
        if verdict.clean:
            self._seen.keep(place.path, path, found.stamp, found.digest, clean=True)
            return Result.CLEAN
        event = self._event(place, path, found, verdict)
        self._telling.tell(
            event, lambda pending: self._seen.keep(place.path, path, found.stamp, found.digest, clean=False, pending=pending)
        )
        return Result.TOLD

    def _event(self, place: Place, path: Path, found: _Read, verdict: Verdict) -> Event:
        suspected = sorted(verdict.suspected)
        return file_event(
            at=self._now(),
            pseudonym=self._pseudonym,
            device=self._device,
            channel=Channel(place.place.value),
            content=Content(found.stamp.size, found.digest.hex(), path.suffix.lower().removeprefix(".") or None),
            suspected=suspected[:SUSPECTED_MAX],
            suspected_count=len(suspected),
            unread=[cause.value for cause in verdict.unread],
            marks=[mark.code for mark in verdict.marks],
        )


def _read(descriptor: int, before: Stamp) -> _Read | None:
    """All of the file through the digest, its beginning kept; None if it changed meanwhile. Raises OSError."""
    digest = hashlib.sha256()
    kept = bytearray()
    while piece := os.read(descriptor, _CHUNK):
        digest.update(piece)
        if len(kept) <= READ_BYTES:
            kept += piece[: READ_BYTES + 1 - len(kept)]
    after = Stamp.of(os.fstat(descriptor))
    return _Read(after, digest.digest(), bytes(kept)) if after == before else None
