"""Keeps the processes of one machine running: starts them, starts a fallen one again, ends them together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType

CHECK_SECONDS = 0.2
RESTART_SECONDS = 1.0
"""Pause before a fallen process is started again; doubled with each fall in a row, up to RESTART_MAX_SECONDS."""
RESTART_MAX_SECONDS = 30.0
STEADY_SECONDS = 30.0
"""A process that ran this long has not fallen in a row."""
STOP_SECONDS = 8.0
REFUSED = 2
"""Exit status of a process that will not start as things are: its own line says why."""


class Child:
    """One process of ours."""

    def __init__(self, name: str, arguments: tuple[str, ...], *, waits: bool = False) -> None:
        """`waits`: where it refuses to start, it is tried again from time to time, and the others run on."""
        self.name = name
        self._waits = waits
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = RESTART_SECONDS
        self._due = 0.0

    def start(self) -> None:
        """Start it now."""
        self._process = subprocess.Popen([sys.executable, "-m", *self._arguments])
        self._started = time.monotonic()

    def check(self) -> int | None:
        """Start it again when it has fallen and its pause is over. The exit status if it refused to start, else None."""
        if self._process is None:
            if time.monotonic() >= self._due:
                self.start()
            return None
        status = self._process.poll()
        if status is None or (status == REFUSED and not self._waits):
            return status
        now = time.monotonic()
        if status == REFUSED:
            self._due, self._process = now + RESTART_MAX_SECONDS, None
            print(
                f"torwart: {self.name} cannot start as things are; trying again in {RESTART_MAX_SECONDS:.0f} s", file=sys.stderr, flush=True
            )
            return None
        self._pause = RESTART_SECONDS if now - self._started > STEADY_SECONDS else min(self._pause * 2, RESTART_MAX_SECONDS)
        self._due, self._process = now + self._pause, None
        print(f"torwart: {self.name} ended ({status}); starting it again in {self._pause:.0f} s", file=sys.stderr, flush=True)
        return None

    def stop(self) -> None:
        """End it: politely, then surely."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def keep_running(
    children: Mapping[str, tuple[str, ...]], *, waiting: frozenset[str] = frozenset(), ready: Callable[[], None] | None = None
) -> int:
    """Run until SIGINT or SIGTERM, or until one refuses to start; the exit status. Name -> arguments after `python -m`.

    One that is named in `waiting` may refuse without ending the others.
    """
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    processes = [Child(name, arguments, waits=name in waiting) for name, arguments in children.items()]
    try:
        for process in processes:
            process.start()
        if ready is not None:
            ready()
        while not stopping:
            time.sleep(CHECK_SECONDS)
            for process in processes:
                if (status := process.check()) is not None:
                    return status
        return 0
    finally:
        for process in reversed(processes):
            process.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
