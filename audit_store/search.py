"""Questions to the central log: who, which act, what, which client, how it ended, when, and in which words.

A question becomes conditions over the marks of events (`audit_store.search_marks`), which the log's own index
(`audit_store.search_answer`) and Elasticsearch (`audit_store.elastic_search`) answer alike. Whatever somebody typed is a value to compare
with, never a query: there is no wildcard, script or query string to be written, and what would cost too much is refused (promises G102).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache

from audit_store.event import EventAction, Phase
from audit_store.log import Log, Logged
from audit_store.log_marks import Within
from audit_store.search_marks import VALUE_MAX, Facet, Marks, milliseconds
from audit_store.search_words import words_of
from audit_store.wording import without_surrogates
from policies.reasons import REASONS
from policies.request import Action, Channel, ClientId

LIMIT_MAX = 1_000
"""Events in one answer; who wants more asks again behind the last one."""
TEXT_LETTERS_MAX, TEXT_WORDS_MAX = 1_000, 16
"""Of free text: more is no question of a person, and every word costs a list of its own."""
_SEQUENCE_MAX = (1 << 63) - 1


class Refusal(StrEnum):
    """Why a question is not asked."""

    NO_WORD = "no_word"
    WILDCARD = "wildcard"
    TOO_LONG = "too_long"
    TOO_MANY_WORDS = "too_many_words"
    TOO_EXPENSIVE = "too_expensive"


_REFUSALS = {
    Refusal.NO_WORD: "the text has no word in it: write letters or digits",
    Refusal.WILDCARD: "there are no wildcards: write whole words, without *",
    Refusal.TOO_LONG: f"the text is longer than {TEXT_LETTERS_MAX} characters: write the words that matter",
    Refusal.TOO_MANY_WORDS: f"the text has more than {TEXT_WORDS_MAX} different words: write those that matter",
    Refusal.TOO_EXPENSIVE: "the answer takes too long: narrow the question by a person, a client or a time",
}


class QuestionRefusedError(Exception):
    """The question is not asked; the text says what to change."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(_REFUSALS[refusal])
        self.refusal = refusal


class Where(StrEnum):
    """The list that a mark stands in; Elasticsearch has a member of this name for each."""

    MARKS = "marks"
    WORDS = "words"
    ASKED = "asked"
    """Clients that were asked for and not delivered."""
    SHOWN = "shown"
    """Clients that were shown and not taken."""
    TAKEN = "taken"


class How(StrEnum):
    """How far an event got with a client."""

    NAMED = "named"
    """In any way: asked for, recognised in a file, shown, taken."""
    SHOWN = "shown"
    """A field of it was delivered; what was taken was shown too."""
    TAKEN = "taken"
    """A contact field of it was delivered clear."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One entry of one list of an event."""

    where: Where
    value: str


type Conditions = tuple[tuple[Mark, ...], ...]
"""Of each group an event must have one mark."""
_LISTS = {
    How.NAMED: (Where.ASKED, Where.SHOWN, Where.TAKEN),
    How.SHOWN: (Where.SHOWN, Where.TAKEN),
    How.TAKEN: (Where.TAKEN,),
}
_PLACE_OF_A_NUMBER = re.compile(r"\{\w*\}")
_ANY_CLIENT = Mark(Where.MARKS, f"{Facet.UNREAD.value}:clients")
"""An event whose clients cannot be read may be about any: it is in the answer for every one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What an event must be to be in the answer: all that is given.

    `person` is a pseudonym, as the one who acted or as the one whom it was about. Times are those of the producers, `since` inclusive,
    `until` exclusive. `after` is the log's sequence to go on behind (with `newest_first`: before; 0 begins at the end).
    """

    person: str | None = None
    act: str | None = None
    action: EventAction | str | None = None
    phase: Phase | str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    after: int = 0
    newest_first: bool = False
    observed: str | None = None
    """Id (`policy-version:rule-id`) of a rule in warn-only mode that would have denied the act, or asked for something."""
    deed: Action | str | None = None
    """What the person did, for example `export`; `action` is what the event is about."""
    channel: Channel | str | None = None
    outcome: str | None = None
    """`success`, `failure` or `unknown`."""
    device: str | None = None
    destination: str | None = None
    """Host that something went to, or wanted to."""
    reason: str | None = None
    """Code of a reason (`policies.reasons`)."""
    came_from: str | None = None
    """Act of an export that clients in some content came from."""
    client: ClientId | None = None
    how: How = How.NAMED
    """How far it got with the client."""
    text: str | None = None
    """Words that must all occur, in any order, capitals or not, in the members of `search_marks.TEXT_MEMBERS` or in the sentence, German or
    English, of one of the event's reasons."""

    @property
    def size(self) -> int:
        """How many events the answer has at most."""
        return max(0, min(self.limit, LIMIT_MAX))

    @property
    def edge(self) -> int | None:
        """The sequence beyond which the answer begins; None: at the end."""
        return max(0, min(self.after, _SEQUENCE_MAX)) if self.after or not self.newest_first else None

    @property
    def span(self) -> tuple[int | None, int | None]:
        """`since` and `until` in milliseconds since 1970."""
        return (None if self.since is None else milliseconds(self.since), None if self.until is None else milliseconds(self.until))

    def words(self) -> dict[str, str]:
        """What must be equal: column of the log -> word."""
        wanted = (("act_id", self.act), ("action", self.action), ("phase", self.phase))
        return {column: sayable(str(value)) for column, value in wanted if value is not None}

    def times(self) -> list[tuple[str, str]]:
        """Comparison and time, as events write it."""
        return [
            (comparison, time.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z")
            for comparison, time in ((">=", self.since), ("<", self.until))
            if time is not None
        ]

    def conditions(self) -> Conditions | None:
        """What the marks of an event must meet; None if no event can. Raises QuestionRefusedError."""
        groups = [*self._facets(), *self._client(), *self._text()]
        if any(len(mark.value) > VALUE_MAX for group in groups for mark in group if mark.where is not Where.WORDS):
            return None
        return tuple(groups)

    def _facets(self) -> Iterator[tuple[Mark, ...]]:
        for facet, value in (
            (Facet.PERSON, self.person),
            (Facet.ACT, self.act),
            (Facet.ACTION, self.action),
            (Facet.DEED, self.deed),
            (Facet.PHASE, self.phase),
            (Facet.OUTCOME, self.outcome),
            (Facet.CHANNEL, self.channel),
            (Facet.DEVICE, self.device),
            (Facet.DESTINATION, self.destination),
            (Facet.REASON, self.reason),
            (Facet.OBSERVED, self.observed),
            (Facet.CAME_FROM, self.came_from),
        ):
            if value is not None:
                yield (Mark(Where.MARKS, f"{facet.value}:{sayable(str(value))}"),)

    def _client(self) -> Iterator[tuple[Mark, ...]]:
        if self.client is not None:
            client = sayable(self.client)
            yield (*(Mark(where, client) for where in _LISTS[self.how]), _ANY_CLIENT)

    def _text(self) -> Iterator[tuple[Mark, ...]]:
        if self.text is None:
            return
        if len(self.text) > TEXT_LETTERS_MAX:
            raise QuestionRefusedError(Refusal.TOO_LONG)
        if "*" in self.text:
            raise QuestionRefusedError(Refusal.WILDCARD)
        wanted = words_of(sayable(self.text))
        if not wanted:
            raise QuestionRefusedError(Refusal.NO_WORD)
        if len(wanted) > TEXT_WORDS_MAX:
            raise QuestionRefusedError(Refusal.TOO_MANY_WORDS)
        for word in wanted:
            yield (Mark(Where.WORDS, word), *_reasons_that_say().get(word, ()))


def is_answer(document: dict[str, object], conditions: Conditions, span: tuple[int | None, int | None]) -> bool:
    """True if an event is what was asked for, by its own words: no index is believed."""
    marks = Marks(document)
    since, until = span
    if (since, until) != (None, None):
        at = marks.at
        if at is None or (since is not None and at < since) or (until is not None and at >= until):
            return False
    return all(any(_has(marks, mark) for mark in group) for group in conditions)


def search(
    log: Log,
    *,
    person: str | None = None,
    act: str | None = None,
    action: EventAction | str | None = None,
    phase: Phase | str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    after: int = 0,
    newest_first: bool = False,
) -> list[Logged]:
    """Events that meet all that is given (`Question`), in the order of the log, from the columns of the log itself: for what Torwart's own
    processes must find at once and whole. People ask `audit_store.search_answer`. Raises LogError.
    """
    question = Question(person, act, action, phase, since, until, limit, after, newest_first)
    conditions: list[tuple[str, tuple[object, ...]]] = []
    if question.person is not None:
        wanted = sayable(question.person)
        conditions.append(("(person = ? OR subject = ?)", (wanted, wanted)))
    conditions += [(f"{column} = ?", (word,)) for column, word in question.words().items()]
    conditions += [(f"at {comparison} ?", (time,)) for comparison, time in question.times()]
    if question.edge is not None:
        conditions.append((f"sequence {'<' if question.newest_first else '>'} ?", (question.edge,)))
    condition = " AND ".join(piece for piece, _ in conditions) or "1"
    values = [value for _, bound in conditions for value in bound]
    return log.where(condition, values, limit=question.size, newest_first=question.newest_first, within=_within(question))


def _within(question: Question) -> Within:
    groups = [frozenset({item}) for item in question.words().items()]
    if question.person is not None:
        wanted = sayable(question.person)
        groups.append(frozenset({("person", wanted), ("subject", wanted)}))
    times = dict(question.times())
    above, below = 0, 1 << 62
    if question.edge is not None:
        above, below = (0, question.edge) if question.newest_first else (question.edge, below)
    return Within(above, below, times.get(">="), times.get("<"), tuple(groups))


def sayable(text: str) -> str:
    """The text as events hold it: UTF-8 has no bytes for a lone surrogate."""
    found: str = without_surrogates(text)
    return found


def _has(marks: Marks, mark: Mark) -> bool:
    if mark.where is Where.MARKS:
        return mark.value in marks.facets
    if mark.where is Where.WORDS:
        return mark.value in marks.words
    clients = marks.clients
    return clients is not None and mark.value in clients[(Where.ASKED, Where.SHOWN, Where.TAKEN).index(mark.where)]


@cache
def _reasons_that_say() -> dict[str, tuple[Mark, ...]]:
    """Word -> reasons whose sentence for reviewers has it. They are looked up in the question: a new wording needs no new index."""
    found: dict[str, list[Mark]] = {}
    for reason in REASONS.values():
        for word in {word for sentence in reason.reviewer.values() for word in words_of(_PLACE_OF_A_NUMBER.sub(" ", sentence))}:
            found.setdefault(word, []).append(Mark(Where.MARKS, f"{Facet.REASON.value}:{reason.code}"))
    return {word: tuple(marks) for word, marks in found.items()}
