"""What is shipped next, made while the log has its document in hand: not read from the log, and not parsed, a second time.

A short cut only. What does not fit is left out, and whatever is not here the shipper reads from the log.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from audit_store.elastic_bulk import Item, Misfit
from audit_store.elastic_documents import item_of
from audit_store.log_file import Entry

EVENTS_MAX, BYTES_MAX = 10_000, 16 * 1024 * 1024
"""What is kept at most, the bytes as the producers wrote them; with what is made of them it is some three times as much. A shipper that is
further behind reads from the log."""


class Ready(NamedTuple):
    """An entry, and what is sent of it."""

    entry: Entry
    made: Item | Misfit


class Prepared:
    """Between the thread that takes (`make`, `put`) and the one that ships (`next`, `clear`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: deque[Ready] = deque()
        self._bytes = 0

    def make(self, entry: Entry, document: Mapping[str, Any]) -> Ready | None:
        """What will be sent of an entry; None where there is no room, or it cannot be made."""
        if len(self._ready) >= EVENTS_MAX or self._bytes >= BYTES_MAX:
            return None
        try:
            return Ready(entry, item_of(entry, document))
        except Exception:  # noqa: BLE001 -- nothing keeps the log from taking: the shipper meets the same error, and says it
            return None

    def put(self, made: list[Ready | None]) -> None:
        """These entries are in the log."""
        with self._lock:
            for ready in made:
                if ready is not None:
                    self._ready.append(ready)
                    self._bytes += len(ready.entry.canonical)

    def next(self, after: int, limit: int, bytes_max: int) -> list[Ready]:
        """Up to `limit` of what follows the sequence `after` without a gap, `bytes_max` together unless the first alone has more. They and
        all before them are forgotten.
        """
        found: list[Ready] = []
        size = 0
        with self._lock:
            while self._ready and len(found) < limit:
                entry = self._ready[0].entry
                length = len(entry.canonical)
                if entry.sequence > after + 1 or (found and size + length > bytes_max):
                    break
                ready = self._ready.popleft()
                self._bytes -= length
                if entry.sequence == after + 1:
                    found.append(ready)
                    size += length
                    after += 1
        return found

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._ready.clear()
            self._bytes = 0
