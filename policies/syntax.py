"""Reads an expression of the policy language into a tree: the grammar of CEL (cel-spec, `langdef.md`), cut down to what rules need.

Literals, lists, maps, `a.b`, `a[b]`, `f(x)`, `x.f(y)`, `has(a.b)`, `all`, `exists`, `exists_one`, `! -`, `* / % + -`, comparisons, `in`,
`&& ||`, `?:`. The tree carries the offset of every part, so that an error can point at it; it knows nothing about types (`expression.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from policies.tokens import KEYWORDS, MAX_LENGTH, RESERVED, ExpressionError, Token, quoted, tokens, whole

__all__ = [
    "MAX_DEPTH",
    "MAX_LENGTH",
    "MAX_PARTS",
    "QUANTIFIERS",
    "Call",
    "ExpressionError",
    "Index",
    "ListOf",
    "Literal",
    "MapOf",
    "Name",
    "Node",
    "Operation",
    "Quantified",
    "Select",
    "parse",
]

MAX_DEPTH = 40
"""Parentheses and lists inside each other; with `MAX_PARTS` it keeps parsing and evaluating far from Python's recursion limit."""
MAX_PARTS = 200
"""Operators and member accesses in one expression: a chain of them is as deep as it is long."""
QUANTIFIERS = ("all", "exists", "exists_one")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written down: bool, int, float or text."""

    value: bool | int | float | str
    at: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`."""

    items: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class MapOf:
    """`{"a": 1, "b": 2}`."""

    entries: tuple[tuple[Node, Node], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A root (`usage`) or the variable of a quantifier."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.member`; with `test` it is `has(operand.member)`."""

    operand: Node
    member: str
    at: int
    test: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """`operand[index]`: an item of a list by its number, a value of a map by its key."""

    operand: Node
    index: Node
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """`function(args)`; with `method` it is `x.f(y)`, and its target is the first argument."""

    function: str
    args: tuple[Node, ...]
    at: int
    method: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its one, two or three (`?:`) operands."""

    operator: str
    operands: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Quantified:
    """`over.all(name, body)`; `kind` is one of QUANTIFIERS."""

    kind: str
    over: Node
    name: str
    body: Node
    at: int


type Node = Literal | ListOf | MapOf | Name | Select | Index | Call | Operation | Quantified

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
"""Binary operators, loosest first; all of them group to the left."""


@lru_cache(maxsize=4_096)
def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError.

    Trees are frozen and kept: a condition is read when it is checked, when it is compiled, and by whoever looks at its names.
    """
    parser = _Parser(tokens(text))
    tree = parser.conditional()
    rest = parser.token
    if rest.kind != "end":
        raise ExpressionError(f"{rest.text!r} is not expected here", rest.at)
    return tree


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._parts = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._next]

    def conditional(self) -> Node:
        return self._deeper(self._conditional)

    def _deeper(self, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH}", self.token.at, "split it into several rules")
        node = read()
        self._depth -= 1
        return node

    def _conditional(self) -> Node:
        condition = self._binary(0)
        if not self._skip("?"):
            return condition
        at = self.token.at
        then = self._binary(0)
        if self.token.text == "?":
            raise ExpressionError("'?' is not expected here", self.token.at, "a ?: inside a ?: stands in parentheses")
        self._expect(":")
        return Operation("?:", (condition, then, self.conditional()), at)

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self.token.text in _LEVELS[level] and self.token.kind in ("sign", "name"):
            token = self._take()
            self._count(token.at)
            left = Operation(token.text, (left, self._binary(level + 1)), token.at)
        return left

    def _unary(self) -> Node:
        sign = self.token
        if sign.text not in ("!", "-") or self._negative():
            return self._member()
        count = 0
        while self._skip(sign.text):
            self._count(sign.at)
            count += 1
        operand = self._member()
        return Operation(sign.text, (operand,), sign.at) if count % 2 else operand  # two of a kind are none, as in CEL

    def _negative(self) -> bool:
        """Whether a number with its sign follows: the smallest int has no positive twin."""
        return self.token.text == "-" and self._tokens[self._next + 1].kind in ("int", "double")

    def _member(self) -> Node:
        node = self._primary()
        while True:
            at = self.token.at
            if self._skip("."):
                node = self._dotted(node)
            elif self._skip("["):
                self._count(at)
                node = Index(node, self.conditional(), at)
                self._expect("]")
            else:
                return node

    def _dotted(self, node: Node) -> Node:
        name = self._identifier()
        self._count(name.at)
        if self.token.text != "(":
            return Select(node, name.text, name.at)
        if name.text in QUANTIFIERS:
            return self._quantified(node, name)
        return Call(name.text, (node, *self._arguments()), name.at, method=True)

    def _quantified(self, over: Node, kind: Token) -> Node:
        self._expect("(")
        variable = self._identifier()
        if variable.text in RESERVED:
            raise ExpressionError(f"{variable.text!r} cannot be a name", variable.at, "CEL keeps this word: choose another")
        self._expect(",")
        body = self.conditional()
        self._expect(")")
        return Quantified(kind.text, over, variable.text, body, kind.at)

    def _primary(self) -> Node:
        token = self._take()
        match token.kind, token.text:
            case "int" | "double", _:
                return Literal(_number(token), token.at)
            case "text", _:
                return Literal(quoted(token), token.at)
            case "name", "true" | "false":
                return Literal(token.text == "true", token.at)
            case "name", "null":
                raise ExpressionError("null is not part of the language", token.at, "ask whether there is a value with has(...)")
            case "name", word if self.token.text == "(" and word not in KEYWORDS:
                return self._call(token)
            case "name", word if word not in KEYWORDS:
                return Name(word, token.at)
            case "sign", "-" if self.token.kind in ("int", "double"):
                return Literal(-_number(self._take()), token.at)
            case "sign", "(":
                inside = self.conditional()
                self._expect(")")
                return inside
            case "sign", "[":
                return ListOf(self._items("]", spare_comma=True), token.at)
            case "sign", "{":
                return MapOf(self._entries(), token.at)
        raise ExpressionError(f"{token.text!r} is not expected here", token.at, "a value is missing")

    def _call(self, name: Token) -> Node:
        args = self._arguments()
        if name.text != "has":
            return Call(name.text, args, name.at)
        match args:
            case (Select(operand, member, at, test=False),):
                return Select(operand, member, at, test=True)
        raise ExpressionError("has() takes one member", name.at, "for example has(principal.team)")

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        return self._items(")")

    def _items(self, end: str, *, spare_comma: bool = False) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._skip(end):
            if items:
                self._expect(",")
                if spare_comma and self._skip(end):
                    break
            items.append(self.conditional())
        return tuple(items)

    def _entries(self) -> tuple[tuple[Node, Node], ...]:
        entries: list[tuple[Node, Node]] = []
        while not self._skip("}"):
            if entries:
                self._expect(",")
                if self._skip("}"):
                    break
            key = self.conditional()
            self._expect(":")
            entries.append((key, self.conditional()))
        return tuple(entries)

    def _count(self, at: int) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise ExpressionError(f"more than {MAX_PARTS} operators and members", at, "use `in [...]` or split it into several rules")

    def _identifier(self) -> Token:
        token = self._take()
        if token.kind != "name" or token.text in KEYWORDS:
            raise ExpressionError(f"a name is missing before {token.text!r}", token.at)
        return token

    def _take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self._next += 1
        return token

    def _skip(self, text: str) -> bool:
        if self.token.kind == "sign" and self.token.text == text:
            self._next += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise ExpressionError(f"{text!r} is missing before {self.token.text!r}", self.token.at)


def _number(token: Token) -> int | float:
    if token.kind == "int":
        return whole(token)
    number = float(token.text)
    if number == float("inf"):
        raise ExpressionError("a number is too large", token.at)
    return number
