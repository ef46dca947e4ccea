"""Files for the scan: found without following links, read within limits, whatever happens to them meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from detectors.scanner import Scanner
from detectors.verdict import Unread, Verdict

_STEP = 1 << 20
_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)


class FileError(Exception):
    """A file cannot be read at all; the text says why."""


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of a file."""

    data: bytes = field(repr=False)
    size: int
    """Bytes of the file when it was opened."""
    steady: bool
    """False if it changed while it was read."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file and what its scan said."""

    path: Path
    verdict: Verdict
    digest: str | None = None
    """SHA-256 of a file that was read whole, hexadecimal."""
    problem: str | None = None
    """Why it could not be read at all."""


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """The regular files below these paths, in order; links, devices and pipes within folders are passed over. Faults are left to `read`:
    a folder that cannot be listed comes as if it were a file.
    """
    for path in paths:
        if _is_link(path) or not is_folder(path):
            yield path
            continue
        closed: list[OSError] = []
        for folder, folders, names in os.walk(path, onerror=closed.append, followlinks=False):
            folders.sort()
            yield from (file for name in sorted(names) if _is_regular(file := Path(folder) / name))
        yield from (Path(error.filename) for error in closed)


def is_missing(path: Path) -> bool:
    """Whether nothing is there, not even a link. False for what cannot be looked at: that is said when it is read."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def is_folder(path: Path) -> bool:
    """Whether it is a folder, or a link to one. False for what cannot be looked at, for which `Path.is_dir` raises."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def read(path: Path, most: int) -> Content:
    """The first `most` + 1 bytes of a file, however large it says it is. Raises FileError."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise FileError("a link, which is not followed" if _is_link(path) else _words(error)) from error
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise FileError("no regular file")
        pieces: list[bytes] = []
        left = most + 1
        while left and (piece := os.read(descriptor, min(left, _STEP))):
            pieces.append(piece)
            left -= len(piece)
        after = os.fstat(descriptor)
    except OSError as error:
        raise FileError(_words(error)) from error
    finally:
        os.close(descriptor)
    steady = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    return Content(b"".join(pieces), max(before.st_size, after.st_size), steady)


def scan_file(scanner: Scanner, path: Path) -> Seen:
    """Read and scan one file. Never raises for a file: what cannot be read is not clean."""
    try:
        content = read(path, scanner.limits.size)
    except FileError as error:
        return Seen(path, Verdict(unread=(Unread.DAMAGED,)), problem=str(error))
    verdict = scanner.scan_blocking(content.data, name=path.name)
    causes = set(verdict.unread) | (set() if content.steady else {Unread.DAMAGED})
    verdict = replace(verdict, unread=tuple(cause for cause in Unread if cause in causes), size=content.size)
    whole = content.steady and len(content.data) == content.size
    return Seen(path, verdict, sha256(content.data).hexdigest() if whole else None)


def _is_regular(path: Path) -> bool:
    """True also for what cannot be looked at: that is said when it is read."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True


def _is_link(path: Path) -> bool:
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except OSError:
        return False


def _words(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
