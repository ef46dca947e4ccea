"""The tree of a plan: which records of a type may be given out, as a condition that another system can evaluate (see `plan.py`).

A tree speaks about the attributes of one record (`policies.attributes.RECORD`) and constants, nothing else: who asks, when and how is
worked out already. It is what is turned into a filter of a CRM's protocol, a WHERE of SQL, a `$filter` of OData.

What a tree means, for whoever translates it:

- Every node is either true or false of a record; there is no third value. A leaf that asks about the value of an attribute is false
  where the record has none (None, NULL), `!=` included: only `Has` looks at that. A list attribute always is a list; it may be empty.
- `Not` stands directly above a leaf, never above `And`, `Or` or `Not`, and is true where the leaf is false: `Not(In("city", ...))` is
  true of a record without a city. (Where that is not meant, a `Has` stands beside it.)
- Text is compared by code points, upper and lower case differ, blanks count. Timestamps are aware and in UTC.
- Whoever cannot translate a leaf, or its `Not`, may take true in its place: then the filter lets more records through, never fewer,
  because nothing above a leaf turns it round. What is too much is taken out of the answer by `decide`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

type Constant = bool | int | float | str | datetime
"""What an attribute is compared with."""

ITEM = ""
"""In the test of an `Exists`: the name that stands for the item of the list."""


class Op(StrEnum):
    """How a value is compared."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


class Match(StrEnum):
    """How a text is searched."""

    CONTAINS = "contains"
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"
    PATTERN = "matches"
    """A regular expression in the syntax of RE2 is found anywhere in the text."""


@dataclass(frozen=True, slots=True)
class And:
    """All of these, at least two."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of these, at least two."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The leaf is false."""

    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Compare:
    """`attribute op value`; of a bool attribute always `== true`."""

    attribute: str
    op: Op
    value: Constant


@dataclass(frozen=True, slots=True)
class In:
    """The attribute is one of these, at least one, in a stable order."""

    attribute: str
    values: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """The attribute has a value."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Text:
    """The attribute's text contains, starts with, ends with or matches this text."""

    attribute: str
    match: Match
    text: str


@dataclass(frozen=True, slots=True)
class Exists:
    """The list attribute has an item for which the test is true; None: it has any item. The test calls the item `ITEM`."""

    attribute: str
    test: Node | None = None


type Leaf = Compare | In | Has | Text | Exists
type Node = And | Or | Not | Leaf
type Tree = Node | bool
"""A node, or a condition that is known already."""


def all_of(trees: Iterable[Tree]) -> Tree:
    """All of them, as plain as possible."""
    return _joined(trees, And, decisive=False)


def any_of(trees: Iterable[Tree]) -> Tree:
    """Any of them, as plain as possible."""
    return _joined(trees, Or, decisive=True)


def attributes_of(tree: Tree) -> frozenset[str]:
    """Names of the attributes that a tree looks at."""
    match tree:
        case bool():
            return frozenset()
        case And(nodes) | Or(nodes):
            return frozenset().union(*[attributes_of(node) for node in nodes])
        case Not(leaf):
            return attributes_of(leaf)
        case _:
            return frozenset({tree.attribute})


def _joined(trees: Iterable[Tree], kind: type[And] | type[Or], *, decisive: bool) -> Tree:
    nodes: dict[Node, None] = {}
    for tree in trees:
        if isinstance(tree, bool):
            if tree is decisive:
                return decisive
        elif isinstance(tree, kind):
            nodes.update(dict.fromkeys(tree.nodes))
        else:
            nodes[tree] = None
    if any(isinstance(node, Not) and node.leaf in nodes for node in nodes):
        return decisive
    having = {node.attribute for node in nodes if isinstance(node, Has)}
    if having:  # whatever a leaf says of a value, it says too that there is one
        valued = {node.attribute for node in nodes if not isinstance(node, And | Or | Not | Has)}
        for name in having & valued:
            weaker = [node for node in nodes if not isinstance(node, And | Or | Not) and node.attribute == name]
            for node in weaker:
                if isinstance(node, Has) is (kind is And):
                    del nodes[node]
    found = tuple(nodes)
    return not decisive if not found else found[0] if len(found) == 1 else kind(found)
