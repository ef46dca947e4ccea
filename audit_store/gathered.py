"""Refusals that repeat: the first ones of a kind are events of their own, those that follow within a minute become one event with a count.

A refusal costs its sender nothing, so thousands of them must not fill the record, which would stop everybody (attacks X20, decision 0017).
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

WINDOW_SECONDS = 60.0
ALONE = 30
"""Refusals of a kind in a minute that are recorded one by one: whoever tries something by hand leaves each step."""
MAX_KINDS = 10_000
"""Kinds that are told apart at once; whoever varies the source beyond that is counted together."""
MOST_UNTOLD = 1_000
"""Refusals that may be counted and not yet recorded: a process that is killed loses no more of a kind, and never the first ones."""


@dataclass(slots=True)
class _Kind[T]:
    """Refusals of one source, road and reason."""

    first: T
    since: float
    alone: int = 0
    times: int = 0
    """How often it came since the last event about it."""


@dataclass(slots=True)
class Gathered[T]:
    """What one process counts. For one thread."""

    _kinds: dict[Hashable, _Kind[T]] = field(default_factory=dict)

    def first_of(self, key: Hashable, others: Hashable, about: T, about_others: T) -> T | None:
        """None: to be recorded by itself. Else it was counted, and this is what the first of its kind was about.

        `others`: the kind under which it is counted when too many are told apart already; `about_others`: what may be said of all of
        them, so that nobody is named for what somebody else did.
        """
        if key not in self._kinds and len(self._kinds) >= MAX_KINDS:
            key, about = others, about_others
        known = self._kinds.setdefault(key, _Kind(about, time.monotonic()))
        if known.alone < ALONE:
            known.alone += 1
            return None
        known.times += 1
        return known.first

    def due(self, *, all_of_them: bool = False) -> Iterator[tuple[T, int]]:
        """What is to be recorded now: about the first of a kind, and how often it came since. What was given is not counted any more."""
        now = time.monotonic()
        for key, kind in list(self._kinds.items()):
            over = all_of_them or now - kind.since >= WINDOW_SECONDS
            if over:
                del self._kinds[key]
            if kind.times and (over or kind.times >= MOST_UNTOLD):
                times, kind.times = kind.times, 0
                yield kind.first, times

    def again(self, key: Hashable, about: T, times: int) -> None:
        """What `due` gave could not be recorded: it is counted on."""
        self._kinds.setdefault(key, _Kind(about, time.monotonic(), ALONE)).times += times
