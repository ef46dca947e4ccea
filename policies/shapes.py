"""What the conditions of a `where` are in the tree of a plan (`tree.py`): when each is true, when it is false, when it can be judged.

CEL has three outcomes, true, false and error; a tree has two. So a condition becomes three trees. Whoever needs "the deny does not hold"
takes the second one, and so a record without the attribute is not given out by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import NamedTuple, cast

from policies.attributes import Attributes, Facts
from policies.expression import compile_part
from policies.operators import EVALUATION_ERRORS, Evaluate
from policies.syntax import Call, Literal, Name, Node, Operation, Quantified, Select
from policies.tree import ITEM, Compare, Constant, Exists, Has, In, Leaf, Match, Not, Op, Text, Tree, all_of, any_of


class Truth(NamedTuple):
    """When a condition is true, when it is false, and when it is one of them. What is not known is true in all three: trees may be too
    wide, never too narrow."""

    true: Tree
    false: Tree
    fine: Tree


TRUE, FALSE, FAILS = Truth(True, False, True), Truth(False, True, True), Truth(False, False, False)
UNKNOWN = Truth(True, True, True)

type Shape = Callable[[Facts], Truth | None]
"""What a condition is for one act; None: nothing that a tree can say. Raises one of EVALUATION_ERRORS if it fails for every record."""


def both(parts: list[Truth], *, any_: bool) -> Truth:
    """`&&` or, with `any_`, `||`."""
    if any_:
        return opposite(both([opposite(part) for part in parts], any_=False))
    true, false = all_of(part.true for part in parts), any_of(part.false for part in parts)
    return Truth(true, false, any_of((all_of(part.fine for part in parts), false)))


def opposite(part: Truth) -> Truth:
    """`!`."""
    return Truth(part.false, part.true, part.fine)


def choice(test: Truth, yes: Truth, no: Truth) -> Truth:
    """`test ? yes : no`."""
    one, other, fine = (any_of((all_of((test.true, then)), all_of((test.false, else_)))) for then, else_ in zip(yes, no, strict=True))
    return Truth(one, other, fine)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`record.attribute op other`, the other side without a record."""

    attribute: str
    op: Op
    other: Evaluate


_FLIPPED = {Op.EQ: Op.EQ, Op.NE: Op.NE, Op.LT: Op.GT, Op.GT: Op.LT, Op.LE: Op.GE, Op.GE: Op.LE}
_NEGATED = {Op.EQ: Op.NE, Op.NE: Op.EQ, Op.LT: Op.GE, Op.GE: Op.LT, Op.GT: Op.LE, Op.LE: Op.GT}
_OPS = frozenset(op.value for op in Op)
_MATCHES = frozenset(match.value for match in Match)


class Shapes:
    """Finds the shape of conditions on the records of one schema, or on the items of a list of theirs (`item`: the variable's name)."""

    def __init__(self, record: Attributes, item: str | None = None) -> None:
        self._record = record
        self._item = item

    def comparison(self, node: Node) -> Comparison | None:
        """The condition as a comparison of one plain attribute with something of the act."""
        match node:
            case Operation(operator=sign, operands=(left, right)) if sign in _OPS:
                for op, one, other in ((Op(sign), left, right), (_FLIPPED[Op(sign)], right, left)):
                    name = self._plain(one)
                    if name is not None and self._free(other):
                        return Comparison(name, op, compile_part(other).run)
        return None

    def shape(self, node: Node) -> Shape | None:
        """The shape of a condition that is none of `&& || ! ?:`; None: it has none."""
        if (comparison := self.comparison(node)) is not None:
            return lambda facts: self._compared(comparison, facts)
        match node:
            case Select(Name("record"), member, test=True):
                return lambda facts: Truth(Has(member), Not(Has(member)), True) if self._optional(member) else TRUE
            case Select(Name("record"), member):
                return lambda facts: self._truth(Compare(member, Op.EQ, True))
            case Operation(operator="in", operands=(one, many)):
                return self._membership(one, many)
            case Call(function=name, args=(text, part)) if name in _MATCHES:
                return self._search(Match(name), text, part)
            case Operation(operator=sign, operands=(Call(function="size", args=(over,)), Literal(value=0))):
                return self._emptiness(over, sign)
            case Quantified(kind="exists" | "all"):
                return self._quantified(node)
        return None

    def _compared(self, comparison: Comparison, facts: Facts) -> Truth | None:
        name, op, value = comparison.attribute, comparison.op, comparison.other(facts, ())
        if value is None:
            return None
        if not isinstance(value, bool):
            return self._truth(Compare(name, op, value), Compare(name, _NEGATED[op], value))
        if op not in (Op.EQ, Op.NE):
            return None
        truth = self._truth(Compare(name, Op.EQ, True))
        return truth if (op is Op.EQ) is value else opposite(truth)

    def _membership(self, one: Node, many: Node) -> Shape | None:
        if (name := self._plain(one)) is not None and self._free(many):
            listed = compile_part(many).run
            return lambda facts: self._in(name, tuple(sorted(listed(facts, ()), key=repr)))
        if (over := self._list(many)) and self._free(one):
            item = compile_part(one).run
            return lambda facts: self._truth(Exists(over, Compare(ITEM, Op.EQ, item(facts, ()))))
        return None

    def _search(self, how: Match, text: Node, part: Node) -> Shape | None:
        name = self._plain(text)
        if name is None or not self._free(part):
            return None
        wanted = compile_part(part).run
        return lambda facts: self._truth(Text(name, how, wanted(facts, ())))

    def _emptiness(self, over: Node, sign: str) -> Shape | None:
        name = self._list(over)
        if name is None or sign not in (">", "!=", "==", "<="):
            return None
        truth = self._truth(Exists(name))
        return lambda facts: truth if sign in (">", "!=") else opposite(truth)

    def _quantified(self, node: Quantified) -> Shape | None:
        over = self._list(node.over)
        body = Shapes(self._record, node.name).inside(node.body) if over else None
        if over is None or body is None:
            return None

        def shape(facts: Facts) -> Truth | None:
            try:
                test = body(facts)
            except EVALUATION_ERRORS:
                return None  # it fails only where the list is not empty
            if test is None:
                return None
            if node.kind == "exists":
                return self._any(over, test.true)
            return opposite(self._any(over, test.false))

        return shape

    def inside(self, node: Node) -> Shape | None:
        """The shape of a whole condition on an item."""
        match node:
            case Operation(operator="&&" | "||" as sign, operands=operands):
                parts = [shape for operand in operands if (shape := self.inside(operand)) is not None]
                return _joined(parts, any_=sign == "||") if len(parts) == len(operands) else None
            case Operation(operator="!", operands=(part,)):
                inner = self.inside(part)
                return None if inner is None else lambda facts: None if (truth := inner(facts)) is None else opposite(truth)
        if self._free(node):
            holds = compile_part(node).run
            return lambda facts: TRUE if holds(facts, ()) is True else FALSE
        return None if _reads(node, "record") else self.shape(node)

    def _any(self, over: str, test: Tree) -> Truth:
        return self._never(over) if test is False else self._truth(Exists(over, None if test is True else test))

    def _in(self, name: str, values: tuple[Constant, ...]) -> Truth:
        return self._truth(In(name, values)) if values else self._never(name)

    def _never(self, name: str) -> Truth:
        """What is true of no value, and fails where there is none."""
        has: Tree = Has(name) if self._optional(name) else True
        return Truth(False, has, has)

    def _truth(self, leaf: Leaf, other: Leaf | None = None) -> Truth:
        """Of a leaf that fails where its attribute has no value. `other`: the leaf that is true where this one is false."""
        if not self._optional(leaf.attribute):
            return Truth(leaf, other or Not(leaf), True)
        has = Has(leaf.attribute)
        return Truth(leaf, other or all_of((has, Not(leaf))), has)

    def _optional(self, name: str) -> bool:
        return name != ITEM and self._record[name].optional

    def _plain(self, node: Node) -> str | None:
        """The name, if this is an attribute with one value, or the item."""
        if self._item is not None:
            return ITEM if isinstance(node, Name) and node.name == self._item else None
        name = _attribute(node)
        return name if name is not None and self._record[name].type.element is None else None

    def _list(self, node: Node) -> str | None:
        """The name, if this is an attribute with a list of values."""
        name = None if self._item is not None else _attribute(node)
        return name if name is not None and self._record[name].type.element is not None else None

    def _free(self, node: Node) -> bool:
        """Whether a part is the same for every record and every item."""
        return not _reads(node, "record") and not (self._item is not None and _reads(node, self._item))


def _joined(parts: list[Shape], *, any_: bool) -> Shape:
    def shape(facts: Facts) -> Truth | None:
        truths = [truth for part in parts if (truth := part(facts)) is not None]
        return both(truths, any_=any_) if len(truths) == len(parts) else None

    return shape


def _attribute(node: Node) -> str | None:
    match node:
        case Select(Name("record"), member, test=False):
            return member
    return None


def _reads(node: Node, name: str) -> bool:
    return any(isinstance(root := root_of(part), Name) and root.name == name for part in parts_of(node))


def parts_of(node: Node) -> Iterator[Node]:
    """The node and everything inside it; a dotted name (`usage.after.shown_day`) is one part."""
    todo: list[object] = [node]
    while todo:  # a chain of operators is as deep as it is long: no recursion
        part = todo.pop()
        if isinstance(part, tuple):
            todo.extend(part)
        elif is_dataclass(part):
            yield cast(Node, part)
            root = root_of(part)
            if root is part:
                todo.extend(getattr(part, field.name) for field in fields(part))
            elif not isinstance(root, Name):
                todo.append(root)


def root_of(node: object) -> object:
    """`a` of `a.b.c`; anything else itself."""
    while isinstance(node, Select):
        node = node.operand
    return node
