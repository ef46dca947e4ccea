"""A policy: the documents that people write, and the rules that they are compiled to, indexed by what they can apply to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from policies.attributes import COUNTERS, Facts, ResourceType
from policies.decision import MaskKind, RequirementKind
from policies.expression import compile_condition
from policies.reasons import REASONS, Reason
from policies.request import Action, Counts, Status, Usage

ANY: Literal["any"] = "any"

type Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
type Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False, strict=True)]
type Count = Annotated[int, Field(gt=0, strict=True)]


class Effect(StrEnum):
    """What a rule does when it matches."""

    ALLOW = "allow"
    DENY = "deny"
    """Wins over every allow."""
    REQUIRE = "require"
    """Allows nothing by itself; adds what is missing to an act that another rule allows."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, populate_by_name=True)


class Of(StrEnum):
    """What a share is a share of."""

    BASE = "base"
    """All clients of the company."""
    BOOK = "book"
    """The person's own clients."""


class _Counting(_Document):
    counter: Annotated[str, Field(description="A member of `Counts`, for example `exported_day`.")]

    @field_validator("counter")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in COUNTERS:
            raise ValueError(f"{name!r} is not a counter; one of " + ", ".join(sorted(COUNTERS)))
        return name


class ReachText(_Counting):
    """`reaches`: the act would add to a counter and bring it to this share or number (or it stands there already and is added to)."""

    percent: Percent | None = None
    of: Of = Of.BASE
    count: Count | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.percent is None) == (self.count is None):
            raise ValueError("give either percent or count")
        return self


class LimitText(_Counting):
    """`limit`: at most this share a day, what the counter holds already included."""

    percent: Percent
    of: Of = Of.BASE
    at_least: Annotated[int, Field(ge=0, le=100, strict=True, description="For very small bases, where the share would be 0.")] = 0
    reason: str

    @field_validator("reason")
    @classmethod
    def _reason(cls, code: str) -> str:
        return _known_reason(code)


class ThresholdText(_Document):
    """From how many clients with clear contact fields on an act is an export, whatever it is called (attacks X6)."""

    answer: Count = 200
    """More than this many in one answer."""
    minute: Count = 300
    """More than this many in a sliding minute."""


class RuleText(_Document):
    """One rule as it is written."""

    id: Word
    about: str = ""
    """What the rule is for, for whoever reads the file."""
    roles: Literal["any"] | Annotated[frozenset[Word], Field(min_length=1)]
    actions: Literal["any"] | Annotated[frozenset[Action], Field(min_length=1)]
    resource: ResourceType | Literal["any"]
    status: Annotated[frozenset[Status], Field(min_length=1)] | None = None
    """Only for people in one of these employment statuses."""
    when: Annotated[str, Field(min_length=1)] | None = None
    reaches: ReachText | None = None
    effect: Effect
    reason: str | None = None
    masks: Annotated[dict[Word, MaskKind], Field(min_length=1)] | None = None
    masked_for: Literal["others", "all"] | None = Field(default=None, alias="for")
    keep: Literal["own", "all"] = "all"
    whole: Annotated[bool, Field(strict=True)] = False
    """The answer cannot be cut: if not everything may go, nothing goes."""
    limit: LimitText | None = None
    require: RequirementKind | None = None

    @field_validator("reason")
    @classmethod
    def _reason(cls, code: str | None) -> str | None:
        return None if code is None else _known_reason(code)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        given = [name for name in ("masks", "limit", "require") if getattr(self, name) is not None]
        given += ["keep"] if self.keep == "own" else []
        if self.effect is Effect.DENY and given:
            raise ValueError(f"a deny has no {' and no '.join(given)}: take it out, or allow")
        if self.effect is Effect.REQUIRE and self.require is None:
            raise ValueError("effect require needs `require: key`")
        if self.reason is None and (self.effect is not Effect.ALLOW or self.require is not None):
            raise ValueError("a rule that denies or requires something needs a reason")
        if (self.masks is None) != (self.masked_for is None):
            raise ValueError("masks and `for: others` or `for: all` belong together")
        if self.effect is Effect.ALLOW and self.actions == ANY and self.resource in (ANY, ResourceType.CLIENT):
            raise ValueError("an allow on clients names its actions: `any` would allow acts that do not exist yet")
        return self


class PolicyText(_Document):
    """One file of rules."""

    about: str = ""
    export_threshold: ThresholdText | None = None
    rules: list[RuleText] = Field(default_factory=list)


def _known_reason(code: str) -> str:
    if code not in REASONS:
        raise ValueError(f"{code!r} is not a reason; one of " + ", ".join(sorted(REASONS)))
    return code


@dataclass(frozen=True, slots=True)
class Share:
    """A number of clients, given as a number or as a share of a base or a book."""

    percent: float | None
    of: Of
    count: int = 0
    """The number itself, or the least number of a share."""

    def reached_by(self, count: int, usage: Usage) -> bool:
        """Whether this many clients are at least the share."""
        if self.percent is None:
            return count >= self.count
        return count * 100 >= self.percent * self._whole(usage)

    def clients(self, usage: Usage) -> int:
        """The share as whole clients, rounded down."""
        return self.count if self.percent is None else max(self.count, int(self.percent * self._whole(usage) / 100))

    def percent_of(self, count: int, usage: Usage) -> int:
        """`count` in whole percent of the base or book."""
        return count * 100 // max(1, self._whole(usage))

    def _whole(self, usage: Usage) -> int:
        return usage.base if self.of is Of.BASE else usage.book


type Counter = Callable[[Counts], int]


@dataclass(frozen=True, slots=True)
class Reach:
    """A compiled `reaches`."""

    counter: Counter
    share: Share

    def reached(self, facts: Facts) -> bool:
        """The act adds to the counter and the counter would stand at the share or beyond."""
        usage = facts.usage
        after = self.counter(usage.after)
        return after > self.counter(usage.before) and self.share.reached_by(after, usage)


@dataclass(frozen=True, slots=True)
class Limit:
    """A compiled `limit`."""

    counter: Counter
    share: Share
    reason: Reason

    def left(self, usage: Usage) -> int:
        """Clients that may still go today."""
        return max(0, self.share.clients(usage) - self.counter(usage.before))


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule."""

    id: str
    """`policy-version:rule-id`."""
    effect: Effect
    roles: frozenset[str] | None
    statuses: frozenset[Status] | None
    when: Callable[[Facts], bool] | None
    reach: Reach | None
    reason: Reason
    masks: Mapping[str, MaskKind]
    mask_all: bool
    keep_own: bool
    whole: bool
    limit: Limit | None
    requirement: RequirementKind | None
    text: RuleText


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
    rules = tuple(_rule(text, version) for document in documents for text in document.rules)
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


def _rule(text: RuleText, version: str) -> Rule:
    reach, limit = text.reaches, text.limit
    return Rule(
        id=f"{version}:{text.id}",
        effect=text.effect,
        roles=None if isinstance(text.roles, str) else text.roles,
        statuses=text.status,
        when=None if text.when is None else compile_condition(text.when).holds,
        reach=Reach(_counter(reach.counter), Share(reach.percent, reach.of, reach.count or 0)) if reach else None,
        reason=REASONS[text.reason or "allowed"],
        masks=text.masks or {},
        mask_all=text.masked_for == "all",
        keep_own=text.keep == "own",
        whole=text.whole,
        limit=Limit(_counter(limit.counter), Share(limit.percent, limit.of, limit.at_least), REASONS[limit.reason]) if limit else None,
        requirement=text.require,
        text=text,
    )


def _counter(name: str) -> Counter:
    getter: Counter = attrgetter(name)
    return getter
