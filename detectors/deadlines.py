"""Acts when something takes too long: one thread for all that a process waits for, where a timer each would start one each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class _Deadline:
    ends: float
    act: Callable[[], None]


class Deadlines:
    """For any number of threads. Its own begins with the first deadline."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: set[_Deadline] = set()
        self._wakes = float("inf")
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, act: Callable[[], None]) -> Iterator[None]:
        """Call `act` if the block takes longer, and never once it has ended. `act` is quick, raises nothing and asks for no deadline."""
        deadline = _Deadline(time.monotonic() + seconds, act)
        with self._changed:
            self._open.add(deadline)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline.ends < self._wakes:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._open.discard(deadline)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for over in [one for one in self._open if one.ends <= now]:
                    self._open.discard(over)
                    over.act()
                self._wakes = min((one.ends for one in self._open), default=float("inf"))
                # With nothing open it sleeps until the next one, which then is earlier than its end of time.
                self._changed.wait(None if self._wakes == float("inf") else max(self._wakes - now, 0.0))
