"""Walks over watched folders: find what the system did not tell, without ever filling the queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from os import stat_result
from pathlib import Path

from agent.places import Places, walk
from agent.seen import Seen, Stamp


class Walks:
    """Folders to walk over, one after the other, in pieces. `ask` from any thread, the rest from one."""

    def __init__(self, places: Places, seen: Seen, put: Callable[[Path, float], None], room: Callable[[], bool]) -> None:
        """`put(path, modified)` takes a path that is not known as it is, with the time of its last change; `room` says whether it may."""
        self._places = places
        self._seen = seen
        self._put = put
        self._room = room
        self._lock = threading.Lock()
        self._asked: set[Path] = set()
        self._under_way: deque[tuple[Path, Iterator[None]]] = deque()

    def ask(self, *folders: Path) -> None:
        """Walk over these folders, from now on or once more."""
        with self._lock:
            self._asked.update(folders)

    def go_on(self) -> None:
        """Walk as far as there is room. Raises SeenError; a folder that is gone is passed over."""
        with self._lock:
            busy = {folder for folder, _ in self._under_way}
            fresh = {folder for folder in self._asked - busy if not any(above in self._asked for above in folder.parents)}
            self._asked &= busy
        self._under_way += [(folder, self._over(folder)) for folder in sorted(fresh)]
        while self._under_way and self._room():
            try:
                next(self._under_way[0][1])
            except (StopIteration, OSError):
                self._under_way.popleft()

    def _over(self, folder: Path) -> Iterator[None]:
        """Stops after each file. After a walk over a whole place what was not found counts as gone."""
        there: set[tuple[int, int]] = set()
        for path, facts in walk(folder):
            self._file(path, facts, there)
            yield
        if any(place.path == folder for place in self._places):
            self._seen.sweep(folder, there)

    def _file(self, path: Path, facts: stat_result, there: set[tuple[int, int]]) -> None:
        place, stamp = self._places.of(path), Stamp.of(facts)
        if place is not None:
            there.add((stamp.device, stamp.inode))
            if not self._seen.same(place.path, stamp):
                self._put(path, facts.st_mtime)
