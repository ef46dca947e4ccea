"""Compiles a condition to a tree of `&&`, `||`, `!` and `?:` over leaves, so that a leaf is asked once for a whole column of records.

A leaf is a condition without one of these operators at its top: `record.language == "de"`, `has(record.created_at)`. Equal leaves of
several rules are one leaf. A leaf says which attributes of a record it reads, whether it can only be judged with the answer, and, where
it is of a plain form, what it is in the tree of a plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from policies.attributes import Attributes
from policies.expression import compile_condition, compile_part
from policies.operators import Evaluate
from policies.shapes import Comparison, Shape, Shapes, parts_of
from policies.syntax import ExpressionError, Name, Node, Operation, Select

OWN = "own"
"""The attribute that does not come with the records: whether the client is in the person's own book."""

_ANSWER = frozenset({"resource.asked", "resource.own_count", "resource.others_count", "resource.known", "usage.after"})
"""Names that have no value before the answer is there."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A condition that is asked as a whole. Compared by identity: equal leaves are made one by `Conditions`."""

    attributes: tuple[str, ...]
    """Of a record, sorted; empty: the act alone decides."""
    run: Evaluate
    waits: bool
    """It asks for something that only the answer can say."""
    comparison: Comparison | None
    shape: Shape | None
    """None: it has no form that a plan knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """`&&` or, if `any`, `||`."""

    parts: tuple[Logic, ...]
    any: bool


@dataclass(frozen=True, slots=True, eq=False)
class Negation:
    """`!`."""

    part: Logic


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """`test ? yes : no`."""

    test: Logic
    yes: Logic
    no: Logic


type Logic = Leaf | Both | Negation | Choice


@dataclass(frozen=True, slots=True, eq=False)
class Where:
    """A compiled `where`. Compared by identity, as leaves are."""

    logic: Logic
    attributes: frozenset[str]
    """Of a record."""


class Conditions:
    """Compiles the conditions of one policy; equal ones are made once."""

    def __init__(self, record: Attributes) -> None:
        self._record = record
        self._shapes = Shapes(record)
        self._leaves: dict[str, Leaf] = {}
        self._wheres: dict[str, Where] = {}

    def where(self, source: str) -> Where:
        """Compile a condition on each record. Raises ExpressionError."""
        known = self._wheres.get(source)
        if known is None:
            known = self._wheres[source] = self._compiled(compile_condition(source, self._record).tree)
        return known

    def act(self, tree: Node) -> Logic:
        """The logic of a condition on the act."""
        return self._logic(tree)

    def _compiled(self, tree: Node) -> Where:
        logic = self._logic(tree)
        return Where(logic, frozenset(name for leaf in leaves(logic) for name in leaf.attributes))

    def _logic(self, node: Node) -> Logic:
        match node:
            case Operation(operator="&&" | "||" as sign):
                return Both(tuple([self._logic(part) for part in _chain(node, sign)]), sign == "||")
            case Operation(operator="!", operands=(part,)):
                return Negation(self._logic(part))
            case Operation(operator="?:", operands=(test, yes, no)):
                return Choice(self._logic(test), self._logic(yes), self._logic(no))
        key = _key(node)
        leaf = self._leaves.get(key)
        if leaf is None:
            leaf = self._leaves[key] = self._leaf(node)
        return leaf

    def _leaf(self, node: Node) -> Leaf:
        names = _names(node)
        if "record" in names:
            raise ExpressionError("a record is asked for its attributes", node.at, "for example record.own")
        read = tuple(sorted({name.split(".")[1] for name in names if name.startswith("record.")}))
        run = compile_part(node, self._record).run
        return Leaf(read, run, _waits(names), self._shapes.comparison(node), self._shapes.shape(node))


def leaves(logic: Logic) -> Iterator[Leaf]:
    """All leaves, each as often as it stands there."""
    match logic:
        case Leaf():
            yield logic
        case Both(parts):
            for part in parts:
                yield from leaves(part)
        case Negation(part):
            yield from leaves(part)
        case Choice(test, yes, no):
            for part in (test, yes, no):
                yield from leaves(part)


def _chain(node: Node, sign: str) -> list[Node]:
    """`a && b && c` as its three parts."""
    parts: list[Node] = []
    while isinstance(node, Operation) and node.operator == sign:
        node, last = node.operands
        parts.append(last)
    return [node, *reversed(parts)]


def _key(node: Node) -> str:
    """Equal for equal trees, wherever they stood in their text."""
    out: list[str] = []
    todo: list[object] = [node]
    while todo:  # a chain of operators is as deep as it is long: no recursion
        part = todo.pop()
        if is_dataclass(part):
            out.append(type(part).__name__)
            todo.extend(getattr(part, field.name) for field in fields(part) if field.name != "at")
        elif isinstance(part, tuple):
            out.append(str(len(part)))
            todo.extend(part)
        else:
            out.append(f"{type(part).__name__}:{part!r}")
    return "\n".join(out)


def _names(node: Node) -> frozenset[str]:
    """The dotted names that a tree reads: `record.language`, `usage.after.shown_day`, and the variables of its quantifiers."""
    return frozenset(name for part in parts_of(node) if (name := _path(part)) is not None)


def _path(node: Node) -> str | None:
    match node:
        case Name(name):
            return name
        case Select(operand, member) if (of := _path(operand)) is not None:
            return f"{of}.{member}"
    return None


def _waits(names: frozenset[str]) -> bool:
    return any(name in _ANSWER or name.startswith("usage.after.") for name in names) or not names.isdisjoint({"resource", "usage"})
