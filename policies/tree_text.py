"""A plan's tree as text for people and as JSON for other programs: what a translation into a filter of another system starts from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

from policies.tree import ITEM, And, Compare, Constant, Exists, Has, In, Node, Not, Op, Or, Text


def as_text(tree: Node) -> str:
    """The tree in the words of the rule language: `own || "DE" in countries`."""
    match tree:
        case And(nodes):
            return " && ".join(f"({as_text(node)})" if isinstance(node, Or) else as_text(node) for node in nodes)
        case Or(nodes):
            return " || ".join(as_text(node) for node in nodes)
        case Not(leaf):
            return f"!({as_text(leaf)})"
        case Compare(name, Op.EQ, True):
            return _name(name)
        case Compare(name, op, value):
            return f"{_name(name)} {op.value} {_constant(value)}"
        case In(name, values):
            return f"{_name(name)} in [{', '.join(map(_constant, values))}]"
        case Has(name):
            return f"has({_name(name)})"
        case Text(name, match, text):
            return f"{_name(name)}.{match.value}({_constant(text)})"
        case Exists(name, test):
            return f"size({_name(name)}) > 0" if test is None else f"{_name(name)}.exists(item, {as_text(test)})"
    assert_never(tree)


def as_json(tree: Node) -> dict[str, Any]:
    """The tree as nested objects of one member each.

    `{"and": [...]}`, `{"or": [...]}`, `{"not": {...}}`, `{"compare": {"attribute", "op", "value"}}`, `{"in": {"attribute", "values"}}`,
    `{"has": {"attribute"}}`, `{"text": {"attribute", "match", "text"}}`, `{"exists": {"attribute", "test"}}` (`test` may be null).
    In the test of an `exists` the attribute is the empty text and means the item. Times are ISO 8601 in UTC.
    """
    match tree:
        case And(nodes):
            return {"and": [as_json(node) for node in nodes]}
        case Or(nodes):
            return {"or": [as_json(node) for node in nodes]}
        case Not(leaf):
            return {"not": as_json(leaf)}
        case Compare(name, op, value):
            return {"compare": {"attribute": name, "op": op.value, "value": _plain(value)}}
        case In(name, values):
            return {"in": {"attribute": name, "values": [_plain(value) for value in values]}}
        case Has(name):
            return {"has": {"attribute": name}}
        case Text(name, match, text):
            return {"text": {"attribute": name, "match": match.value, "text": text}}
        case Exists(name, test):
            return {"exists": {"attribute": name, "test": None if test is None else as_json(test)}}
    assert_never(tree)


def _name(name: str) -> str:
    return "item" if name == ITEM else f"record.{name}"


def _constant(value: Constant) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case datetime():
            return f'timestamp("{_plain(value)}")'
        case _:
            return str(value)


def _plain(value: Constant) -> bool | int | float | str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
