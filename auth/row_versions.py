"""How often each sealed row was changed, kept beside the database: an older copy of a row has an old seal that holds, and is known by this.

Which alarms were raised about rows stands here too, so that each is raised once (attacks X12, X15, decision 0020).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from auth.memory_file import MemoryFile

FILE = "row-versions"
"""In the state folder."""
LARGEST_BYTES = 1024 * 1024
"""Of the file; beyond it is made anew with one line for each row, and then may grow as much again."""
TOLD_KEPT = 2_000
"""Alarms that are remembered when the file is made anew."""


class RowVersions(MemoryFile):
    """The memory of one machine. Every method raises OSError when the file cannot be used: then no row is believed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._versions: dict[str, int] = {}
        """Never changed, only replaced: `as_of_now` gives it away."""
        self._new: dict[str, int] = {}
        self._told: dict[str, None] = {}
        self._small = 0
        """Bytes of the file when it was made anew."""

    def of(self, row: str) -> int:
        """The highest version of a row that any process of this machine has committed; 0: none."""
        if not self._is_read():
            with self._locked():
                pass
        return self._versions.get(row, 0)

    def as_of_now(self) -> Mapping[str, int]:
        """The highest version of each row, as it stands now: rows that are read afterwards have at least these.

        A row that is read while another process changes it is no older copy, though its new version is remembered a moment later.
        """
        if not self._is_read():
            with self._locked():
                pass
        return self._versions

    def came_to(self, versions: Mapping[str, int]) -> None:
        """Note versions by row, after they were committed; on disk on return. A row's name has no space in it."""
        with self._locked() as descriptor:
            higher = [f"row {row} {number}\n" for row, number in versions.items() if number > self._versions.get(row, 0)]
            if higher:
                self._add(descriptor, "".join(higher))

    def was_told(self, alarm: str) -> bool:
        """Whether this alarm was raised before."""
        with self._locked():
            return alarm in self._told

    def told(self, alarm: str) -> None:
        """Note that this alarm was raised."""
        with self._locked() as descriptor:
            self._add(descriptor, f"told {alarm}\n")

    def _take(self, kind: str, word: str) -> None:
        if kind == "row":
            row, _, number = word.partition(" ")
            if number.isdigit():  # a torn line has none, or a smaller one
                self._new[row] = max(self._new.get(row, 0), self._versions.get(row, 0), int(number))
        elif kind == "told":
            self._told[word] = None

    def _taken(self) -> None:
        if self._new:
            self._versions, self._new = self._versions | self._new, {}

    def _kept(self) -> Iterable[str]:
        self._told = dict.fromkeys([*self._told][-TOLD_KEPT:])
        lines = [f"row {row} {number}\n" for row, number in self._versions.items()] + [f"told {alarm}\n" for alarm in self._told]
        self._small = sum(map(len, lines))
        return lines

    def _largest(self) -> int:
        return LARGEST_BYTES + 2 * self._small
