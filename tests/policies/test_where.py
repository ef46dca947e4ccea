"""Conditions on records, taken apart into leaves that are asked once."""

import pytest

from policies.attributes import RECORD
from policies.syntax import ExpressionError
from policies.where import Both, Choice, Conditions, Leaf, Negation, leaves
from tests.policies.test_columns import SCHEMA


def where(source):
    return Conditions(SCHEMA).where(source)


def test_equal_leaves_of_several_rules_are_one():
    conditions = Conditions(RECORD)
    one = conditions.where('record.own && record.language == "de"')
    two = conditions.where('record.active || (  record.language   ==  "de")')
    other = conditions.where('record.language == "d"')
    assert one is conditions.where('record.own && record.language == "de"')
    assert list(leaves(one.logic))[1] is list(leaves(two.logic))[1]
    (third,) = leaves(other.logic)
    assert third not in (*leaves(one.logic), *leaves(two.logic))
    assert len({*leaves(conditions.where("record.own == true").logic), *leaves(conditions.where("record.own == false").logic)}) == 2


def test_a_condition_is_taken_apart_at_what_joins_conditions():
    logic = where('record.own && !(record.vip || record.score > 1) && (record.vip ? record.own : record.city == "x")').logic
    match logic:
        case Both((Leaf(), Negation(Both((Leaf(), Leaf()), True)), Choice(Leaf(), Leaf(), Leaf())), False):
            return
    pytest.fail(repr(logic))


@pytest.mark.parametrize(
    ("source", "read", "waits"),
    [
        ("record.own", ("own",), False),
        ("record.owner == record.city", ("city", "owner"), False),
        ("has(record.city)", ("city",), False),
        ("record.tags.exists(t, t == record.city)", ("city", "tags"), False),
        ("record.tags[0] == 'x'", ("tags",), False),
        ("record.score > resource.asked", ("score",), True),
        ("record.score > usage.after.shown_day", ("score",), True),
        ("record.score > usage.before.shown_day", ("score",), False),
        ("findings.exists(f, f.clients > record.score)", ("score",), False),
        ('principal.team == "south"', (), False),
    ],
)
def test_a_leaf_knows_what_it_reads(source, read, waits):
    (leaf,) = leaves(where(source).logic)
    assert (leaf.attributes, leaf.waits) == (read, waits)
    assert where(source).attributes == frozenset(read)


@pytest.mark.parametrize(
    "source", ["record.nothing == 1", "record == record", "[record].exists(r, r.own)", "record.score", "record.own &&"]
)
def test_what_is_no_condition_on_a_record(source):
    with pytest.raises(ExpressionError):
        where(source)


def test_a_long_chain_needs_no_depth():
    where(" && ".join(["record.own"] * 90))
    (leaf,) = leaves(where("record.score > " + " + ".join(["1"] * 190)).logic)
    assert leaf.attributes == ("score",)
