"""Takes out of the spools what the log has, what is old enough, and what a signed statement covers; and says how full they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from audit_store.log import Log
from audit_store.spool import FILE, SpoolReader
from audit_store.spool_file import SpoolError
from audit_store.spool_trim import BATCH, trim

PAUSE_SECONDS = 60.0
BATCHES_MAX = 10
"""For one spool in one step: the producer gets its turn between two."""


@dataclass(frozen=True, slots=True)
class Fill:
    """How full a spool is."""

    producer: str
    used_bytes: int
    cap_bytes: int
    waiting: int
    """Events that the log does not have yet, by their numbers."""

    @property
    def share(self) -> float:
        """Of its limit, 1: full."""
        return self.used_bytes / self.cap_bytes


class Trimming:
    """The spools of this machine. For one thread."""

    def __init__(self, spools: Path, log: Log, days: int, now: Callable[[], datetime], stated: Callable[[str], int] | None = None) -> None:
        """`stated`: the last sequence of a producer that a signed statement covers; None: nothing is signed here."""
        self._spools = spools
        self._log = log
        self._age = timedelta(days=days)
        self._now = now
        self._stated = stated
        self._next = 0.0

    def step(self) -> int:
        """Once a minute: take out what may go; how many events. Raises SpoolError, LogError: the others were trimmed all the same."""
        if time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + PAUSE_SECONDS
        total, failed = 0, None
        for file in sorted(self._spools.glob(f"*/{FILE}")):
            try:
                total += self._trim(file)
            except SpoolError as error:
                failed = error
        if failed is not None:
            raise failed
        return total

    def _trim(self, file: Path) -> int:
        reader = SpoolReader.open(file.parent)
        reader.close()
        producer, total = reader.producer, 0
        taken = self._log.cursor(producer)
        stated = self._stated(producer) if self._stated is not None else None
        for _ in range(BATCHES_MAX):
            gone = trim(file, producer, taken=taken, before=self._now() - self._age, stated=stated)
            total += gone
            if gone < BATCH:
                break
        return total


def fills(spools: Path, log: Log, *, own_bytes: int, agent_bytes: int) -> list[Fill]:
    """How full every spool of this machine is, by name. Raises SpoolError, LogError."""
    found = []
    for file in sorted(spools.glob(f"*/{FILE}")):
        reader = SpoolReader.open(file.parent)
        try:
            waiting = max(0, reader.head().sequence - log.cursor(reader.producer))
            cap = agent_bytes if reader.producer.startswith("agent-") else own_bytes
            found.append(Fill(reader.producer, reader.used_bytes(), cap, waiting))
        finally:
            reader.close()
    return found
