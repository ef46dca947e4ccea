"""What is suspicious in rules that have no error: what can never act, what reaches too far, what nothing carries out yet.

It looks at the rules alone, without asking a single act. Conditions are not solved: two rules with different conditions are taken as
independent, so what is listed is certain and what is not listed may still be useless.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from policies.compare import need_in_words
from policies.document import ANY, Effect, Mode, RuleText
from policies.effect import EXPORTS, READING
from policies.masks import CONTACT_GROUP
from policies.needs import AllOf, AnyOf, Approval, Key, Need
from policies.request import Action, Channel, Level, Status
from policies.rule import Policy
from policies.vocabulary import Vocabulary

_RECORD = re.compile(r"\brecord\.([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is allowed, but hardly meant."""

    rule: str
    """The id as it is written."""
    code: str
    """Names the kind of warning for programs."""
    message: str
    hint: str
    widens: bool = False
    """Where it is new, activating it needs a confirmation."""


def analyse(policy: Policy, vocabulary: Vocabulary | None = None, roles: frozenset[str] | None = None) -> tuple[Remark, ...]:
    """Everything that is suspicious: of each rule in their order, then roles.

    `vocabulary`: what the CRM can deliver; None: fields and attributes are not compared. `roles`: what people have; None: not compared.
    """
    variants = variants_of(policy)
    rules: dict[str, list[Variant]] = defaultdict(list)
    for variant in variants:
        rules[variant.text.id].append(variant)
    checks: list[Callable[[list[Variant]], Iterator[Remark]]] = [
        _Reach(variants).remarks,
        _wide(variants),
        _partly_kept_away(variants),
        _not_carried_out,
        _marks,
        lambda rule: _unknown_fields(rule, vocabulary) if vocabulary else iter(()),
    ]
    found = [remark for rule in rules.values() for check in checks for remark in check(rule)]
    return tuple(dict.fromkeys([*found, *(() if roles is None else _unknown_roles(rules, roles))]))


@dataclass(frozen=True, slots=True)
class Variant:
    """A rule as it is at one level."""

    text: RuleText
    level: Level
    place: int
    """Of rules that say the same the first stays."""

    @property
    def acts(self) -> bool:
        """It is not only watched."""
        return self.text.mode is Mode.ENFORCE

    @property
    def is_unconditional(self) -> bool:
        """Nothing but who, what and how is asked."""
        return self.text.when is None and self.text.where is None and self.text.reaches is None

    def covers(self, other: Variant, act: Action | None = None) -> bool:
        """Whether it is asked whenever the other one is; with an act: whenever the other one is asked about that act."""
        mine, its = self.text, other.text
        return (
            _within(its.actions if act is None else frozenset({act}), mine.actions)
            and _within(its.roles, mine.roles)
            and mine.resource in (its.resource, ANY)
            and _within(its.status or frozenset(Status), mine.status or frozenset(Status))
            and _within(its.channels or frozenset(Channel), mine.channels or frozenset(Channel))
            and self.level is other.level
        )

    def meets(self, other: Variant) -> bool:
        """Whether some act asks both."""
        mine, its = self.text, other.text
        return (
            _meet(mine.roles, its.roles)
            and _meet(mine.actions, its.actions)
            and (mine.resource == its.resource or ANY in (mine.resource, its.resource))
            and _meet(mine.status or ANY, its.status or ANY)
            and _meet(mine.channels or ANY, its.channels or ANY)
            and self.level is other.level
        )


def variants_of(policy: Policy) -> list[Variant]:
    """Every rule, once for each level."""
    return [
        Variant(rule.text, level, place) for place, rule in enumerate(policy.rules) for level in sorted(rule.levels or frozenset(Level))
    ]


def _within(inner: str | frozenset[object], outer: str | frozenset[object]) -> bool:
    return isinstance(outer, str) or (not isinstance(inner, str) and inner <= outer)


def _meet(one: object, other: object) -> bool:
    return not (isinstance(one, frozenset) and isinstance(other, frozenset)) or not one.isdisjoint(other)


class _Reach:
    """Rules that can never make a difference."""

    def __init__(self, variants: list[Variant]) -> None:
        acting = [variant for variant in variants if variant.acts]
        self._denies = [variant for variant in acting if variant.text.effect is Effect.DENY and variant.is_unconditional]
        self._allows = [variant for variant in acting if variant.text.effect is Effect.ALLOW]
        self._alike: dict[object, list[Variant]] = defaultdict(list)
        for variant in variants:
            self._alike[variant.level, _duties(variant.text)].append(variant)

    def remarks(self, rule: list[Variant]) -> Iterator[Remark]:
        text = rule[0].text
        if not all(variant.acts for variant in rule):
            return
        beaten = [next((deny for deny in self._denies if self._beats(deny, variant)), None) for variant in rule]
        if all(beaten):
            by = ", ".join(dict.fromkeys(deny.text.id for deny in beaten if deny is not None))
            yield Remark(text.id, "unreachable", f"never acts: {by} denies everything that it is about", "take one of them out")
            return
        shadows = [next((one for one in self._like(variant) if self._shadows(one, variant)), None) for variant in rule]
        if all(shadows):
            by = ", ".join(dict.fromkeys(one.text.id for one in shadows if one is not None))
            yield Remark(text.id, "shadowed", f"changes nothing: {by} says the same of all that it is about", "take it out")
        asks = [variant for variant in rule if variant.text.effect in (Effect.REQUIRE, Effect.OBLIGE)]
        if asks and len(asks) == len(rule) and not any(allow.meets(variant) for variant in asks for allow in self._allows):
            yield Remark(text.id, "nothing_to_ask", "never acts: no rule allows what it asks something of", "allow the act, or take it out")

    @staticmethod
    def _beats(deny: Variant, variant: Variant) -> bool:
        return deny.text.id != variant.text.id and variant.text.effect is not Effect.DENY and deny.covers(variant)

    def _like(self, variant: Variant) -> list[Variant]:
        return self._alike[variant.level, _duties(variant.text)]

    @staticmethod
    def _shadows(one: Variant, variant: Variant) -> bool:
        if one.text.id == variant.text.id or not one.acts or not one.covers(variant):
            return False
        return not variant.covers(one) or one.place < variant.place


def _duties(text: RuleText) -> object:
    """What a rule does and when, without whom and what it is about."""
    parts = (text.mode, text.effect, text.when, text.where, text.reason, text.masked_for, text.keep, text.whole)
    measured = (text.reaches, text.limit, text.require, tuple(sorted((text.masks or {}).items(), key=lambda pair: pair[0])))
    return (*parts, *measured, text.notify, text.watermark, text.quarantine)


def _wide(variants: list[Variant]) -> Callable[[list[Variant]], Iterator[Remark]]:
    """Allows that reach far: every act, or an export that nothing stops and no key proves."""
    guards = [one for one in variants if one.acts and one.text.when is None and one.text.where is None and _guards(one.text)]

    def remarks(rule: list[Variant]) -> Iterator[Remark]:
        for variant in rule:
            text = variant.text
            if not variant.acts or text.effect is not Effect.ALLOW or text.resource not in (ANY, "client"):
                continue
            acts = frozenset(Action) if isinstance(text.actions, str) else text.actions
            if acts == frozenset(Action):
                yield Remark(text.id, "every_act", "allows every act on clients", "name the acts that people need", widens=True)
            exports = sorted(
                act.value for act in acts & EXPORTS if not _guards(text) and not any(one.covers(variant, act) for one in guards)
            )
            if exports:
                message = f"allows {', '.join(exports)} without a limit and without a key"
                yield Remark(text.id, "open_export", message, "add `require: key`, or a `limit`", widens=True)
            if isinstance(text.roles, str) and acts & EXPORTS:
                yield Remark(text.id, "export_by_anybody", "lets anybody export clients", "name the roles", widens=True)

    return remarks


def _partly_kept_away(variants: list[Variant]) -> Callable[[list[Variant]], Iterator[Remark]]:
    """Denies that keep some clients away from one way of reading and leave another open: by a count, a table or a copy they are told of."""
    denies = [one for one in variants if one.acts and one.text.effect is Effect.DENY]
    allows = [one for one in variants if one.acts and one.text.effect is Effect.ALLOW and one.text.where is None]

    def is_open(act: Action, variant: Variant) -> bool:
        asked = replace(variant, text=variant.text.model_copy(update={"actions": frozenset({act})}))
        closing = [one for one in denies if one.text.where in (None, variant.text.where) and one.text.when in (None, variant.text.when)]
        return any(one.meets(asked) for one in allows) and not any(one.covers(asked) for one in closing)

    def remarks(rule: list[Variant]) -> Iterator[Remark]:
        for variant in rule:
            text = variant.text
            if not variant.acts or text.effect is not Effect.DENY or text.where is None or isinstance(text.actions, str):
                continue
            closed = sorted(act.value for act in text.actions.intersection(READING))
            left = sorted(act.value for act in {*READING, Action.COPY} - text.actions if is_open(act, variant))
            if closed and left:
                message = f"keeps clients away from {', '.join(closed)}, but {', '.join(left)} can still tell of them"
                yield Remark(text.id, "partly_kept_away", message, "name these acts too, if nothing is to be known of these clients")

    return remarks


def _guards(text: RuleText) -> bool:
    """Whether it asks for a key, or stops after a number of clients."""
    stops = text.limit is not None or (text.effect is Effect.DENY and text.reaches is not None)
    return stops or (text.require is not None and _proves(text.require))


def _proves(need: Need) -> bool:
    """Whether it cannot be met without a key, one's own or another's."""
    match need:
        case Key() | Approval():
            return True
        case AllOf(needs):
            return any(_proves(one) for one in needs)
        case AnyOf(needs):
            return all(_proves(one) for one in needs)
        case _:
            return False


def _not_carried_out(rule: list[Variant]) -> Iterator[Remark]:
    """What the language can say and nothing does yet."""
    for variant in rule:
        text = variant.text
        if text.require is not None and not isinstance(text.actions, str) and Action.FILE_COPY in text.actions:
            message = f"needs {need_in_words(text.require)} on file_copy, where nobody is asked for anything"
            yield Remark(text.id, "need_not_asked", message, "an agent tells of a file that is there already: deny it, or put it aside")
        if text.quarantine and not isinstance(text.actions, str) and (others := text.actions - {Action.FILE_COPY}):
            message = f"puts a file aside on {', '.join(sorted(act.value for act in others))}, where there is none to move"
            yield Remark(text.id, "no_quarantine", message, "it is stopped, and its content is not kept: only `file_copy` leaves a file")


def _marks(rule: list[Variant]) -> Iterator[Remark]:
    """Marks that are asked of what carries none: only a table that is exported does."""
    for variant in rule:
        text = variant.text
        if not text.watermark or isinstance(text.actions, str):
            continue
        if others := sorted(act.value for act in text.actions - EXPORTS):
            message = f"asks for a watermark on {', '.join(others)}, which is no export"
            yield Remark(text.id, "mark_without_export", message, "it means nothing there: a mark is put on tables that are exported")
        if documents := sorted(act.value for act in text.actions & (EXPORTS - {Action.EXPORT})):
            message = f"asks for a watermark on {', '.join(documents)}, whose documents can carry none"
            yield Remark(text.id, "mark_denies", message, "they are denied: only tables that are exported carry a mark")


def _unknown_fields(rule: list[Variant], vocabulary: Vocabulary) -> Iterator[Remark]:
    for variant in rule:
        text = variant.text
        for name in sorted((text.masks or {}).keys() - vocabulary.fields - {CONTACT_GROUP}):
            message = f"masks {name}, which the profile {vocabulary.profile} does not know"
            yield Remark(text.id, "unknown_field", message, _meant(name, vocabulary.fields, "nothing is masked by it"))
        for name in sorted(set(_RECORD.findall(text.where or "")) - vocabulary.record):
            message = f"asks record.{name}, which the profile {vocabulary.profile} cannot deliver"
            hint = (
                "every record it is asked about is denied" if text.effect is Effect.ALLOW else "records it cannot be asked about are denied"
            )
            yield Remark(text.id, "unknown_attribute", message, hint)


def _unknown_roles(rules: Mapping[str, list[Variant]], roles: frozenset[str]) -> Iterator[Remark]:
    """One for each role that nobody has, at the first rule about it."""
    about: dict[str, list[str]] = defaultdict(list)
    for name, (first, *_) in rules.items():
        for role in first.text.roles - roles if isinstance(first.text.roles, frozenset) else ():
            about[role].append(name)
    for role, names in sorted(about.items()):
        more = f", like {len(names) - 1} more rule{'' if len(names) == 2 else 's'}" if len(names) > 1 else ""
        hint = _meant(role, roles, "`torwart people list` names all")
        yield Remark(names[0], "nobody_has_role", f"is about {role}{more}: nobody has that role", hint)


def _meant(name: str, known: frozenset[str], otherwise: str) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise
