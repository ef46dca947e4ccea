"""Compiles a condition of a rule to a closure, with every type checked before the rule is ever used.

The language is a subset of CEL (`syntax.py`); values follow the CEL specification: 64-bit integers that do not wrap, integer division
towards zero, `&&` and `||` that do not depend on the order of their sides, patterns in linear time (RE2). Where it differs on purpose
is said in `vocabulary.py`. A condition that fails at run time raises; the engine then denies.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import re2

from policies.attributes import BOOL, DOUBLE, INT, PLACES, ROOTS, STRING, Attributes, Facts, Type
from policies.containers import common, item, list_of, map_of, value_by_name
from policies.functions import FUNCTIONS, Function, Overload, Style, call, nearest
from policies.logic import MAX_NESTED, first_that_decides, quantified
from policies.operators import (
    INT_MAX,
    INT_MIN,
    Evaluate,
    Part,
    Scope,
    arithmetic,
    comparison,
    constant,
    demand,
    demand_number,
    fits,
    membership,
)
from policies.syntax import (
    QUANTIFIERS,
    Call,
    ExpressionError,
    Index,
    ListOf,
    Literal,
    MapOf,
    Name,
    Node,
    Operation,
    Quantified,
    Select,
    parse,
)
from policies.times import UnreadableError


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
    try:
        tree = parse(source)
        part = compile_part(tree, record)
    except RecursionError:
        raise ExpressionError("nested too deep to be loaded", 0, "split it into several rules") from None
    demand(part, BOOL, tree, "a condition is true or false")
    return Condition(source, tree, part.run)


def compile_part(node: Node, record: Attributes | None = None) -> Part:
    """Compile a part of a condition's tree that stands by itself: no variable of a quantifier around it. Raises ExpressionError."""
    return _compile(node, {} if record is None else {"record": (RECORD_SLOT, Type("record", members=record))})


def _compile(node: Node, variables: _Variables) -> Part:
    match node:
        case Literal(value, at):
            return _literal(value, at)
        case ListOf(items):
            return list_of(node, [_compile(item, variables) for item in items])
        case MapOf(entries):
            return map_of(node, [(_compile(key, variables), _compile(value, variables)) for key, value in entries])
        case Name():
            return _name(node, variables)
        case Select():
            return _select(node, variables)
        case Index(operand, index):
            return item(node, _compile(operand, variables), _compile(index, variables))
        case Operation(operator="&&" | "||"):
            return _logic(node, variables)
        case Operation(operator="!" | "-", operands=(_,)):
            return _unary(node, variables)
        case Operation(operator="?:"):
            return _choice(node, variables)
        case Operation(operands=(left, right)):
            work = membership if node.operator == "in" else arithmetic if node.operator in "+-*/%" else comparison
            return work(node, _compile(left, variables), _compile(right, variables))
        case Call():
            return _call(node, variables)
        case Quantified():
            return _quantified(node, variables)
    raise ExpressionError("this cannot be compiled", node.at)


def _literal(value: bool | int | float | str, at: int) -> Part:
    kind = {bool: BOOL, int: INT, float: DOUBLE, str: STRING}[type(value)]
    if kind is INT and not INT_MIN <= value <= INT_MAX:  # type: ignore[operator]
        raise ExpressionError("a number does not fit into 64 bits", at)
    return constant(kind, value)


def _name(node: Name, variables: _Variables) -> Part:
    if node.name in variables:
        index, kind = variables[node.name]
        if index == RECORD_SLOT:
            return Part(kind, lambda facts, scope: facts.record, path="record")
        return Part(kind, lambda facts, scope: scope[index])
    if node.name not in ROOTS:
        raise ExpressionError(f"{node.name!r} is not known", node.at, nearest(node.name, [*ROOTS, *variables]))
    getter = operator.attrgetter(node.name)
    return Part(ROOTS[node.name], lambda facts, scope: getter(facts), path=node.name)


def _select(node: Select, variables: _Variables) -> Part:
    of = _compile(node.operand, variables)
    if of.type.key is not None:
        return value_by_name(node, of)
    members = of.type.members
    if members is None:
        raise ExpressionError(f"a {of.type} has no members", node.at)
    if node.member not in members:
        raise ExpressionError(f"{node.member!r} is not known here", node.at, nearest(node.member, members))
    member = members[node.member]
    if of.path is None:
        inner, reader = of.run, operator.attrgetter(node.member)
        run: Evaluate = lambda facts, scope: reader(inner(facts, scope))  # noqa: E731
        path = None
    else:
        path = f"{of.path}.{node.member}"
        getter = operator.attrgetter(PLACES.get(path, path))  # one step in C for the whole path
        run = lambda facts, scope: getter(facts)  # noqa: E731
    if node.test:
        return Part(BOOL, lambda facts, scope: run(facts, scope) is not None)
    if member.optional or of.path == "record":  # what a CRM did not deliver is missing, whatever was declared
        return Part(member.type, _valued(run, node.member))
    return Part(member.type, run, path)


def _valued(run: Evaluate, name: str) -> Evaluate:
    def value(facts: Facts, scope: Scope) -> Any:
        found = run(facts, scope)
        if found is None:
            raise NoValueError(f"{name} has no value")
        return found

    return value


def _logic(node: Operation, variables: _Variables) -> Part:
    runs = []
    for operand in _chain(node):
        part = _compile(operand, variables)
        demand(part, BOOL, operand, f"{node.operator} joins conditions")
        runs.append(part.run)
    return Part(BOOL, first_that_decides(runs, decisive=node.operator == "||"))


def _chain(node: Operation) -> list[Node]:
    """The sides of `a && b && c`, in their order."""
    sides: list[Node] = []
    rest: Node = node
    while isinstance(rest, Operation) and rest.operator == node.operator:
        rest, last = rest.operands
        sides.append(last)
    return [rest, *reversed(sides)]


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
    kind = common((then, other), node.operands[1:], "both sides of : have one type")
    test, yes, no = condition.run, then.run, other.run
    return Part(kind, lambda facts, scope: yes(facts, scope) if test(facts, scope) else no(facts, scope))


def _pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    options.never_capture = True
    try:
        return re2.compile(text.encode(), options)
    except re2.error:
        raise UnreadableError("the pattern cannot be read", "RE2 syntax: no lookahead, no backreference") from None


MATCHES = Function(
    "matches",
    Style.BOTH,
    (Overload((STRING, STRING), BOOL, lambda text, pattern: pattern.search(text.encode()) is not None, {1: _pattern}),),
    ("text", "pattern"),
    "Whether a pattern is found anywhere in a text. RE2: the time that it takes grows with the text, never with its square.",
    'r"+49 30 1234".matches(r"^\\+49 ?30\\b")',
    "true",
)
KNOWN: Mapping[str, Function] = {**FUNCTIONS, MATCHES.name: MATCHES}
"""Name -> function, all of them."""


def _call(node: Call, variables: _Variables) -> Part:
    if node.function in QUANTIFIERS:
        raise ExpressionError(f"{node.function} stands behind a list", node.at, f"list.{node.function}(x, condition)")
    if node.function not in KNOWN:
        raise ExpressionError(f"there is no function {node.function!r}", node.at, nearest(node.function, [*KNOWN, "has", *QUANTIFIERS]))
    return call(KNOWN[node.function], node, [_compile(arg, variables) for arg in node.args])


def _quantified(node: Quantified, variables: _Variables) -> Part:
    over = _compile(node.over, variables)
    each = over.type.each
    if each is None:
        raise ExpressionError(f"{node.kind}() goes through a list or a map, not a {over.type}", node.at)
    if node.name in ROOTS or node.name in variables:
        raise ExpressionError(f"{node.name!r} is already the name of something else", node.at)
    around = sum(index != RECORD_SLOT for index, _ in variables.values())
    if around == MAX_NESTED:
        raise ExpressionError(f"more than {MAX_NESTED} quantifiers inside each other", node.at, "split it into several rules")
    body = _compile(node.body, {**variables, node.name: (around + 1, each)})
    demand(body, BOOL, node.body, f"{node.kind}() asks a condition")
    return quantified(node.kind, over.run, body.run)
