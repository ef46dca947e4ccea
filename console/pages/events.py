"""The search in the record, for reviewers: who, which client, what, when, and in which words; and who has seen a client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import Response

from audit_store.log import Logged
from audit_store.looks import asked_for, id_or_none, people_in
from audit_store.search import How, Question, QuestionRefusedError, Refusal
from audit_store.search_answer import Searcher
from audit_store.search_marks import Facet, Marks
from audit_store.search_timeline import sightings
from auth.tables import Person
from console.language import Speech
from console.render import page
from console.services import Services, Who
from console.timeline import Line, trace
from console.visitor import Visitor, reviewer, services_of
from console.words import ACTIONS, N_, ROADS, word
from policies.request import Action, Channel

router = APIRouter()
PAGE_EVENTS = 50
PAGES_MAX = 10
"""Looked at for one page of events about others."""
WORD_MAX = 200
"""Characters of one field of the form; the words may be longer."""
_TEXT_MAX = 2_000
_OUTCOMES = {"success": N_("went on"), "failure": N_("stopped or refused"), "unknown": N_("undecided")}
_HOW = {How.NAMED: N_("in any way"), How.SHOWN: N_("shown"), How.TAKEN: N_("with contact details")}
_REFUSALS = {
    Refusal.NO_WORD: N_("There is no word in this text: write letters or digits."),
    Refusal.WILDCARD: N_("There are no wildcards: write whole words, without *."),
    Refusal.TOO_LONG: N_("This text is too long: write the words that matter."),
    Refusal.TOO_MANY_WORDS: N_("These are too many words: write those that matter."),
    Refusal.TOO_EXPENSIVE: N_("The answer takes too long: give a person, a client or a time as well."),
}
_NOBODY = N_("Nobody is called this here: write the CRM account, the e-mail address or the pseudonym.")
_NO_DAY = N_("This is no day: write it as 2026-05-12.")
type _Word = Annotated[str, Query(max_length=WORD_MAX)]


@dataclass(frozen=True, slots=True)
class Form:
    """What the visitor wrote, as they wrote it."""

    person: str
    client: str
    how: str
    text: str
    act: str
    deed: str
    outcome: str
    channel: str
    since: str
    until: str

    @property
    def is_empty(self) -> bool:
        """Nothing is asked: then nothing is looked at."""
        return not any((self.person, self.client, self.text, self.act, self.deed, self.outcome, self.channel, self.since, self.until))

    def address(self, after: int) -> str:
        """Where the same question goes on."""
        given = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        return "/events?" + urlencode({**given, "after": after})


@dataclass(frozen=True, slots=True)
class Row:
    """An event in the list."""

    line: Line
    who: Who


@dataclass(frozen=True, slots=True)
class Seen:
    """Who has seen the client, one line."""

    who: Who
    deed: str
    named: int
    shown: int
    taken: int
    first: datetime | None
    last: datetime | None


class _MistakeError(Exception):
    """What is wrong with the form, in words of the catalogue."""


@router.get("/events")
def events(
    request: Request,
    found: Annotated[Visitor, Depends(reviewer)],
    person: _Word = "",
    client: _Word = "",
    how: How = How.NAMED,
    text: Annotated[str, Query(max_length=_TEXT_MAX)] = "",
    act: _Word = "",
    deed: Action | Literal[""] = "",
    outcome: Literal["success", "failure", "unknown", ""] = "",
    channel: Channel | Literal[""] = "",
    since: _Word = "",
    until: _Word = "",
    after: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """The form and, when something is asked, its events about others, the newest first. Every look is recorded before it is answered."""
    services, speech = services_of(request), found.speech
    given = (person, client, how.value, text, act, str(deed), outcome, str(channel), since, until)
    form = Form(*(word.strip() for word in given))
    shown: dict[str, object] = {"rows": [], "seen": [], "mistake": "", "next": "", "unsearched": None}
    status = 200
    if not form.is_empty:
        try:
            shown |= _answer(services, _viewer(found), form, after, speech)
        except QuestionRefusedError as error:
            shown["mistake"], status = speech.say(_REFUSALS[error.refusal]), 400
        except _MistakeError as error:
            shown["mistake"], status = speech.say(str(error)), 400
    return page(request, found, "events.html", status, form=form, **_choices(speech), **shown)


def _answer(services: Services, viewer: Person, form: Form, after: int, speech: Speech) -> dict[str, object]:
    pseudonym = _pseudonym(services, form.person)
    question = Question(
        person=pseudonym,
        client=form.client or None,
        how=How(form.how),
        text=form.text or None,
        act=form.act or None,
        deed=form.deed or None,
        outcome=form.outcome or None,
        channel=form.channel or None,
        since=_day(form.since),
        until=_day(form.until, days=1),
        limit=PAGE_EVENTS,
        after=after,
        newest_first=True,
    )
    question.conditions()  # what is refused is no look at anything
    what = asked_for(pseudonym, form.client or None, form.act or None)
    services.viewed(viewer, what, id_or_none(form.act))
    searcher = Searcher(services.log, services.installation.state / "log")
    others, more, unsearched = _of_others(searcher, question, viewer.pseudonym)
    people = {pseudonym: _who(services, pseudonym) for pseudonym in {Marks(row.document).person for row in others}}
    seen = _seen(services, searcher, question, speech) if form.client and not after else []
    named = people_in(orjson.dumps(row.document) for row in others) | {line.who.pseudonym for line in seen}
    if named - {what, viewer.pseudonym}:
        services.viewed(viewer, what, id_or_none(form.act), about=named)
    return {
        "rows": [Row(_line(row, speech), people[Marks(row.document).person]) for row in others],
        "next": form.address(others[-1].sequence) if more else "",
        "seen": seen,
        "unsearched": unsearched,
    }


def _of_others(searcher: Searcher, question: Question, viewer: str) -> tuple[list[Logged], bool, tuple[int, int] | None]:
    """A page of events that are not about the viewer, whether there are more, and what was not searched.

    Of oneself the record is not read here, and not counted either: a count behind a filter says what a status, or a look, is meant to keep
    quiet (attacks X32).
    """
    others: list[Logged] = []
    if question.person == viewer:
        return others, False, None
    for _ in range(PAGES_MAX):
        answer = searcher.ask(question)
        others += [row for row in answer.rows if not _is_about(row, viewer)]
        if len(answer.rows) < PAGE_EVENTS or len(others) > PAGE_EVENTS:
            break
        question = replace(question, after=answer.rows[-1].sequence)
    return others[:PAGE_EVENTS], len(others) > PAGE_EVENTS, answer.unsearched


def _seen(services: Services, searcher: Searcher, question: Question, speech: Speech) -> list[Seen]:
    found = sightings(searcher, question.client or "", since=question.since, until=question.until).found
    return [
        Seen(
            _who(services, one.person),
            word(ACTIONS, one.deed, speech),
            one.named,
            one.shown,
            one.taken,
            _moment(one.first),
            _moment(one.last),
        )
        for one in found
    ]


def _is_about(row: Logged, pseudonym: str) -> bool:
    return f"{Facet.PERSON.value}:{pseudonym}" in Marks(row.document).facets


def _line(row: Logged, speech: Speech) -> Line:
    try:
        (line,) = trace([row], speech)
    except (KeyError, TypeError, ValueError, AttributeError):  # none of our builders wrote it
        at = row.received
        return Line(at, None, speech.say("Event that cannot be read"), "", speech.say("seen"), "held", "", sequence=row.sequence)
    return line


def _who(services: Services, pseudonym: str | None) -> Who:
    return services.who(services.people.by_pseudonym(pseudonym) if pseudonym else None, pseudonym)


def _pseudonym(services: Services, written: str) -> str | None:
    if not written:
        return None
    person = services.people.find(written)
    if person is None:
        raise _MistakeError(_NOBODY)
    return person.pseudonym


def _day(written: str, *, days: int = 0) -> datetime | None:
    """The beginning of a day of the house, some days later."""
    if not written:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(written).date() + timedelta(days=days), time.min).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _MistakeError(_NO_DAY) from None


def _moment(milliseconds: int | None) -> datetime | None:
    try:
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _choices(speech: Speech) -> dict[str, Sequence[tuple[str, str]]]:
    return {
        "deeds": [(code, speech.say(words)) for code, words in ACTIONS.items()],
        "outcomes": [(code, speech.say(words)) for code, words in _OUTCOMES.items()],
        "channels": [(code, speech.say(words)) for code, words in ROADS.items()],
        "hows": [(how.value, speech.say(words)) for how, words in _HOW.items()],
    }


def _viewer(found: Visitor) -> Person:
    if found.person is None:
        raise HTTPException(403)
    return found.person
