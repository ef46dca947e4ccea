"""The walk through the rules: which of them match an act. Rules that ask the same of the act are asked as one.

What a set of rules comes to that match together is worked out once for each such set and kept with the policy, which never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from policies.attributes import Facts
from policies.document import Effect
from policies.operators import EVALUATION_ERRORS
from policies.program import Program, program

if TYPE_CHECKING:
    from policies.rule import Rule

type Rules = tuple[Rule, ...]
type Outcomes = bytes
"""For each question of a walk: 1 if its rules match, 0 if they do not, 2 if it failed."""

_FALSE, _TRUE, _FAILED = 0, 1, 2
_REMEMBERED = 32
"""Of sets of rules that match together in one walk: what an act asks of road, status, time and counters has a handful of outcomes."""


@dataclass(frozen=True)
class Matched:
    """Rules that match an act, by what they do, each in its order."""

    allows: Rules
    requires: Rules
    obliges: Rules
    denies: Rules
    failed: Rules
    observed: tuple[tuple[Rule, bool], ...]
    """Rules in warn-only mode that matched, or failed (true)."""

    @cached_property
    def some(self) -> bool:
        """One of those that act on something is about some records only."""
        return any(rule.where is not None for rule in self.acting)

    @cached_property
    def granting(self) -> Rules:
        """Rules whose duties hold: where something is allowed, these say how."""
        return self.allows + self.obliges

    @cached_property
    def ruling(self) -> Rules:
        """Rules that an allowed act goes by."""
        return self.granting + self.requires

    @cached_property
    def acting(self) -> Rules:
        """All that matched and act on something."""
        return self.ruling + self.denies

    @cached_property
    def masking(self) -> Rules:
        """Those whose masks hold."""
        return tuple([rule for rule in self.granting if rule.masks])

    @cached_property
    def narrowing(self) -> Rules:
        """Those that may leave some clients only: of the own book, or up to a limit."""
        return tuple([rule for rule in self.granting if rule.keep_own or rule.limit is not None])

    @cached_property
    def whole(self) -> Rules:
        """Those whose act goes whole or not at all."""
        return tuple([rule for rule in self.granting if rule.whole])

    @cached_property
    def marking(self) -> Rules:
        """Those that tell the reviewer, or mark what goes out."""
        return tuple([rule for rule in self.granting if rule.text.notify or rule.text.watermark])

    @cached_property
    def needing(self) -> Rules:
        """Those that ask for something before the act happens."""
        return tuple([rule for rule in self.ruling if rule.need is not None])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Ids of the rules that an allowed act goes by."""
        return tuple([rule.id for rule in self.ruling])

    @cached_property
    def at_once(self) -> Matched:
        """Those that are about all records: what is about some waits until the answer is there."""
        if not self.some:
            return self
        allows, requires, obliges, denies = map(_about_all, (self.allows, self.requires, self.obliges, self.denies))
        return Matched(allows, requires, obliges, denies, self.failed, self.observed)

    @cached_property
    def conditions(self) -> Program:
        """What those that act ask of the records."""
        return program(rule.where for rule in self.acting)

    @cached_property
    def masked(self) -> Program:
        """What those with masks ask of the records."""
        return program(rule.where for rule in self.masking)

    @cached_property
    def watched(self) -> Program:
        """What those in warn-only mode ask of the records."""
        return program(rule.where for rule, failed in self.observed if not failed)


class Walk:
    """The rules that can apply to one kind of act of one kind of person."""

    def __init__(self, rules: Rules) -> None:
        questions: dict[object, list[Rule]] = {}
        for rule in rules:
            text = rule.text
            questions.setdefault((text.channels, text.status, text.reaches, text.when), []).append(rule)
        self._rules = rules
        self._asked = [same[0] for same in questions.values()]
        self._question = {id(rule): number for number, same in enumerate(questions.values()) for rule in same}
        self._found: dict[Outcomes, Matched] = {}

    def matched(self, facts: Facts) -> Matched:
        """Those that match."""
        outcomes = bytes([_outcome(rule, facts) for rule in self._asked])
        found = self._found.get(outcomes)
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[outcomes] = self._sorted(outcomes)
        return found

    def _sorted(self, outcomes: Outcomes) -> Matched:
        by_effect: Mapping[Effect, list[Rule]] = {effect: [] for effect in Effect}
        failed: list[Rule] = []
        observed: list[tuple[Rule, bool]] = []
        for rule in self._rules:
            outcome = outcomes[self._question[id(rule)]]
            if outcome == _FALSE:
                continue
            if rule.observed:
                observed.append((rule, outcome == _FAILED))
            else:
                (failed if outcome == _FAILED else by_effect[rule.effect]).append(rule)
        allows, requires, obliges, denies = (tuple(by_effect[one]) for one in (Effect.ALLOW, Effect.REQUIRE, Effect.OBLIGE, Effect.DENY))
        return Matched(allows, requires, obliges, denies, tuple(failed), tuple(observed))


def _about_all(rules: Rules) -> Rules:
    return tuple([rule for rule in rules if rule.where is None])


def matches(rule: Rule, facts: Facts) -> bool:
    """Whether a rule that can apply at the person's level does. Raises one of EVALUATION_ERRORS."""
    if rule.channels is not None and facts.context.channel not in rule.channels:
        return False
    if rule.statuses is not None and facts.principal.status not in rule.statuses:
        return False
    if rule.reach is not None and not rule.reach.reached(facts):
        return False
    return rule.when is None or rule.when(facts)


def _outcome(rule: Rule, facts: Facts) -> int:
    try:
        return _TRUE if matches(rule, facts) else _FALSE
    except EVALUATION_ERRORS:
        return _FAILED
