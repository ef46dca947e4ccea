"""What the tree of a plan means, as plainly as it can be said: the meaning that every translation must have."""

import re2

from policies.tree import ITEM, And, Compare, Exists, Has, In, Match, Not, Op, Or, Text

COMPARED = {
    Op.EQ: lambda one, other: one == other,
    Op.NE: lambda one, other: one != other,
    Op.LT: lambda one, other: one < other,
    Op.LE: lambda one, other: one <= other,
    Op.GT: lambda one, other: one > other,
    Op.GE: lambda one, other: one >= other,
}
FOUND = {
    Match.CONTAINS: lambda text, part: part in text,
    Match.STARTS_WITH: str.startswith,
    Match.ENDS_WITH: str.endswith,
    Match.PATTERN: lambda text, pattern: re2.search(pattern, text) is not None,
}


def holds(tree, record):
    """Whether a tree is true of a record: attribute -> value."""
    match tree:
        case bool():
            return tree
        case And(nodes):
            assert len(nodes) > 1
            return all(holds(node, record) for node in nodes)
        case Or(nodes):
            assert len(nodes) > 1
            return any(holds(node, record) for node in nodes)
        case Not(leaf):
            assert not isinstance(leaf, And | Or | Not)
            return not holds(leaf, record)
        case Has(attribute):
            return record[attribute] is not None
    value = record[tree.attribute]
    if value is None:
        return False
    match tree:
        case Compare(_, op, constant):
            return COMPARED[op](value, constant)
        case In(_, constants):
            assert constants
            return value in constants
        case Text(_, match, text):
            return FOUND[match](value, text)
        case Exists(_, None):
            return len(value) > 0
        case Exists(_, test):
            return any(holds(test, {ITEM: item}) for item in value)
