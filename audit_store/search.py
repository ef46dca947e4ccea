"""Questions to the central log: who, which act, what, how it ended, when. Answered from its own index, or by Elasticsearch
(`audit_store.elastic_search`), with the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from audit_store.event import EventAction, Phase
from audit_store.log import Log, Logged
from audit_store.wording import without_surrogates

LIMIT_MAX = 1_000
"""Events in one answer; who wants more asks again behind the last one."""
_SEQUENCE_MAX = (1 << 63) - 1
_OBSERVED = """CASE WHEN instr(canonical, CAST('"observed":[' AS BLOB)) AND json_valid(CAST(canonical AS TEXT)) THEN EXISTS (
SELECT 1 FROM json_each(CAST(canonical AS TEXT), '$.torwart.observed') WHERE value = ?) ELSE 0 END"""
"""Few events have it, so it has no column: the others are passed over without being parsed."""


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

    @property
    def size(self) -> int:
        """How many events the answer has at most."""
        return max(0, min(self.limit, LIMIT_MAX))

    @property
    def edge(self) -> int | None:
        """The sequence beyond which the answer begins; None: at the end."""
        return max(0, min(self.after, _SEQUENCE_MAX)) if self.after or not self.newest_first else None

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
    observed: str | None = None,
) -> list[Logged]:
    """Events that meet all that is given (`Question`), in the order of the log. Raises LogError."""
    return answer(log, Question(person, act, action, phase, since, until, limit, after, newest_first, observed))


def answer(log: Log, question: Question) -> list[Logged]:
    """The log's own answer, in its order. Raises LogError."""
    conditions: list[tuple[str, tuple[object, ...]]] = []
    if question.person is not None:
        person = sayable(question.person)
        conditions.append(("(person = ? OR subject = ?)", (person, person)))
    conditions += [(f"{column} = ?", (word,)) for column, word in question.words().items()]
    conditions += [(f"at {comparison} ?", (time,)) for comparison, time in question.times()]
    if question.observed is not None:
        conditions.append((_OBSERVED, (sayable(question.observed),)))
    if question.edge is not None:
        conditions.append((f"sequence {'<' if question.newest_first else '>'} ?", (question.edge,)))
    condition = " AND ".join(piece for piece, _ in conditions) or "1"
    values = [value for _, bound in conditions for value in bound]
    return log.where(condition, values, limit=question.size, newest_first=question.newest_first)


def sayable(text: str) -> str:
    """The text as events hold it: UTF-8 has no bytes for a lone surrogate."""
    found: str = without_surrogates(text)
    return found
