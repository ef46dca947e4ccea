"""The watched places: which one a path belongs to, what is mounted below them, and a walk over all that is there."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from agent.settings import Place

MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(rb"\\([0-7]{3})")
_TREE_MAX = 200
"""Folders in one another that are walked down."""


class Places:
    """The places of one machine."""

    def __init__(self, watch: tuple[Place, ...]) -> None:
        self._watch = sorted(watch, key=lambda place: len(place.path.parts), reverse=True)

    def __iter__(self) -> Iterator[Place]:
        return iter(self._watch)

    def of(self, path: Path) -> Place | None:
        """The innermost place that the path lies in."""
        return next((place for place in self._watch if path.is_relative_to(place.path)), None)

    def roots(self) -> set[Path]:
        """Folders to watch now: each place that is there, and each device that is mounted below one (a stick below `/media`)."""
        there = {place.path for place in self._watch if place.path.is_dir()}
        return there | set(self.devices())

    def devices(self) -> dict[Path, tuple[int, ...]]:
        """Where devices are mounted at or below a place, with what tells one device there from another."""
        found: dict[Path, tuple[int, ...]] = {}
        for mount in mounts():
            if self.of(mount) is not None:
                with suppress(OSError):
                    facts = mount.stat()
                    found[mount] = (facts.st_dev, facts.st_ino, facts.st_ctime_ns)
        return found


def mounts() -> list[Path]:
    """Where devices are mounted (proc(5), `mountinfo`, fifth field); nothing on a system that has no such list."""
    try:
        lines = MOUNTS.read_bytes().splitlines()
    except OSError:
        return []
    fields = (line.split(b" ") for line in lines)
    return [Path(os.fsdecode(_OCTAL.sub(lambda hit: bytes([int(hit[1], 8)]), field[4]))) for field in fields if len(field) > 4]


def walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every regular file below, with its `lstat`. Links are not followed, what cannot be read is passed over.

    Raises OSError for `folder` itself.
    """
    waiting = [(folder, 0)]
    first = True
    while waiting:
        current, depth = waiting.pop()
        try:
            with os.scandir(current) as entries:
                found = list(entries)
        except OSError:
            if first:
                raise
            continue
        first = False
        for entry in found:
            try:
                facts = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(facts.st_mode):
                if depth < _TREE_MAX:
                    waiting.append((Path(entry.path), depth + 1))
            elif stat.S_ISREG(facts.st_mode):
                yield Path(entry.path), facts
