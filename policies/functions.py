"""The functions of the policy language: what they take and give, what they mean, and an example of each.

A new function is one entry here; expressions find it, and so does the reference of the language (`vocabulary.py`).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from policies.attributes import ANY, BOOL, DOUBLE, DURATION, INT, STRING, TIMESTAMP, Type
from policies.operators import INT_MAX, INT_MIN, Evaluate, Part, constant, finite, joined
from policies.syntax import Call, ExpressionError, Node
from policies.times import (
    SECOND,
    UnreadableError,
    clock,
    duration,
    from_unix,
    local,
    milliseconds,
    timestamp,
    unix_seconds,
    whole_units,
    within_hours,
    zone,
)


class Style(StrEnum):
    """How a function is written."""

    FUNCTION = "f(x)"
    METHOD = "x.f()"
    BOTH = "f(x) or x.f()"


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function."""

    takes: tuple[Type, ...]
    gives: Type
    run: Callable[..., Any]
    written: Mapping[int, Callable[[str], Any]] = field(default_factory=dict)
    """Arguments that must be written down in quotes -> what reads them, once, when the rule is loaded."""
    check: Callable[..., str] | None = None
    """Says what is wrong with them taken together; nothing: they are right."""
    usage: str | None = None
    """What it takes last, besides its arguments: a member of `usage`."""
    folded: bool = False
    """Worked out when the rule is loaded, where the argument is known then: a fault in it is found at once."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its name."""

    name: str
    style: Style
    overloads: tuple[Overload, ...]
    names: tuple[str, ...]
    """Names of the arguments, for the signature."""
    about: str
    example: str
    gives: str
    """The value of the example, written in the same language."""

    def signatures(self) -> list[str]:
        """Each way to call it, with types."""
        return [self._signature(overload) for overload in self.overloads]

    def _signature(self, overload: Overload) -> str:
        args = [f"{name}: {kind}" for name, kind in zip(self.names, overload.takes, strict=False)]
        if self.style is Style.METHOD:
            return f"({args[0]}).{self.name}({', '.join(args[1:])}) -> {overload.gives}"
        return f"{self.name}({', '.join(args)}) -> {overload.gives}"


def call(function: Function, node: Call, parts: Sequence[Part]) -> Part:
    """Compile a call of a function. Raises ExpressionError."""
    if function.style is not Style.BOTH and (function.style is Style.METHOD) is not node.method:
        form = f"x.{function.name}(...)" if function.style is Style.METHOD else f"{function.name}(...)"
        raise ExpressionError(f"{function.name} is written {form}", node.at, _how(function))
    for overload in function.overloads:
        if len(overload.takes) == len(parts) and all(joined(part.type, kind) for part, kind in zip(parts, overload.takes, strict=True)):
            return _call(node, overload, parts)
    raise ExpressionError(*_mismatch(node, function, parts))


def _mismatch(node: Call, function: Function, parts: Sequence[Part]) -> tuple[str, int, str]:
    for place, (arg, part) in enumerate(zip(node.args, parts, strict=True)):
        wanted = [overload.takes[place] for overload in function.overloads if place < len(overload.takes)]
        if wanted and not any(joined(part.type, kind) for kind in wanted):
            return f"{function.name} does not take a {part.type} here", arg.at, _how(function)
    return f"{function.name} is given the wrong things", node.at, _how(function)


def _how(function: Function) -> str:
    return "; ".join(function.signatures())


def _call(node: Call, overload: Overload, parts: Sequence[Part]) -> Part:
    values = [_written(read, node.args[place], parts[place]) for place, read in overload.written.items()]
    if overload.check is not None and (fault := overload.check(*values)):
        raise ExpressionError(fault, node.at)
    runs = [part.run for place, part in enumerate(parts) if place not in overload.written]
    if overload.folded and all(part.constant for part in parts):
        return constant(overload.gives, _folded(node, overload, [part.constant[0] for part in parts if part.constant]))
    if overload.usage is not None:
        runs.append(_usage(overload.usage))
    return Part(overload.gives, _closure(overload.run, runs, values))


def _written(read: Callable[[str], Any], node: Node, part: Part) -> Any:
    if part.constant is None:
        raise ExpressionError("this must be written down in quotes", node.at, "it is checked when the rule is loaded")
    try:
        return read(part.constant[0])
    except UnreadableError as error:
        raise ExpressionError(str(error), node.at, error.hint) from None


def _folded(node: Call, overload: Overload, values: Sequence[Any]) -> Any:
    try:
        return overload.run(*values)
    except UnreadableError as error:
        raise ExpressionError(str(error), node.args[0].at, error.hint) from None
    except ArithmeticError as error:
        raise ExpressionError(str(error), node.args[0].at) from None


def _usage(name: str) -> Evaluate:
    getter = operator.attrgetter(f"usage.{name}")
    return lambda facts, scope: getter(facts)


def _closure(work: Callable[..., Any], runs: Sequence[Evaluate], values: Sequence[Any]) -> Evaluate:
    match runs, values:
        case [one], []:
            return lambda facts, scope: work(one(facts, scope))
        case [one], [value]:
            return lambda facts, scope: work(one(facts, scope), value)
        case [one, two], []:
            return lambda facts, scope: work(one(facts, scope), two(facts, scope))
    return lambda facts, scope: work(*[run(facts, scope) for run in runs], *values)


def nearest(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    """A hint for a name that is not known."""
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else "one of " + ", ".join(sorted(known))


_INT_TEXT = re.compile(r"-?[0-9]{1,19}")
_DOUBLE_TEXT = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,4})?")


def _int_of_text(text: str) -> int:
    if _INT_TEXT.fullmatch(text) is None or not INT_MIN <= (number := int(text)) <= INT_MAX:
        raise ValueError("a text is not an int")
    return number


def _int_of_double(number: float) -> int:
    if not INT_MIN < number < -INT_MIN:
        raise OverflowError("a number does not fit into 64 bits")
    return int(number)


def _double_of_text(text: str) -> float:
    if _DOUBLE_TEXT.fullmatch(text) is None:
        raise ValueError("a text is not a number")
    return finite(float(text))


def _share_of_base(count: int, base: int) -> float:
    return count * 100 / base


def _same_hours(start: int, end: int, place: tzinfo) -> str:
    return "from and to are the same time: it would be the whole day" if start == end else ""


def _same[Value](value: Value) -> Value:
    return value


def _on_clock(read: Callable[[datetime], int]) -> tuple[Overload, Overload]:
    """A part of a point in time, in UTC or in a time zone."""

    def there(at: datetime, place: tzinfo) -> int:
        return read(local(at, place))

    return Overload((TIMESTAMP,), INT, lambda at: read(local(at))), Overload((TIMESTAMP, STRING), INT, there, {1: zone})


def _calendar(name: str, read: Callable[[datetime], int], about: str, gives: str) -> Function:
    example = f'timestamp("2026-05-12T22:30:15.250Z").{name}("Europe/Berlin")'
    return Function(name, Style.METHOD, _on_clock(read), ("at", "zone"), about, example, gives)


def _clock(name: str, read: Callable[[datetime], int], length: Callable[[timedelta], int], about: str, gives: str) -> Function:
    overloads = (*_on_clock(read), Overload((DURATION,), INT, length))
    example = f'timestamp("2026-05-12T22:30:15.250Z").{name}("Europe/Berlin")'
    return Function(name, Style.METHOD, overloads, ("at", "zone"), about, example, gives)


def _text(name: str, run: Callable[[str, str], bool], about: str, part: str) -> Function:
    return Function(
        name, Style.METHOD, (Overload((STRING, STRING), BOOL, run),), ("text", "part"), about, f'"Nordwind".{name}("{part}")', "true"
    )


_LIST, _MAP = Type("list", element=ANY), Type("map", key=ANY, element=ANY)
_HOURS = {1: clock, 2: clock, 3: zone}
_WITHIN = Overload((TIMESTAMP, STRING, STRING, STRING), BOOL, within_hours, _HOURS, check=_same_hours)

_ALL = (
    Function(
        "size",
        Style.BOTH,
        (Overload((STRING,), INT, len), Overload((_LIST,), INT, len), Overload((_MAP,), INT, len)),
        ("value",),
        "Characters of a text, items of a list, entries of a map.",
        'size("Größe")',
        "5",
    ),
    _text("startsWith", str.startswith, "Whether a text begins with another.", "Nord"),
    _text("endsWith", str.endswith, "Whether a text ends with another.", "wind"),
    _text("contains", operator.contains, "Whether a text has another anywhere in it.", "dwi"),
    Function(
        "int",
        Style.FUNCTION,
        (
            Overload((INT,), INT, _same),
            Overload((DOUBLE,), INT, _int_of_double),
            Overload((STRING,), INT, _int_of_text),
            Overload((TIMESTAMP,), INT, unix_seconds),
        ),
        ("value",),
        "A whole number: of a double without what is behind the point, of a text, of a point in time (seconds since 1970).",
        "int(2.9)",
        "2",
    ),
    Function(
        "double",
        Style.FUNCTION,
        (Overload((DOUBLE,), DOUBLE, _same), Overload((INT,), DOUBLE, float), Overload((STRING,), DOUBLE, _double_of_text)),
        ("value",),
        "A number with a point, of an int or of a text.",
        'double("2.5")',
        "2.5",
    ),
    Function(
        "string",
        Style.FUNCTION,
        (
            Overload((STRING,), STRING, _same),
            Overload((INT,), STRING, str),
            Overload((BOOL,), STRING, lambda value: "true" if value else "false"),
        ),
        ("value",),
        "The text of a whole number or of true and false.",
        "string(42)",
        '"42"',
    ),
    Function(
        "timestamp",
        Style.FUNCTION,
        (
            Overload((STRING,), TIMESTAMP, timestamp, folded=True),
            Overload((INT,), TIMESTAMP, from_unix, folded=True),
            Overload((TIMESTAMP,), TIMESTAMP, _same),
        ),
        ("value",),
        "A point in time, of a text as RFC 3339 has it or of seconds since 1970. A duration can be added.",
        'timestamp("2026-05-12T08:30:00+02:00")',
        'timestamp("2026-05-12T06:30:00Z")',
    ),
    Function(
        "duration",
        Style.FUNCTION,
        (Overload((STRING,), DURATION, duration, folded=True), Overload((DURATION,), DURATION, _same)),
        ("value",),
        "A length of time, in h, m, s, ms, us, ns.",
        'timestamp("2026-05-12T08:00:00Z") + duration("1h30m")',
        'timestamp("2026-05-12T09:30:00Z")',
    ),
    _calendar("getFullYear", operator.attrgetter("year"), "The year.", "2026"),
    _calendar("getMonth", lambda at: at.month - 1, "The month, January is 0.", "4"),
    _calendar("getDate", operator.attrgetter("day"), "The day of the month, the first is 1.", "13"),
    _calendar("getDayOfMonth", lambda at: at.day - 1, "The day of the month, the first is 0.", "12"),
    _calendar("getDayOfWeek", lambda at: at.isoweekday() % 7, "The day of the week, Sunday is 0.", "3"),
    _calendar("getDayOfYear", lambda at: at.timetuple().tm_yday - 1, "The day of the year, the first of January is 0.", "132"),
    _clock("getHours", operator.attrgetter("hour"), whole_units(SECOND * 3600), "The hour of the day; whole hours of a duration.", "0"),
    _clock(
        "getMinutes", operator.attrgetter("minute"), whole_units(SECOND * 60), "The minute of the hour; whole minutes of a duration.", "30"
    ),
    _clock(
        "getSeconds", operator.attrgetter("second"), whole_units(SECOND), "The second of the minute; whole seconds of a duration.", "15"
    ),
    _clock("getMilliseconds", lambda at: at.microsecond // 1000, milliseconds, "The milliseconds beside the whole seconds.", "250"),
    Function(
        "within_hours",
        Style.FUNCTION,
        (_WITHIN,),
        ("at", "from", "to", "zone"),
        "Whether clocks there show `from` or later, but not yet `to`. A `to` before `from` is over midnight. Torwart's own.",
        'within_hours(timestamp("2026-05-12T21:30:00Z"), "22:00", "06:00", "Europe/Berlin")',
        "true",
    ),
    Function(
        "share_of_base",
        Style.FUNCTION,
        (Overload((INT,), DOUBLE, _share_of_base, usage="base"),),
        ("count",),
        "Percent of the company's clients that a count is: 300 of 3,000 are 10.0. Torwart's own.",
        "share_of_base(usage.base)",
        "100.0",
    ),
)
FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _ALL}
"""Name -> function. `matches` stands in `expression.py`, which alone knows RE2."""
