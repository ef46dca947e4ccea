"""A plan's tree is told in the language of the rules, and as JSON that loses nothing."""

import json
from datetime import UTC, datetime

import pytest

from policies.attributes import RECORD
from policies.expression import compile_condition
from policies.tree import And, Compare, Exists, Has, In, Match, Not, Op, Or, Text
from policies.tree_text import as_json, as_text

OWN = Compare("own", Op.EQ, True)
GERMAN = Exists("countries", Compare("", Op.EQ, "DE"))
OLD = Compare("created_at", Op.LT, datetime(2026, 5, 12, 12, 30, tzinfo=UTC))
TREES = [
    (OWN, "record.own"),
    (Not(OWN), "!(record.own)"),
    (GERMAN, 'record.countries.exists(item, item == "DE")'),
    (Exists("cities"), "size(record.cities) > 0"),
    (OLD, 'record.created_at < timestamp("2026-05-12T12:30:00Z")'),
    (In("language", ("de", 'a "quoted\\ one')), 'record.language in ["de", "a \\"quoted\\\\ one"]'),
    (Not(Has("language")), "!(has(record.language))"),
    (Exists("postal_codes", Text("", Match.STARTS_WITH, "80")), 'record.postal_codes.exists(item, item.startsWith("80"))'),
    (And((Or((OWN, GERMAN)), OLD)), f"(record.own || {as_text(GERMAN)}) && {as_text(OLD)}"),
    (Or((And((OWN, OLD)), GERMAN)), f"record.own && {as_text(OLD)} || {as_text(GERMAN)}"),
]


@pytest.mark.parametrize(("tree", "text"), TREES)
def test_the_text_is_a_condition_that_a_rule_could_have(tree, text):
    assert as_text(tree) == text
    compile_condition(text, record=RECORD)


@pytest.mark.parametrize(("tree", "_text"), TREES)
def test_the_json_holds_everything(tree, _text):
    again = json.loads(json.dumps(as_json(tree)))
    assert read(again) == tree


def read(node):
    """The tree of a JSON object, as a program that translates it would read it."""
    ((kind, inner),) = node.items()
    match kind:
        case "and":
            return And(tuple(map(read, inner)))
        case "or":
            return Or(tuple(map(read, inner)))
        case "not":
            return Not(read(inner))
        case "compare":
            return Compare(inner["attribute"], Op(inner["op"]), constant(inner["attribute"], inner["value"]))
        case "in":
            return In(inner["attribute"], tuple(inner["values"]))
        case "has":
            return Has(inner["attribute"])
        case "text":
            return Text(inner["attribute"], Match(inner["match"]), inner["text"])
        case "exists":
            return Exists(inner["attribute"], None if inner["test"] is None else read(inner["test"]))
    raise AssertionError(kind)


def constant(name, value):
    kind = RECORD[name].type.name if name else ""
    return datetime.fromisoformat(value) if kind == "timestamp" else value
