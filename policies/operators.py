"""Operators of the policy language: arithmetic that does not wrap, comparisons that are checked when the rule is loaded."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from policies.attributes import ANY, BOOL, DOUBLE, DURATION, INT, STRING, TIMESTAMP, Facts, Type
from policies.syntax import ExpressionError, ListOf, Literal, Node, Operation
from policies.times import in_range

type Scope = tuple[Any, ...]
"""What the quantifiers around a part give it: first how often it is asked in all, then the item of each."""
type Evaluate = Callable[[Facts, Scope], Any]
"""Values of the tree's parts are Any: their types were checked against `ROOTS` when the condition was compiled."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1

EVALUATION_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""Everything that a condition can raise while it is evaluated."""


@dataclass(frozen=True, slots=True)
class Part:
    """A compiled part: its type, its closure and, for members of an act, the dotted name."""

    type: Type
    run: Evaluate
    path: str | None = None
    constant: tuple[Any] | None = None
    """Its value, if that was known when the condition was loaded."""


def constant(kind: Type, value: Any) -> Part:
    """A part whose value is known."""
    return Part(kind, lambda facts, scope: value, constant=(value,))


def joined(one: Type, two: Type) -> Type | None:
    """The type of what may be either of both; None if they are different things."""
    if one == two or two is ANY:
        return one
    if one is ANY:
        return two
    if one.name != two.name or one.members is not None:
        return None
    if one.element is None or two.element is None:
        return Type(one.name)  # texts that are limited to different words
    element = joined(one.element, two.element)
    key = joined(one.key, two.key) if one.key and two.key else None
    if element is None or (one.key and key is None):
        return None
    return Type(one.name, element=element, key=key, ordered=one.ordered and two.ordered)


def demand(part: Part, kind: Type, node: Node, why: str) -> None:
    """Raises ExpressionError if the part is of another type."""
    if joined(part.type, kind) is None:
        raise ExpressionError(f"this is a {part.type}, not a {kind}", node.at, why)


def demand_number(part: Part, node: Node) -> None:
    """Raises ExpressionError if the part is neither int nor double."""
    if part.type.name not in _NUMBERS:
        raise ExpressionError(f"this is a {part.type}, not a number", node.at)


def fits(number: int) -> int:
    """The number, if CEL can hold it. Raises OverflowError."""
    if not INT_MIN <= number <= INT_MAX:
        raise OverflowError("a number does not fit into 64 bits")
    return number


def finite(number: float) -> float:
    """The number. Raises OverflowError for what would compare as no number does: a deny rule must not pass over it."""
    if not isfinite(number):
        raise OverflowError("a number is not finite")
    return number


def divided(left: int, right: int) -> int:
    """The quotient, rounded towards zero. Raises ZeroDivisionError."""
    return -(-left // right) if (left < 0) != (right < 0) else left // right


type _Arithmetic = tuple[Type, Callable[[Any, Any], Any]]

_ARITHMETIC: Mapping[tuple[str, str, str], _Arithmetic] = {
    ("int", "+", "int"): (INT, lambda left, right: fits(left + right)),
    ("int", "-", "int"): (INT, lambda left, right: fits(left - right)),
    ("int", "*", "int"): (INT, lambda left, right: fits(left * right)),
    ("int", "/", "int"): (INT, lambda left, right: fits(divided(left, right))),
    ("int", "%", "int"): (INT, lambda left, right: left - right * fits(divided(left, right))),
    ("double", "+", "double"): (DOUBLE, lambda left, right: finite(left + right)),
    ("double", "-", "double"): (DOUBLE, lambda left, right: finite(left - right)),
    ("double", "*", "double"): (DOUBLE, lambda left, right: finite(left * right)),
    ("double", "/", "double"): (DOUBLE, lambda left, right: finite(left / right)),
    ("string", "+", "string"): (STRING, operator.add),
    ("timestamp", "+", "duration"): (TIMESTAMP, operator.add),
    ("timestamp", "-", "duration"): (TIMESTAMP, operator.sub),
    ("duration", "+", "timestamp"): (TIMESTAMP, operator.add),
    ("timestamp", "-", "timestamp"): (DURATION, operator.sub),
    ("duration", "+", "duration"): (DURATION, lambda left, right: in_range(left + right)),
    ("duration", "-", "duration"): (DURATION, lambda left, right: in_range(left - right)),
}
"""Types on both sides of an operator -> what it gives and how. Each may raise ArithmeticError."""


def arithmetic(node: Operation, left: Part, right: Part) -> Part:
    """`+ - * / %` on what they are there for. Raises ExpressionError."""
    gives, work = _arithmetic(node, left, right)
    one, two = left.run, right.run
    if right.constant is not None:
        (value,) = right.constant
        return Part(gives, lambda facts, scope: work(one(facts, scope), value))
    return Part(gives, lambda facts, scope: work(one(facts, scope), two(facts, scope)))


def _arithmetic(node: Operation, left: Part, right: Part) -> _Arithmetic:
    if node.operator == "+" and left.type.name == "list":
        both = joined(left.type, right.type)
        if both is None:
            raise ExpressionError(f"this is a {right.type}, not a {left.type}", node.operands[1].at, "all items of a list have one type")
        return both, lambda some, more: (*some, *more)
    known = _ARITHMETIC.get((left.type.name, node.operator, right.type.name))
    if known is not None:
        return known
    rights = sorted(two for one, sign, two in _ARITHMETIC if (one, sign) == (left.type.name, node.operator))
    if not rights:
        raise ExpressionError(f"{node.operator} does not work on a {left.type}", node.at, _INSTEAD.get((left.type.name, node.operator), ""))
    why = f"{left.type} {node.operator} {' or '.join(rights)}"
    if left.type.name in _NUMBERS and right.type.name in _NUMBERS:
        why = "both sides are int or both are double: write 10.0 for a double"
    raise ExpressionError(f"this is a {right.type}, not a {' or '.join(rights)}", node.operands[1].at, why)


_INSTEAD = {("double", "%"): "only ints have a remainder"}
_NUMBERS = ("int", "double")
_ORDERED = (*_NUMBERS, "string", "timestamp", "duration")

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

type _Against = Callable[[Evaluate, Any], Evaluate]

_AGAINST: Mapping[str, _Against] = {
    "==": lambda run, value: lambda facts, scope: run(facts, scope) == value,
    "!=": lambda run, value: lambda facts, scope: run(facts, scope) != value,
    "<": lambda run, value: lambda facts, scope: run(facts, scope) < value,
    "<=": lambda run, value: lambda facts, scope: run(facts, scope) <= value,
    ">": lambda run, value: lambda facts, scope: run(facts, scope) > value,
    ">=": lambda run, value: lambda facts, scope: run(facts, scope) >= value,
}
"""Comparisons with a known value, one call shorter: most comparisons of rules are."""


def comparison(node: Operation, left: Part, right: Part) -> Part:
    """`== != < <= > >=`. Raises ExpressionError."""
    if left.type.name not in _ORDERED and (node.operator not in ("==", "!=") or not equatable(left.type)):
        raise ExpressionError(f"{node.operator} does not compare a {left.type}", node.at, _how_to_compare(left.type))
    if not (left.type.name in _NUMBERS and right.type.name in _NUMBERS):
        demand(right, left.type, node.operands[1], "both sides of a comparison have one type")
    if not equatable(right.type):
        raise ExpressionError(f"{node.operator} does not compare a {right.type}", node.at, _how_to_compare(right.type))
    check_words(left.type, node.operands[1])
    check_words(right.type, node.operands[0])
    one, two, compare = left.run, right.run, _COMPARISONS[node.operator]
    if left.type.element is not None:
        return Part(BOOL, lambda facts, scope: compare(_plain(one(facts, scope)), _plain(two(facts, scope))))
    if right.constant is not None:
        return Part(BOOL, _AGAINST[node.operator](one, right.constant[0]))
    return Part(BOOL, lambda facts, scope: compare(one(facts, scope), two(facts, scope)))


def membership(node: Operation, left: Part, right: Part) -> Part:
    """`in`, for a list or the keys of a map. Raises ExpressionError."""
    one, two = left.run, right.run
    holds = right.type.each
    if holds is None:
        raise ExpressionError(f"`in` looks into a list or a map, not into a {right.type}", node.at)
    demand(left, holds, node.operands[0], f"the {right.type.name} holds another type")
    if not equatable(left.type):
        raise ExpressionError(f"`in` does not find a {left.type}", node.operands[0].at, "ask with exists()")
    check_words(left.type, node.operands[1])
    if left.type.element is not None:
        return Part(BOOL, lambda facts, scope: _plain(one(facts, scope)) in _plain(two(facts, scope)))
    if right.constant is not None and holds.element is None:
        values = frozenset(right.constant[0])
        return Part(BOOL, lambda facts, scope: one(facts, scope) in values)
    return Part(BOOL, lambda facts, scope: one(facts, scope) in two(facts, scope))


def equatable(kind: Type) -> bool:
    """Whether two such values can be told to be equal."""
    return kind.members is None and kind.ordered and (kind.element is None or equatable(kind.element))


def _how_to_compare(kind: Type) -> str:
    if kind.name == "bool":
        return "true is not more than false: use == or !="
    return "use `in` or size() for lists" if kind.name == "list" else ""


def _plain(value: Any) -> Any:
    """The same value with tuples for all lists: lists of an act may be either, and Python tells them apart."""
    if isinstance(value, (tuple, list)):
        return tuple([_plain(item) for item in value])
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def check_words(kind: Type, node: Node) -> None:
    """A word that the other side can never be is a typing error of the author, not a rule that never matches."""
    if kind.words is None:
        return
    for literal in node.items if isinstance(node, ListOf) else (node,):
        if isinstance(literal, Literal) and literal.value not in kind.words:
            raise ExpressionError(f"{literal.value!r} is never its value", literal.at, "one of " + ", ".join(sorted(kind.words)))
