"""Makes expressions of the policy language by chance, with types that fit, for comparison with another evaluator of CEL.

Each is a text for both; `for_torwart` and `for_reference` take out the marks where CEL wants to be told that int and double are compared,
and where the reference cannot take a point in time from a map.

Left out is where Torwart differs on purpose, or implementations of CEL among each other (`policies.language.DIFFERENCES` names it, and the
tests in `test_cel_reference.py` show it): doubles that are not finite, text that is read as a number with blanks or a
plus sign before it, a double as text, what is finer than a microsecond, timestamps at the edges of the calendar, texts that are no
timestamps, durations, zones or patterns, comparing `true < false`, an int with a double at 2**63, a key twice in one map.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from policies.attributes import RECORD, ROOTS, STRING, Type

_DYN, _MOMENT = "§", "¤"
_ATOM, _UNARY, _TIMES, _PLUS, _COMPARED, _AND, _OR, _CHOICE = 8, 7, 6, 5, 4, 3, 2, 1

type Text = tuple[str, int]
"""An expression and how tightly it holds together: what is looser than its surroundings stands in parentheses."""

TEXTS = (
    "",
    "a",
    "Nord",
    "Nordwind",
    "wind",
    "äöü",
    "Größe",
    "日本",
    "😀",
    "a b",
    "\t",
    "\n",
    'say "hi"',
    "it's",
    "\\",
    "active",
    "de",
    "12",
    "-7",
    "x1",
)
NUMBERS_AS_TEXT = ("12", "-7", "0", "9223372036854775807", "9223372036854775808", "", "x", "1.5")
PATTERNS = ("^Nord", "wind$", "^(a+)+$", "[0-9]+", "ö", ".", "^$", "(?i)NORD", r"\bwind", r"^\d{2}$", "[^a-z]", "a|b|", "日")
INTS = (0, 1, 2, 3, 5, 7, 10, 100, 3000, -1, -2, -7, 2**31, 2**62, 2**63 - 1, -(2**63))
SMALLEST = (str(-(2**63)), hex(-(2**63)))
"""Behind another minus it has no positive twin: the reference refuses what Torwart finds too large when it is asked."""
DOUBLES = ("0.0", "0.5", "1.0", "2.5", "3.0", "100.0", "1e3", "2.5e2", "1.5e-3", "-1.0", "-2.25", "1E6")
MOMENTS = (
    *("2026-05-12T12:00:00Z", "2026-01-01T00:00:00Z", "2024-02-29T23:59:59.999Z", "1999-12-31T23:30:00-05:00"),
    *("2026-03-29T01:00:00Z", "2026-10-25T00:59:59.5Z", "2038-01-19T03:14:08Z", "2026-07-01T00:00:00.123456+02:00"),
)
LENGTHS = ("8h", "90s", "1h30m", "-5m", "1.5s", "0", "36h", "1ms", "250us", "-0.25s", "2400h", "1s1h")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "+02:00", "-05:30", "02:00")
GETTERS = (
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
)
LENGTH_GETTERS = ("getHours", "getMinutes", "getSeconds", "getMilliseconds")
SCALARS = ("bool", "int", "double", "string", "timestamp", "duration")


def for_torwart(text: str) -> str:
    """The expression as a rule has it."""
    return text.replace(_DYN, "").replace(_MOMENT, "")


def for_reference(text: str) -> str:
    """The expression for the other evaluator."""
    return re.sub(f"{_MOMENT}(record[.][a-z]+_at)", r"timestamp(\1)", text).replace(_DYN, "dyn")


def _members(path: str, kind: Type, *, optional: bool = False) -> Iterator[tuple[str, Type, bool]]:
    if kind.members is None:
        yield path, kind, optional
    for name, member in (kind.members or {}).items():
        yield from _members(f"{path}.{name}", member.type, optional=member.optional)


_ALL = [found for root, kind in {**ROOTS, "record": Type("record", members=RECORD)}.items() for found in _members(root, kind)]
ATTRIBUTES = {kind: [path for path, type_, _ in _ALL if type_.name == kind] for kind in SCALARS}
ATTRIBUTES["list string"] = [path for path, type_, _ in _ALL if type_.element == STRING]
ORDERED = [path for path, type_, _ in _ALL if type_.ordered]
OPTIONAL = [path for path, _, optional in _ALL if optional]
WORDS = {path: sorted(type_.words) for path, type_, _ in _ALL if type_.words}
FINDING = {"string": ("kind", "detector", "where"), "int": ("clients",), "double": ("confidence",)}


class Expressions:
    """Expressions from a seed: equal seeds give equal expressions."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 -- questions, not secrets
        self._names = 0

    def any(self) -> str:
        """An expression of any type."""
        return self.of(self.random.choice((*SCALARS, "bool", "bool", "list int", "list string", "map string")))

    def of(self, kind: str) -> str:
        """An expression of this type."""
        return self._make(kind, self.random.choice((1, 2, 3, 3, 4)), {})[0]

    def _make(self, kind: str, depth: int, names: dict[str, str], *, in_order: bool = True) -> Text:
        if depth <= 0 or self.random.random() < 0.08:
            return self._leaf(kind, names, in_order=in_order)
        if self.random.random() < 0.08 and kind != "finding":
            return self._choice(kind, depth, names)
        main, _, inside = kind.partition(" ")
        made: Text = getattr(self, f"_{main}")(*([inside] if inside else []), depth - 1, names)
        return (f"({made[0]})", _ATOM) if self.random.random() < 0.03 else made

    def _leaf(self, kind: str, names: dict[str, str], *, in_order: bool) -> Text:
        pick = self.random.random()
        mine = [name for name, type_ in names.items() if type_ == kind]
        if mine and pick < 0.6:
            return self.random.choice(mine), _ATOM
        findings = [name for name, type_ in names.items() if type_ == "finding"]
        if findings and kind in FINDING and pick < 0.8:
            return f"{self.random.choice(findings)}.{self.random.choice(FINDING[kind])}", _ATOM
        known = [path for path in ATTRIBUTES.get(kind, ()) if not in_order or not kind.startswith("list") or path in ORDERED]
        if known and pick < 0.5:
            return self._attribute(self.random.choice(known)), _ATOM
        return self._literal(kind, names)

    def _attribute(self, path: str) -> str:
        if path in WORDS:
            return f"string({path})"  # with words that are not its own it would be refused
        return f"{_MOMENT}{path}" if path in OPTIONAL and path in ATTRIBUTES["timestamp"] else path

    def _literal(self, kind: str, names: dict[str, str]) -> Text:
        match kind.split():
            case ["bool"]:
                return self.random.choice(("true", "false")), _ATOM
            case ["int"]:
                return self._int_literal(self.random.choice(INTS))
            case ["double"]:
                text = self.random.choice(DOUBLES)
                return text, _UNARY if text.startswith("-") else _ATOM
            case ["string"]:
                return self.quoted(self.random.choice(TEXTS)), _ATOM
            case ["timestamp"]:
                return f"timestamp({self.quoted(self.random.choice(MOMENTS))})", _ATOM
            case ["duration"]:
                return f"duration({self.quoted(self.random.choice(LENGTHS))})", _ATOM
            case ["list", inside]:
                items = [self._leaf(inside, names, in_order=True)[0] for _ in range(self.random.choice((0, 1, 2, 3, 3)))]
                return f"[{', '.join(items)}{self._comma(items)}]", _ATOM
        keys = self.random.sample(("a", "b", "de", "active", "manager"), self.random.choice((0, 1, 2, 3)))
        entries = [f"{self.quoted(key)}: {self._leaf('int', names, in_order=True)[0]}" for key in keys]
        return f"{{{', '.join(entries)}{self._comma(entries)}}}", _ATOM

    def _comma(self, items: list[str]) -> str:
        return "," if items and self.random.random() < 0.1 else ""

    def _int_literal(self, value: int) -> Text:
        text = f"{'-' if value < 0 else ''}{hex(abs(value))}" if self.random.random() < 0.15 else str(value)
        return text, _UNARY if value < 0 else _ATOM

    def quoted(self, value: str) -> str:
        """The text in quotes, in one of CEL's forms."""
        form = self.random.random()
        if form < 0.15 and value.isprintable() and not value.endswith("\\") and "'" not in value:
            return f"{self.random.choice('rR')}'{value}'"
        mark = self.random.choice(("'", '"', "'", '"', "'''", '"""'))
        return mark + "".join(self._escaped(character, mark) for character in value) + mark

    def _escaped(self, character: str, mark: str) -> str:
        if character in "\n\t\\":
            return {"\n": "\\n", "\t": "\\t", "\\": "\\\\"}[character]
        if character == mark[0] or (character in "'\"`" and self.random.random() < 0.3):
            return f"\\{character}"
        if self.random.random() < 0.1:
            code = ord(character)
            forms = [f"\\U{code:08x}", f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"]
            forms += [f"\\x{code:02x}", f"\\{code:03o}"] if code < 0x80 else []
            return self.random.choice(forms)
        return character

    def _in(self, kind: str, depth: int, names: dict[str, str], least: int, *, in_order: bool = True) -> str:
        text, holds = self._make(kind, depth, names, in_order=in_order)
        return text if holds >= least else f"({text})"

    def _choice(self, kind: str, depth: int, names: dict[str, str]) -> Text:
        test, yes = (self._in(type_, depth - 1, names, _OR) for type_ in ("bool", kind))
        return f"{test} ? {yes} : {self._in(kind, depth - 1, names, _CHOICE)}", _CHOICE

    def _binary(self, kind: str, sign: str, holds: int, depth: int, names: dict[str, str], right: str = "") -> Text:
        space = self.random.choice((" ", " ", " ", "", "\n"))
        return f"{self._in(kind, depth, names, holds)}{space}{sign} {self._in(right or kind, depth, names, holds + 1)}", holds

    def _bool(self, depth: int, names: dict[str, str]) -> Text:
        makers = (self._and_or, self._and_or, self._and_or, self._not, self._compared, self._compared, self._compared)
        makers += (self._member_of, self._word, self._searched, self._quantified, self._quantified, self._has, self._equal_lists)
        return self.random.choice(makers)(depth, names)

    def _and_or(self, depth: int, names: dict[str, str]) -> Text:
        sign, holds = self.random.choice((("&&", _AND), ("||", _OR)))
        return self._binary("bool", sign, holds, depth, names)

    def _not(self, depth: int, names: dict[str, str]) -> Text:
        return f"!{self._in('bool', depth, names, _UNARY)}", _UNARY

    def _compared(self, depth: int, names: dict[str, str]) -> Text:
        kind = self.random.choice(("int", "int", *SCALARS))
        signs = ("==", "!=") if kind == "bool" else ("==", "!=", "<", "<=", ">", ">=")
        if kind in ("int", "double") and self.random.random() < 0.15:
            whole, broken = self._make("int", depth, names)[0], self.random.choice(DOUBLES)
            sides = [f"{_DYN}({whole})", f"{broken}"]
            self.random.shuffle(sides)
            return f"{sides[0]} {self.random.choice(signs)} {sides[1]}", _COMPARED
        return self._binary(kind, self.random.choice(signs), _COMPARED, depth, names)

    def _word(self, depth: int, names: dict[str, str]) -> Text:
        path = self.random.choice(list(WORDS))
        words = [self.quoted(self.random.choice(WORDS[path])) for _ in range(2)]
        if self.random.random() < 0.3:
            return f"{path} in [{', '.join(words)}]", _COMPARED
        return f"{path} {self.random.choice(('==', '!=', '<='))} {words[0]}", _COMPARED

    def _equal_lists(self, depth: int, names: dict[str, str]) -> Text:
        kind = self.random.choice(("list int", "list string", "map string"))
        return self._binary(kind, self.random.choice(("==", "!=")), _COMPARED, depth, names)

    def _member_of(self, depth: int, names: dict[str, str]) -> Text:
        one, many = self.random.choice(
            (("int", "list int"), ("string", "list string"), ("string", "list string"), ("string", "map string"))
        )
        found = self._in(one, depth, names, _COMPARED)
        return f"{found} in {self._in(many, depth, names, _PLUS, in_order=False)}", _COMPARED

    def _searched(self, depth: int, names: dict[str, str]) -> Text:
        text = self._in("string", depth, names, _ATOM)
        match self.random.choice(("startsWith", "endsWith", "contains", "matches", "matches")):
            case "matches":
                pattern = self.quoted(self.random.choice(PATTERNS))
                return (f"{text}.matches({pattern})" if self.random.random() < 0.5 else f"matches({text}, {pattern})"), _ATOM
            case name:
                return f"{text}.{name}({self._make('string', depth, names)[0]})", _ATOM

    def _quantified(self, depth: int, names: dict[str, str]) -> Text:
        kind = self.random.choice(("all", "exists", "exists_one"))
        over, each = self.random.choice((("list int", "int"), ("list string", "string"), ("map string", "string"), ("findings", "finding")))
        if len(names) == 2:
            return self._compared(depth, names)
        self._names += 1
        name = f"v{self._names}"
        items = "findings" if over == "findings" else self._filled(over, min(depth, 1), names)
        return f"{items}.{kind}({name}, {self._make('bool', depth, {**names, name: each})[0]})", _ATOM

    def _filled(self, kind: str, depth: int, names: dict[str, str]) -> str:
        """Something of this type that is not just `[]` or `{}`, of which nobody knows what it holds."""
        if kind == "map string":
            return f"{{{self._make('string', depth, names)[0]}: {self._make('int', depth, names)[0]}}}"
        inside = kind.partition(" ")[2]
        return f"({self._in(kind, depth, names, _PLUS)} + [{self._make(inside, 0, names)[0]}])"

    def _has(self, depth: int, names: dict[str, str]) -> Text:
        if self.random.random() < 0.6:
            return f"has({self.random.choice(OPTIONAL)})", _ATOM
        return f"has({self._in('map string', depth, names, _ATOM)}.{self.random.choice(('a', 'de'))})", _ATOM

    def _int(self, depth: int, names: dict[str, str]) -> Text:
        if self.random.random() < 0.6:
            sign, holds = self.random.choice((("+", _PLUS), ("-", _PLUS), ("*", _TIMES), ("/", _TIMES), ("%", _TIMES)))
            return self._binary("int", sign, holds, depth, names)
        makers = (self._size, self._negative_int, self._to_int, self._item, self._value, self._clock, self._clock, self._length_part)
        return self.random.choice(makers)(depth, names)

    def _size(self, depth: int, names: dict[str, str]) -> Text:
        kind = self.random.choice(("string", "list int", "list string", "map string"))
        if self.random.random() < 0.5:
            return f"{self._in(kind, depth, names, _ATOM, in_order=False)}.size()", _ATOM
        return f"size({self._make(kind, depth, names, in_order=False)[0]})", _ATOM

    def _negative_int(self, depth: int, names: dict[str, str]) -> Text:
        number = self._in("int", depth, names, _UNARY)
        return f"-({number})" if number in SMALLEST else f"-{number}", _UNARY

    def _to_int(self, depth: int, names: dict[str, str]) -> Text:
        if self.random.random() < 0.3:
            return f"int({self.quoted(self.random.choice(NUMBERS_AS_TEXT))})", _ATOM
        return f"int({self._make(self.random.choice(('double', 'timestamp', 'int')), depth, names)[0]})", _ATOM

    def _item(self, depth: int, names: dict[str, str]) -> Text:
        if self.random.random() < 0.3:
            return f"findings[{self.random.choice((0, 0, 1, 2, -1))}].clients", _ATOM
        return f"{self._filled('list int', depth, names)}[{self._make('int', 0, names)[0]}]", _ATOM

    def _value(self, depth: int, names: dict[str, str]) -> Text:
        entries = self._filled("map string", depth, names)
        if self.random.random() < 0.5:
            return f"{entries}.{self.random.choice(('a', 'b', 'de'))}", _ATOM
        return f"{entries}[{self._make('string', 0, names)[0]}]", _ATOM

    def _clock(self, depth: int, names: dict[str, str]) -> Text:
        place = self.quoted(self.random.choice(ZONES)) if self.random.random() < 0.7 else ""
        return f"{self._in('timestamp', depth, names, _ATOM)}.{self.random.choice(GETTERS)}({place})", _ATOM

    def _length_part(self, depth: int, names: dict[str, str]) -> Text:
        return f"{self._in('duration', depth, names, _ATOM)}.{self.random.choice(LENGTH_GETTERS)}()", _ATOM

    def _double(self, depth: int, names: dict[str, str]) -> Text:
        pick = self.random.random()
        if pick < 0.5:
            sign, holds = self.random.choice((("+", _PLUS), ("-", _PLUS), ("*", _TIMES)))
            return self._binary("double", sign, holds, depth, names)
        if pick < 0.65:
            return f"{self._in('double', depth, names, _TIMES)} / {self.random.choice(('2.0', '0.5', '3.0', '1e3'))}", _TIMES
        if pick < 0.75:
            return f"-{self._in('double', depth, names, _UNARY)}", _UNARY
        if pick < 0.85:
            return f"double({self.quoted(self.random.choice(('1.5', '-2', '1e3', '0.1', '', 'x')))})", _ATOM
        return f"double({self._make('int', depth, names)[0]})", _ATOM

    def _string(self, depth: int, names: dict[str, str]) -> Text:
        pick = self.random.random()
        if pick < 0.5:
            return self._binary("string", "+", _PLUS, depth, names)
        if pick < 0.75:
            return f"string({self._make(self.random.choice(('int', 'bool', 'string')), depth, names)[0]})", _ATOM
        if pick < 0.85:
            return f"findings[{self.random.choice((0, 0, 1))}].kind", _ATOM
        return f"{self._filled('list string', depth, names)}[{self.random.choice((0, 0, 1, 2))}]", _ATOM

    def _timestamp(self, depth: int, names: dict[str, str]) -> Text:
        pick = self.random.random()
        if pick < 0.4:
            return self._binary("timestamp", self.random.choice("+-"), _PLUS, depth, names, "duration")
        if pick < 0.6:
            return self._binary("duration", "+", _PLUS, depth, names, "timestamp")
        if pick < 0.8:
            return f"timestamp({self.random.choice((0, 1, 951782400, 1778587200))})", _ATOM
        return self._literal("timestamp", names)

    def _duration(self, depth: int, names: dict[str, str]) -> Text:
        pick = self.random.random()
        if pick < 0.5:
            return self._binary("duration", self.random.choice("+-"), _PLUS, depth, names)
        if pick < 0.75:
            return self._binary("timestamp", "-", _PLUS, depth, names)
        return self._literal("duration", names)

    def _list(self, inside: str, depth: int, names: dict[str, str]) -> Text:
        if self.random.random() < 0.4:
            return self._binary(f"list {inside}", "+", _PLUS, depth, names)
        items = [self._make(inside, depth - 1, names)[0] for _ in range(self.random.choice((0, 1, 2, 3)))]
        return f"[{', '.join(items)}{self._comma(items)}]", _ATOM

    def _map(self, inside: str, depth: int, names: dict[str, str]) -> Text:
        keys = [self.quoted(key) for key in self.random.sample(TEXTS, self.random.choice((0, 1, 2)))]
        if self.random.random() < 0.4:
            keys = [self._make(inside, min(depth, 1), names)[0]]
        return f"{{{', '.join([f'{key}: {self._make("int", depth - 1, names)[0]}' for key in keys])}}}", _ATOM
