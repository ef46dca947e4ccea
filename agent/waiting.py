"""Files that wait until they rest. A file that changes again begins to wait anew; one that never rests is looked at all the same."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from dataclasses import dataclass
from pathlib import Path

CAPACITY = 10_000
"""Files that wait at once; beyond it everything is walked over instead."""
PATIENCE_SECONDS = 60.0
"""Longer than this no file keeps us waiting by changing."""


@dataclass(slots=True)
class _Waits:
    due: float
    since: float


class Waiting:
    """A queue of paths by the time at which each is due. Any thread; `take` from one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waits: dict[Path, _Waits] = {}
        self._heap: list[tuple[float, int, Path]] = []
        self._order = itertools.count()
        self._closed = False
        self.dropped = 0
        """Since the last `take_dropped`: paths that had no room."""

    def put(self, path: Path, seconds: float) -> None:
        """Look at the path when it was quiet for so long."""
        now = time.monotonic()
        with self._changed:
            known = self._waits.get(path)
            if known is None and len(self._waits) >= CAPACITY:
                self.dropped += 1
                return
            since = known.since if known else now
            due = min(now + seconds, since + max(PATIENCE_SECONDS, seconds)) if known else now + seconds
            self._waits[path] = _Waits(due, since)
            heapq.heappush(self._heap, (due, next(self._order), path))
            self._changed.notify()

    def take(self, timeout_seconds: float) -> Path | None:
        """The next path that is due; None when the time is over or the queue closed."""
        ends = time.monotonic() + timeout_seconds
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                while self._heap:
                    due, _, path = self._heap[0]
                    known = self._waits.get(path)
                    if known is not None and known.due == due:
                        break
                    heapq.heappop(self._heap)  # it waits for longer by now, or was taken
                if self._heap and self._heap[0][0] <= now:
                    path = heapq.heappop(self._heap)[2]
                    del self._waits[path]
                    return path
                wait = min(ends, self._heap[0][0] if self._heap else ends) - now
                if now >= ends:
                    return None
                self._changed.wait(max(0.0, wait))
        return None

    def take_dropped(self) -> int:
        """How many paths had no room since the last call."""
        with self._changed:
            dropped, self.dropped = self.dropped, 0
            return dropped

    def __len__(self) -> int:
        return len(self._waits)

    def close(self) -> None:
        """Wake whoever waits, for ever."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
