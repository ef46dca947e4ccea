"""What is refused on Torwart's own pages and costs its sender nothing: the first of a kind are events of their own, the rest are counted.

Anybody who reaches the host may send answers of keys and codes without end, and none of that may fill the record, which would stop
everybody (attacks X20). What is told apart: the kind, its cause, and who is named.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from audit_store.event import Event, EventAction, plain_event
from audit_store.gathered import Gathered

REFUSALS = frozenset({EventAction.KEY_REFUSED, EventAction.STEP_UP_REFUSED, EventAction.CODE_REFUSED, EventAction.APPROVAL_REFUSED})
"""Kinds of events that whoever is refused can make as often as they like."""


@dataclass(slots=True)
class Refusals:
    """Stands before the spool of the console; may be used from several threads."""

    record: Callable[[Event], object]
    _gathered: Gathered[Event] = field(default_factory=Gathered)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counting: bool = False
    """Whether something may be counted that is not recorded yet."""

    def __call__(self, event: Event) -> object:
        """Record the event, or count it. What was counted for a minute is recorded with the next event of any kind. Raises SpoolError."""
        if event.action in REFUSALS:
            with self._lock:
                counted = self._count(event)
            if counted:
                return None
        if self._counting:
            self.count_out()
        return self.record(event)

    def count_out(self, *, all_of_them: bool = False) -> None:
        """Record what was counted for a minute, or all of it, before the end. Raises SpoolError: then it is counted on."""
        with self._lock:
            due = list(self._gathered.due(all_of_them=all_of_them))
            self._counting = not all_of_them
        for at, (first, times) in enumerate(due):
            try:
                self.record(_told(first, times))
            except Exception:
                with self._lock:
                    for left, count in due[at:]:
                        self._gathered.again(_kind(left), left, count)
                    self._counting = True
                raise

    def _count(self, event: Event) -> bool:
        action, cause, *_ = kind = _kind(event)
        counted = self._gathered.first_of(kind, (action, cause), event, _nameless(event)) is not None
        self._counting = self._counting or counted
        return counted


def _kind(event: Event) -> tuple[object, ...]:
    ours = event.document["torwart"]
    return (event.action, ours.get("words", {}).get("cause"), event.pseudonym, ours.get("subject"))


def _nameless(event: Event) -> Event:
    """The same without who and what it was about: it stands for others too."""
    return plain_event(event.action, at=event.at, outcome="failure", numbers={"cause": str(_kind(event)[1])})


def _told(first: Event, times: int) -> Event:
    ours = first.document["torwart"]
    return plain_event(
        first.action,
        at=datetime.now(UTC),
        pseudonym=first.pseudonym,
        subject=ours.get("subject"),
        outcome="failure",
        numbers={**ours.get("words", {}), "times": times},
        severity=first.document["event"].get("severity"),
    )
