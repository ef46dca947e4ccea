"""Lists and maps of the policy language: written down, and what is taken out of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from policies.attributes import ANY, BOOL, INT, STRING, Facts, Type
from policies.operators import Part, Scope, check_words, constant, demand, joined
from policies.syntax import ExpressionError, Index, ListOf, Literal, MapOf, Node, Select


def common(parts: Sequence[Part], nodes: Sequence[Node], why: str) -> Type:
    """The one type of all parts; ANY if there is none. Raises ExpressionError."""
    kind: Type = ANY
    for part, node in zip(parts, nodes, strict=True):
        both = joined(kind, part.type)
        if both is None:
            raise ExpressionError(f"this is a {part.type}, not a {kind}", node.at, why)
        kind = both
    return kind


def list_of(node: ListOf, parts: Sequence[Part]) -> Part:
    """`[a, b]`. Raises ExpressionError."""
    kind = Type("list", element=common(parts, node.items, "all items of a list have one type"))
    values = [part.constant[0] for part in parts if part.constant]
    if len(values) == len(parts):
        return constant(kind, tuple(values))
    runs = [part.run for part in parts]
    return Part(kind, lambda facts, scope: tuple([run(facts, scope) for run in runs]))


def map_of(node: MapOf, entries: Sequence[tuple[Part, Part]]) -> Part:
    """`{"a": 1}`. Raises ExpressionError."""
    key = common([key for key, _ in entries], [key for key, _ in node.entries], "all keys of a map have one type")
    if key.name not in ("anything", "bool", "int", "string"):
        raise ExpressionError(f"a {key} cannot be a key", node.at, "keys are string, int or bool")
    values = common([value for _, value in entries], [value for _, value in node.entries], "all values of a map have one type")
    _check_keys(node)
    kind, runs = Type("map", element=values, key=key), [(key.run, value.run) for key, value in entries]
    known = {key.constant[0]: value.constant[0] for key, value in entries if key.constant and value.constant}
    if len(known) == len(entries):
        return constant(kind, known)

    def run(facts: Facts, scope: Scope) -> dict[Any, Any]:
        found = {key(facts, scope): value(facts, scope) for key, value in runs}
        if len(found) < len(runs):
            raise ValueError("a map has a key twice")
        return found

    return Part(kind, run)


def _check_keys(node: MapOf) -> None:
    seen: set[object] = set()
    for key, _ in node.entries:
        if isinstance(key, Literal):
            if key.value in seen:
                raise ExpressionError(f"{key.value!r} is in the map twice", key.at)
            seen.add(key.value)


def item(node: Index, of: Part, at: Part) -> Part:
    """`list[number]` or `map[key]`. Raises ExpressionError."""
    run, place = of.run, at.run
    if of.type.element is None:
        raise ExpressionError(f"a {of.type} has no items", node.at, "[...] takes an item of a list or a value of a map")
    if of.type.key is not None:
        demand(at, of.type.key, node.index, "the keys of the map have another type")
        if isinstance(node.operand, MapOf):
            for key, _ in node.operand.entries:
                check_words(at.type, key)
        return Part(of.type.element, lambda facts, scope: run(facts, scope)[place(facts, scope)])
    if not of.type.ordered:
        raise ExpressionError("this list has no order", node.at, "ask with `in`, exists() or size()")
    demand(at, INT, node.index, "items of a list have numbers, from 0")

    def numbered(facts: Facts, scope: Scope) -> Any:
        number = place(facts, scope)
        if number < 0:
            raise IndexError("items of a list have numbers from 0")
        return run(facts, scope)[number]

    return Part(of.type.element, numbered)


def value_by_name(node: Select, of: Part) -> Part:
    """`map.key` is `map["key"]`; with `has` it asks for the key. Raises ExpressionError."""
    if of.type.key is None or joined(of.type.key, STRING) is None:
        raise ExpressionError(f"a {of.type} has no members", node.at, "only keys that are names stand behind a point")
    run, key = of.run, node.member
    if node.test:
        return Part(BOOL, lambda facts, scope: key in run(facts, scope))
    return Part(of.type.element or ANY, lambda facts, scope: run(facts, scope)[key])
