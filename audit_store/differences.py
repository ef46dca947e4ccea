"""Recorded acts judged by two sets of rules: what would be different, for whom, how often. Bounded memory, whatever the record holds.

Each act is judged as it was, with what the person had had by then: what would have followed from another decision is not played through.
Which contact values went clear is as the masks of that time left them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from audit_store.event import Phase
from audit_store.replay import Recorded
from policies.compare import Kind, compare, verdict
from policies.decision import Allow, Challenge, Decision, Deny, Obligations
from policies.engine import decide
from policies.names import NamesUsed
from policies.request import AccessRequest, Action
from policies.rule import Policy

EXAMPLES = 3
"""Acts that are named of each line."""


class Effect(StrEnum):
    """What new rules would do to an act, the gravest first."""

    DENIED = "denied"
    """Denied now."""
    CHALLENGED = "challenged"
    """Allowed before, now something is asked for first."""
    FEWER = "fewer"
    """Fewer clients would go out."""
    MASKED = "masked"
    """More would be masked."""
    ALLOWED = "allowed"
    """Denied before, or something was asked for first; allowed now."""
    EASED = "eased"
    """Denied before, now something is asked for."""
    MORE = "more"
    """More clients would go out."""
    CLEAR = "clear"
    """Less would be masked."""
    OTHER = "other"
    """The same outcome, with another reason, need or duty."""


@dataclass(frozen=True, slots=True)
class Example:
    """One act, to be looked at (`torwart policy explain`)."""

    act_id: str
    at: datetime
    asked: int
    """Distinct clients."""
    own: int
    """Of these, in the person's own book."""
    before: int | None
    """Clients that may go out by the rules in force; None: not known, the CRM was not asked."""
    after: int | None
    reason: str
    """Code of the new decision's first reason."""
    said: str
    """What was decided then: `allow`, `challenge` or `deny`."""


@dataclass(slots=True)
class Line:
    """The acts of one kind of one person on which the new rules have one effect."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)


type Place = tuple[Effect, str, Action]
"""Effect, pseudonym, what the act was by its effect."""


@dataclass(slots=True)
class Differences:
    """The tally of two sets of rules."""

    old: Policy
    new: Policy
    acts: int = 0
    """Acts that were judged by both."""
    different: int = 0
    lines: dict[Place, Line] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    """Pseudonyms of all that were judged."""
    said: Counter[str] = field(default_factory=Counter)
    """What was decided then: verdict -> acts."""
    in_force: Counter[str] = field(default_factory=Counter)
    by_new: Counter[str] = field(default_factory=Counter)
    otherwise_then: int = 0
    """Acts that the rules in force would decide otherwise than it was decided then."""
    not_comparable: Counter[str] = field(default_factory=Counter)
    """Name that a rule looks at and the record does not hold -> acts that were not judged because of it (the first such name of each)."""
    observed_then: Counter[str] = field(default_factory=Counter)
    """Rule in warn-only mode -> acts that it would have stopped, or asked something of, as it was recorded."""
    observed_by_new: Counter[str] = field(default_factory=Counter)
    """The same, of the warn-only rules among the new ones."""
    _names: tuple[NamesUsed, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._names = (NamesUsed(self.old), NamesUsed(self.new))

    def add(self, act: Recorded) -> None:
        """Judge one act by both."""
        request = act.request
        self.observed_then.update(act.observed)
        for names in self._names:
            if lacking := names.by(request) & act.missing:
                self.not_comparable[min(lacking)] += 1
                return
        old, new = decide(request, self.old), decide(request, self.new)
        self.acts += 1
        self.people.add(act.pseudonym)
        said, before = said_then(act.phase), verdict(old)
        self.said[said] += 1
        self.in_force[before] += 1
        self.by_new[verdict(new)] += 1
        self.otherwise_then += said != before
        self.observed_by_new.update(new.observed)
        if _same(old, new):
            return
        found = effects(old, new, request)
        self.different += bool(found)
        for effect in found:
            self._note(effect, act, old, new, said)

    def _note(self, effect: Effect, act: Recorded, old: Decision, new: Decision, said: str) -> None:
        request = act.request
        line = self.lines.setdefault((effect, act.pseudonym, act.action), Line())
        line.count += 1
        if len(line.examples) < EXAMPLES:
            resource = request.resource
            reason = new.reasons[0].reason.code if new.reasons else ""
            counts = len(resource.ids or ()), len(resource.own)
            line.examples.append(Example(act.act_id, act.at, *counts, going(old, request), going(new, request), reason, said))


def effects(old: Decision, new: Decision, request: AccessRequest) -> tuple[Effect, ...]:
    """What is different, the gravest first; empty: nothing but the names of rules."""
    before, after = verdict(old), verdict(new)
    if before != after:
        match after:
            case "deny":
                return (Effect.DENIED,)
            case "challenge":
                return (Effect.CHALLENGED if before == "allow" else Effect.EASED,)
            case _:
                return (Effect.ALLOWED,)
    comparison = compare(old, new, request)
    if comparison.kind is Kind.SAME:
        return ()
    found: list[Effect] = []
    if not (isinstance(old, Deny) or isinstance(new, Deny)):
        had, has = going(old, request), going(new, request)
        if had is not None and has is not None and had != has:
            found.append(Effect.FEWER if has < had else Effect.MORE)
        masks = compare(_masks_of(old), _masks_of(new), request).changes
        found += [effect for kind, effect in _OF_MASKS.items() if any(change.kind is kind for change in masks)]
    return tuple(sorted(found, key=_ORDER.__getitem__)) or (Effect.OTHER,)


def going(decision: Decision, request: AccessRequest) -> int | None:
    """Distinct clients that may go out, now or after what is asked for; None while they are not known."""
    if isinstance(decision, Deny):
        return 0
    keep = decision.obligations.keep
    if keep is not None:
        return len(keep)
    return None if request.resource.ids is None else len(request.resource.ids)


def said_then(phase: Phase) -> str:
    """The verdict that the last event of an act tells of."""
    match phase:
        case Phase.ALLOWED | Phase.RELEASED | Phase.CONFIRMED:
            return "allow"
        case Phase.HELD | Phase.NOT_CONFIRMED:
            return "challenge"
        case Phase.DENIED:
            return "deny"
        case Phase.OBSERVED | Phase.PUT_ASIDE | Phase.PUT_BACK:
            raise ValueError("nobody decided on what was only seen")
    assert_never(phase)


_OF_MASKS = {Kind.NARROWER: Effect.MASKED, Kind.WIDER: Effect.CLEAR}
_ORDER = {effect: place for place, effect in enumerate(Effect)}


def _masks_of(decision: Allow | Challenge) -> Allow:
    return Allow((), Obligations(masks=decision.obligations.masks))


def _same(old: Decision, new: Decision) -> bool:
    """The ordinary case, without a comparison of its parts: the same but for the names of rules."""
    match old, new:
        case (Allow(), Allow()):
            return old.obligations == new.obligations
        case (Challenge(), Challenge()):
            return old.reasons == new.reasons and old.need == new.need and old.obligations == new.obligations
        case (Deny(), Deny()):
            return old.reasons == new.reasons and old.quarantine == new.quarantine
        case _:
            return False
