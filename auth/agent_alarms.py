"""Refused agents in the record: each cause at once when it comes up first, then together once a minute, with exact counts.

Whoever reaches Torwart's host can be refused as often as they like; an event for each would let them fill the record (promises, fault 26).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from audit_store.event import Event, EventAction, plain_event

PAUSE_SECONDS = 60.0
SEVERITY_HIGH = 73
"""Of 100: where Elastic's scale of rules has `high`."""
UNKNOWN = "unknown"
"""Subject of what nobody known has signed: a claimed id is no fact."""


@dataclass(slots=True)
class _Said:
    at: float
    more: int = 0


class AgentAlarms:
    """One per process; any thread."""

    def __init__(self, record: Callable[[Event], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._record = record
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str, str | None], _Said] = {}

    def refused(self, cause: str, subject: str = UNKNOWN, pseudonym: str | None = None) -> None:
        """Somebody was refused. `pseudonym`: the person whose agent has signed it. Raises SpoolError."""
        key = (subject, cause, pseudonym)
        with self._lock:
            said, now = self._said.get(key), self._clock()
            if said is not None and now - said.at < PAUSE_SECONDS:
                said.more += 1
                return
            count = 1 + (said.more if said else 0)
            self._said[key] = _Said(now)
        self._tell(key, count)

    def flush(self) -> None:
        """Record what was only counted and whose minute is over. Raises SpoolError."""
        with self._lock:
            now = self._clock()
            due = [(key, said.more) for key, said in self._said.items() if now - said.at >= PAUSE_SECONDS]
            for key, more in due:
                if more:
                    self._said[key] = _Said(now)
                else:
                    del self._said[key]
        for key, more in due:
            if more:
                self._tell(key, more)

    def _tell(self, key: tuple[str, str, str | None], count: int) -> None:
        subject, cause, pseudonym = key
        self._record(
            plain_event(
                EventAction.AGENT_REFUSED,
                at=datetime.now(UTC),
                pseudonym=pseudonym,
                subject=subject,
                outcome="failure",
                numbers={"cause": cause, "count": count},
                severity=SEVERITY_HIGH,
            )
        )
