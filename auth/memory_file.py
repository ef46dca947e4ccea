"""A file of this machine beside the database, read by all its processes, to which lines are only added: what was put back cannot forget."""

from __future__ import annotations

import errno
import fcntl
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class MemoryFile(ABC):
    """Lines of two words, a kind and what is remembered. Every method raises OSError when the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._inode = -1
        self._torn = False
        """A full disk took the end of the last line; told while the file is locked."""

    @abstractmethod
    def _take(self, kind: str, word: str) -> None:
        """Remember a line that was read."""

    def _taken(self) -> None:  # noqa: B027 -- only who gathers lines first needs it
        """All lines of one look were taken."""

    @abstractmethod
    def _kept(self) -> Iterable[str]:
        """The lines of a file that is made anew, each with its end."""

    @abstractmethod
    def _largest(self) -> int:
        """Bytes beyond which the file is made anew."""

    def _add(self, descriptor: int, lines: str, *, synced: bool = True) -> None:
        """Add whole lines; on disk on return, if `synced`, else what a power cut may take."""
        if self._torn:
            _write(descriptor, "\n", synced=False)
            self._catch_up(descriptor, os.fstat(descriptor))
        _write(descriptor, lines, synced=synced)
        self._learn(lines)
        if self._read > self._largest():
            self._renew()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, for us alone, with everything read that any process has added."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                about = os.fstat(descriptor)
                if not os.path.samestat(about, self._path.stat()):
                    continue  # another process has made it anew meanwhile
                self._catch_up(descriptor, about)
                yield descriptor
                return
            finally:
                os.close(descriptor)

    def _is_read(self) -> bool:
        """Whether nothing was added since the last look: cheaper than a lock."""
        try:
            about = self._path.stat()
        except FileNotFoundError:
            return False
        return about.st_ino == self._inode and about.st_size == self._read

    def _catch_up(self, descriptor: int, about: os.stat_result) -> None:
        """Read what others have added. `about`: the file as it stands."""
        if about.st_ino != self._inode or about.st_size < self._read:
            self._inode, self._read = about.st_ino, 0
        if about.st_size > self._read:
            whole, end, _ = os.pread(descriptor, about.st_size - self._read, self._read).rpartition(b"\n")
            if end:
                self._learn(f"{whole.decode('ascii')}\n")
        self._torn = about.st_size > self._read

    def _learn(self, lines: str) -> None:
        """Remember whole lines that stand in the file behind what was read."""
        for line in lines[:-1].split("\n"):
            kind, _, word = line.partition(" ")
            self._take(kind, word)
        self._taken()
        self._read += len(lines)

    def _renew(self) -> None:
        lines = "".join(self._kept())
        draft = self._path.with_name(f".{self._path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _write(descriptor, lines)
        finally:
            os.close(descriptor)
        draft.rename(self._path)


def _write(descriptor: int, text: str, *, synced: bool = True) -> None:
    data = text.encode("ascii")
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, "the memory beside the database was written in part")
    if synced:
        os.fsync(descriptor)
