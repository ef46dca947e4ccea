"""Rules that, by their own text, may let more go than before: new or wider allows, and denies, needs and duties that are gone or weaker.

Cases and recorded acts show what is wider where somebody looked. A rule that holds only from one address, or at one hour, is met by none
of them: so every change of a rule counts as wider unless the texts alone show that it is not. Conditions are not solved: another condition
is another rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policies.analysis import Variant, variants_of
from policies.compare import implies
from policies.document import ANY, Effect, LimitText, ReachText, RuleText
from policies.masks import strictest
from policies.request import Level
from policies.rule import Policy


@dataclass(frozen=True, slots=True)
class Loosened:
    """One rule that may let more go."""

    text: RuleText
    """As it is now, or as it was where it is gone."""
    words: str


def loosened(old: Policy, new: Policy) -> Iterator[Loosened]:
    """Every such rule once: first what is allowed, then what no longer stops or asks."""
    before, after = [one for one in variants_of(old) if one.acts], [one for one in variants_of(new) if one.acts]
    was, now = {_name(one): _said(one) for one in before}, {_name(one): _said(one) for one in after}
    ids = {variant.text.id for variant in before}
    found: dict[str, Loosened] = {}
    granted = _Rules([variant for variant in before if variant.text.effect is Effect.ALLOW])
    for variant in after:
        is_same = was.get(_name(variant)) == _said(variant)
        if variant.text.effect is Effect.ALLOW and not is_same and not granted.grant(variant):
            words = "it lets more go, or in other situations" if variant.text.id in ids else "it is new"
            found.setdefault(variant.text.id, Loosened(variant.text, words))
    kept, allows = _Rules(after), [variant for variant in after if variant.text.effect is Effect.ALLOW]
    for variant in before:
        if now.get(_name(variant)) != _said(variant) and not kept.restrain(variant, allows):
            words = "what it denied, asked for, limited or masked it no longer does everywhere"
            found.setdefault(variant.text.id, Loosened(variant.text, words))
    yield from found.values()


class _Rules:
    """The rules of one side; those of the same id are looked at first."""

    def __init__(self, variants: Sequence[Variant]) -> None:
        self._all = variants
        self._named: dict[str, list[Variant]] = defaultdict(list)
        for variant in variants:
            self._named[variant.text.id].append(variant)

    def grant(self, new: Variant) -> bool:
        """Whether they let go everything that a new allow lets go."""
        return all(any(_grants(old, atom) for old in self._like(atom)) for atom in _atoms(new))

    def restrain(self, old: Variant, allows: Sequence[Variant]) -> bool:
        """Whether they do everything that an old rule did where something is still allowed."""
        if not _restrains_anything(old.text):
            return True
        for atom in _atoms(old):
            if not any(_restrains(new, atom) for new in self._like(atom)) and any(allow.meets(atom) for allow in allows):
                return False
        return True

    def _like(self, atom: Variant) -> Iterator[Variant]:
        yield from self._named.get(atom.text.id, ())
        yield from self._all


def _name(variant: Variant) -> tuple[str, Level]:
    return variant.text.id, variant.level


def _said(variant: Variant) -> RuleText:
    """What it says at its level, without what people read about it."""
    return variant.text.model_copy(update={"about": "", "levels": None})


def _atoms(variant: Variant) -> Iterator[Variant]:
    """The rule for each of its roles and acts by itself."""
    text = variant.text
    for role in [ANY] if isinstance(text.roles, str) else [frozenset({role}) for role in sorted(text.roles)]:
        for act in [ANY] if isinstance(text.actions, str) else [frozenset({act}) for act in sorted(text.actions)]:
            yield replace(variant, text=text.model_copy(update={"roles": role, "actions": act}))


def _grants(old: Variant, new: Variant) -> bool:
    """Whether an old allow lets go all that a new one does."""
    return old.covers(new) and _holds_as_often(old.text, new.text) and _does_as_much(new.text, old.text)


def _restrains(new: Variant, old: Variant) -> bool:
    """Whether a new rule does all that an old one did. A deny does everything, but of some clients it does not stop the whole act. Else
    the conditions are the same, for where one of them fails the act or the client is denied."""
    one, other = new.text, old.text
    if not new.covers(old) or not _holds_as_often(one, other):
        return False
    if one.effect is Effect.DENY:
        return (one.quarantine or not other.quarantine) and (one.where is None or not other.whole)
    return other.effect is not Effect.DENY and (one.when, one.where) == (other.when, other.where) and _does_as_much(one, other)


def _restrains_anything(text: RuleText) -> bool:
    given = (text.masks, text.limit, text.require, text.when, text.where)
    return text.effect is Effect.DENY or text.keep == "own" or text.whole or text.notify or text.watermark or any(given)


def _holds_as_often(one: RuleText, other: RuleText) -> bool:
    """Whether the first holds wherever the second does, their roles and acts apart."""
    same = one.when in (None, other.when) and one.where in (None, other.where)
    return same and (one.reaches is None or (other.reaches is not None and _at_most(one.reaches, other.reaches)))


def _does_as_much(one: RuleText, other: RuleText) -> bool:
    """Whether the first masks, limits and asks for all that the second does."""
    if other.require is not None and (one.require is None or not implies(one.require, other.require)):
        return False
    if other.limit is not None and (one.limit is None or not _at_most(one.limit, other.limit)):
        return False
    if other.masks and not (one.masks and _masks_as_much(one, other)):
        return False
    flags = (
        (one.whole, other.whole),
        (one.notify, other.notify),
        (one.watermark, other.watermark),
        (one.keep == "own", other.keep == "own"),
    )
    return all(mine or not its for mine, its in flags)


def _masks_as_much(one: RuleText, other: RuleText) -> bool:
    mine, its = one.masks or {}, other.masks or {}
    everybody = one.masked_for != "others" or other.masked_for == "others"
    return everybody and all(name in mine and strictest(mask, mine[name]) == mine[name] for name, mask in its.items())


def _at_most(one: ReachText | LimitText, other: ReachText | LimitText) -> bool:
    """Whether the first is reached no later than the second."""
    if one.counter != other.counter or one.of is not other.of:
        return False
    if isinstance(one, LimitText) and isinstance(other, LimitText) and one.at_least > other.at_least:
        return False
    if one.percent is not None and other.percent is not None:
        return one.percent <= other.percent
    return one.count is not None and other.count is not None and one.count <= other.count
