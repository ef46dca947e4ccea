"""Looks every few seconds whether all rows that give authority are as Torwart wrote them, and tells of those that are not (attacks X12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from auth.row_alarms import ForgedRowsError, RowAlarms

LOOK_EVERY = timedelta(seconds=10)
"""A forged row gives nothing from its first moment; this is how soon somebody is told where nobody has used it."""


class RowWatch:
    """A stage of the background work."""

    def __init__(self, alarms: RowAlarms, now: Callable[[], datetime]) -> None:
        self._alarms = alarms
        self._now = now
        self._next: datetime | None = None
        self._found: ForgedRowsError | None = None

    def step(self) -> None:
        """Look, if it is time. Raises ForgedRowsError while there are such rows: so the page Health says it."""
        now = self._now()
        if self._next is None or now >= self._next:
            self._next, self._found = now + LOOK_EVERY, None
            try:
                self._alarms.look()
            except ForgedRowsError as found:
                self._found = found
        if self._found is not None:
            raise ForgedRowsError(*self._found.args)
