"""What a database that was put back cannot forget: which acts were used up, and how far the tables had come (attacks X12, X15).

A row can be set back to what it was, and a file of SQLite be replaced by an older copy: then a touch that was used would look unused, a
freeze would be undone. So each machine keeps a small file beside the database, read by all its processes, to which lines are only added.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "used-acts"
"""In the state folder."""
KEPT = 2_000
"""Acts that are remembered when the file is made anew; an act ends after two minutes, so that older ones are refused by their time."""
APPROVAL = "approval-"
"""Before the id of a request for approval, which may be good for weeks: as many of them are remembered by themselves."""
LARGEST_BYTES = 256 * 1024
"""Of the file; beyond it is made anew."""


class UsedActs:
    """The memory of one machine. Every method raises OSError when the file cannot be used: then nothing is given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._used: dict[str, None] = {}
        self._highest = 0
        self._read = 0
        self._inode = -1

    def spend(self, act_id: str) -> bool:
        """Note that an act is over, on disk on return; False: it was over before."""
        with self._locked() as descriptor:
            if act_id in self._used:
                return False
            self._add(descriptor, f"used {act_id}\n")
            return True

    def came_to(self, number: int) -> None:
        """Note how far the tables have come, after that was committed: the sum of their revisions, which only grows."""
        with self._locked() as descriptor:
            if number > self._highest:
                self._add(descriptor, f"at {number}\n")

    def highest(self) -> int:
        """The highest number that any process of this machine has seen. Tables that are below it were put back."""
        with self._locked():
            return self._highest

    def _add(self, descriptor: int, line: str) -> None:
        torn = os.fstat(descriptor).st_size > self._read  # a full disk took half a line
        _write(descriptor, f"\n{line}" if torn else line)
        self._catch_up(descriptor)
        if self._read > LARGEST_BYTES:
            self._renew()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if not os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    continue  # another process has made it anew meanwhile
                self._catch_up(descriptor)
                yield descriptor
                return
            finally:
                os.close(descriptor)

    def _catch_up(self, descriptor: int) -> None:
        """Read what has come since the last look, by whichever process."""
        about = os.fstat(descriptor)
        if about.st_ino != self._inode or about.st_size < self._read:
            self._inode, self._read = about.st_ino, 0
        data = os.pread(descriptor, about.st_size - self._read, self._read)
        whole, cut, _ = data.rpartition(b"\n")
        if not cut:
            return
        self._read += len(whole) + 1
        for line in whole.decode("ascii").split("\n"):
            kind, _, word = line.partition(" ")
            if kind == "at":
                self._highest = max(self._highest, int(word))
            elif kind == "used":
                self._used[word] = None

    def _renew(self) -> None:
        approvals = [one for one in self._used if one.startswith(APPROVAL)][-KEPT:]
        kept = approvals + [one for one in self._used if not one.startswith(APPROVAL)][-KEPT:]
        self._used = dict.fromkeys(kept)
        draft = self._path.with_name(f".{self._path.name}.new")
        lines = [f"at {self._highest}\n", *(f"used {act_id}\n" for act_id in kept)]
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _write(descriptor, "".join(lines))
        finally:
            os.close(descriptor)
        draft.rename(self._path)


def _write(descriptor: int, text: str) -> None:
    data = text.encode("ascii")
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, "the memory of used acts was written in part")
    os.fsync(descriptor)
