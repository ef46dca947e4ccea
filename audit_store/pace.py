"""Whether client cards are opened at the pace of a script.

A run of 30 openings of another client each, within ten minutes, is a script's if the distances are even (coefficient of variation <= 0.35)
or if half of them are below two seconds. Whoever was found at it once stays found for ten minutes: a pause in between changes nothing.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import fmean, median_low, pstdev

from policies.request import ClientId

RUN = 30
"""Openings of a run."""
WINDOW_SECONDS = 600
EVEN_VARIATION = 0.35
"""Standard deviation of the distances by their mean; people who read reach 0.8 and more."""
FAST_SECONDS = 2.0
"""Median distance below which nobody has read the card."""


class Pace:
    """The card openings of one person."""

    def __init__(self) -> None:
        self._openings: deque[tuple[float, ClientId]] = deque()
        self._found_at = float("-inf")

    def opened(self, at: float, client: ClientId) -> None:
        """A card was opened. The same client again is no new opening."""
        self._expire(at)
        if self._openings and self._openings[-1][1] == client:
            return
        if self._openings and self._openings[-1][0] > at:
            at = self._openings[-1][0]  # a clock that went back: order is what counts
        self._openings.append((at, client))
        if _scripted([opening[0] for opening in list(self._openings)[-RUN:]]):
            self._found_at = at

    def found(self, at: float) -> None:
        """A pace was found by somebody else, for example before a restart."""
        self._found_at = max(self._found_at, at)

    def cards(self, now: float, asked: ClientId | None = None) -> int:
        """Cards opened in the last ten minutes, `asked` included, if the pace is a script's; else 0.

        An opening that is asked for and stopped never becomes one that was done, so its pace is remembered here.
        """
        self._expire(now)
        count = len(self._openings)
        if asked is not None and (count == 0 or self._openings[-1][1] != asked):
            count += 1
            if count >= RUN and _scripted([opening[0] for opening in list(self._openings)[1 - RUN :]] + [now]):
                self._found_at = max(self._found_at, now)
        return max(count, RUN) if now - self._found_at < WINDOW_SECONDS else 0

    def _expire(self, now: float) -> None:
        while self._openings and self._openings[0][0] <= now - WINDOW_SECONDS:
            self._openings.popleft()


def _scripted(times: list[float]) -> bool:
    if len(times) < RUN:
        return False
    distances = [after - before for before, after in pairwise(times)]
    if median_low(distances) < FAST_SECONDS:
        return True
    return pstdev(distances) <= EVEN_VARIATION * fmean(distances)
