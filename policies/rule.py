"""A policy ready to decide: the rules that documents are compiled to, indexed by what they can apply to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from policies.attributes import Facts, ResourceType
from policies.document import ANSWER, ANY, Effect, LimitText, Mode, PolicyText, RuleText, ThresholdText
from policies.expression import compile_condition
from policies.masks import Mask
from policies.needs import Need
from policies.reasons import REASONS, Reason
from policies.request import Action, Channel, Level, Status
from policies.shares import Counter, Limit, Reach, Share
from policies.syntax import ExpressionError


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule."""

    id: str
    """`policy-version:rule-id`."""
    effect: Effect
    levels: frozenset[Level] | None
    """None: at every level."""
    observed: bool
    """Warn only."""
    roles: frozenset[str] | None
    statuses: frozenset[Status] | None
    channels: frozenset[Channel] | None
    when: Callable[[Facts], bool] | None
    reach: Reach | None
    reason: Reason
    masks: Mapping[str, Mask]
    mask_all: bool
    keep_own: bool
    whole: bool
    limit: Limit | None
    need: Need | None
    text: RuleText
    """As it is at these levels."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rules for one action on one type of resource, in their order."""

    by_role: Mapping[str, tuple[Rule, ...]]
    """Role -> the rules for it and for anybody."""
    anybody: tuple[Rule, ...]
    all: tuple[Rule, ...]


type Place = tuple[Action, str]


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy, ready to decide."""

    version: str
    rules: tuple[Rule, ...]
    threshold: ThresholdText
    index: Mapping[Place, Candidates] = field(repr=False)

    def applicable(self, action: Action, resource: str, roles: frozenset[str]) -> tuple[Rule, ...]:
        """The rules that can match, in their order: no other rule costs anything."""
        here = self.index.get((action, resource))
        if here is None:
            return ()
        known = [role for role in roles if role in here.by_role]
        if len(known) == 1:
            return here.by_role[known[0]]
        if not known:
            return here.anybody
        return tuple(rule for rule in here.all if rule.roles is None or not rule.roles.isdisjoint(roles))


def compiled(texts: Iterable[PolicyText], version: str) -> Policy:
    """Compile documents whose rules are valid and whose ids differ. Raises ExpressionError for a condition that is not."""
    documents = list(texts)
    rules = tuple(rule for document in documents for text in document.rules for rule in _rules(text, version))
    thresholds = [document.export_threshold for document in documents if document.export_threshold] or [ThresholdText()]
    strictest = ThresholdText(answer=min(t.answer for t in thresholds), minute=min(t.minute for t in thresholds))
    return Policy(version, rules, strictest, _index(rules))


def _index(rules: tuple[Rule, ...]) -> Mapping[Place, Candidates]:
    index: dict[Place, Candidates] = {}
    for action in Action:
        for resource in ResourceType:
            here = tuple(rule for rule in rules if _covers(rule.text.actions, action) and rule.text.resource in (resource, ANY))
            by_role: dict[str, list[Rule]] = {role: [] for rule in here for role in rule.roles or ()}
            anybody: list[Rule] = []
            for rule in here:
                for asked in (anybody, *by_role.values()) if rule.roles is None else (by_role[role] for role in rule.roles):
                    asked.append(rule)
            index[action, resource.value] = Candidates({role: tuple(asked) for role, asked in by_role.items()}, tuple(anybody), here)
    return index


def _covers(actions: str | frozenset[Action], action: Action) -> bool:
    return isinstance(actions, str) or action in actions


def _rules(text: RuleText, version: str) -> Iterator[Rule]:
    """The rule, once for all levels at which it is the same."""
    special = frozenset(text.levels or ())
    usual = frozenset(Level) - special
    if usual:
        yield _rule(text, version, usual if special else None)
    for level in sorted(special):
        yield _rule(text.at(level), version, frozenset({level}))


def _rule(text: RuleText, version: str, levels: frozenset[Level] | None) -> Rule:
    reach, limit = text.reaches, text.limit
    if text.where is not None:
        raise ExpressionError("where is not known yet", 0)
    return Rule(
        id=f"{version}:{text.id}",
        effect=text.effect,
        levels=levels,
        observed=text.mode is Mode.OBSERVE,
        roles=None if isinstance(text.roles, str) else text.roles,
        statuses=text.status,
        channels=text.channels,
        when=None if text.when is None else compile_condition(text.when).holds,
        reach=Reach(_counter(reach.counter), Share(reach.percent, reach.of, reach.count or 0)) if reach else None,
        reason=REASONS[text.reason or "allowed"],
        masks=text.masks or {},
        mask_all=text.masked_for == "all",
        keep_own=text.keep == "own",
        whole=text.whole,
        limit=_limit(limit) if limit else None,
        need=text.require,
        text=text,
    )


def _limit(text: LimitText) -> Limit:
    least = text.at_least if text.count is None else text.count
    return Limit(_counter(text.counter), Share(text.percent, text.of, least), REASONS[text.reason])


def _counter(name: str) -> Counter:
    if name == ANSWER:
        return lambda counts: 0
    getter: Counter = attrgetter(name)
    return getter
