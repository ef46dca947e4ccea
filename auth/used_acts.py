"""What a database that was put back cannot forget: which acts were used up, and how far the tables had come (attacks X12, X15).

A row can be set back to what it was, and a file of SQLite be replaced by an older copy: then a touch that was used would look unused, a
freeze would be undone. So each machine keeps a small file beside the database, read by all its processes, to which lines are only added.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from auth.memory_file import MemoryFile

FILE = "used-acts"
"""In the state folder."""
KEPT = 2_000
"""Acts that are remembered when the file is made anew; an act ends after two minutes, so that older ones are refused by their time."""
APPROVAL = "approval-"
"""Before the id of a request for approval, which may be good for weeks: as many of them are remembered by themselves."""
LARGEST_BYTES = 256 * 1024
"""Of the file; beyond it is made anew."""


class UsedActs(MemoryFile):
    """The memory of one machine. Every method raises OSError when the file cannot be used: then nothing is given."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._used: dict[str, None] = {}
        self._highest = 0

    def spend(self, act_id: str) -> bool:
        """Note that an act is over, on disk on return; False: it was over before."""
        with self._locked() as descriptor:
            if act_id in self._used:
                return False
            self._add(descriptor, f"used {act_id}\n")
            return True

    def came_to(self, number: int) -> None:
        """Note how far the tables have come, after that was committed: the sum of their revisions, which only grows.

        A power cut may take the last of it. No act of before lives after one: those of SQLite end with the boot, those of PostgreSQL with
        the server, which a restore starts anew.
        """
        with self._locked() as descriptor:
            if number > self._highest:
                self._add(descriptor, f"at {number}\n", synced=False)

    def highest(self) -> int:
        """The highest number that any process of this machine has seen. Tables that are below it were put back."""
        if not self._is_read():
            with self._locked():
                pass
        return self._highest

    def _take(self, kind: str, word: str) -> None:
        if kind == "at":
            if word.isdigit():  # a torn line may say anything else
                self._highest = max(self._highest, int(word))
        elif kind == "used":
            self._used[word] = None

    def _kept(self) -> Iterable[str]:
        approvals = [one for one in self._used if one.startswith(APPROVAL)][-KEPT:]
        kept = approvals + [one for one in self._used if not one.startswith(APPROVAL)][-KEPT:]
        self._used = dict.fromkeys(kept)
        return [f"at {self._highest}\n", *(f"used {act_id}\n" for act_id in kept)]

    def _largest(self) -> int:
        return LARGEST_BYTES
