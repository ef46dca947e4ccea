"""The documents that people write: one file of rules, checked by pydantic. What they are compiled to is in `rule.py`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, field_validator, model_validator

from policies.attributes import COUNTERS, ResourceType
from policies.masks import Mask, MaskKind
from policies.needs import BY_CODE, Acknowledge, AllOf, AnyOf, Approval, Code, Justify, Key, Need, RequirementKind, kinds
from policies.reasons import REASONS
from policies.request import Action, Channel, KeyClass, Level, Status
from policies.shares import Of

ANY: Literal["any"] = "any"
ANSWER = "answer"
"""What a `limit` may count besides the counters of `Counts`: the clients of this one answer."""
MAX_NEEDS = 8
"""In one `require`, and as deep: more than that nobody can read."""
KEY_CLASSES = {"any": KeyClass.SYNCED, "hardware": KeyClass.HARDWARE, "verified": KeyClass.VERIFIED}
"""How `class` of a key is written: at least that."""

type Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
"""a name"""
type Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False, strict=True)]
"""a number above 0, 100 at most"""
type Count = Annotated[int, Field(gt=0, strict=True)]
"""a whole number, 1 at least"""


class Effect(StrEnum):
    """What a rule does when it matches."""

    ALLOW = "allow"
    """The act may happen, with the masks, limits and needs of the rule."""
    DENY = "deny"
    """The act does not happen. Wins over every allow."""
    REQUIRE = "require"
    """Allows nothing by itself; adds what is missing to an act that another rule allows."""
    OBLIGE = "oblige"
    """Allows nothing by itself; adds masks, limits or other duties to an act that another rule allows."""


class Mode(StrEnum):
    """Whether a rule acts."""

    ENFORCE = "enforce"
    """It acts."""
    OBSERVE = "observe"
    """Warn only: the record says what the rule would have done."""


def read_mask(value: Any) -> Mask:
    """`hide`, `null`, `hash`, `pseudonym`, `{last: 3}`, `{round: 1000}`, `{date: year}`. Raises ValueError."""
    match value:
        case Mask():
            return value
        case None | "null":
            return Mask(MaskKind.NULL)
        case "hide" | "hash" | "pseudonym":
            return Mask(MaskKind(value))
        case {"last": int(size)} if len(value) == 1 and not isinstance(size, bool) and 1 <= size <= 8:
            return Mask(MaskKind.LAST, size)
        case {"round": int(size)} if len(value) == 1 and not isinstance(size, bool) and size >= 1:
            return Mask(MaskKind.ROUND, size)
        case {"date": ("month" | "year") as unit} if len(value) == 1:
            return Mask(MaskKind.DATE, unit=unit)
    raise ValueError("a mask is hide, null, hash, pseudonym, {last: 1 to 8}, {round: 1000} or {date: month or year}")


def written_mask(mask: Mask) -> object:
    """A mask as it is written in a file."""
    match mask.kind:
        case MaskKind.LAST | MaskKind.ROUND:
            return {mask.kind.value: mask.size}
        case MaskKind.DATE:
            return {"date": mask.unit}
        case _:
            return mask.kind.value


def read_need(value: Any, depth: int = 0) -> Need:
    """`key`, `{key: {fresh: 300, class: verified}}`, `{approval: {count: 2, role: owner, expires: 3600}}`, `justify`,
    `acknowledge`, `code`, `{all: [...]}`, `{any: [...]}`. Durations are seconds. Raises ValueError."""
    match value:
        case Key() | Code() | Approval() | Justify() | Acknowledge() | AllOf() | AnyOf():
            return value
        case "key":
            return Key()
        case "code":
            return Code()
        case "justify":
            return Justify()
        case "acknowledge":
            return Acknowledge()
        case "approval":
            return Approval()
        case {"key": dict(about)} if len(value) == 1:
            return _key(about)
        case {"approval": dict(about)} if len(value) == 1:
            return _approval(about)
        case {"all": list(parts)} | {"any": list(parts)} if len(value) == 1 and 2 <= len(parts) <= MAX_NEEDS and depth < MAX_NEEDS:
            needs = tuple(read_need(part, depth + 1) for part in parts)
            return AllOf(needs) if "all" in value else AnyOf(needs)
    raise ValueError("require is key, code, approval, justify, acknowledge, or {all: [...]} or {any: [...]} of two and more of them")


def _key(about: dict[str, Any]) -> Key:
    unknown = about.keys() - {"fresh", "class"}
    if unknown:
        raise ValueError(f"a key has fresh and class, not {min(unknown)!r}")
    word = about.get("class", "hardware")
    if not isinstance(word, str) or word not in KEY_CLASSES:
        raise ValueError("class of a key is " + ", ".join(KEY_CLASSES))
    return Key(_seconds({"fresh": about.get("fresh", 0)}, "fresh", 0, least=0), KEY_CLASSES[word])


def _approval(about: dict[str, Any]) -> Approval:
    unknown = about.keys() - {"count", "role", "expires"}
    if unknown:
        raise ValueError(f"an approval has count, role and expires, not {min(unknown)!r}")
    count, role = about.get("count", 1), about.get("role", "owner")
    if type(count) is not int or not 1 <= count <= MAX_NEEDS:
        raise ValueError(f"count of an approval is 1 to {MAX_NEEDS}")
    if not isinstance(role, str) or not role:
        raise ValueError("role of an approval is a word, for example owner")
    return Approval(count, role, _seconds({"expires": about.get("expires", 3_600)}, "expires", 3_600, least=1))


def _seconds(about: dict[str, Any], name: str, default: int, *, least: int) -> int:
    unknown = about.keys() - {name}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is not known here; {name} is")
    seconds = about.get(name, default)
    if type(seconds) is not int or not least <= seconds <= 30 * 86_400:
        raise ValueError(f"{name} is a number of seconds, {least} to 2592000")
    return seconds


def written_need(need: Need) -> object:
    """A need as it is written in a file."""
    match need:
        case Key(fresh, least):
            about: dict[str, object] = {"fresh": fresh} if fresh else {}
            if least is not Key().key_class:
                about["class"] = next(word for word, meant in KEY_CLASSES.items() if meant is least)
            return {"key": about} if about else "key"
        case Code():
            return "code"
        case Approval(count, role, expires):
            return {"approval": {"count": count, "role": role, "expires": expires}}
        case Justify():
            return "justify"
        case Acknowledge():
            return "acknowledge"
        case AllOf(needs):
            return {"all": [written_need(one) for one in needs]}
        case AnyOf(needs):
            return {"any": [written_need(one) for one in needs]}


type MaskText = Annotated[Mask, BeforeValidator(read_mask), PlainSerializer(written_mask)]
"""a mask"""
type NeedText = Annotated[
    Key | Code | Approval | Justify | Acknowledge | AllOf | AnyOf, BeforeValidator(read_need), PlainSerializer(written_need)
]
"""a need"""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, populate_by_name=True)


class ReachText(_Document):
    """`reaches`: the act would add to a counter and bring it to this share or number (or it stands there already and is added to)."""

    counter: str
    """What is counted, for example `exported_day`."""
    percent: Percent | None = None
    """From this share on. Give either this or `count`."""
    of: Of = Of.BASE
    """What it is a share of."""
    count: Count | None = None
    """From this number of clients on."""

    @field_validator("counter")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_counter(name, COUNTERS)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.percent is None) == (self.count is None):
            raise ValueError("give either percent or count")
        return self


class LimitText(_Document):
    """`limit`: at most this share or number, what the counter holds already included."""

    counter: str
    """What is counted, or `answer`: the clients of this one answer."""
    percent: Percent | None = None
    """At most this share. Give either this or `count`."""
    count: Count | None = None
    """At most this number of clients."""
    of: Of = Of.BASE
    """What it is a share of."""
    at_least: Annotated[int, Field(ge=0, le=100, strict=True)] = 0
    """So many may always go: for a small firm, where the share would be no client."""
    reason: str
    """What the person reads where something was cut off or stopped."""

    @field_validator("counter")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_counter(name, COUNTERS | {ANSWER})

    @field_validator("reason")
    @classmethod
    def _reason(cls, code: str) -> str:
        return known_reason(code)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.percent is None) == (self.count is None):
            raise ValueError("give either percent or count")
        return self


class ThresholdText(_Document):
    """From how many clients with clear contact fields on an act is an export, whatever it is called (attacks X6)."""

    answer: Count = 200
    """More than this many in one answer."""
    minute: Count = 300
    """More than this many in a sliding minute."""


class LevelText(_Document):
    """What is different in a rule at one risk level; what is left out is as the rule says."""

    effect: Effect | None = None
    """What the rule does at this level. A deny drops what the rule would grant."""
    reason: str | None = None
    """What the person reads at this level."""
    reaches: ReachText | None = None
    """From where on the rule holds at this level."""
    limit: LimitText | None = None
    """How much may go at this level."""
    require: NeedText | None = None
    """What is asked for at this level."""

    @field_validator("reason")
    @classmethod
    def _reason(cls, code: str | None) -> str | None:
        return None if code is None else known_reason(code)


class RuleText(_Document):
    """One rule as it is written."""

    id: Word
    """Its name in the record, in denials and in warnings: once in all files of the folder."""
    about: str = ""
    """What the rule is for, for whoever reads the file."""
    mode: Mode = Mode.ENFORCE
    """Whether it acts, or only says what it would have done."""
    roles: Literal["any"] | Annotated[frozenset[Word], Field(min_length=1)]
    """Only for people who have one of these roles."""
    actions: Literal["any"] | Annotated[frozenset[Action], Field(min_length=1)]
    """Only for these acts."""
    resource: ResourceType | Literal["any"]
    """Only where the act is about this."""
    status: Annotated[frozenset[Status], Field(min_length=1)] | None = None
    """Only for people in one of these employment statuses."""
    channels: Annotated[frozenset[Channel], Field(min_length=1)] | None = None
    """Only on these roads."""
    when: Annotated[str, Field(min_length=1)] | None = None
    """Only where this is true of the act."""
    where: Annotated[str, Field(min_length=1)] | None = None
    """The rule is about those clients only of whom this is true."""
    reaches: ReachText | None = None
    """Only from some number of clients on."""
    effect: Effect
    """What the rule does when it holds."""
    reason: str | None = None
    """What the person reads: the code of a sentence. A rule that denies or requires something has one."""
    masks: Annotated[dict[Word, MaskText], Field(min_length=1)] | None = None
    """Fields, or the group `contact`, and how each is masked."""
    masked_for: Literal["others", "all"] | None = Field(default=None, alias="for")
    """Whose clients are masked: those of others, or all; with `where` it may be left out."""
    keep: Literal["own", "all"] = "all"
    """`own`: clients outside the person's own book are taken out of the answer."""
    whole: Annotated[bool, Field(strict=True)] = False
    """The answer cannot be cut: if not everything may go, nothing goes."""
    limit: LimitText | None = None
    """At most so many; the rest is cut off."""
    require: NeedText | None = None
    """What must be there before the act happens."""
    notify: Annotated[bool, Field(strict=True)] = False
    """An alert of its own for the reviewer."""
    watermark: Annotated[bool, Field(strict=True)] = False
    """A table that is exported carries a mark: a last row that names export, person and time. An export that can carry none is denied."""
    quarantine: Annotated[bool, Field(strict=True)] = False
    """Of a deny on a file: the agent puts it aside."""
    levels: Annotated[dict[Level, LevelText], Field(min_length=1)] | None = None
    """What is different for people at a risk level."""

    @field_validator("reason")
    @classmethod
    def _reason(cls, code: str | None) -> str | None:
        return None if code is None else known_reason(code)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        _check(self)
        for level in self.levels or ():
            self.at(level)
        return self

    def at(self, level: Level) -> RuleText:
        """The rule as it is at a level. Raises ValueError if that is no sensible rule."""
        change = (self.levels or {}).get(level)
        if change is None:
            return self
        given = {name: getattr(change, name) for name in change.model_fields_set}
        if given.get("effect") is Effect.DENY:  # what an allow grants falls away with it
            given = {"masks": None, "masked_for": None, "keep": "all", "limit": None, "require": None, "notify": False, **given}
        changed = self.model_copy(update={**given, "levels": None})
        try:
            _check(changed)
        except ValueError as error:
            raise ValueError(f"at level {level.value}: {error}") from None
        return changed


class PolicyText(_Document):
    """One file of rules."""

    about: str = ""
    """What the file is for, for whoever reads it."""
    export_threshold: ThresholdText | None = None
    """From how many clients on an act is an export. Of several files the smallest numbers hold."""
    rules: list[RuleText] = Field(default_factory=list)
    """The rules, in any order."""


def known_reason(code: str) -> str:
    """The code. Raises ValueError if there is no such reason."""
    if code not in REASONS:
        raise ValueError(f"{code!r} is not a reason; one of " + ", ".join(sorted(REASONS)))
    return code


def known_counter(name: str, counters: frozenset[str]) -> str:
    """The name. Raises ValueError if there is no such counter."""
    if name not in counters:
        raise ValueError(f"{name!r} is not a counter; one of " + ", ".join(sorted(counters)))
    return name


def _check(rule: RuleText) -> None:
    given = [name for name in ("masks", "limit", "require") if getattr(rule, name) is not None]
    given += ["keep"] if rule.keep == "own" else []
    given += [name for name in ("notify", "watermark") if getattr(rule, name)]
    if rule.effect is Effect.DENY and given:
        raise ValueError(f"a deny has no {' and no '.join(given)}: take it out, or allow")
    if rule.quarantine and rule.effect is not Effect.DENY:
        raise ValueError("quarantine belongs to a deny")
    if rule.effect is Effect.REQUIRE and rule.require is None:
        raise ValueError("effect require needs `require: key`")
    if rule.effect is Effect.REQUIRE and (given != ["require"] or rule.whole):
        others = " and no ".join([*(name for name in given if name != "require"), *(["whole"] if rule.whole else [])])
        raise ValueError(f"effect require only asks: it has no {others}; put that into a rule with `effect: oblige`")
    if rule.roles != ANY and ANY in rule.roles:
        raise ValueError("write `roles: any` for everybody: in a list, any would be a role of that name, which nobody has")
    if rule.effect is Effect.OBLIGE and not (given or rule.whole):
        raise ValueError("effect oblige needs a duty: masks, keep, limit, whole, notify or watermark")
    if rule.effect is Effect.OBLIGE and rule.require is not None:
        raise ValueError("what is required stands in a rule with `effect: require`")
    if rule.reason is None and (rule.effect is Effect.DENY or rule.require is not None):
        raise ValueError("a rule that denies or requires something needs a reason")
    if rule.require is not None and RequirementKind.CODE in kinds(rule.require):
        beyond = [ANY] if rule.actions == ANY else sorted(one.value for one in rule.actions - BY_CODE)
        if beyond:
            raise ValueError(f"a code is no proof for {', '.join(beyond)}: ask for the key there, and for a code in a rule of its own")
    if rule.where is not None and rule.resource not in (ResourceType.CLIENT, ResourceType.CONTENT):
        raise ValueError("where asks about clients: write `resource: client`")
    if rule.masks is None and rule.masked_for is not None:
        raise ValueError("masks and `for: others` or `for: all` belong together")
    if rule.masks is not None and rule.masked_for is None and rule.where is None:
        raise ValueError("masks and `for: others` or `for: all` belong together")
    if rule.effect is Effect.ALLOW and rule.actions == ANY and rule.resource in (ANY, ResourceType.CLIENT):
        raise ValueError("an allow on clients names its actions: `any` would allow acts that do not exist yet")
