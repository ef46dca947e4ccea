"""The recorded acts as questions: what each of them asked, and what was said then. So rules can be tried on yesterday's traffic.

One question for each act, however many events it has: the last one with the answer in hand. Of a change that is the change itself, not the
reading of what the CRM answered to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from audit_store.ecs import SEEN
from audit_store.event import EventAction, Phase
from audit_store.log import Log, Logged
from audit_store.request_record import OF_THE_DIRECTORY, NotReplayableError, Seat, missing_names, request_of
from policies.request import AccessRequest, Action

NOTHING: frozenset[str] = frozenset()
NOBODY_ASKED = "nobody_asked"
"""Why an act cannot be judged again: it was seen on an employee's machine, where nothing decides."""
_JUDGED = frozenset({Phase.RELEASED, Phase.DENIED, Phase.HELD, Phase.NOT_CONFIRMED, Phase.CONFIRMED, Phase.OBSERVED})
"""Phases of which the last stands for the act, unless it is a change or an upload: what is allowed before the CRM is asked (`allowed`)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One act of the record."""

    request: AccessRequest
    """As the rules saw it."""
    missing: frozenset[str]
    """Names that a rule may look at and that the record does not hold (`policies.names`)."""
    action: Action
    """What it was by its effect."""
    phase: Phase
    """What became of it."""
    reasons: tuple[str, ...]
    """Codes, the deciding one first."""
    rules: tuple[str, ...]
    observed: tuple[str, ...]
    """Rules in warn-only mode that would have denied or asked for something."""
    version: str | None
    """Of the rules that decided; None if none did."""
    event_id: str
    sequence: int
    """In the log."""

    @property
    def at(self) -> datetime:
        """When it was asked, UTC."""
        return self.request.context.at

    @property
    def act_id(self) -> str:
        """The number that the person was shown."""
        return self.request.act_id

    @property
    def pseudonym(self) -> str:
        """Who asked."""
        return self.request.principal.pseudonym


def recorded(
    log: Log,
    since: datetime,
    until: datetime,
    *,
    seats: Mapping[str, Seat] | None = None,
    passed_over: Counter[str] | None = None,
) -> Iterator[Recorded]:
    """All acts from `since` (inclusive) to `until` (exclusive) that can be judged again, in the order of the log, a few at a time.

    `seats`: pseudonym -> what the directory says of the person today. In `passed_over` what cannot be judged again is counted by its
    cause. Raises LogError.
    """
    known, causes = seats or {}, Counter[str]() if passed_over is None else passed_over
    chosen = frozenset(_standing(log, since))
    before = _stamp(until)
    for row in log.acts(since):
        if row.sequence in chosen and row.document["@timestamp"] < before:
            try:
                yield recorded_act(row, known)
            except NotReplayableError as error:
                causes[error.cause] += 1


def _standing(log: Log, since: datetime) -> Iterable[int]:
    """Of each act since then the sequence of the one event that stands for it (`deciding`)."""
    stands: dict[str, tuple[int, bool]] = {}
    alone: list[int] = []
    for row in log.acts(since):
        act = row.document["torwart"].get("act", {})
        phase, act_id = act.get("phase"), act.get("id")
        allowed = phase == Phase.ALLOWED
        if not allowed and phase not in _JUDGED:
            continue
        if not isinstance(act_id, str):
            alone.append(row.sequence)
        elif allowed or not stands.get(act_id, (0, False))[1]:
            stands[act_id] = (row.sequence, allowed)
    return [*alone, *(sequence for sequence, _ in stands.values())]


def deciding(events: Iterable[Logged]) -> Logged | None:
    """Of the events of one act the one that `recorded` takes; None if nothing of it was an act."""
    chosen, change = None, False
    for logged in events:
        document = logged.document
        if document.get("event", {}).get("action") != EventAction.ACCESS:
            continue
        allowed = document["torwart"].get("act", {}).get("phase") == Phase.ALLOWED
        if allowed or not change:
            chosen, change = logged, allowed or change
    return chosen


def recorded_act(logged: Logged, seats: Mapping[str, Seat] | None = None) -> Recorded:
    """One event of an act. Raises NotReplayableError."""
    document = logged.document
    seat = (seats or {}).get(document.get("user", {}).get("id", ""))
    request = request_of(document, seat)
    ours = document["torwart"]
    phase = Phase(ours["act"]["phase"])
    if phase in SEEN:
        raise NotReplayableError(NOBODY_ASKED)
    return Recorded(
        request=request,
        missing=missing_names(document) | (OF_THE_DIRECTORY if seat is None else NOTHING),
        action=Action(ours["act"]["action"]),
        phase=phase,
        reasons=tuple(reason["code"] for reason in ours.get("reasons", ())),
        rules=tuple(ours.get("rules", ())),
        observed=tuple(ours.get("observed", ())),
        version=ours.get("policy", {}).get("version"),
        event_id=document["event"]["id"],
        sequence=logged.sequence,
    )


def _stamp(time: datetime) -> str:
    """As events write it: times are compared as texts."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
