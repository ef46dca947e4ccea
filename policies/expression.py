"""Compiles a condition of a rule to a closure, with every type checked before the rule is ever used.

The language is a subset of CEL (`syntax.py`); values follow the CEL specification: 64-bit integers that do not wrap, integer division
towards zero, `&&` and `||` that do not depend on the order of their sides, patterns in linear time (RE2). One difference on purpose:
int and double may be compared. A condition that fails at run time raises; the engine then denies.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import re2

from policies.attributes import BOOL, DOUBLE, INT, PLACES, ROOTS, STRING, Facts, Member, Type
from policies.syntax import Call, ExpressionError, ListOf, Literal, Name, Node, Operation, Quantified, Select, parse

type Scope = tuple[Any, ...]
type Evaluate = Callable[[Facts, Scope], Any]
"""Values of the tree's parts are Any: their types were checked against `ROOTS` when the condition was compiled."""

_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1

EVALUATION_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""Everything that a condition can raise while it is evaluated."""


class NoValueError(ValueError):
    """An optional member without a value was read: the rule did not ask `has()`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition with its source and its tree."""

    source: str
    tree: Node
    evaluate: Evaluate

    def holds(self, facts: Facts) -> bool:
        """Whether the condition is true for this act. Raises one of EVALUATION_ERRORS."""
        return self.evaluate(facts, ()) is True


@dataclass(frozen=True, slots=True)
class _Part:
    """A compiled part: its type, its closure and, for members of an act, the dotted name."""

    type: Type
    run: Evaluate
    path: str | None = None
    member: Member | None = None


type _Variables = Mapping[str, tuple[int, Type]]


def compile_condition(source: str) -> Condition:
    """Compile a condition. Raises ExpressionError with the offset of the fault and a hint."""
    tree = parse(source)
    part = _compile(tree, {})
    _demand(part, BOOL, tree, "a condition is true or false")
    return Condition(source, tree, part.run)


def _compile(node: Node, variables: _Variables) -> _Part:
    match node:
        case Literal(value, at):
            return _literal(value, at)
        case ListOf(items, at):
            return _list(items, at, variables)
        case Name():
            return _name(node, variables)
        case Select():
            return _select(node, variables)
        case Operation(operator="&&" | "||"):
            return _logic(node, variables)
        case Operation(operator="!" | "-", operands=(_,)):
            return _unary(node, variables)
        case Operation(operator="?:"):
            return _choice(node, variables)
        case Operation(operator="+" | "-" | "*" | "/" | "%"):
            return _arithmetic(node, variables)
        case Operation():
            return _comparison(node, variables)
        case Call():
            return _call(node, variables)
        case Quantified():
            return _quantified(node, variables)


def _literal(value: bool | int | float | str, at: int) -> _Part:
    kind = {bool: BOOL, int: INT, float: DOUBLE, str: STRING}[type(value)]
    if kind is INT and value > _INT_MAX:  # type: ignore[operator]
        raise ExpressionError("a number does not fit into 64 bits", at)
    return _Part(kind, lambda facts, scope: value)


def _list(items: Sequence[Node], at: int, variables: _Variables) -> _Part:
    if not items:
        raise ExpressionError("an empty list holds nothing to compare with", at)
    parts = [_compile(item, variables) for item in items]
    for item, part in zip(items, parts, strict=True):
        _demand(part, parts[0].type, item, "all items of a list have one type")
    if all(isinstance(item, Literal) for item in items):
        values = frozenset(item.value for item in items if isinstance(item, Literal))
        return _Part(Type("list", element=parts[0].type), lambda facts, scope: values)
    runs = [part.run for part in parts]
    return _Part(Type("list", element=parts[0].type), lambda facts, scope: [run(facts, scope) for run in runs])


def _name(node: Name, variables: _Variables) -> _Part:
    if node.name in variables:
        index, kind = variables[node.name]
        return _Part(kind, lambda facts, scope: scope[index])
    if node.name not in ROOTS:
        raise ExpressionError(f"{node.name!r} is not known", node.at, _nearest(node.name, [*ROOTS, *variables]))
    getter = operator.attrgetter(node.name)
    return _Part(ROOTS[node.name], lambda facts, scope: getter(facts), path=node.name)


def _select(node: Select, variables: _Variables) -> _Part:
    of = _compile(node.operand, variables)
    members = of.type.members
    if members is None:
        raise ExpressionError(f"a {of.type} has no members", node.at)
    if node.member not in members:
        raise ExpressionError(f"{node.member!r} is not known here", node.at, _nearest(node.member, members))
    member = members[node.member]
    run, path = _reader(of, node.member)
    if node.test:
        return _Part(BOOL, lambda facts, scope: run(facts, scope) is not None)
    if member.optional:
        return _Part(member.type, _valued(run, node.member), member=member)
    return _Part(member.type, run, path, member)


def _reader(of: _Part, name: str) -> tuple[Evaluate, str | None]:
    if of.path is None:
        inner, member = of.run, operator.attrgetter(name)
        return (lambda facts, scope: member(inner(facts, scope))), None
    path = f"{of.path}.{name}"
    getter = operator.attrgetter(PLACES.get(path, path))  # one step in C for the whole path
    return (lambda facts, scope: getter(facts)), path


def _valued(run: Evaluate, name: str) -> Evaluate:
    def value(facts: Facts, scope: Scope) -> Any:
        found = run(facts, scope)
        if found is None:
            raise NoValueError(f"{name} has no value")
        return found

    return value


def _logic(node: Operation, variables: _Variables) -> _Part:
    parts = [_compile(operand, variables) for operand in node.operands]
    for operand, part in zip(node.operands, parts, strict=True):
        _demand(part, BOOL, operand, f"{node.operator} joins conditions")
    left, right = (part.run for part in parts)
    decisive = node.operator == "||"  # true decides an `||`, false decides an `&&`

    def run(facts: Facts, scope: Scope) -> bool:
        try:
            first: bool = left(facts, scope)
        except EVALUATION_ERRORS:
            second: bool = right(facts, scope)
            if second is not decisive:
                raise
            return second  # the side that works may decide alone: CEL's rule, so that order does not matter
        return first if first is decisive else bool(right(facts, scope))

    return _Part(BOOL, run)


def _unary(node: Operation, variables: _Variables) -> _Part:
    part = _compile(node.operands[0], variables)
    run = part.run
    if node.operator == "!":
        _demand(part, BOOL, node.operands[0], "! turns a condition round")
        return _Part(BOOL, lambda facts, scope: not run(facts, scope))
    _demand_number(part, node.operands[0])
    if part.type.name == "double":
        return _Part(DOUBLE, lambda facts, scope: -run(facts, scope))
    return _Part(INT, lambda facts, scope: _fits(-run(facts, scope)))


def _choice(node: Operation, variables: _Variables) -> _Part:
    condition, then, other = (_compile(operand, variables) for operand in node.operands)
    _demand(condition, BOOL, node.operands[0], "?: starts with a condition")
    _demand(other, then.type, node.operands[2], "both sides of : have one type")
    test, yes, no = condition.run, then.run, other.run
    return _Part(then.type, lambda facts, scope: yes(facts, scope) if test(facts, scope) else no(facts, scope))


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


def _arithmetic(node: Operation, variables: _Variables) -> _Part:
    left, right = (_compile(operand, variables) for operand in node.operands)
    _demand_number(left, node.operands[0])
    _demand(right, left.type, node.operands[1], "both sides are int or both are double: write 10.0 for a double")
    one, two = left.run, right.run
    if left.type.name == "int":
        whole = _INT_ARITHMETIC[node.operator]
        return _Part(INT, lambda facts, scope: _fits(whole(one(facts, scope), two(facts, scope))))
    if node.operator == "%":
        raise ExpressionError("% works on int only", node.at)
    exact = _DOUBLE_ARITHMETIC[node.operator]
    return _Part(DOUBLE, lambda facts, scope: exact(one(facts, scope), two(facts, scope)))


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = ("int", "double")


def _comparison(node: Operation, variables: _Variables) -> _Part:
    left, right = (_compile(operand, variables) for operand in node.operands)
    one, two = left.run, right.run
    if node.operator == "in":
        if right.type.element is None:
            raise ExpressionError(f"`in` looks into a list, not into a {right.type}", node.at)
        _demand(left, right.type.element, node.operands[0], "the list holds another type")
        _check_words(left.type, node.operands[1])
        return _Part(BOOL, lambda facts, scope: one(facts, scope) in two(facts, scope))
    scalar = left.type.element is None and left.type.members is None
    if not scalar or (node.operator not in ("==", "!=") and left.type.name == "bool"):
        raise ExpressionError(f"{node.operator} does not compare a {left.type}", node.at, "use `in` or size() for lists")
    if not (left.type.name in _NUMBERS and right.type.name in _NUMBERS):
        _demand(right, left.type, node.operands[1], "both sides of a comparison have one type")
    _check_words(left.type, node.operands[1])
    _check_words(right.type, node.operands[0])
    compare = _COMPARISONS[node.operator]
    return _Part(BOOL, lambda facts, scope: compare(one(facts, scope), two(facts, scope)))


def _check_words(kind: Type, node: Node) -> None:
    """A word that the other side can never be is a typing error of the author, not a rule that never matches."""
    if kind.words is None:
        return
    for literal in node.items if isinstance(node, ListOf) else (node,):
        if isinstance(literal, Literal) and literal.value not in kind.words:
            raise ExpressionError(f"{literal.value!r} is never its value", literal.at, "one of " + ", ".join(sorted(kind.words)))


@dataclass(frozen=True, slots=True)
class _Function:
    takes: tuple[Type, ...]
    gives: Type
    run: Callable[..., Any]


def _share_of_base(part: _Part) -> _Part:
    """Percent of the company's clients: 300 of 3,000 is 10.0."""
    run = part.run
    return _Part(DOUBLE, lambda facts, scope: run(facts, scope) * 100 / facts.usage.base)


_FUNCTIONS: Mapping[str, _Function] = {
    "startsWith": _Function((STRING, STRING), BOOL, str.startswith),
    "endsWith": _Function((STRING, STRING), BOOL, str.endswith),
    "contains": _Function((STRING, STRING), BOOL, operator.contains),
}
_NAMES = sorted([*_FUNCTIONS, "size", "matches", "share_of_base", "has", "all", "exists"])


def _call(node: Call, variables: _Variables) -> _Part:
    parts = [_compile(arg, variables) for arg in node.args]
    match node.function, parts:
        case "size", [_Part(type=Type(name="list" | "string"), run=run)]:
            return _Part(INT, lambda facts, scope: len(run(facts, scope)))
        case "share_of_base", [part]:
            _demand(part, INT, node.args[0], "share_of_base takes a count")
            return _share_of_base(part)
        case "matches", [part, _]:
            _demand(part, STRING, node.args[0], "a pattern is matched against text")
            return _matches(part, node.args[1])
        case name, _ if name in _FUNCTIONS and len(parts) == len(_FUNCTIONS[name].takes):
            function = _FUNCTIONS[name]
            for arg, part, kind in zip(node.args, parts, function.takes, strict=True):
                _demand(part, kind, arg, f"{name} takes text")
            (one, two), work = (part.run for part in parts), function.run
            return _Part(function.gives, lambda facts, scope: work(one(facts, scope), two(facts, scope)))
        case name, _ if name in _NAMES:
            raise ExpressionError(f"{name}() is given the wrong things", node.at)
    raise ExpressionError(f"there is no function {node.function!r}", node.at, _nearest(node.function, _NAMES))


def _matches(part: _Part, pattern: Node) -> _Part:
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        raise ExpressionError("the pattern must be written down in quotes", pattern.at)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        compiled = re2.compile(pattern.value, options)
    except re2.error:
        raise ExpressionError("the pattern cannot be read", pattern.at, "RE2 syntax: no lookahead, no backreference") from None
    run = part.run
    return _Part(BOOL, lambda facts, scope: compiled.search(run(facts, scope)) is not None)


def _quantified(node: Quantified, variables: _Variables) -> _Part:
    over = _compile(node.over, variables)
    if over.type.element is None:
        raise ExpressionError(f"{node.kind}() goes through a list, not a {over.type}", node.at)
    if node.name in ROOTS or node.name in variables:
        raise ExpressionError(f"{node.name!r} is already the name of something else", node.at)
    body = _compile(node.body, {**variables, node.name: (len(variables), over.type.element)})
    _demand(body, BOOL, node.body, f"{node.kind}() asks a condition")
    items, test = over.run, body.run
    decisive = node.kind == "exists"

    def run(facts: Facts, scope: Scope) -> bool:
        failed: Exception | None = None
        for item in items(facts, scope):
            try:
                found: bool = test(facts, (*scope, item))
                if found is decisive:
                    return found
            except EVALUATION_ERRORS as error:
                failed = error
        if failed is not None:
            raise failed
        return not decisive

    return _Part(BOOL, run)


def _demand(part: _Part, kind: Type, node: Node, why: str) -> None:
    given, wanted = part.type, kind
    if given.name != wanted.name or (given.element and wanted.element and given.element.name != wanted.element.name):
        raise ExpressionError(f"this is a {given}, not a {wanted}", node.at, why)


def _demand_number(part: _Part, node: Node) -> None:
    if part.type.name not in _NUMBERS:
        raise ExpressionError(f"this is a {part.type}, not a number", node.at)


def _fits(number: int) -> int:
    if not _INT_MIN <= number <= _INT_MAX:
        raise OverflowError("a number does not fit into 64 bits")
    return number


def _nearest(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else "one of " + ", ".join(sorted(known))
