"""How much disk a spool may take, and what is said when it fills. A full one takes nothing more, and nothing is released."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime

from audit_store.event import Event, EventAction, plain_event
from audit_store.spool_file import SpoolError

CAP_BYTES = 4 * 1024**3
"""Of one spool: some four million events, far above what a week of one gateway writes."""
ALARM_SHARE = 0.8
"""Of the cap: from here on it is said, once."""
CALM_SHARE = 0.7
"""Below it, what was said is forgotten, and is said again the next time."""


class SpoolFullError(SpoolError):
    """The spool has reached its limit."""


class Room:
    """Watches one spool's size, for one process."""

    def __init__(self, cap_bytes: int = CAP_BYTES) -> None:
        self.cap_bytes = cap_bytes
        self._said = 0.0
        self._lock = threading.Lock()

    def alarm(self, used: int, producer: str) -> Event | None:
        """What has to be recorded about this size now, once for each step (80 % and full)."""
        share = used / self.cap_bytes
        step = 1.0 if share >= 1 else ALARM_SHARE if share >= ALARM_SHARE else 0.0
        with self._lock:
            if share < CALM_SHARE:
                self._said = 0.0
            if step <= self._said:
                return None
            self._said = step
        facts: dict[str, int | str] = {
            "cause": "the spool is full" if step == 1 else "the spool fills",
            "used": used,
            "cap": self.cap_bytes,
        }
        return plain_event(EventAction.STORE_ALARM, at=datetime.now(UTC), subject=producer, outcome="failure", numbers=facts)

    def is_full(self, used: int) -> bool:
        """Whether nothing more may be stored."""
        return used >= self.cap_bytes

    def refusal(self, used: int) -> SpoolFullError:
        """What is said to whoever wants to store an event."""
        return SpoolFullError(
            f"the spool holds {used} bytes, and may hold {self.cap_bytes}: look why the log does not take it, or raise the limit"
        )


def used_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of the file that hold something; what was trimmed is free for new events. Raises sqlite3.Error."""
    pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    return int((pages - free) * size)
