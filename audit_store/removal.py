"""The one act by which content leaves the record: an event that names every entry whose content is taken out, and why.

It is recorded, chained and stated like any other event before anything is taken out. Verification accepts a missing content only where
such an event names it, and where it was old enough then.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from audit_store.client_sets import decode_ids
from audit_store.event import Event, EventAction, plain_event
from audit_store.log_file import parsed
from audit_store.retention import LEAST_DAYS, Kept

ENTRIES_MAX = 20_000
"""In one event: some ten kilobytes at most."""
DAY_MS = 24 * 60 * 60 * 1000
_PRODUCERS = frozenset({"console", "cli"})
"""Who takes content out; the hyphen and the machine's name may stand behind it. What an agent says of the record counts for nothing."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One such event in the log."""

    sequence: int
    """Its own number in the log."""
    received: int
    """When the log took it, milliseconds since 1970."""
    producer: str
    kept: Kept
    days: int
    entries: frozenset[int]
    """Numbers of the log whose content is taken out."""

    @property
    def until(self) -> int:
        """What the log had received by then, in milliseconds since 1970, was old enough."""
        return self.received - self.days * DAY_MS


def removal_event(kept: Kept, days: int, entries: Collection[int], at: datetime) -> Event:
    """Its event. Raises ValueError for no entries and for too many."""
    if not 0 < len(entries) <= ENTRIES_MAX:
        raise ValueError(f"{len(entries)} entries cannot be named in one event")
    facts: dict[str, int | str] = {"count": len(entries), "days": days, "first": min(entries), "last": max(entries), "class": kept.value}
    return plain_event(EventAction.EVENTS_REMOVED, at=at, subject="the record", numbers=facts, removed=entries)


def removal_of(sequence: int, received: int, producer: str, canonical: bytes | None) -> Removal | None:
    """The removal that an entry of the log is; None for every other entry, and for one that may take nothing out."""
    if canonical is None or EventAction.EVENTS_REMOVED.value.encode() not in canonical or producer.partition("-")[0] not in _PRODUCERS:
        return None
    try:
        document = parsed(canonical)
        if document["event"]["action"] != EventAction.EVENTS_REMOVED:
            return None
        ours = document["torwart"]
        kept, days = Kept(ours["words"]["class"]), ours["numbers"]["days"]
        entries = frozenset(map(int, decode_ids(ours["removed"])))
    except (KeyError, TypeError, ValueError):
        return None
    sound = isinstance(days, int) and days >= LEAST_DAYS[kept] and len(entries) == ours["numbers"].get("count") and max(entries) < sequence
    return Removal(sequence, received, producer, kept, days, entries) if sound else None


class Allowed:
    """What all removals of a log together allow to be without content."""

    def __init__(self, removals: Iterable[Removal]) -> None:
        found = list(removals)
        # One number for each entry of the log up to the last that is named: sets of millions would take ten times the memory.
        self._until = array("q", bytes(8 * (max((max(one.entries) for one in found), default=-1) + 1)))
        for one in found:
            for number in one.entries:
                self._until[number] = max(self._until[number], one.until)

    def names(self, sequence: int) -> bool:
        """Whether a removal names the entry."""
        return sequence < len(self._until) and self._until[sequence] != 0

    def may_be_gone(self, sequence: int, received: int) -> bool:
        """Whether its content may be missing: it is named, and it was old enough."""
        return self.names(sequence) and received <= self._until[sequence]
