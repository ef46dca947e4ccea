"""Runs the behaviour rules over the central log, event by event, with a cursor of its own.

An event counts as dealt with only after its alerts are stored. After a crash in between it is judged again, with the same view of the past:
the same signals merge into the same alert, by person, day and event id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from audit_store.alerts import Alerts, Signal
from audit_store.consumer import position_of, put_position
from audit_store.event import Event, EventAction, plain_event
from audit_store.log import Log, Logged
from audit_store.search import search
from audit_store.spool import SpoolError
from detectors.base import RULE_FAILED, SEVERITIES, Rule, rules
from detectors.deed import Deed, UnreadableEventError, deed_of
from detectors.view import LOOK_BACK_DAYS, Day, View

CONSUMER = "behaviour"
_BATCH = 500


class Runner:
    """One per installation, one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        log: Log,
        alerts: Alerts,
        record: Callable[[Event], object],
        *,
        using: Mapping[str, Rule] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`using` replaces the installation's rules. Raises RuleError when a file of the folder is no rule."""
        self._engine = engine
        self._log = log
        self._alerts = alerts
        self._record = record
        self._rules = rules() if using is None else using
        self._now = now
        self._position = position_of(engine, CONSUMER)
        self._view: View | None = None
        self._half_done = False
        self.faults: Counter[str] = Counter()
        """Rule id -> how often it has raised since the start; `event` counts events that could not be read."""

    def step(self, limit: int = 5_000) -> int:
        """Deal with up to `limit` new events; how many there were.

        Raises what the log, the alerts and the database raise: then nothing is skipped, and the next step begins where this one failed.
        """
        if self._view is None or self._half_done:
            self._view = self._rebuilt()
        view, self._half_done, done = self._view, True, 0  # after an error the view may hold half a batch: it is built anew
        while done < limit and (batch := self._log.read(self._position, min(_BATCH, limit - done))):
            self._deal_with(batch, view)
            self._store_position(batch[-1].sequence)
            done += len(batch)
        self._half_done = False
        return done

    def day(self, pseudonym: str, at: datetime) -> Day | None:
        """The person's day as far as it has been read; None before the first step, and for days long past. From any thread."""
        return self._view.find(pseudonym, at) if self._view else None

    @property
    def position(self) -> int:
        """Global sequence of the last event that was dealt with."""
        return self._position

    def _deal_with(self, batch: Sequence[Logged], view: View) -> None:
        """A reason is raised at once when it comes up first; what follows of it in the batch grows the alert together, at the end."""
        later: dict[tuple[str, date, str], Signal | None] = {}
        for logged in batch:
            try:
                deed = deed_of(logged.document)
            except UnreadableEventError:
                self._flag("event", "UnreadableEventError")
                continue
            if deed is not None:
                view.apply(deed)
            for signal in self._signals(deed, view) if deed is not None else self._heard(logged.document):
                place = (signal.pseudonym, signal.at.date(), signal.mark)
                if place in later:
                    later[place] = _together(later[place], signal)
                else:
                    self._alerts.raise_or_grow(signal)
                    later[place] = None
        for grown in later.values():
            if grown is not None:
                self._alerts.raise_or_grow(grown)

    def _signals(self, deed: Deed, view: View) -> Iterator[Signal]:
        for rule in self._rules.values():
            try:
                signal = rule.judge(deed, view)
            except Exception as error:  # noqa: BLE001 -- outermost guard: a rule that fails must not silence the others
                self._flag(rule.id, type(error).__name__)
                signal = Signal(rule.id, deed.pseudonym, deed.at, "medium", RULE_FAILED, {}, (deed.event_id,))
            if signal is not None:
                yield signal

    def _heard(self, document: Mapping[str, Any]) -> Iterator[Signal]:
        for rule in self._rules.values():
            try:
                signal = rule.hears(document)
            except Exception as error:  # noqa: BLE001 -- outermost guard: a rule that fails must not silence the others
                self._flag(rule.id, type(error).__name__)
            else:
                if signal is not None:
                    yield signal

    def _flag(self, what: str, error: str) -> None:
        """Counted each time, recorded the first time: a record of every failure would feed itself."""
        self.faults[what] += 1
        if self.faults[what] == 1:
            facts: dict[str, int | str] = {"error": error}
            try:
                self._record(plain_event(EventAction.SELF_TEST, at=self._now(), subject=f"rule {what}", outcome="failure", numbers=facts))
            except SpoolError:
                self.faults[what] = 0  # recorded at the next time

    def _rebuilt(self) -> View:
        """The days as they were at the cursor."""
        view, after = View(), 0
        since = self._now() - timedelta(days=LOOK_BACK_DAYS + 1)
        while batch := search(self._log, action=EventAction.ACCESS, since=since, after=after, limit=_BATCH):
            for logged in batch:
                if logged.sequence > self._position:
                    return view
                try:
                    deed = deed_of(logged.document)
                except UnreadableEventError:
                    continue  # flagged when it was dealt with
                if deed is not None:
                    view.apply(deed)
            after = batch[-1].sequence
        return view

    def _store_position(self, position: int) -> None:
        put_position(self._engine, CONSUMER, position)
        self._position = position


def _together(first: Signal | None, second: Signal) -> Signal:
    """Two signals of one reason as one: the numbers of a day only grow, so the later ones hold."""
    if first is None:
        return second
    severity = max(first.severity, second.severity, key=SEVERITIES.index)
    return replace(second, severity=severity, numbers={**first.numbers, **second.numbers}, event_ids=first.event_ids + second.event_ids)
