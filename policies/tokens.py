"""Cuts an expression into tokens, and reads numbers and quoted text the way CEL does."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_LENGTH = 4_000
"""Characters of one expression: a rule that is longer cannot be read by a person either."""

KEYWORDS = frozenset({"true", "false", "null", "in"})
"""Words of the grammar: never a name, not even of a member."""
RESERVED = frozenset(
    {
        *("as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    }
)
"""Words that CEL keeps for later (cel-spec, `langdef.md`): members may be called so, variables may not."""


class ExpressionError(ValueError):
    """The expression cannot be used. `at` is the offset in its text, `hint` says what would be right."""

    def __init__(self, message: str, at: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. `kind` is `int`, `double`, `text`, `name`, `sign` or `end`."""

    kind: str
    text: str
    at: int


_TOKEN = re.compile(
    r'''(?P<space>[ \t\r\n]+)
      | (?P<double>[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))
      | (?P<int>0x[0-9a-fA-F]+|[0-9]+)
      | (?P<text>[rR](?:"""(?:[^"]|"(?!""))*"""|\'\'\'(?:[^']|'(?!''))*\'\'\'|"[^"\r\n]*"|'[^'\r\n]*')
          | """(?:[^"\\]|\\.|"(?!""))*"""|\'\'\'(?:[^'\\]|\\.|'(?!''))*\'\'\'
          | "(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}])''',
    re.VERBOSE,
)
_NOT_CEL = re.compile(r"(?P<unsigned>[0-9]+[uU]\b)|(?P<bytes>[bB][rR]?[\"'])|(?P<comment>//)|(?P<fraction>\.[0-9])")
_HINTS = {
    "unsigned": "unsigned numbers are not part of the language: write the number alone",
    "bytes": "bytes are not part of the language: write text in quotes",
    "comment": "a comment stands in the file, after #",
    "fraction": "write a zero before the point",
    "&": "use && for and",
    "|": "use || for or",
    "=": "use == to compare",
    "`": "text stands in quotes",
    '"': "a quotation mark is missing",
    "'": "a quotation mark is missing",
}
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories whose characters nobody sees, or that turn the order of the others round on the screen."""
_ESCAPE = re.compile(
    r"\\(?:[xX](?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<one>.))", re.DOTALL
)
_ONE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"} | {mark: mark for mark in "\\\"'`?"}


def tokens(text: str) -> list[Token]:
    """The tokens of an expression, the end among them. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", 0, "split it into several rules")
    _check_visible(text)
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"{text[at]!r} cannot be read", at, _HINTS.get(text[at], ""))
        foreign = _NOT_CEL.match(text, at)
        if foreign is not None and foreign.lastgroup is not None:
            raise ExpressionError(f"{foreign.group()!r} cannot be read", at, _HINTS[foreign.lastgroup])
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match.group(), at))
        at = match.end()
    found.append(Token("end", "the end", len(text)))
    return found


def _check_visible(text: str) -> None:
    """What a reviewer reads must be what is meant: no character that hides or that writes from right to left."""
    if text.isascii() and text.isprintable():
        return
    for at, character in enumerate(text):
        if unicodedata.category(character) in _INVISIBLE and character not in "\t\r\n":
            code = ord(character)
            raise ExpressionError(f"U+{code:04X} cannot be seen", at, f"in quotes it is written \\u{code:04x}" if code < 0xD800 else "")


def whole(token: Token) -> int:
    """The value of an int, with or without `0x`."""
    return int(token.text, 16 if token.text.startswith("0x") else 10)


def quoted(token: Token) -> str:
    """The value of a text: raw (`r"..."`), in three quotation marks, or with CEL's escapes. Raises ExpressionError."""
    raw = token.text[0] in "rR"
    body = token.text[1:] if raw else token.text
    marks = 3 if len(body) >= 6 and body[:3] in ('"""', "'''") else 1
    inside = body[marks:-marks]
    if raw:
        if (len(inside) - len(inside.rstrip("\\"))) % 2:
            raise ExpressionError("raw text cannot end with one \\", token.at, "write it without r, with \\\\ at its end")
        return inside

    def character(match: re.Match[str]) -> str:
        digits, base = match["x"] or match["u"] or match["long"] or match["octal"], 8 if match["octal"] else 16
        if digits is None:
            if match["one"] not in _ONE:
                hint = "one of \\\\ \\\" \\' \\n \\r \\t \\xHH \\uHHHH \\UHHHHHHHH; a pattern reads best as r'...'"
                raise ExpressionError(f"\\{match['one']} is not an escape", token.at + marks + match.start(), hint)
            return _ONE[match["one"]]
        code = int(digits, base)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ExpressionError(f"{match.group()} is no character", token.at + marks + match.start())
        return chr(code)

    return _ESCAPE.sub(character, inside)
