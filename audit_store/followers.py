"""What the other processes of this machine have recorded, taken into the history before the next act is judged.

A look costs one read of the marker beside each spool: it is overwritten after every commit and before anybody is told of it, so what a
person was given elsewhere is never missed here. Rows are read only where it moved. Copies of agents' records are left out: what an agent
reports is judged by the console, whose own record is followed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from audit_store.history import History
from audit_store.spool import FILE, MARKER, Receipt, SpoolReader
from audit_store.spool_file import SpoolError, Stored
from audit_store.spool_marker import SIZE, head_in
from audit_store.sqlite_file import translated

WHOLE_LOOK_SECONDS = 1.0
"""How often the rows themselves are asked whatever the markers say, and new producers are noticed."""
BATCH = 100
"""Rows between two turns of the event loop: some 5 ms."""
_AGENTS = "agent-"


class Followers:
    """The spools below one folder (`state/spool`), each read on from where it was. For one event loop.

    Every method raises SpoolError when a spool cannot be read, or has lost what was read of it: the counts could be too small, so nothing
    is released.
    """

    def __init__(self, folder: Path, own: str, also: Callable[[], Awaitable[object]] | None = None) -> None:
        """`own` is the producer that this process writes: what it noted itself is known again by its id. `also` is called by `keep_up`:
        what other machines did.
        """
        self._also = also
        self._folder = folder
        self._own = own
        self._followed: dict[str, _Followed] = {}
        self._history = History()
        self._due = 0.0
        self._reading = asyncio.Lock()
        self._notice()

    @property
    def sources(self) -> Sequence[SpoolReader]:
        """The readers, for `History.rebuild`."""
        return [one.reader for one in self._followed.values()]

    def begin(self, history: History) -> None:
        """Follow for this history, from where its `rebuild` has read."""
        self._history = history
        for one in self._followed.values():
            one.begin(history.positions.get(one.reader.producer, 0))

    async def take_over(self) -> bool:
        """Count what was recorded since the last call. True: what was judged before is to be judged again, for there was something, or
        others ran meanwhile and may have counted it. A few microseconds when nothing was.
        """
        whole = time.monotonic() >= self._due
        if not whole and not self._reading.locked() and not any(one.moved() for one in self._followed.values()):
            return False
        found = self._reading.locked()  # whoever reads now takes rows that this judgement has not seen
        async with self._reading:
            if whole and time.monotonic() >= self._due:
                self._notice()
                for one in self._followed.values():
                    one.compare()
                self._due = time.monotonic() + WHOLE_LOOK_SECONDS
            for one in list(self._followed.values()):
                while rows := one.read():
                    found = True
                    for row in rows:
                        self._history.take(row)
                    if len(rows) < BATCH:
                        break
                    await asyncio.sleep(0)
        return found

    def wrote(self, receipt: Receipt) -> None:
        """An event of this process is stored, and was counted before, where it counts: it need not be read."""
        own = self._followed.get(self._own)
        if own is not None and receipt.sequence == own.position + 1:
            own.position, own.epoch = receipt.sequence, receipt.epoch

    async def keep_up(self) -> None:
        """Take over for ever, so that what gathers in a quiet hour does not hold up the next act. A failure is left to that act."""
        while True:
            await asyncio.sleep(WHOLE_LOOK_SECONDS)
            try:
                await self.take_over()
                if self._also is not None:
                    await self._also()
            except SpoolError:
                continue

    def close(self) -> None:
        """Give the files back."""
        for one in self._followed.values():
            one.close()
        self._followed.clear()

    def _notice(self) -> None:
        with translated("the records of other processes cannot be read", SpoolError):
            found = [one for one in self._folder.iterdir() if not one.name.startswith(_AGENTS)] if self._folder.is_dir() else []
        for folder in found:
            if folder.name not in self._followed and (folder / FILE).is_file():
                one = _open(folder)
                if one is not None:
                    self._followed[folder.name] = one


class _Followed:
    """One producer's spool."""

    def __init__(self, folder: Path, reader: SpoolReader, descriptor: int) -> None:
        self.reader = reader
        self.position = self.epoch = 0
        self._marker = folder / MARKER
        self._descriptor = descriptor
        self._said: bytes | None = None
        self._wanted = True

    def begin(self, position: int) -> None:
        """Read on behind this sequence: what the log has beyond a spool that was cut is nothing to wait for."""
        head = self.reader.head()
        self.position, self.epoch = min(position, head.sequence), head.epoch if position >= head.sequence else 0

    def moved(self) -> bool:
        """There may be rows that were not read."""
        if not self._wanted:
            try:
                said = os.pread(self._descriptor, SIZE, 0)
            except OSError as error:
                raise SpoolError(f"the marker of a spool cannot be read: {error}") from error
            if said != self._said:
                self._said = said
                head = head_in(said)
                self._wanted = head is None or head.sequence > self.position
        return self._wanted

    def compare(self) -> None:
        """Ask the rows themselves. Raises SpoolError when some that were read are gone."""
        head = self.reader.head()
        if head.sequence < self.position:
            raise SpoolError(f"the spool of {self.reader.producer} has lost events that were counted: start this process again")
        self._wanted = self._wanted or head.sequence > self.position
        with translated("the marker of a spool cannot be read", SpoolError):
            if not os.path.samestat(self._marker.stat(), os.fstat(self._descriptor)):
                os.close(self._descriptor)
                self._descriptor = os.open(self._marker, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                self._said, self._wanted = None, True

    def read(self) -> list[Stored]:
        """The next rows, where there are some; fewer than `BATCH` are all."""
        if not self.moved():
            return []
        rows = self.reader.read(self.position, BATCH)
        if rows:
            first, last = rows[0], rows[-1]
            if self.position and first.epoch == self.epoch and first.sequence != self.position + 1:
                raise SpoolError(f"the spool of {self.reader.producer} has no event {self.position + 1}: start this process again")
            self.position, self.epoch = last.sequence, last.epoch
        self._wanted = len(rows) == BATCH
        return rows

    def close(self) -> None:
        self.reader.close()
        os.close(self._descriptor)


def _open(folder: Path) -> _Followed | None:
    """A spool to follow; None for one that is being made just now, and has no event yet."""
    with translated("the marker of a spool cannot be read", SpoolError):
        descriptor = os.open(folder / MARKER, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return _Followed(folder, SpoolReader.open(folder), descriptor)
    except SpoolError:
        empty = os.fstat(descriptor).st_size == 0
        os.close(descriptor)
        if empty:
            return None
        raise
