"""Memory that a parent writes a content into and that its scan worker reads it from: one copy each, where a pipe takes twice the time.

The worker can only read it, and nobody can change its size (memfd_create(2), fcntl(2), "File Sealing"): a parser that is taken over can
neither write there nor make the parent fail by cutting it off. What the parent sends on after the verdict is its own copy in any case.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Self

SIZE = 2 << 20
"""Bytes of the largest content that is handed over this way. Each worker has a board of its own as long as it lives."""
LEAST = 16 << 10
"""Bytes of the smallest: what is smaller goes through a pipe in one step."""
_SEAL_FUTURE_WRITE = 0x0010
"""`F_SEAL_FUTURE_WRITE` of Linux 5.1, which Python does not name: whoever maps it from now on can only read."""


class Board:
    """The parent's end."""

    def __init__(self, descriptor: int, memory: mmap.mmap) -> None:
        self.descriptor = descriptor
        """For the worker to inherit; closed by `given`."""
        self._memory = memory

    @classmethod
    def make(cls) -> Self | None:
        """None where the platform has nothing of the kind."""
        if sys.platform != "linux":
            return None
        import fcntl  # not on Windows

        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | _SEAL_FUTURE_WRITE | fcntl.F_SEAL_SEAL
        try:
            descriptor = os.memfd_create("torwart-board", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except OSError:
            return None
        try:
            os.posix_fallocate(descriptor, 0, SIZE)  # memory that is missing is missed now, not in the middle of a write
            memory = mmap.mmap(descriptor, SIZE, trackfd=False)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        except (OSError, ValueError):
            os.close(descriptor)
            return None
        return cls(descriptor, memory)

    def given(self) -> None:
        """The worker has it: close the descriptor. What it maps stays."""
        os.close(self.descriptor)

    def put(self, content: bytes | memoryview) -> bool:
        """Write a content for the worker, over the one before; False for one that belongs into the pipe."""
        if not LEAST <= len(content) <= SIZE:
            return False
        self._memory[: len(content)] = content
        return True

    def close(self) -> None:
        """Give the memory back. Call when the worker has ended."""
        self._memory.close()


def seen(descriptor: int | None) -> mmap.mmap | None:
    """The worker's end of a board: maps it to be read, and closes the descriptor. Raises OSError."""
    if descriptor is None:
        return None
    try:
        return mmap.mmap(descriptor, SIZE, prot=mmap.PROT_READ, trackfd=False)
    finally:
        os.close(descriptor)
