"""What somebody outside is told about an alert: one content for mail and web hook, with a pseudonym and counts (law 11).

"Left the house" counts distinct clients delivered by the person's released exports, reports and prints of that day, under any name, or
recognised in uploads that were let out and in files on a stick; what was shown on a screen does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from detectors.base import rules, sentence
from detectors.view import Day
from policies.reasons import grouped

_STEP = re.compile(r"(?<=[.!?]) (?=\d+\. )")
OPENED, GROWN = "opened", "grown"

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "subject": "Torwart: Meldung – {what} ({person}, {severity})",
        "subject_grown": "Torwart: Meldung gewachsen – {what} ({person}, {severity})",
        "asked_and_left": "{asked} Kunden angefragt, {left} hinausgegangen",
        "happened": "Was geschehen ist",
        "stopped": "Angehaltene Exporte, Berichte, Drucke und Sendungen: {stopped}",
        "asked": "Angefragte Kunden: {asked}",
        "left": "Kunden, die das Haus verlassen haben: {left}",
        "left_note": "(Gezählt über den ganzen Tag. Was nur auf dem Bildschirm gezeigt wurde, hat das Haus nicht verlassen.)",
        "who": "Person: {person} (den Namen zeigt nur die Seite)",
        "when": "Zeit: {first} bis {last}",
        "severity": "Stufe: {severity}",
        "alert_link": "Meldung ansehen:",
        "person_link": "Person ansehen, Zugang sperren:",
        "now": "Was jetzt zu tun ist",
        "low": "niedrig",
        "medium": "mittel",
        "high": "hoch",
        "time": "%d.%m.%Y, %H:%M Uhr",
    },
    "en": {
        "subject": "Torwart: alert – {what} ({person}, {severity})",
        "subject_grown": "Torwart: alert has grown – {what} ({person}, {severity})",
        "asked_and_left": "{asked} clients asked for, {left} went out",
        "happened": "What happened",
        "stopped": "Exports, reports, prints and messages stopped: {stopped}",
        "asked": "Clients asked for: {asked}",
        "left": "Clients that left the house: {left}",
        "left_note": "(Counted over the whole day. What was only shown on a screen has not left the house.)",
        "who": "Person: {person} (only the page shows the name)",
        "when": "Time: {first} to {last}",
        "severity": "Severity: {severity}",
        "alert_link": "See the alert:",
        "person_link": "See the person, freeze the access:",
        "now": "What to do now",
        "low": "low",
        "medium": "medium",
        "high": "high",
        "time": "%d %B %Y, %H:%M",
    },
}


@dataclass(frozen=True, slots=True)
class Totals:
    """A person's day in three numbers."""

    stopped: int
    """Acts that would have carried clients away and were not released."""
    asked: int
    """Distinct clients that exports, reports and prints asked for."""
    left: int
    """Distinct clients that left the house."""

    @classmethod
    def of(cls, day: Day | None) -> Totals | None:
        """None for a day of which nothing is known."""
        if day is None:
            return None
        stopped = len(day.stopped_exports) + len(day.stopped_uploads) + len(day.unread_uploads)
        return cls(stopped=stopped, asked=len(day.asked), left=len(day.gone))


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of an alert."""

    rule: str
    code: str
    numbers: Mapping[str, int | str]
    event_ids: tuple[str, ...]

    @property
    def mark(self) -> str:
        return f"{self.rule}:{self.code}"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about one alert as it is now."""

    id: str
    """The same for every try, so that a receiver can tell a repetition."""
    kind: str
    """`opened` or `grown`."""
    alert_id: str
    person: str
    """Pseudonym."""
    severity: str
    reasons: tuple[Reason, ...]
    opened_at: datetime
    updated_at: datetime
    totals: Totals
    alert_url: str
    person_url: str
    language: str

    def subject(self) -> str:
        """One line that says enough on a locked telephone."""
        texts = _TEXTS[self.language]
        totals = self.totals
        what = self._say("asked_and_left", asked=totals.asked, left=totals.left) if totals.asked else self._headline()
        template = texts["subject_grown" if self.kind == GROWN else "subject"]
        return template.format(what=what, person=self.person, severity=texts[self.severity])

    def text(self) -> str:
        """The whole message as plain text."""
        texts = _TEXTS[self.language]
        lines = [texts["happened"], *(f"- {said}" for said in self.sentences()), ""]
        lines += [
            self._say("stopped", stopped=self.totals.stopped),
            self._say("asked", asked=self.totals.asked),
            self._say("left", left=self.totals.left),
            texts["left_note"],
            "",
            texts["who"].format(person=self.person),
            texts["when"].format(first=self._time(self.opened_at), last=self._time(self.updated_at)),
            texts["severity"].format(severity=texts[self.severity]),
            "",
            texts["alert_link"],
            self.alert_url,
            texts["person_link"],
            self.person_url,
        ]
        if runbook := self._runbook():
            lines += ["", texts["now"], *_STEP.split(runbook)]
        return "\n".join(lines) + "\n"

    def payload(self) -> dict[str, Any]:
        """The message for a program. Members are only ever added."""
        return {
            "id": self.id,
            "type": f"alert.{self.kind}",
            "language": self.language,
            "alert": {
                "id": self.alert_id,
                "person": self.person,
                "severity": self.severity,
                "opened_at": self.opened_at.isoformat(timespec="milliseconds"),
                "updated_at": self.updated_at.isoformat(timespec="milliseconds"),
                "stopped": self.totals.stopped,
                "clients_asked": self.totals.asked,
                "clients_left": self.totals.left,
                "reasons": [
                    {"rule": reason.rule, "code": reason.code, "numbers": dict(reason.numbers), "text": said}
                    for reason, said in zip(self.reasons, self.sentences(), strict=True)
                ],
            },
            "summary": self.subject(),
            "links": {"alert": self.alert_url, "person": self.person_url},
        }

    def sentences(self) -> list[str]:
        """The reasons in words."""
        return [sentence(reason.rule, reason.code, reason.numbers, self.language) for reason in self.reasons]

    def _headline(self) -> str:
        for reason in self.reasons:
            if (rule := rules().get(reason.rule)) is not None:
                return rule.title[self.language]
        return self.reasons[0].rule if self.reasons else ""

    def _runbook(self) -> str:
        """That of the first rule: one person is asked to do one thing, the page has the others."""
        rule = rules().get(self.reasons[0].rule) if self.reasons else None
        return rule.runbook[self.language] if rule else ""

    def _say(self, name: str, **numbers: int) -> str:
        return _TEXTS[self.language][name].format(**{key: grouped(value, self.language) for key, value in numbers.items()})

    def _time(self, at: datetime) -> str:
        """In the machine's own zone: that of the people who read it."""
        return at.astimezone().strftime(_TEXTS[self.language]["time"])
