"""States what the central log took in, and gets all statements out of the house: in a thread of its own, for a place may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from audit_store.event import Event, EventAction, plain_event
from audit_store.outside import Outside, PlaceState
from audit_store.statement import Tree
from audit_store.statements import Statements
from audit_store.trees import Trees
from auth.outside import open_outside
from console.services import Services

STAGE, PLACES_STAGE = "state", "places"
PAUSE_SECONDS = 0.5


class Guard(Protocol):
    """The worker's outermost guard."""

    def __call__(self, stage: str, work: Callable[[], object]) -> bool:
        """False if the work failed."""


@dataclass(slots=True)
class CheckpointHealth:
    """How the signed statements are doing."""

    stated_at: datetime | None = None
    """Time of the newest statement about the log."""
    places: list[PlaceState] = field(default_factory=list)
    """As they were at the last delivery."""


class Checkpoints:
    """Signs and delivers, one step after the other."""

    def __init__(
        self,
        trees: Trees,
        statements: Statements,
        outside: Outside,
        record: Callable[[Event], object],
        alarm_after: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self.health = CheckpointHealth(places=list(outside.states.values()))
        self._trees = trees
        self._statements = statements
        self._outside = outside
        self._record = record
        self._alarm_after = alarm_after
        self._now = now
        self._alarmed: set[str] = set()

    def run(self, ending: threading.Event, guarded: Guard) -> None:
        """Until the event is set; what is new is stated once more at the end."""
        while not ending.wait(PAUSE_SECONDS):
            self.step(guarded)
        self.close()

    def step(self, guarded: Guard) -> None:
        """One round."""
        guarded(STAGE, self._state)
        guarded(PLACES_STAGE, self._deliver)

    def stated(self, producer: str) -> int:
        """The producer's last sequence that a signed statement about the log covers; 0: none. Raises StatementsError."""
        newest = self._statements.newest(self._statements.trees)
        if newest is None or not isinstance(newest.body, Tree):
            return 0
        return max((end.sequence for end in newest.body.ends if end.producer == producer), default=0)

    def close(self) -> None:
        """Give back files; does not wait for a place that hangs."""
        self._outside.close()
        self._statements.close()

    def _state(self) -> None:
        self._trees.step()
        self.health.stated_at = self._trees.stated_at

    def _deliver(self) -> None:
        self._outside.deliver()
        for name, state in self._outside.states.items():
            failing = state.failing_since is not None and self._now() - state.failing_since >= self._alarm_after
            if failing and name not in self._alarmed:
                self._alarmed.add(name)
                self._say(state, "failure")
            elif state.failing_since is None and name in self._alarmed:
                self._alarmed.discard(name)
                self._say(state, "success")

    def _say(self, state: PlaceState, outcome: str) -> None:
        """By its kind: names of folders and addresses of people do not belong into the record."""
        facts: dict[str, int | str] = {"trouble": state.trouble.value if state.trouble else "none", "waiting": state.waiting}
        kind = state.name.partition(" ")[0]
        self._record(plain_event(EventAction.OUTSIDE_PLACE, at=self._now(), subject=kind, outcome=outcome, numbers=facts, severity=70))


def checkpoints_for(services: Services, now: Callable[[], datetime]) -> Checkpoints:
    """Those of an installation. Raises StatementsError."""
    installation, record = services.installation, services.spool.append
    statements, outside = open_outside(installation)

    def broken(cause: str) -> None:
        facts: dict[str, int | str] = {"cause": cause}
        record(plain_event(EventAction.STORE_ALARM, at=now(), subject="log", outcome="failure", numbers=facts))

    trees = Trees(services.log, statements, broken, now, name=statements.trees)
    alarm_after = timedelta(minutes=installation.outside.settings.alarm_after_minutes)
    return Checkpoints(trees, statements, outside, record, alarm_after, now)
