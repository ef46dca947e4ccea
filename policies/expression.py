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

from policies.attributes import BOOL, DOUBLE, INT, PLACES, ROOTS, STRING, Attributes, Facts, Type
from policies.operators import EVALUATION_ERRORS, INT_MAX, Evaluate, Part, Scope, arithmetic, comparison, demand, demand_number, fits
from policies.syntax import Call, ExpressionError, ListOf, Literal, Name, Node, Operation, Quantified, Select, parse


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


RECORD_SLOT = -1
"""Index of `record` among the variables: it lies in the facts, not in the scope."""

type _Variables = Mapping[str, tuple[int, Type]]


def compile_condition(source: str, record: Attributes | None = None) -> Condition:
    """Compile a condition on an act, or with `record` on one record of it. Raises ExpressionError with the offset and a hint."""
    tree = parse(source)
    part = compile_part(tree, record)
    demand(part, BOOL, tree, "a condition is true or false")
    return Condition(source, tree, part.run)


def compile_part(node: Node, record: Attributes | None = None) -> Part:
    """Compile a part of a condition's tree that stands by itself: no variable of a quantifier around it. Raises ExpressionError."""
    return _compile(node, {} if record is None else {"record": (RECORD_SLOT, Type("record", members=record))})


def _compile(node: Node, variables: _Variables) -> Part:
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
            return arithmetic(node, *(_compile(operand, variables) for operand in node.operands))
        case Operation():
            return comparison(node, *(_compile(operand, variables) for operand in node.operands))
        case Call():
            return _call(node, variables)
        case Quantified():
            return _quantified(node, variables)


def _literal(value: bool | int | float | str, at: int) -> Part:
    kind = {bool: BOOL, int: INT, float: DOUBLE, str: STRING}[type(value)]
    if kind is INT and value > INT_MAX:  # type: ignore[operator]
        raise ExpressionError("a number does not fit into 64 bits", at)
    return Part(kind, lambda facts, scope: value)


def _list(items: Sequence[Node], at: int, variables: _Variables) -> Part:
    if not items:
        raise ExpressionError("an empty list holds nothing to compare with", at)
    parts = [_compile(item, variables) for item in items]
    for item, part in zip(items, parts, strict=True):
        demand(part, parts[0].type, item, "all items of a list have one type")
    if all(isinstance(item, Literal) for item in items):
        values = frozenset(item.value for item in items if isinstance(item, Literal))
        return Part(Type("list", element=parts[0].type), lambda facts, scope: values)
    runs = [part.run for part in parts]
    return Part(Type("list", element=parts[0].type), lambda facts, scope: [run(facts, scope) for run in runs])


def _name(node: Name, variables: _Variables) -> Part:
    if node.name in variables:
        index, kind = variables[node.name]
        if index == RECORD_SLOT:
            return Part(kind, lambda facts, scope: facts.record, path="record")
        return Part(kind, lambda facts, scope: scope[index])
    if node.name not in ROOTS:
        raise ExpressionError(f"{node.name!r} is not known", node.at, _nearest(node.name, [*ROOTS, *variables]))
    getter = operator.attrgetter(node.name)
    return Part(ROOTS[node.name], lambda facts, scope: getter(facts), path=node.name)


def _select(node: Select, variables: _Variables) -> Part:
    of = _compile(node.operand, variables)
    members = of.type.members
    if members is None:
        raise ExpressionError(f"a {of.type} has no members", node.at)
    if node.member not in members:
        raise ExpressionError(f"{node.member!r} is not known here", node.at, _nearest(node.member, members))
    member = members[node.member]
    run, path = _reader(of, node.member)
    if node.test:
        return Part(BOOL, lambda facts, scope: run(facts, scope) is not None)
    if member.optional:
        return Part(member.type, _valued(run, node.member))
    return Part(member.type, run, path)


def _reader(of: Part, name: str) -> tuple[Evaluate, str | None]:
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


def _logic(node: Operation, variables: _Variables) -> Part:
    parts = [_compile(operand, variables) for operand in node.operands]
    for operand, part in zip(node.operands, parts, strict=True):
        demand(part, BOOL, operand, f"{node.operator} joins conditions")
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

    return Part(BOOL, run)


def _unary(node: Operation, variables: _Variables) -> Part:
    part = _compile(node.operands[0], variables)
    run = part.run
    if node.operator == "!":
        demand(part, BOOL, node.operands[0], "! turns a condition round")
        return Part(BOOL, lambda facts, scope: not run(facts, scope))
    demand_number(part, node.operands[0])
    if part.type.name == "double":
        return Part(DOUBLE, lambda facts, scope: -run(facts, scope))
    return Part(INT, lambda facts, scope: fits(-run(facts, scope)))


def _choice(node: Operation, variables: _Variables) -> Part:
    condition, then, other = (_compile(operand, variables) for operand in node.operands)
    demand(condition, BOOL, node.operands[0], "?: starts with a condition")
    demand(other, then.type, node.operands[2], "both sides of : have one type")
    test, yes, no = condition.run, then.run, other.run
    return Part(then.type, lambda facts, scope: yes(facts, scope) if test(facts, scope) else no(facts, scope))


@dataclass(frozen=True, slots=True)
class _Function:
    takes: tuple[Type, ...]
    gives: Type
    run: Callable[..., Any]


def _share_of_base(part: Part) -> Part:
    """Percent of the company's clients: 300 of 3,000 is 10.0."""
    run = part.run
    return Part(DOUBLE, lambda facts, scope: run(facts, scope) * 100 / facts.usage.base)


_FUNCTIONS: Mapping[str, _Function] = {
    "startsWith": _Function((STRING, STRING), BOOL, str.startswith),
    "endsWith": _Function((STRING, STRING), BOOL, str.endswith),
    "contains": _Function((STRING, STRING), BOOL, operator.contains),
}
_NAMES = sorted([*_FUNCTIONS, "size", "matches", "share_of_base", "has", "all", "exists"])


def _call(node: Call, variables: _Variables) -> Part:
    parts = [_compile(arg, variables) for arg in node.args]
    match node.function, parts:
        case "size", [Part(type=Type(name="list" | "string"), run=run)]:
            return Part(INT, lambda facts, scope: len(run(facts, scope)))
        case "share_of_base", [part]:
            demand(part, INT, node.args[0], "share_of_base takes a count")
            return _share_of_base(part)
        case "matches", [part, _]:
            demand(part, STRING, node.args[0], "a pattern is matched against text")
            return _matches(part, node.args[1])
        case name, _ if name in _FUNCTIONS and len(parts) == len(_FUNCTIONS[name].takes):
            function = _FUNCTIONS[name]
            for arg, part, kind in zip(node.args, parts, function.takes, strict=True):
                demand(part, kind, arg, f"{name} takes text")
            (one, two), work = (part.run for part in parts), function.run
            return Part(function.gives, lambda facts, scope: work(one(facts, scope), two(facts, scope)))
        case name, _ if name in _NAMES:
            raise ExpressionError(f"{name}() is given the wrong things", node.at)
    raise ExpressionError(f"there is no function {node.function!r}", node.at, _nearest(node.function, _NAMES))


def _matches(part: Part, pattern: Node) -> Part:
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
    return Part(BOOL, lambda facts, scope: compiled.search(run(facts, scope)) is not None)


def _quantified(node: Quantified, variables: _Variables) -> Part:
    over = _compile(node.over, variables)
    if over.type.element is None:
        raise ExpressionError(f"{node.kind}() goes through a list, not a {over.type}", node.at)
    if node.name in ROOTS or node.name in variables:
        raise ExpressionError(f"{node.name!r} is already the name of something else", node.at)
    body = _compile(node.body, {**variables, node.name: (sum(index != RECORD_SLOT for index, _ in variables.values()), over.type.element)})
    demand(body, BOOL, node.body, f"{node.kind}() asks a condition")
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

    return Part(BOOL, run)


def _nearest(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else "one of " + ", ".join(sorted(known))
