"""Takes out of the record what is over: once a day, by the one console that watches, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from audit_store.retention_run import BusyError, Done
from console.checkpoints import Guard

STAGE = "retention"
PAUSE_SECONDS = 600.0
"""Between two looks, and before the first one: what other machines wait for is taken out soon after."""
EVERY_SECONDS = 24 * 60 * 60.0


class Run(Protocol):
    """The retention of an installation (`audit_store.retention_run.Retention`)."""

    def run(self) -> Done:
        """One whole run."""

    def carry_out(self) -> Done:
        """What earlier runs have named."""


class Retaining:
    """When it is time. For one thread."""

    def __init__(self, retention: Run, now: Callable[[], float] = time.monotonic) -> None:
        self._retention = retention
        self._now = now
        self._next = now()
        self._waiting = False

    def run(self, ending: threading.Event, guarded: Guard) -> None:
        """Until the event is set."""
        while not ending.wait(PAUSE_SECONDS):
            guarded(STAGE, self.step)

    def step(self) -> Done | None:
        """What is due now; None: nothing was, or another process does it. Raises what the run raises: then it is tried again."""
        whole = self._now() >= self._next
        if not whole and not self._waiting:
            return None
        try:
            done = self._retention.run() if whole else self._retention.carry_out()
        except BusyError:
            return None
        if whole:
            self._next = self._now() + EVERY_SECONDS
        self._waiting = done.waiting > 0
        return done
