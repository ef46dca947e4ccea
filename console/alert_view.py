"""An alert as a reviewer reads it: one sentence, four numbers, the reasons in words, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from audit_store.alerts import OPEN_STATES
from audit_store.log import Logged
from audit_store.search import search
from audit_store.tables import Alert
from auth.tables import Person
from console.language import Speech
from console.notice import Reason
from console.services import Services, Who
from console.words import ALERT_STATES, N2_, N_, SEVERITIES, STATUSES, role_words, word
from detectors.base import Piece, Rule, pieces, rules, sentence
from detectors.deed import UnreadableEventError, deed_of
from detectors.view import Day, View

MAX_DAY_EVENTS = 20_000
"""Events of one person and day that a page reads."""
_BATCH = 1_000
MUCH_PERCENT = 10
"""Share of the base that is loud on the page when it has left the house, even where the rules let it."""
_STEP = re.compile(r"(?<=[.!?])\s+(?=\d+\. )")

_NOBODY_LEFT = N_("Nothing has left the house.")


@dataclass(frozen=True, slots=True)
class ReasonView:
    """A reason in words; every number leads to its events."""

    pieces: tuple[Piece, ...]
    events: int
    link: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """Everything that the page says, in the reader's language."""

    who: Who
    role: str
    status: str
    headline: str
    tried_name: str
    tried: int
    share: str
    left_name: str
    left: int
    left_how: str
    left_look: str
    now: str
    now_more: str
    severity: str
    state: str
    open: bool
    reasons: tuple[ReasonView, ...]
    runbook: tuple[str, ...]
    false_positives: str
    verdict_note: str


@dataclass(frozen=True, slots=True)
class Row:
    """An alert in the list."""

    alert: Alert
    headline: str
    titles: str
    severity: str
    state: str
    open: bool
    left: int
    frozen: bool


def reasons_of(alert: Alert) -> list[Reason]:
    """Every reason of an alert, in the order in which they came."""
    found = []
    for mark in alert.reasons:
        rule, _, code = mark.partition(":")
        found.append(Reason(rule, code, alert.numbers.get(mark, {}), tuple(alert.event_ids.get(mark, ()))))
    return found


def is_open(alert: Alert) -> bool:
    """True until somebody gave a verdict."""
    return alert.state in OPEN_STATES


def day_events(services: Services, pseudonym: str, at: datetime) -> list[Logged]:
    """All events of a person on the day (UTC) that holds this moment, in order."""
    start = datetime.combine(at.astimezone(UTC).date(), time.min, UTC)
    return whole_search(services, pseudonym, start, start + timedelta(days=1))


def whole_search(services: Services, pseudonym: str, since: datetime, until: datetime) -> list[Logged]:
    """Events of a person between two times, up to a bound that a page can show."""
    found: list[Logged] = []
    after = 0
    while len(found) < MAX_DAY_EVENTS:
        batch = search(services.log, person=pseudonym, since=since, until=until, limit=_BATCH, after=after)
        found += batch
        if len(batch) < _BATCH:
            break
        after = batch[-1].sequence
    return found


def day_of(events: Iterable[Logged], pseudonym: str, at: datetime) -> tuple[Day, int]:
    """The person's day in sets of clients, and the base at its end."""
    view, base = View(), 1
    for logged in events:
        try:
            deed = deed_of(logged.document)
        except UnreadableEventError:
            continue
        if deed is not None and deed.pseudonym == pseudonym:
            view.apply(deed)
            base = deed.base
    return view.day(pseudonym, at), base


def row(services: Services, alert: Alert, speech: Speech) -> Row:
    """One line of the list."""
    person = services.people.by_pseudonym(alert.pseudonym)
    day, _ = day_of(day_events(services, alert.pseudonym, alert.opened_at), alert.pseudonym, alert.opened_at)
    reasons = reasons_of(alert)
    return Row(
        alert=alert,
        headline=headline(_name(services.who(person, alert.pseudonym)), day, reasons, speech),
        titles=" · ".join(titles(reasons, speech)),
        severity=word(SEVERITIES, alert.severity, speech),
        state=word(ALERT_STATES, alert.state, speech),
        open=is_open(alert),
        left=_tally(day, reasons)[2],
        frozen=bool(person and person.frozen),
    )


def alert_view(services: Services, alert: Alert, events: Sequence[Logged], speech: Speech) -> AlertView:
    """The whole page's words."""
    person = services.people.by_pseudonym(alert.pseudonym)
    who = services.who(person, alert.pseudonym)
    day, base = day_of(events, alert.pseudonym, alert.opened_at)
    reasons = reasons_of(alert)
    kind, tried, left = _tally(day, reasons)
    now, now_more = _now(services, alert, person, speech)
    rule = _first_rule(day, reasons)
    return AlertView(
        who=who,
        role=role_words(person.roles, speech) if person else "",
        status="" if person is None else speech.say("status: %(status)s", status=word(STATUSES, person.status, speech)),
        headline=headline(_name(who), day, reasons, speech),
        tried_name=speech.say(_TRIED[kind]),
        tried=tried,
        share=speech.say("%(share)s %% of the base", share=_percent(tried, base)) if tried else "",
        left_name=speech.say(_LEFT[kind]),
        left=left,
        left_look="good" if not left else "bad" if 100 * left > MUCH_PERCENT * base else "",
        left_how=_left_how(day, kind, speech),
        now=now,
        now_more=now_more,
        severity=speech.say("severity: %(severity)s", severity=word(SEVERITIES, alert.severity, speech)),
        state=word(ALERT_STATES, alert.state, speech),
        open=is_open(alert),
        reasons=tuple(_reason(alert, place, reason, speech) for place, reason in enumerate(reasons)),
        runbook=tuple(_STEP.split(rule.runbook[speech.language])) if rule else (),
        false_positives=rule.false_positives[speech.language] if rule else "",
        verdict_note=alert.note or "",
    )


def headline(name: str, day: Day, reasons: Sequence[Reason], speech: Speech) -> str:
    """Who, what, how many, how many left the house: one sentence or two."""
    kind, tried, left = _tally(day, reasons)
    if not tried:
        return f"{name}: {' · '.join(titles(reasons, speech))}"
    one, many = _OPENINGS[kind]
    first = speech.say_many(one, many, tried, name=name)
    if kind == "paging":
        return first
    if kind == "delete":
        second = speech.say_many("%(number)s was deleted.", "%(number)s were deleted.", left) if left else speech.say("None was deleted.")
    else:
        second = (
            speech.say_many("%(number)s has left the house.", "%(number)s have left the house.", left) if left else speech.say(_NOBODY_LEFT)
        )
    return f"{first} {second}"


def titles(reasons: Sequence[Reason], speech: Speech) -> list[str]:
    """What the rules of an alert are called, each once."""
    found = dict.fromkeys(reason.rule for reason in reasons)
    return [rules()[rule].title[speech.language] if rule in rules() else rule for rule in found]


def reason_sentence(reason: Reason, speech: Speech) -> str:
    """A reason in words."""
    return _unbroken(sentence(reason.rule, reason.code, reason.numbers, speech.language))


_TRIED = {
    "export": N_("Wanted to take out"),
    "delete": N_("Wanted to delete"),
    "paging": N_("Shown today"),
    "carry": N_("On a way out"),
}
_LEFT = {
    "export": N_("Left the house"),
    "delete": N_("Deleted"),
    "paging": N_("Left the house"),
    "carry": N_("Left the house"),
}
_OPENINGS = {
    "export": N2_("%(name)s wanted to take out %(number)s client.", "%(name)s wanted to take out %(number)s clients."),
    "delete": N2_("%(name)s wanted to delete %(number)s client.", "%(name)s wanted to delete %(number)s clients."),
    "carry": N2_("%(number)s client was on a way out at %(name)s.", "%(number)s clients were on a way out at %(name)s."),
    "paging": N2_("%(name)s paged through %(number)s client like a program.", "%(name)s paged through %(number)s clients like a program."),
}


def _tally(day: Day, reasons: Sequence[Reason]) -> tuple[str, int, int]:
    """What kind of day it was, how many clients it was about, how many of them went."""
    of = {reason.rule for reason in reasons}
    if "mass_delete" in of and "mass_export" not in of:
        return "delete", len(day.to_delete), len(day.deleted)
    if "way_out" in of and "mass_export" not in of and day.carried:
        return "carry", len(day.carried), len(day.gone)
    if day.asked or "mass_export" in of or "script_paging" not in of:
        return "export", len(day.asked), len(day.gone)
    return "paging", len(day.shown), len(day.gone)


def _reason(alert: Alert, place: int, reason: Reason, speech: Speech) -> ReasonView:
    said = tuple(replace(piece, text=_unbroken(piece.text)) for piece in pieces(reason.rule, reason.code, reason.numbers, speech.language))
    return ReasonView(said, len(reason.event_ids), f"/alerts/{alert.id}/events?reason={place}")


def _now(services: Services, alert: Alert, person: Person | None, speech: Speech) -> tuple[str, str]:
    if person is None:
        return speech.say("Person unknown"), ""
    if person.frozen:
        return speech.say("Access is frozen"), speech.say("nothing goes out any more")
    waiting = services.waiting(person.id)
    words = speech.say_many("%(number)s act waits for a key", "%(number)s acts wait for a key", waiting) if waiting else ""
    return speech.say("Access is open"), words or speech.say("no act is waiting")


def _first_rule(day: Day, reasons: Sequence[Reason]) -> Rule | None:
    """Whose runbook is shown: that of the first reason; but a stick can still be taken back, so what to do about it comes first."""
    order = sorted(reasons, key=lambda reason: reason.rule != "way_out") if day.copied else reasons
    return next((rules()[reason.rule] for reason in order if reason.rule in rules()), None)


def _left_how(day: Day, kind: str, speech: Speech) -> str:
    """A stick is named first: it can still be taken back."""
    if day.copied:
        return speech.say_many("%(number)s of them on a stick", "%(number)s of them on a stick", len(day.copied))
    return speech.say("with the key, as the rules allow") if kind == "export" and not day.sent else ""


def _name(who: Who) -> str:
    return who.name or who.pseudonym


def _unbroken(text: str) -> str:
    """A number and its percent sign stay on one line."""
    return text.replace(" %", "\u00a0%")


def _percent(part: int, whole: int) -> str:
    return str(min(100, 100 * part // max(whole, 1)))
