"""Tells each event once, whatever breaks in between: it is first kept as pending, then appended to the spool, then settled.

After a crash in between the spool says whether it has the event: none is lost and none is told twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agent.stored import event_of
from audit_store.event import Event
from audit_store.spool import Spool


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that may be in the spool already."""

    id: str
    canonical: bytes
    after: int
    """Sequence of the spool's last event when it was written down."""


class Keeper(Protocol):
    """Where events are pending: a database of the agent."""

    def pending(self) -> list[Pending]:
        """Events that are not settled, oldest first."""

    def settle(self, event_id: str) -> None:
        """The event is in the spool."""


class Telling:
    """The events of one keeper; one thread at a time."""

    def __init__(self, spool: Spool, keeper: Keeper) -> None:
        self._spool = spool
        self._keeper = keeper
        self._owing = True
        """An event may be pending that is not in the spool: it goes in before anything else."""

    def tell(self, event: Event, keep: Callable[[Pending], None]) -> None:
        """Tell an event; `keep` makes it pending, durably, together with what it is about.

        Raises what `keep` raises, and SpoolError: then nothing is lost, and the next call or `recover` goes on.
        """
        self.recover()
        self._owing = True
        keep(Pending(event.id, event.canonical(), self._spool.head().sequence))
        self._spool.append(event)
        self._keeper.settle(event.id)
        self._owing = False

    def recover(self) -> int:
        """Append what a crash left between the two stores; how many events that were. Raises StoreError."""
        if not self._owing:
            return 0
        left = self._keeper.pending()
        stored = self._ids_after(min(one.after for one in left)) if left else set()
        appended = 0
        for pending in left:
            if pending.id not in stored:
                self._spool.append(event_of(pending.canonical))
                appended += 1
            self._keeper.settle(pending.id)
        self._owing = False
        return appended

    def _ids_after(self, sequence: int) -> set[str]:
        found: set[str] = set()
        while rows := self._spool.read(sequence, 500):
            found.update(event_of(row.canonical).id for row in rows)
            sequence = rows[-1].sequence
        return found
