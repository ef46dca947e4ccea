"""Why a decision is what it is: every rule that could apply, whether it matched, and by which condition it did not.

The same rules are asked by the same functions as `decide` asks them. A trace holds ids of rules, outcomes and counts; no client's id and
no value, so that it can be shown to whoever may see the decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policies.attributes import Facts
from policies.columns import Columns
from policies.decision import Decision
from policies.effect import effective_action
from policies.engine import decide
from policies.operators import EVALUATION_ERRORS
from policies.program import program
from policies.request import AccessRequest, Action, Level
from policies.rule import Policy, Rule
from policies.walk import matches


class Outcome(StrEnum):
    """What became of a rule."""

    MATCHED = "matched"
    OTHER_CHANNEL = "other_channel"
    """The act came by another road."""
    OTHER_STATUS = "other_status"
    """The person has another employment status."""
    NOT_REACHED = "not_reached"
    """The counter did not reach the share or number."""
    CONDITION_FALSE = "condition_false"
    NO_RECORD = "no_record"
    """It matched, but is about none of the clients."""
    FAILED = "failed"
    """The condition raised: the act is denied."""
    OBSERVED = "observed"
    """It matched or failed, but only warns."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of the walk."""

    rule: str
    effect: str
    outcome: Outcome
    about: str
    records: int | None = None
    """Clients that the rule is about, if it is about some only and the answer is there."""
    failed: int = 0
    """Clients for which its condition raised: they are denied."""
    levels: tuple[Level, ...] = ()
    """The person's level is one of these, and the rule is different at others; empty: it is the same at all."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with its whole trace."""

    decision: Decision
    action: Action
    """The class of the act by its effect, which may differ from its name."""
    steps: tuple[Step, ...]


def explain(request: AccessRequest, policy: Policy) -> Explanation:
    """Decide, and say what every rule had to do with it.

    Laws that stand above the rules (frozen, gone, a question on what is masked) are seen in the decision's reason only.
    """
    action = effective_action(request, policy.threshold)
    facts = Facts(request, action)
    columns = Columns(facts, policy.record) if facts.known else None
    rules = policy.applicable(action, request.resource.type, request.principal.roles, request.principal.level)
    return Explanation(decide(request, policy), action, tuple(_step(rule, facts, columns) for rule in rules))


def _step(rule: Rule, facts: Facts, columns: Columns | None) -> Step:
    outcome = _outcome(rule, facts)
    records, failed = None, 0
    if rule.where is not None and columns is not None and outcome is Outcome.MATCHED:
        asked = columns.judge(program([rule.where]))
        records, failed = asked.sets[asked.places[rule.where]].bit_count(), asked.failed.get(rule.where, 0).bit_count()
        if not records:
            outcome = Outcome.FAILED if failed else Outcome.NO_RECORD
    if rule.observed and outcome in (Outcome.MATCHED, Outcome.FAILED):
        outcome = Outcome.OBSERVED
    return Step(rule.id, rule.effect.value, outcome, rule.text.about, records, failed, tuple(sorted(rule.levels or ())))


def _outcome(rule: Rule, facts: Facts) -> Outcome:
    try:
        if matches(rule, facts):
            return Outcome.MATCHED
        if rule.channels is not None and facts.context.channel not in rule.channels:
            return Outcome.OTHER_CHANNEL
        if rule.statuses is not None and facts.principal.status not in rule.statuses:
            return Outcome.OTHER_STATUS
        if rule.reach is not None and not rule.reach.reached(facts):
            return Outcome.NOT_REACHED
    except EVALUATION_ERRORS:
        return Outcome.FAILED
    return Outcome.CONDITION_FALSE
