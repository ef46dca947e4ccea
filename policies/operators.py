"""Operators of the policy language: arithmetic that does not wrap, comparisons that are checked when the rule is loaded."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.attributes import BOOL, DOUBLE, INT, Facts, Type
from policies.syntax import ExpressionError, ListOf, Literal, Node, Operation

type Scope = tuple[Any, ...]
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


_DOUBLE_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def _divided(left: int, right: int) -> int:
    return -(-left // right) if (left < 0) != (right < 0) else left // right


_INT_ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": lambda left, right: left - right * _divided(left, right),
}


def arithmetic(node: Operation, left: Part, right: Part) -> Part:
    """`+ - * / %` on two ints or two doubles. Raises ExpressionError."""
    demand_number(left, node.operands[0])
    demand(right, left.type, node.operands[1], "both sides are int or both are double: write 10.0 for a double")
    one, two = left.run, right.run
    if left.type.name == "int":
        whole = _INT_ARITHMETIC[node.operator]
        return Part(INT, lambda facts, scope: fits(whole(one(facts, scope), two(facts, scope))))
    if node.operator == "%":
        raise ExpressionError("% works on int only", node.at)
    exact = _DOUBLE_ARITHMETIC[node.operator]
    return Part(DOUBLE, lambda facts, scope: exact(one(facts, scope), two(facts, scope)))


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = ("int", "double")


def comparison(node: Operation, left: Part, right: Part) -> Part:
    """`== != < <= > >= in`. Raises ExpressionError."""
    one, two = left.run, right.run
    if node.operator == "in":
        if right.type.element is None:
            raise ExpressionError(f"`in` looks into a list, not into a {right.type}", node.at)
        demand(left, right.type.element, node.operands[0], "the list holds another type")
        _check_words(left.type, node.operands[1])
        return Part(BOOL, lambda facts, scope: one(facts, scope) in two(facts, scope))
    scalar = left.type.element is None and left.type.members is None
    if not scalar or (node.operator not in ("==", "!=") and left.type.name == "bool"):
        raise ExpressionError(f"{node.operator} does not compare a {left.type}", node.at, "use `in` or size() for lists")
    if not (left.type.name in _NUMBERS and right.type.name in _NUMBERS):
        demand(right, left.type, node.operands[1], "both sides of a comparison have one type")
    _check_words(left.type, node.operands[1])
    _check_words(right.type, node.operands[0])
    compare = _COMPARISONS[node.operator]
    return Part(BOOL, lambda facts, scope: compare(one(facts, scope), two(facts, scope)))


def _check_words(kind: Type, node: Node) -> None:
    """A word that the other side can never be is a typing error of the author, not a rule that never matches."""
    if kind.words is None:
        return
    for literal in node.items if isinstance(node, ListOf) else (node,):
        if isinstance(literal, Literal) and literal.value not in kind.words:
            raise ExpressionError(f"{literal.value!r} is never its value", literal.at, "one of " + ", ".join(sorted(kind.words)))


def demand(part: Part, kind: Type, node: Node, why: str) -> None:
    """Raises ExpressionError if the part is of another type."""
    given, wanted = part.type, kind
    if given.name != wanted.name or (given.element and wanted.element and given.element.name != wanted.element.name):
        raise ExpressionError(f"this is a {given}, not a {wanted}", node.at, why)


def demand_number(part: Part, node: Node) -> None:
    """Raises ExpressionError if the part is neither int nor double."""
    if part.type.name not in _NUMBERS:
        raise ExpressionError(f"this is a {part.type}, not a number", node.at)


def fits(number: int) -> int:
    """The number, if CEL can hold it. Raises OverflowError."""
    if not INT_MIN <= number <= INT_MAX:
        raise OverflowError("a number does not fit into 64 bits")
    return number
