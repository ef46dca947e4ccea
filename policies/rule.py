"""A policy ready to decide: the rules that documents are compiled to, indexed by what they can apply to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from policies.attributes import RECORD, Attributes, Facts, ResourceType
from policies.document import ANSWER, ANY, Effect, LimitText, Mode, PolicyText, RuleText, ThresholdText
from policies.effect import EXPORTS, READING
from policies.expression import compile_condition
from policies.masks import Mask
from policies.needs import Need
from policies.reasons import REASONS, Reason
from policies.request import Action, Channel, Level, Status
from policies.shares import Counter, Limit, Reach, Share
from policies.walk import Walk
from policies.where import OWN, Conditions, Where

_REMEMBERED = 10_000
"""Of combinations of act, level and roles: a company has some hundred."""
_REMEMBERED_WALKS = 1_000
"""Of the same combinations: a walk takes more room than its rules."""


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
    where: Where | None
    """None: about all records."""
    reach: Reach | None
    reason: Reason
    masks: Mapping[str, Mask]
    mask_all: bool
    """Also clients of the own book."""
    keep_own: bool
    whole: bool
    limit: Limit | None
    need: Need | None
    text: RuleText
    """As it is at these levels."""


type Place = tuple[str, str]
"""An action and a type of resource."""
_MASKING = "masking"
"""In the place of an action: what masks on any that reads."""
type _Asked = tuple[str, str, str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy, ready to decide."""

    version: str
    rules: tuple[Rule, ...]
    threshold: ThresholdText
    record: Attributes
    """What `where` may ask of a record."""
    index: Mapping[Place, tuple[Rule, ...]] = field(repr=False)
    _found: dict[_Asked, tuple[Rule, ...]] = field(default_factory=dict, repr=False, compare=False)
    _walks: dict[_Asked, Walk] = field(default_factory=dict, repr=False, compare=False)

    def applicable(self, action: Action, resource: str, roles: frozenset[str], level: Level | None = None) -> tuple[Rule, ...]:
        """The rules that can match, in their order: no other rule costs anything. Without a level, those of all levels."""
        asked = (action._value_, resource, "" if level is None else level._value_, roles)  # the words themselves: hashed in C
        found = self._found.get(asked)
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[asked] = tuple(self._select(action, resource, roles, level))
        return found

    def walk(self, action: Action, resource: str, roles: frozenset[str], level: Level) -> Walk:
        """The walk through the rules that can match."""
        asked = (action._value_, resource, level._value_, roles)
        found = self._walks.get(asked)
        if found is None:
            if len(self._walks) >= _REMEMBERED_WALKS:
                self._walks.clear()
            found = self._walks[asked] = Walk(self.applicable(action, resource, roles, level))
        return found

    def masking(self, resource: str, roles: frozenset[str], level: Level) -> tuple[Rule, ...]:
        """The rules that mask fields on any act that reads, each once."""
        asked = (_MASKING, resource, level._value_, roles)
        found = self._found.get(asked)
        if found is None:
            places = dict.fromkeys((resource, ResourceType.CLIENT.value))  # other records lead to fields of clients
            rules = [rule for action in READING for place in places for rule in self.applicable(action, place, roles, level)]
            masking = {id(rule): rule for rule in rules if rule.masks and not rule.observed}
            found = self._found[asked] = tuple(masking.values())
        return found

    def attributes_needed(self, action: Action, resource: str, roles: frozenset[str]) -> frozenset[str]:
        """The attributes of records that must come with this act (`Resource.records`), because a rule that can match asks for them.

        What is no export by name may be one by its effect, so what the rules on exports ask for is among them.
        """
        rules = self.applicable(action, resource, roles)
        if action not in EXPORTS:
            rules += self.applicable(Action.EXPORT, resource, roles)
        return frozenset().union(*[rule.where.attributes for rule in rules if rule.where is not None]) - {OWN}

    def _select(self, action: Action, resource: str, roles: frozenset[str], level: Level | None) -> Iterator[Rule]:
        for rule in self.index.get((action.value, resource), ()):
            if (rule.roles is None or not rule.roles.isdisjoint(roles)) and (level is None or rule.levels is None or level in rule.levels):
                yield rule


def compiled(texts: Iterable[PolicyText], version: str, record: Attributes = RECORD) -> Policy:
    """Compile documents whose rules are valid and whose ids differ. Raises ExpressionError for a condition that is not.

    `record`: the attributes that `where` may ask for.
    """
    documents = list(texts)
    conditions = Conditions(record)
    rules = tuple(rule for document in documents for text in document.rules for rule in _rules(text, version, conditions))
    thresholds = [document.export_threshold for document in documents if document.export_threshold] or [ThresholdText()]
    strictest = ThresholdText(answer=min(t.answer for t in thresholds), minute=min(t.minute for t in thresholds))
    return Policy(version, rules, strictest, record, _index(rules))


def _index(rules: tuple[Rule, ...]) -> Mapping[Place, tuple[Rule, ...]]:
    index: dict[Place, list[Rule]] = {}
    for rule in rules:
        for action in _named(rule.text.actions, Action):
            for resource in ResourceType if rule.text.resource == ANY else (rule.text.resource,):
                index.setdefault((action.value, resource), []).append(rule)
    return {place: tuple(here) for place, here in index.items()}


def _named(actions: str | frozenset[Action], all_: Iterable[Action]) -> Iterable[Action]:
    return all_ if isinstance(actions, str) else actions


def _rules(text: RuleText, version: str, conditions: Conditions) -> Iterator[Rule]:
    """The rule, once for all levels at which it is the same."""
    special = frozenset(text.levels or ())
    usual = frozenset(Level) - special
    if usual:
        yield _rule(text, version, usual if special else None, conditions)
    for level in sorted(special):
        yield _rule(text.at(level), version, frozenset({level}), conditions)


def _rule(text: RuleText, version: str, levels: frozenset[Level] | None, conditions: Conditions) -> Rule:
    reach, limit = text.reaches, text.limit
    return Rule(
        id=f"{version}:{text.id}",
        effect=text.effect,
        levels=levels,
        observed=text.mode is Mode.OBSERVE,
        roles=None if isinstance(text.roles, str) else text.roles,
        statuses=text.status,
        channels=text.channels,
        when=None if text.when is None else compile_condition(text.when).holds,
        where=None if text.where is None else conditions.where(text.where),
        reach=Reach(_counter(reach.counter), Share(reach.percent, reach.of, reach.count or 0)) if reach else None,
        reason=REASONS[text.reason or "allowed"],
        masks=text.masks or {},
        mask_all=text.masked_for != "others",
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
