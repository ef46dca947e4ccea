"""Why a decision is what it is: every rule that could apply, whether it matched, and by which condition it did not.

It is the engine's own walk with one ear more: the same rules, the same conditions, the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policies.attributes import Facts
from policies.decision import Decision
from policies.effect import effective_action
from policies.engine import decide, matches
from policies.operators import EVALUATION_ERRORS
from policies.request import AccessRequest, Action
from policies.rule import Policy, Rule


class Outcome(StrEnum):
    """What became of a rule."""

    MATCHED = "matched"
    OTHER_STATUS = "other_status"
    """The person has another employment status."""
    NOT_REACHED = "not_reached"
    """The counter did not reach the share or number."""
    CONDITION_FALSE = "condition_false"
    FAILED = "failed"
    """The condition raised: the act is denied."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of the walk."""

    rule: str
    effect: str
    outcome: Outcome
    about: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with its whole trace."""

    decision: Decision
    action: Action
    """The class of the act by its effect, which may differ from its name."""
    steps: tuple[Step, ...]


def explain(request: AccessRequest, policy: Policy) -> Explanation:
    """Decide, and say what every rule had to do with it."""
    action = effective_action(request, policy.threshold)
    facts = Facts(request, action)
    rules = policy.applicable(action, request.resource.type, request.principal.roles)
    steps = tuple(Step(rule.id, rule.effect.value, _outcome(rule, facts), rule.text.about) for rule in rules)
    return Explanation(decide(request, policy), action, steps)


def _outcome(rule: Rule, facts: Facts) -> Outcome:
    try:
        if matches(rule, facts):
            return Outcome.MATCHED
        if rule.statuses is not None and facts.principal.status not in rule.statuses:
            return Outcome.OTHER_STATUS
        if rule.reach is not None and not rule.reach.reached(facts):
            return Outcome.NOT_REACHED
    except EVALUATION_ERRORS:
        return Outcome.FAILED
    return Outcome.CONDITION_FALSE
