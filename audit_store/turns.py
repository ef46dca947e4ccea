"""One after the other: of several processes that judge the same person at the same moment, each sees what those before it let out.

A turn lasts from the judgement to the durable record. It is a lock on bytes of one file, chosen by the person's pseudonym: no name stands
on the disk, and the system ends the lock of a process that died. Within a process what comes at the same moment shares a turn, and so a
commit: there an act is counted in the same step that judged it. The file holds on one machine; over several `Machines` holds (`shared`).
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from audit_store.spool_file import SpoolError
from audit_store.sqlite_file import translated

TURN_SECONDS = 5.0
"""How long anybody waits for a turn; a turn itself takes a commit, and for an export the writing of its manifest."""
SHARE_SECONDS = 0.02
"""So long others of this process may join a turn; then those of other processes come first."""
_POLL_SECONDS = 0.001


class BusyError(SpoolError):
    """The turn did not come in time: nothing may be released."""


class Shared(Protocol):
    """Turns over several machines (`audit_store.machines.Machines`)."""

    async def enter(self, place: int) -> int:
        """Have the place, with all counts as they are now; what `hand_in` wants to be told."""

    async def hand_in(self, connection: int) -> None:
        """Others can count what was done. Raises SpoolError when they cannot, or the turn was lost."""

    def leave(self, place: int) -> None:
        """Give the place back."""

    def close(self) -> None:
        """Once."""


class Turns:
    """The turns of the people of one installation. For one event loop."""

    def __init__(self, path: Path, *, seconds: float = TURN_SECONDS, shared: Shared | None = None) -> None:
        """`path`: a file that all processes of a machine share, made if it is missing; `shared`: over more machines. Raises SpoolError."""
        self._shared = shared
        self._path = path
        self._seconds = seconds
        with translated("the file of the turns cannot be opened", SpoolError):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._here: WeakValueDictionary[int, _Here] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, pseudonym: str) -> AsyncIterator[bool]:
        """This person's turn; True if it came at once, so that nothing happened meanwhile in this process. Never with several machines.

        Whoever has it calls `Followers.take_over` before the judgement that counts.

        Raises BusyError when it does not come in time, SpoolError when it cannot be asked for, or at its end, when other machines could
        not know what was done in it: then nothing may be released.
        """
        with translated("the file of the turns cannot be used", SpoolError):
            if not os.path.samestat(self._path.stat(), os.fstat(self._descriptor)):
                raise SpoolError("the file of the turns was replaced while it was in use: start this process again")
        place = int.from_bytes(blake2b(pseudonym.encode("utf-8", "surrogatepass"), digest_size=7).digest()) * 2
        here = self._here.setdefault(place, _Here())
        at_once = here.joined() or await self._enter(here, place)
        try:
            yield at_once and self._shared is None
            if self._shared is not None:
                await self._shared.hand_in(here.connection)
        finally:
            here.holders -= 1
            if not here.holders:
                here.empty.set()
                if self._shared is not None:
                    self._shared.leave(place)
                self._lock(fcntl.F_UNLCK, place)

    def close(self) -> None:
        """May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if self._shared is not None:
                self._shared.close()

    async def _enter(self, here: _Here, place: int) -> bool:
        """Begin a turn of this process, or join the one that began meanwhile; True if nobody else was there."""
        at_once = not here.door.locked() and not here.holders
        try:
            async with asyncio.timeout(self._seconds), here.door:
                if here.joined():
                    return False
                if here.holders:
                    await here.empty.wait()
                # Who waits for the place holds the byte before it: the process that has just left does not come in again first.
                at_once &= await self._take(place + 1)
                try:
                    at_once &= await self._take(place)
                finally:
                    self._lock(fcntl.F_UNLCK, place + 1)
                if self._shared is not None:
                    here.connection = await self._entered(self._shared, place)
                here.begun()
        except TimeoutError:
            raise BusyError("the turn of a person did not come in time") from None
        return at_once

    async def _entered(self, shared: Shared, place: int) -> int:
        try:
            return await shared.enter(place)
        except BaseException:
            self._lock(fcntl.F_UNLCK, place)
            raise

    async def _take(self, place: int) -> bool:
        """Lock a byte; True if it was free."""
        at_once = True
        while not self._lock(fcntl.F_WRLCK, place):
            at_once = False
            await asyncio.sleep(_POLL_SECONDS)
        return at_once

    def _lock(self, kind: int, place: int) -> bool:
        """Lock or free a byte for this open file (fcntl(2), open file description locks); False if another one has it."""
        wanted = struct.pack("@hhqqi0q", kind, os.SEEK_SET, place, 1, 0)
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, wanted)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise SpoolError(f"the file of the turns cannot be locked: {error}") from error
        return True


class _Here:
    """A person's turn as this process sees it."""

    def __init__(self) -> None:
        self.holders = 0
        self.empty = asyncio.Event()
        self.connection = 0
        """With several machines: what the turn was taken with."""
        self.door = asyncio.Lock()
        self._open_until = 0.0

    def begun(self) -> None:
        """The turn is this process's, and the caller is in it."""
        self.holders = 1
        self.empty.clear()
        self._open_until = time.monotonic() + SHARE_SECONDS

    def joined(self) -> bool:
        """Join the turn that is under way, if it is young."""
        if not self.holders or time.monotonic() >= self._open_until:
            return False
        self.holders += 1
        return True
