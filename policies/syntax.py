"""Reads an expression of the policy language into a tree: the grammar of CEL (cel-spec, `langdef.md`), cut down to what rules need.

Literals, lists, `a.b`, `f(x)`, `x.f(y)`, `has(a.b)`, `all` and `exists`, `! -`, `* / % + -`, comparisons, `in`, `&& ||`, `?:`.
The tree carries the offset of every part, so that an error can point at it; it knows nothing about types (`expression.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_LENGTH = 4_000
"""Characters of one expression: a rule that is longer cannot be read by a person either."""
MAX_DEPTH = 40
"""Parentheses and lists inside each other; with `MAX_PARTS` it keeps parsing and evaluating far from Python's recursion limit."""
MAX_PARTS = 200
"""Operators and member accesses in one expression: a chain of them is as deep as it is long."""


class ExpressionError(ValueError):
    """The expression cannot be used. `at` is the offset in its text, `hint` says what would be right."""

    def __init__(self, message: str, at: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint


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
class Call:
    """`function(args)`; the target of `x.f(y)` is the first argument."""

    function: str
    args: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its one, two or three (`?:`) operands."""

    operator: str
    operands: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Quantified:
    """`over.all(name, body)` or `over.exists(name, body)`."""

    kind: str
    over: Node
    name: str
    body: Node
    at: int


type Node = Literal | ListOf | Name | Select | Call | Operation | Quantified

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?)
      | (?P<int>[0-9]+)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]])""",
    re.VERBOSE,
)
_HINTS = {"&": "use && for and", "|": "use || for or", "=": "use == to compare", "`": "text stands in quotes"}
_ESCAPES = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t"}
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
"""Binary operators, loosest first; all of them group to the left."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", 0, "split it into several rules")
    parser = _Parser(_tokens(text))
    tree = parser.conditional()
    rest = parser.token
    if rest.kind != "end":
        raise ExpressionError(f"{rest.text!r} is not expected here", rest.at)
    return tree


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            hint = _HINTS.get(text[at], "")
            raise ExpressionError(f"{text[at]!r} cannot be read", at, hint)
        if match.lastgroup != "space":
            tokens.append(_Token(match.lastgroup, match.group(), at))
        at = match.end()
    tokens.append(_Token("end", "the end", len(text)))
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._parts = 0

    @property
    def token(self) -> _Token:
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
        then = self.conditional()
        self._expect(":")
        return Operation("?:", (condition, then, self.conditional()), at)

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self.token.text in _LEVELS[level] and self.token.kind in ("sign", "name"):
            token = self._take()
            self._count(token)
            left = Operation(token.text, (left, self._binary(level + 1)), token.at)
        return left

    def _unary(self) -> Node:
        if self.token.kind == "sign" and self.token.text in "!-":
            token = self._take()
            return Operation(token.text, (self._deeper(self._unary),), token.at)
        return self._member()

    def _member(self) -> Node:
        node = self._primary()
        while self._skip("."):
            name = self._identifier()
            self._count(name)
            if self.token.text != "(":
                node = Select(node, name.text, name.at)
            elif name.text in ("all", "exists"):
                node = self._quantified(node, name)
            else:
                node = Call(name.text, (node, *self._arguments()), name.at)
        return node

    def _quantified(self, over: Node, kind: _Token) -> Node:
        self._expect("(")
        variable = self._identifier()
        self._expect(",")
        body = self.conditional()
        self._expect(")")
        return Quantified(kind.text, over, variable.text, body, kind.at)

    def _primary(self) -> Node:
        token = self._take()
        match token.kind:
            case "int":
                return Literal(int(token.text), token.at)
            case "double":
                return Literal(float(token.text), token.at)
            case "text":
                return Literal(_unescaped(token), token.at)
            case "name" if token.text in ("true", "false"):
                return Literal(token.text == "true", token.at)
            case "name" if self.token.text == "(":
                return self._call(token)
            case "name" if token.text != "in":
                return Name(token.text, token.at)
        if token.text == "(":
            inside = self.conditional()
            self._expect(")")
            return inside
        if token.text == "[":
            return ListOf(self._items("]"), token.at)
        raise ExpressionError(f"{token.text!r} is not expected here", token.at, "a value is missing")

    def _call(self, name: _Token) -> Node:
        args = self._arguments()
        if name.text != "has":
            return Call(name.text, args, name.at)
        match args:
            case (Select(operand, member, at),):
                return Select(operand, member, at, test=True)
        raise ExpressionError("has() takes one member", name.at, "for example has(principal.team)")

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        return self._items(")")

    def _items(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._skip(end):
            if items:
                self._expect(",")
            items.append(self.conditional())
        return tuple(items)

    def _count(self, token: _Token) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise ExpressionError(f"more than {MAX_PARTS} operators and members", token.at, "use `in [...]` or split it into several rules")

    def _identifier(self) -> _Token:
        token = self._take()
        if token.kind != "name":
            raise ExpressionError(f"a name is missing before {token.text!r}", token.at)
        return token

    def _take(self) -> _Token:
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


def _unescaped(token: _Token) -> str:
    out, body, skip = [], token.text[1:-1], False
    for place, character in enumerate(body):
        if skip:
            if character not in _ESCAPES:
                raise ExpressionError(f"\\{character} is not an escape", token.at + place, "one of \\\\ \\\" \\' \\n \\t")
            out.append(_ESCAPES[character])
            skip = False
        elif character == "\\":
            skip = True
        else:
            out.append(character)
    return "".join(out)
