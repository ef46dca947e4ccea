"""A marker beside a spool that remembers where its chain ended: a trip wire for a cut tail or an older copy put in its place.

It is written after each commit without an fsync of its own, so it is never ahead of the durable rows; after a power loss it may be behind
them or unreadable, and then says nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from audit_store.spool_file import Head, SpoolError

SIZE = 160
"""Bytes of the file."""
_TRIES, _PAUSE_SECONDS = 100, 0.0005


class Marker:
    """One small file, overwritten in place."""

    def __init__(self, path: Path) -> None:
        """Raises SpoolError."""
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise SpoolError(f"the marker of the spool cannot be opened: {error}") from error
        self._written: tuple[bytes, Head] | None = None
        """What this process wrote last, and what it says: where it still stands it need not be read again."""

    def read(self) -> Head | None:
        """What was written last, None if nothing readable is there."""
        try:
            return head_in(os.pread(self._descriptor, SIZE, 0))
        except OSError:
            return None

    def write(self, head: Head) -> None:
        """Remember the end, unless another process has remembered a later one meanwhile: who looks whether it moved must miss nothing.

        A failure is passed over: the event itself is durable, and an older marker is still a true one.
        """
        body = f"{head.sequence} {head.epoch} {head.hash.hex()}"
        with contextlib.suppress(OSError), self._alone():
            said = os.pread(self._descriptor, SIZE, 0)
            there = self._written[1] if self._written is not None and said == self._written[0] else head_in(said)
            if there is None or there.sequence <= head.sequence:
                says = f"{body} {_checksum(body)}\n".ljust(SIZE).encode("ascii")
                os.pwrite(self._descriptor, says, 0)
                self._written = says, head

    def close(self) -> None:
        """May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process writes meanwhile. One that was stopped in the midst of it holds nobody up for long."""
        for _ in range(_TRIES):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(_PAUSE_SECONDS)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)


def head_in(said: bytes) -> Head | None:
    """What the bytes of a marker say, None if they say nothing readable."""
    try:
        body, _, checksum = said.decode("ascii").strip().rpartition(" ")
        sequence, epoch, digest = body.split(" ")
        if checksum != _checksum(body):
            return None
        return Head(int(sequence), int(epoch), bytes.fromhex(digest))
    except ValueError:
        return None


def _checksum(body: str) -> str:
    return sha256(body.encode("ascii")).hexdigest()[:16]
