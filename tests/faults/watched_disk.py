"""A disk that is watched: every write and fsync of a process in order, and what a loss of power would have left at any moment.

The process runs with a small library before the C library's own (`disk/shim.c`, built on the spot with the machine's C compiler).
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).parent / "disk" / "shim.c"
ROOT = Path(__file__).parents[2]
_HEAD = struct.Struct("=QQQQ")


class Kind(IntEnum):
    """What was done to a file; as in `shim.c`."""

    WRITE = 1
    SYNC = 2
    TRUNCATE = 3
    UNLINK = 4
    FORGOTTEN = 5
    """An fsync failed: what was written since the last one may never reach the disk, whatever a later fsync says."""
    LINK = 6
    """A file has one more name; the data is the one that it had."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a file."""

    kind: Kind
    path: Path
    offset: int
    data: bytes


@dataclass(slots=True)
class Disk:
    """A folder below which everything is watched, and the journal of it."""

    folder: Path
    library: Path
    journal: Path = field(init=False)
    fault: Path = field(init=False)
    """Put `EIO` or `SLOW milliseconds` there, and the next fsync does it."""

    def __post_init__(self) -> None:
        self.journal, self.fault = self.library.with_name("journal"), self.library.with_name("fault")

    @classmethod
    def make(cls, tmp_path: Path) -> Disk:
        """Builds the library. Raises RuntimeError where there is no C compiler."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise RuntimeError("no C compiler: install gcc and libc6-dev")
        folder, library = tmp_path / "watched", tmp_path / "shim.so"
        folder.mkdir(mode=0o700)
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True, capture_output=True)
        return cls(folder, library)

    def run(self, program: str, *arguments: object) -> str:
        """Run a Python program with the watched folder and the arguments; what it printed."""
        watched = {"LD_PRELOAD": str(self.library), "DISK_ROOT": str(self.folder), "DISK_JOURNAL": str(self.journal)}
        done = subprocess.run(
            [sys.executable, "-c", program, str(self.folder), *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | watched | {"DISK_FAULT": str(self.fault)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def steps(self) -> list[Step]:
        """Everything that was done, in order."""
        raw, found, place = self.journal.read_bytes(), [], 0
        while place < len(raw):
            kind, path, offset, data = _HEAD.unpack_from(raw, place)
            place += _HEAD.size
            name = raw[place : place + path].decode()
            found.append(Step(Kind(kind), Path(name), offset, raw[place + path : place + path + data]))
            place += path + data
        return found


class Left:
    """What is on the disk after some steps: of each file what was synced for certain, and what came after, of which any may be there."""

    def __init__(self) -> None:
        self._synced: dict[Path, bytearray] = {}
        self._pending: dict[Path, list[Step]] = defaultdict(list)

    def take(self, step: Step) -> None:
        """One more step."""
        match step.kind:
            case Kind.WRITE | Kind.TRUNCATE | Kind.UNLINK:
                self._pending[step.path].append(step)
            case Kind.LINK:
                content = bytes(self._synced.get(Path(step.data.decode()), b""))
                self._pending[step.path].append(replace(step, data=content))
            case Kind.SYNC:
                if not any(one.kind is Kind.LINK for one in self._pending.get(step.path, ())):  # else it may have no name yet
                    for one in self._pending.pop(step.path, ()):
                        _do(self._synced, one)
                self._names_are_kept(step.path)
            case Kind.FORGOTTEN:
                self._pending.pop(step.path, None)

    def _names_are_kept(self, folder: Path) -> None:
        """A folder that is synced remembers which of its files are gone, and which have a name."""
        for path in [path for path, steps in self._pending.items() if path.parent == folder and any(map(_is_name, steps))]:
            steps = self._pending[path]
            last = max(number for number, step in enumerate(steps) if _is_name(step))
            _do(self._synced, steps[last])
            self._pending[path] = steps[last + 1 :]

    def put(self, folder: Path, *, of: Path, chance: random.Random | None, whole: bool = False) -> None:
        """Make the files below `of` anew below `folder`, which must not be there: what was synced; of the rest all (`whole`), or, with
        `chance`, any of it, and of the last write perhaps a part.
        """
        files = {path: bytearray(content) for path, content in self._synced.items()}
        for steps in self._pending.values():
            for step in steps if whole else _some(steps, chance):
                _do(files, step)
        folder.mkdir(mode=0o700)
        for path, content in files.items():
            place = folder / path.relative_to(of)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.write_bytes(content)
            place.chmod(0o600)


def _is_name(step: Step) -> bool:
    return step.kind in (Kind.UNLINK, Kind.LINK)


def _some(steps: list[Step], chance: random.Random | None) -> Iterator[Step]:
    for step in steps:
        if chance is not None and chance.random() < 0.5:
            torn = step.kind is Kind.WRITE and chance.random() < 0.2
            yield Step(step.kind, step.path, step.offset, step.data[: chance.randrange(len(step.data))]) if torn else step
        elif step.kind is Kind.LINK:
            return  # without the name there is nothing


def _do(files: dict[Path, bytearray], step: Step) -> None:
    match step.kind:
        case Kind.WRITE:
            content = files.setdefault(step.path, bytearray())
            content.extend(bytes(max(0, step.offset + len(step.data) - len(content))))
            content[step.offset : step.offset + len(step.data)] = step.data
        case Kind.TRUNCATE:
            content = files.setdefault(step.path, bytearray())
            del content[step.offset :]
            content.extend(bytes(step.offset - len(content)))
        case Kind.UNLINK:
            files.pop(step.path, None)
        case Kind.LINK:
            files[step.path] = bytearray(step.data)
