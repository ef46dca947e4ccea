"""Somebody is told when Torwart itself is in trouble: a record that is not as it must be, background work that fails, a place that is gone.

Alerts are about people; these mails are about the house. One mail tells what came together; a cause is told once an hour, and so is its
end. The place in the record moves on when the mail server has taken the mail: neither a restart nor a mail server that is down loses one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Engine

from audit_store.consumer import position_of, put_position
from audit_store.event import EventAction
from audit_store.log import Logged
from console.delivery import DeliveryError

CONSUMER = "own alarms"
AGAIN_AFTER = timedelta(hours=1)
"""One cause is told again after so long, if it goes on being recorded."""
OLD_AFTER = timedelta(days=1)
"""What is older helps nobody any more: it is in the record."""
PAUSE = timedelta(minutes=1)
"""After a mail that did not arrive."""
LINES_MAX = 20
_BATCH, _BATCHES = 1_000, 10
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "subject": "Torwart selbst braucht Hilfe: {what}",
        "well": "Torwart: {what} arbeitet wieder",
        "begin": "Torwart meldet eine Störung an sich selbst:",
        "failure": "{at}  {what}: gestört. {why}",
        "success": "{at}  {what}: arbeitet wieder.",
        "more": "und {more} weitere",
        "now": "Ansehen: {url}/health. Im Protokoll: torwart events search --since 2h --action {action}",
        EventAction.STORE_ALARM: "Protokoll von {subject}",
        EventAction.AUTHORITY_ALARM: "Eintrag ohne Ursprung in der Datenbank ({subject})",
        EventAction.SELF_TEST: "{subject}",
        EventAction.OUTSIDE_PLACE: "Ort außer Haus ({subject})",
    },
    "en": {
        "subject": "Torwart itself needs help: {what}",
        "well": "Torwart: {what} works again",
        "begin": "Torwart reports trouble of its own:",
        "failure": "{at}  {what}: failing. {why}",
        "success": "{at}  {what}: works again.",
        "more": "and {more} more",
        "now": "Look: {url}/health. In the record: torwart events search --since 2h --action {action}",
        EventAction.STORE_ALARM: "record of {subject}",
        EventAction.AUTHORITY_ALARM: "row of unknown origin in the database ({subject})",
        EventAction.SELF_TEST: "{subject}",
        EventAction.OUTSIDE_PLACE: "place outside ({subject})",
    },
}
TOLD = frozenset({EventAction.STORE_ALARM, EventAction.AUTHORITY_ALARM, EventAction.SELF_TEST, EventAction.OUTSIDE_PLACE})
"""Events about Torwart itself; only failures, and what worked again after one."""


class Record(Protocol):
    """The central log (`audit_store.log.Log`)."""

    def read(self, after: int, limit: int) -> list[Logged]:
        """Events above the sequence `after`."""


class OwnAlarms:
    """Reads the record with a place of its own. One thread."""

    def __init__(
        self,
        engine: Engine,
        log: Record,
        send: Callable[[str, str, datetime], None],
        *,
        torwart_url: str,
        language: str,
        now: Callable[[], datetime],
    ) -> None:
        """`send` hands over a mail (subject, text, time) and raises DeliveryError when it was not taken."""
        self._engine = engine
        self._log = log
        self._send = send
        self._url = torwart_url.rstrip("/")
        self._texts = _TEXTS[language]
        self._now = now
        self._told: dict[str, datetime] = {}
        self._failed: tuple[datetime, DeliveryError] | None = None
        """The try that failed last; the same error until the next one, so that it counts as one failure."""

    def step(self) -> None:
        """Tell what has come since the last time. Raises LogError, and DeliveryError when the mail server did not take the mail."""
        now = self._now()
        if self._failed is not None and now < self._failed[0] + PAUSE:
            raise self._failed[1]
        position = first = position_of(self._engine, CONSUMER)
        lines: list[tuple[str, Logged]] = []
        told = dict(self._told)
        for _ in range(_BATCHES):
            rows = self._log.read(position, _BATCH)
            lines += [(what, row) for row in rows if (what := self._worth_telling(row, told, now)) is not None]
            position = rows[-1].sequence if rows else position
            if len(rows) < _BATCH:
                break
        if lines:
            try:
                self._send(*self._mail(lines), now)
            except DeliveryError as error:
                self._failed = now, error
                raise
        self._told, self._failed = told, None
        if position != first:
            put_position(self._engine, CONSUMER, position)

    def _worth_telling(self, row: Logged, told: dict[str, datetime], now: datetime) -> str | None:
        """What the event is about, if somebody is to know it; remembers it in `told`."""
        event = row.document.get("event", {})
        action, outcome = event.get("action"), event.get("outcome")
        if action not in TOLD or now - row.received > OLD_AFTER:
            return None
        what = self._texts[action].format(subject=row.document.get("torwart", {}).get("subject", "–"))
        before = told.get(what)
        if outcome == "failure" and (before is None or now - before >= AGAIN_AFTER):
            told[what] = now
            return what
        if outcome == "success" and before is not None:
            del told[what]
            return what
        return None

    def _mail(self, lines: list[tuple[str, Logged]]) -> tuple[str, str]:
        bad = [(what, row) for what, row in lines if _failed(row)]
        what, newest = (bad or lines)[-1]
        said = [self._line(what, row) for what, row in lines[:LINES_MAX]]
        if len(lines) > LINES_MAX:
            said.append(self._texts["more"].format(more=len(lines) - LINES_MAX))
        end = self._texts["now"].format(url=self._url, action=newest.document["event"]["action"])
        subject = self._texts["subject" if bad else "well"].format(what=what)
        return subject, "\n".join([self._texts["begin"], "", *said, "", end, ""])

    def _line(self, what: str, row: Logged) -> str:
        ours = row.document["torwart"]
        facts: dict[str, Any] = {**ours.get("words", {}), **ours.get("numbers", {})}
        why = ", ".join(f"{name} {value}" for name, value in facts.items())
        return self._texts["failure" if _failed(row) else "success"].format(at=row.document["@timestamp"], what=what, why=why)


def _failed(row: Logged) -> bool:
    return bool(row.document["event"]["outcome"] == "failure")
