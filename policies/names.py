"""Which names of an act the rules look at that can apply to it: whoever asks the rules about a stored act must know those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import assert_never

from policies.attributes import ROOTS
from policies.document import ANSWER, RuleText
from policies.request import AccessRequest, Action, Level
from policies.rule import Policy
from policies.syntax import Call, Index, ListOf, Literal, MapOf, Name, Node, Operation, Quantified, Select, parse

RECORD_ROOT = "record"
type _Place = tuple[Action, str, frozenset[str], Level, bool]


@dataclass(frozen=True, slots=True)
class NamesUsed:
    """The names that a policy looks at, found once for each kind of act."""

    policy: Policy
    _found: dict[_Place, frozenset[str]] = field(default_factory=dict, repr=False)

    def by(self, request: AccessRequest) -> frozenset[str]:
        """Dotted names (`usage.after.shown_day`, `record.countries`) in the conditions, limits and thresholds of rules that can apply.

        What the engine looks at by itself (whose the clients are, fields, proofs) is not among them. Conditions on records are asked
        only of an act whose clients are known.
        """
        principal, resource = request.principal, request.resource
        place = (request.action, resource.type, principal.roles, principal.level, bool(resource.ids))
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = frozenset(self._of(place))
        return found

    def _of(self, place: _Place) -> Iterator[str]:
        action, resource, roles, level, known = place
        for act in {action, Action.EXPORT}:  # what it is by its effect is found only when it is judged
            for rule in self.policy.applicable(act, resource, roles, level):
                yield from names_of(rule.text, records=known)


def names_of(rule: RuleText, *, records: bool = True) -> Iterator[str]:
    """The names that one rule looks at; without `records` those of its condition on the act only."""
    for source in (rule.when, rule.where if records else None):
        if source is not None:
            yield from _names(parse(source))
    if rule.reaches is not None:
        yield from (f"usage.after.{rule.reaches.counter}", f"usage.before.{rule.reaches.counter}")
    if rule.limit is not None and rule.limit.counter != ANSWER:
        yield f"usage.before.{rule.limit.counter}"


def _names(node: Node) -> Iterator[str]:
    match node:
        case Literal():
            return
        case Name(name):
            if name in ROOTS:
                yield name
        case Select(operand):
            path = _path(node)
            if path is None:
                yield from _names(operand)
            elif path.partition(".")[0] in ROOTS or path.startswith(f"{RECORD_ROOT}."):
                yield path
        case ListOf(parts) | Call(_, parts) | Operation(_, parts):
            for part in parts:
                yield from _names(part)
        case MapOf(entries):
            for part in chain.from_iterable(entries):
                yield from _names(part)
        case Index(of, at):
            yield from _names(of)
            yield from _names(at)
        case Quantified(_, over, _, body):
            yield from _names(over)
            yield from _names(body)
        case _:
            assert_never(node)


def _path(node: Node) -> str | None:
    """`a.b.c` of plain member accesses; None for anything else."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Select) and (before := _path(node.operand)) is not None:
        return f"{before}.{node.member}"
    return None
