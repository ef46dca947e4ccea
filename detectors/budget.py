"""How much one scan may take: bytes, entries, layers, time. What is over is a cause in the verdict, never an exception for the caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from detectors.verdict import Unread

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one scan. Sizes in bytes."""

    size: int = 128 * MIB
    """Of the content; of a larger one the beginning is read, and the verdict says `too_large`."""
    part: int = 128 * MIB
    """Of one unpacked part."""
    unpacked: int = 512 * MIB
    """Of everything unpacked and decoded."""
    ratio: int = 200
    """Unpacked bytes for each byte given, beyond the first `free`. Office files reach 50."""
    free: int = MIB
    entries: int = 10_000
    """Of all archives together."""
    archives: int = 5
    """Archives in one another: five zips are opened, what is packed in the fifth as a sixth is `too_deep`."""
    decoded: int = 3
    """Encodings in one another (base64, base32, hexadecimal, compressed)."""
    writings: int = 4
    """Ways of writing in one another (percent signs, escapes, entities, parts of a form)."""
    seconds: float = 20.0
    """Of one scan; the process around it ends a scan that does not keep to it."""
    small_seconds: float = 1.0
    """Of a small content in the lane that is kept for small ones; then it goes on among the large."""
    memory: int = 1024 * MIB
    """That a worker may take beyond what it holds when it is ready."""

    def within(self, seconds: float) -> Limits:
        """The same with another time."""
        return replace(self, seconds=seconds)


class SpentError(Exception):
    """A limit is reached: `cause` goes into the verdict."""

    def __init__(self, cause: Unread) -> None:
        super().__init__(cause.value)
        self.cause = cause


@dataclass(slots=True)
class Budget:
    """What is left of the limits of one scan, shared by all its parts."""

    limits: Limits
    size: int
    """Bytes of the content."""
    clock: Callable[[], float] = time.monotonic
    causes: set[Unread] = field(default_factory=set)
    unpacked: int = 0
    entries: int = 0
    ends: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends = self.clock() + self.limits.seconds

    def check(self) -> None:
        """Raises SpentError when the time is over."""
        if self.clock() > self.ends:
            raise SpentError(Unread.TIMED_OUT)

    @property
    def room(self) -> int:
        """Bytes that the next part may have."""
        allowed = min(self.limits.unpacked, self.limits.free + self.limits.ratio * self.size)
        return max(0, min(self.limits.part, allowed - self.unpacked))

    def take(self, count: int) -> None:
        """Count unpacked bytes. Raises SpentError when they are more than `room`, and when the time is over."""
        if count > self.room:
            self.unpacked += self.room
            raise SpentError(Unread.TOO_LARGE)
        self.unpacked += count
        self.check()

    def enter(self) -> None:
        """Count an entry of an archive. Raises SpentError."""
        self.entries += 1
        if self.entries > self.limits.entries:
            raise SpentError(Unread.TOO_MANY)
        self.check()

    def note(self, cause: Unread) -> None:
        """Something could not be read."""
        self.causes.add(cause)

    @property
    def unread(self) -> tuple[Unread, ...]:
        """The causes in the order of `Unread`."""
        return tuple(cause for cause in Unread if cause in self.causes)
