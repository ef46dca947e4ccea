"""Alerts: signals of the rules become one growing alert per person and day. No reason is ever lost by growing."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from audit_store.database import take_write_lock
from audit_store.event import Event, EventAction, plain_event
from audit_store.tables import Alert

__all__ = ["Alert", "AlertError", "Alerts", "Signal"]

type Rows = list[Alert]

SEVERITIES = ("low", "medium", "high")
_EVENT_SEVERITY = {"low": 21, "medium": 47, "high": 73}
"""`event.severity`, on the scale of 100 that Elastic's own rules use."""
OPEN_STATES = ("open", "looking")
VERDICTS = ("confirmed", "explained", "false")
EVENT_IDS_MAX = 500
"""Events kept for one reason: more than a reviewer opens; its numbers go on growing."""
NOTE_MAX = 2_000
"""Characters."""


class AlertError(Exception):
    """The alert is not there, is closed already, or the verdict is none."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a rule has seen in one deed, or in a day of deeds."""

    rule: str
    pseudonym: str
    at: datetime
    """Time of the deed, UTC."""
    severity: str
    """`low`, `medium` or `high`."""
    reason: str
    """Code of the sentence, the rule's own."""
    numbers: Mapping[str, int | str] = field(default_factory=dict)
    """The numbers of the sentence, never a client's value."""
    event_ids: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """What makes two reasons the same."""
        return f"{self.rule}:{self.reason}"


class Alerts:
    """The alerts of an installation. Several processes and threads may use it at once; rows that it gives are copies."""

    def __init__(self, engine: Engine, record: Callable[[Event], object]) -> None:
        """`record` stores an event durably or raises; what it could not store does not happen."""
        self._engine = engine
        self._record = record

    def raise_or_grow(self, signal: Signal) -> Alert:
        """Open an alert, or let the open one of that person and day grow.

        A signal that says nothing new changes nothing: not its alert, and no closed one of that day that knows all of its events. Raises
        ValueError for a severity that is none, and what `record` and the database raise: then nothing has changed.
        """
        if signal.severity not in SEVERITIES:
            raise ValueError(f"{signal.severity!r} is no severity")
        day = signal.at.astimezone(UTC).date().isoformat()
        with self._writing() as session:
            of_day = session.scalars(select(Alert).where(Alert.pseudonym == signal.pseudonym, Alert.day == day)).all()
            for alert in of_day:
                if alert.state in OPEN_STATES:
                    return self._grown(session, alert, signal)
            for alert in of_day:
                known = alert.event_ids.get(signal.mark, [])
                if signal.event_ids and set(signal.event_ids) <= set(known):
                    return alert
            return self._opened(session, signal, day)

    def get(self, alert_id: str) -> Alert | None:
        """The alert, None if there is none of that id."""
        with self._reading() as session:
            return session.get(Alert, alert_id)

    def open_ones(self) -> Rows:
        """Alerts that nobody has closed, the most severe first, then the newest."""
        with self._reading() as session:
            rows = session.scalars(select(Alert).where(Alert.state.in_(OPEN_STATES)).order_by(Alert.updated_at.desc())).all()
        return sorted(rows, key=lambda alert: SEVERITIES.index(alert.severity), reverse=True)

    def list(self, limit: int = 200) -> Rows:
        """The newest alerts, open or closed, newest first."""
        with self._reading() as session:
            return [*session.scalars(select(Alert).order_by(Alert.updated_at.desc(), Alert.id).limit(limit))]

    def look(self, alert_id: str, by: str) -> Alert:
        """Somebody has taken the alert in hand. Raises AlertError when it is closed."""
        with self._writing() as session:
            alert = self._open(session, alert_id)
            if alert.state != "looking":
                self._tell(EventAction.ALERT_TAKEN, alert, datetime.now(UTC), by=by)
                alert.state = "looking"
                self._bump(session, alert)
            return alert

    def close(self, alert_id: str, verdict: str, by: str | None, note: str = "") -> Alert:
        """End an alert with a verdict: `confirmed`, `explained` or `false`. `by` is a pseudonym. Raises AlertError."""
        if verdict not in VERDICTS:
            raise AlertError(f"{verdict!r} is no verdict: {', '.join(VERDICTS)}")
        now = datetime.now(UTC)
        with self._writing() as session:
            alert = self._open(session, alert_id)
            self._tell(EventAction.ALERT_CLOSED, alert, now, by=by, verdict=verdict)
            alert.state, alert.closed_at, alert.closed_by, alert.note = verdict, now, by, note[:NOTE_MAX] or None
            self._bump(session, alert)
            return alert

    def notified(self, alert_id: str, at: datetime) -> None:
        """Somebody was told. No change of the alert itself. Raises AlertError."""
        with self._writing() as session:
            alert = session.get(Alert, alert_id)
            if alert is None:
                raise AlertError(f"there is no alert {alert_id!r}")
            alert.notified_at = at

    def revision(self) -> int:
        """A number that grows whenever any alert changes."""
        with self._reading() as session:
            return session.scalar(select(func.max(Alert.revision))) or 0

    def _opened(self, session: Session, signal: Signal, day: str) -> Alert:
        alert = Alert(
            id=secrets.token_hex(8),
            day=day,
            pseudonym=signal.pseudonym,
            rules=[signal.rule],
            severity=signal.severity,
            state="open",
            title=signal.rule,
            reasons=[signal.mark],
            numbers={signal.mark: dict(signal.numbers)},
            event_ids={signal.mark: [*dict.fromkeys(signal.event_ids)][:EVENT_IDS_MAX]},
            opened_at=signal.at,
            updated_at=signal.at,
            revision=0,
        )
        self._tell(EventAction.ALERT_OPENED, alert, datetime.now(UTC), rule=signal.rule, reason=signal.reason)
        self._bump(session, alert)
        session.add(alert)
        return alert

    def _grown(self, session: Session, alert: Alert, signal: Signal) -> Alert:
        mark = signal.mark
        numbers = _merged(alert.numbers.get(mark, {}), signal.numbers)
        event_ids = [*dict.fromkeys((*alert.event_ids.get(mark, ()), *signal.event_ids))][:EVENT_IDS_MAX]
        severity = max(alert.severity, signal.severity, key=SEVERITIES.index)
        before = (alert.numbers.get(mark), alert.event_ids.get(mark), alert.severity)
        if before == (numbers, event_ids, severity):
            return alert
        # JSON members are replaced, never changed in place: SQLAlchemy would not see it
        alert.numbers = {**alert.numbers, mark: numbers}
        alert.event_ids = {**alert.event_ids, mark: event_ids}
        alert.reasons = [*dict.fromkeys((*alert.reasons, mark))]
        alert.rules = [*dict.fromkeys((*alert.rules, signal.rule))]
        alert.severity = severity
        alert.opened_at = min(alert.opened_at, signal.at)
        alert.updated_at = max(alert.updated_at, signal.at)
        self._tell(EventAction.ALERT_GROWN, alert, datetime.now(UTC), rule=signal.rule, reason=signal.reason)
        self._bump(session, alert)
        return alert

    def _open(self, session: Session, alert_id: str) -> Alert:
        alert = session.get(Alert, alert_id)
        if alert is None:
            raise AlertError(f"there is no alert {alert_id!r}")
        if alert.state not in OPEN_STATES:
            raise AlertError(f"the alert {alert_id!r} is closed already ({alert.state})")
        return alert

    def _bump(self, session: Session, alert: Alert) -> None:
        alert.revision = (session.scalar(select(func.max(Alert.revision))) or 0) + 1

    def _tell(self, action: EventAction, alert: Alert, at: datetime, *, by: str | None = None, **words: str) -> None:
        """The event is durable before the change is."""
        facts: dict[str, int | str] = {"alert": alert.id, "day": alert.day, **words}
        self._record(
            plain_event(action, at=at, pseudonym=by, subject=alert.pseudonym, numbers=facts, severity=_EVENT_SEVERITY[alert.severity])
        )

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """The write lock is taken before the first read, so that what was read still holds when it is written."""
        with Session(self._engine, expire_on_commit=False, autoflush=False) as session:
            take_write_lock(session.connection())
            yield session
            session.commit()


def _merged(old: Mapping[str, int | str], new: Mapping[str, int | str]) -> dict[str, int | str]:
    """Of two numbers the larger, of anything else the newer."""
    found = dict(old)
    for name, value in new.items():
        before = found.get(name)
        found[name] = max(before, value) if isinstance(before, int) and isinstance(value, int) else value
    return found
