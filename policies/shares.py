"""Numbers of clients that rules count: a share of the base or of one's own book, whether an act reaches it, what is left of it (law 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from policies.attributes import Facts
from policies.reasons import Reason
from policies.request import Counts, Usage


class Of(StrEnum):
    """What a share is a share of."""

    BASE = "base"
    """All clients of the company."""
    BOOK = "book"
    """The person's own clients."""


@dataclass(frozen=True, slots=True)
class Share:
    """A number of clients, given as a number or as a share of a base or a book."""

    percent: float | None
    of: Of
    count: int = 0
    """The number itself, or the least number of a share."""

    def reached_by(self, count: int, usage: Usage) -> bool:
        """Whether this many clients are at least the share."""
        if self.percent is None:
            return count >= self.count
        return count * 100 >= self.percent * self._whole(usage)

    def clients(self, usage: Usage) -> int:
        """The share as whole clients, rounded down."""
        return self.count if self.percent is None else max(self.count, int(self.percent * self._whole(usage) / 100))

    def percent_of(self, count: int, usage: Usage) -> int:
        """`count` in whole percent of the base or book."""
        return count * 100 // max(1, self._whole(usage))

    def _whole(self, usage: Usage) -> int:
        return usage.base if self.of is Of.BASE else usage.book


type Counter = Callable[[Counts], int]


@dataclass(frozen=True, slots=True)
class Reach:
    """A compiled `reaches`."""

    counter: Counter
    share: Share

    def reached(self, facts: Facts) -> bool:
        """The act adds to the counter and the counter would stand at the share or beyond."""
        usage = facts.usage
        after = self.counter(usage.after)
        return after > self.counter(usage.before) and self.share.reached_by(after, usage)


@dataclass(frozen=True, slots=True)
class Limit:
    """A compiled `limit`."""

    counter: Counter
    share: Share
    reason: Reason

    def left(self, usage: Usage) -> int:
        """Clients that may still go today."""
        return max(0, self.share.clients(usage) - self.counter(usage.before))
