"""What a person may be given of a whole type of records, before any of them was read: always, never, or those for which a tree is true.

The act is known (who, when, by which road), the records are not: rules are worked out as far as the act goes, and what is left of their
`where` is the tree (`tree.py`). It can be pushed into the question to the CRM, so that what would be taken out is not read at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from policies.attributes import Facts
from policies.document import Effect
from policies.expression import compile_condition
from policies.hidden import masked_question
from policies.operators import EVALUATION_ERRORS
from policies.request import AccessRequest, Status
from policies.rule import Policy, Rule
from policies.shapes import FAILS, FALSE, TRUE, UNKNOWN, Truth, both, choice, opposite
from policies.tree import Compare, Node, Op, Tree, all_of, any_of
from policies.where import OWN, Both, Choice, Conditions, Leaf, Logic, Negation


class PlanKind(StrEnum):
    """Which records may be given out."""

    ALWAYS = "always"
    """All of them."""
    NEVER = "never"
    """None: the act is denied, whatever the records are."""
    CONDITIONAL = "conditional"
    """Those for which the tree is true."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of an act, by the act's name. Masks and requirements are no part of it: `decide` says them with the answer."""

    kind: PlanKind
    tree: Node | None
    """Of a conditional plan; else None."""
    exact: bool
    """True: of any records, `decide` keeps exactly those of the plan, where it allows the act by its name. False: at most those."""
    later: tuple[str, ...] = ()
    """Ids of the rules because of which it is not exact: something in them can only be judged with the answer."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that the plan is made of."""
    is_open: bool = False
    """A rule about single records says more than the tree: `decide` may take records out that the tree lets through."""


_OWN = Compare(OWN, Op.EQ, True)


@dataclass(slots=True)
class _Draft:
    """A plan that is being made: of each list of trees all must be true, of `allowed` any."""

    allowed: list[Tree] = field(default_factory=list)
    wanted: list[Tree] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    is_open: bool = False


def plan(request: AccessRequest, policy: Policy) -> Plan:
    """Which records of the resource's type the person may be given by this act. `request.resource.ids` is not looked at.

    What only the answer can say (counters after the act, how many clients were asked for) is taken as if it spoke for the person: an
    allow that may hold does, a deny that may hold does not, and the plan is not exact. The same goes for conditions that no tree can
    say. An act that turns out to be an export by its effect is judged again by `decide`, as all answers are.
    """
    principal = request.principal
    if principal.frozen or principal.status is Status.GONE or masked_question(request, policy):
        return Plan(PlanKind.NEVER, None, exact=True)
    facts = Facts(request, request.action)
    draft = _Draft()
    for rule in policy.applicable(request.action, request.resource.type, principal.roles, principal.level):
        if not rule.observed and _may_match(rule, facts) and not _add(rule, facts, draft):
            return Plan(PlanKind.NEVER, None, exact=True, rules=(rule.id,))
    tree = all_of((any_of(draft.allowed), *draft.wanted))
    later, rules = tuple(draft.later), tuple(draft.rules)
    if isinstance(tree, bool):
        if not tree:
            return Plan(PlanKind.NEVER, None, exact=True, rules=rules)
        return Plan(PlanKind.ALWAYS, None, exact=not later, later=later, rules=rules, is_open=draft.is_open)
    return Plan(PlanKind.CONDITIONAL, tree, exact=not later, later=later, rules=rules, is_open=draft.is_open)


def _may_match(rule: Rule, facts: Facts) -> bool:
    if rule.channels is not None and facts.context.channel not in rule.channels:
        return False
    return rule.statuses is None or facts.principal.status in rule.statuses


def _add(rule: Rule, facts: Facts, draft: _Draft) -> bool:
    """Add what a rule has to say; False: it denies the whole act for sure."""
    when = TRUE if rule.text.when is None else _Bound(facts).truth(_act(rule.text.when))
    sure = when.false is False and rule.reach is None
    if sure and (when == FAILS or (rule.effect is Effect.DENY and rule.where is None)):
        return False
    if when.true is False:
        return True
    bound = _Bound(facts)
    where = TRUE if rule.where is None else bound.truth(rule.where.logic)
    if not (bound.blurred or _says(rule, where)):
        return True
    draft.rules.append(rule.id)
    if not sure or bound.blurred or rule.limit is not None:
        draft.later.append(rule.id)
    if (rule.where is not None or rule.keep_own) and (bound.blurred or not sure):
        draft.is_open = True
    if rule.effect is Effect.ALLOW:
        draft.allowed.append(where.true)
    if sure:
        draft.wanted.extend(_wanted(rule, where))
    return True


def _says(rule: Rule, where: Truth) -> bool:
    """Whether a rule has anything to do with which records are kept."""
    narrows = rule.keep_own or rule.limit is not None or where.fine is not True
    return narrows or rule.effect is Effect.ALLOW or (rule.effect is Effect.DENY and rule.where is not None)


def _wanted(rule: Rule, where: Truth) -> Iterator[Tree]:
    yield where.fine
    if rule.effect is Effect.DENY:
        yield where.false
    if rule.keep_own:
        yield any_of((where.false, _OWN))


class _Bound:
    """Conditions with the act put in."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.blurred = False
        """Something in a condition is not known yet, or no tree can say it."""

    def truth(self, logic: Logic) -> Truth:
        """What is left of a condition."""
        match logic:
            case Leaf():
                found = self._leaf(logic)
                self.blurred = self.blurred or found is None
                return found or UNKNOWN
            case Both(parts, any_):
                return both([self.truth(part) for part in parts], any_=any_)
            case Negation(part):
                return opposite(self.truth(part))
            case Choice(test, yes, no):
                if _chooses(test):  # a choice stands in its tree twice: inside each other they would grow without bound
                    self.blurred = True
                    return UNKNOWN
                return choice(self.truth(test), self.truth(yes), self.truth(no))

    def _leaf(self, leaf: Leaf) -> Truth | None:
        if leaf.waits:
            return None
        try:
            if not leaf.attributes:
                found = leaf.run(self._facts, ())
                return TRUE if found is True else FALSE if found is False else FAILS
            return None if leaf.shape is None else leaf.shape(self._facts)
        except EVALUATION_ERRORS:
            return FAILS


def _chooses(logic: Logic) -> bool:
    match logic:
        case Choice():
            return True
        case Both(parts):
            return any(map(_chooses, parts))
        case Negation(part):
            return _chooses(part)
    return False


@lru_cache(maxsize=4_096)
def _act(condition: str) -> Logic:
    """The logic of a condition on the act."""
    return Conditions({}).act(compile_condition(condition).tree)
