"""Somebody is told: every new alert at once, and again when it has a new kind of reason or grows more severe.

What has to be sent is a row of the database before it is tried, so that neither a restart nor a mail server that is down loses it. A notice
is rendered when it is sent: after an hour without mail server one mail tells all, not one mail for each step. Delivery is at least once:
a crash between sending and noting repeats a notice under the same id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import JSON, Engine, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from audit_store.alerts import Alerts
from audit_store.database import Base
from audit_store.event import Event, EventAction, plain_event
from audit_store.moments import Moment
from audit_store.spool import SpoolError
from audit_store.tables import Alert
from auth.storage import reading, writing
from console.delivery import Channel, DeliveryError
from console.notice import GROWN, OPENED, Notice, Reason, Totals

WAITING, SENT, SUPERSEDED = "waiting", "sent", "superseded"
PAUSES_SECONDS = (2, 5, 15, 60, 300, 900)
"""After each failed try; the last one again and again: an alert is never given up."""


class Notification(Base):
    """One message about one alert on one way."""

    __tablename__ = "notifications"

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(64), index=True)
    revision: Mapped[int]
    """Revision of the alert that caused it."""
    channel: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(8))
    marks: Mapped[list[str]] = mapped_column(JSON)
    """What the alert said then: its severity and the kinds of its reasons."""
    state: Mapped[str] = mapped_column(String(16), default=WAITING, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    totals: Mapped[dict[str, int]] = mapped_column(JSON)
    """The day in numbers as it was then: said when it is not known any more at the time of sending."""
    made_at: Mapped[datetime] = mapped_column(Moment)
    next_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    error: Mapped[str | None] = mapped_column(String(200), default=None)
    """Of the last failed try."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What has not arrived yet."""

    waiting: int
    oldest: datetime | None
    error: str | None
    """Of the one that was tried most often."""


class Notifier:
    """Queues notices and sends them, one channel at a time; different channels may be sent from different threads."""

    def __init__(
        self,
        engine: Engine,
        alerts: Alerts,
        record: Callable[[Event], object],
        channels: Sequence[Channel],
        *,
        totals: Callable[[str, datetime], Totals | None],
        torwart_url: str,
        language: str,
    ) -> None:
        """`totals` gives a person's (pseudonym's) day in numbers, None when it is not known now."""
        Base.metadata.create_all(engine, tables=[Notification.metadata.tables["notifications"]])
        self._engine = engine
        self._alerts = alerts
        self._record = record
        self._channels = {channel.name: channel for channel in channels}
        self._totals = totals
        self._url = torwart_url.rstrip("/")
        self._language = language
        self._seen: int | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the ways out; none means that nobody is told outside the pages."""
        return tuple(self._channels)

    def queue(self, now: datetime) -> int:
        """Queue what has to be told about alerts that changed; the number of new notices."""
        revision = self._alerts.revision()
        if revision == self._seen or not self._channels:
            return 0
        made, changed = 0, self._alerts.open_ones()
        with writing(self._engine) as session:
            for alert in changed:
                made += sum(self._queue_one(session, alert, channel, now) for channel in self._channels)
        self._seen = revision
        return made

    def send_due(self, channel: str, now: datetime) -> int:
        """Try what is due on this way; how many arrived. A failure is noted and tried again later."""
        sent = 0
        for notification in self._due(channel, now):
            alert = self._alerts.get(notification.alert_id)
            pause = PAUSES_SECONDS[min(notification.tries, len(PAUSES_SECONDS) - 1)]
            # The try is on disk before it is made: a disk that takes nothing must not become a flood of mails.
            self._note(notification.id, tries=notification.tries + 1, next_at=now + timedelta(seconds=pause))
            if alert is None:
                self._note(notification.id, state=SUPERSEDED)
                continue
            try:
                self._channels[channel].send(self._notice(notification, alert), now)
            except DeliveryError as error:
                self._note(notification.id, error=str(error))
                continue
            sent += 1
            self._note(notification.id, state=SENT, sent_at=now, error=self._recorded(notification, alert, now))
            self._alerts.notified(alert.id, now)
        return sent

    def backlog(self) -> Backlog:
        """For the health page."""
        with reading(self._engine) as session:
            waiting, oldest = session.execute(
                select(func.count(), func.min(Notification.made_at)).where(Notification.state == WAITING)
            ).one()
            error = session.scalar(
                select(Notification.error).where(Notification.state == WAITING).order_by(Notification.tries.desc()).limit(1)
            )
        return Backlog(waiting, oldest, error)

    def _queue_one(self, session: Session, alert: Alert, channel: str, now: datetime) -> int:
        marks = {f"severity:{alert.severity}", *(reason.mark for reason in _reasons(alert))}
        mine = (Notification.alert_id == alert.id, Notification.channel == channel)
        earlier = session.scalars(select(Notification).where(*mine)).all()
        if earlier and not marks - {mark for notification in earlier for mark in notification.marks}:
            return 0
        for notification in earlier:
            if notification.state == WAITING:  # what is sent now says all that this one would have said
                notification.state = SUPERSEDED
        reached = any(notification.state == SENT for notification in earlier)
        session.add(
            Notification(
                id=f"{alert.id}.{alert.revision}.{channel}",
                alert_id=alert.id,
                revision=alert.revision,
                channel=channel,
                kind=GROWN if reached else OPENED,
                marks=sorted(marks),
                state=WAITING,
                tries=0,
                totals=asdict(self._totals(alert.pseudonym, alert.updated_at) or Totals(0, 0, 0)),
                made_at=now,
                next_at=now,
            )
        )
        return 1

    def _due(self, channel: str, now: datetime) -> Sequence[Notification]:
        wanted = (Notification.channel == channel, Notification.state == WAITING, Notification.next_at <= now)
        with reading(self._engine) as session:
            order = (Notification.made_at, Notification.revision, Notification.id)
            return session.scalars(select(Notification).where(*wanted).order_by(*order)).all()

    def _notice(self, notification: Notification, alert: Alert) -> Notice:
        return Notice(
            id=notification.id,
            kind=notification.kind,
            alert_id=alert.id,
            person=alert.pseudonym,
            severity=alert.severity,
            reasons=_reasons(alert),
            opened_at=alert.opened_at,
            updated_at=alert.updated_at,
            totals=self._totals(alert.pseudonym, alert.updated_at) or Totals(**notification.totals),
            alert_url=f"{self._url}/alerts/{alert.id}",
            person_url=f"{self._url}/people/{alert.pseudonym}",
            language=self._language,
        )

    def _recorded(self, notification: Notification, alert: Alert, now: datetime) -> str | None:
        """That somebody was told is a fact of its own. When it cannot be recorded, the notice is not sent a second time for that."""
        facts: dict[str, int | str] = {"alert": alert.id, "channel": notification.channel, "kind": notification.kind}
        facts["tries"] = notification.tries + 1
        try:
            self._record(plain_event(EventAction.ALERT_NOTIFIED, at=now, subject=alert.pseudonym, numbers=facts))
        except SpoolError:
            return "sent, but not recorded"
        return None

    def _note(self, notification_id: str, **changes: object) -> None:
        """A notice that was superseded while it was under way is sent all the same, and has arrived."""
        with writing(self._engine) as session:
            session.execute(update(Notification).where(Notification.id == notification_id).values(**changes))


def _reasons(alert: Alert) -> tuple[Reason, ...]:
    found = []
    for mark in alert.reasons:
        rule, _, code = mark.partition(":")
        found.append(Reason(rule, code, alert.numbers.get(mark, {}), tuple(alert.event_ids.get(mark, ()))))
    return tuple(found)
