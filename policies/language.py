"""The language of conditions as a table: what its reference page is made of. Functions stand beside their code (`functions.py`).

Every example gives the value beside it, and every difference is one: tests compare them with the engine and with another evaluator of CEL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from policies.expression import KNOWN
from policies.functions import Function
from policies.logic import MAX_NESTED, MAX_ROUNDS
from policies.syntax import MAX_DEPTH, MAX_LENGTH, MAX_PARTS


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be written."""

    form: str
    about: str
    example: str
    gives: str
    """The value of the example, written in the same language."""


@dataclass(frozen=True, slots=True)
class Operator(Entry):
    """An operator; `binds` says how tightly it holds its sides together, 1 is the tightest. Equal ones group to the left."""

    binds: int


class Outcome(StrEnum):
    """What becomes of an example."""

    TRUE = "true"
    FALSE = "false"
    FAILS = "fails when it is asked"
    REFUSED = "refused when it is loaded"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where Torwart is not as CEL is, on purpose or because implementations of CEL are not alike."""

    about: str
    example: str
    here: Outcome
    there: Outcome = Outcome.TRUE
    """Of the reference evaluator."""


TYPES = (
    Entry("bool", "true or false.", "true", "true"),
    Entry("int", "A whole number of 64 bits, also as `0x2a`. What does not fit is an error; it never wraps.", "0x2a", "42"),
    Entry("double", "A number with a point or an exponent. One that is not finite is an error.", "2.5e2", "250.0"),
    Entry(
        "string",
        r"""Text in one or three ' or ", with escapes: \n \r \t \\ \' \", \xHH, \uHHHH, \UHHHHHHHH. With r before it, \ is a character.""",
        r'"Gr\u00f6\u00dfe " + r"\d+"',
        r'"Größe \\d+"',
    ),
    Entry("list", "Values of one type in their order.", "[1, 2] + [3]", "[1, 2, 3]"),
    Entry("map", "Values of one type under keys: string, int or bool.", '{"sales": 200, "intern": 20}["intern"]', "20"),
    Entry("timestamp", "A point in time, to the microsecond.", 'timestamp("2026-05-12T06:30:00Z") < timestamp(1778600000)', "true"),
    Entry("duration", "A length of time, to the microsecond.", 'duration("90m") == duration("1h30m")', "true"),
)
"""The types of values. Names of an act and of a record are in `attributes.py`; a value that is not there is asked for with `has`, so that
the language needs no null."""

OPERATORS = (
    Operator("a.b", "A member of what a rule looks at, or a value of a map by a key that is a name.", '{"sales": 200}.sales', "200", 1),
    Operator(
        "a[b]", "An item of a list by its number from 0, a value of a map by its key. Nothing there: an error.", '["a", "b"][1]', '"b"', 1
    ),
    Operator("!a", "Not.", "!false", "true", 2),
    Operator("-a", "The number with its sign turned round.", "-(2 + 3)", "-5", 2),
    Operator("a * b", "The product of two ints or two doubles.", "2 + 3 * 4", "14", 3),
    Operator("a / b", "The quotient; of ints without the rest. A division by 0 is an error.", "-7 / 2", "-3", 3),
    Operator("a % b", "The rest of a division of ints; its sign is that of a.", "-7 % 2", "-1", 3),
    Operator("a + b", "The sum; also joins texts and lists, and moves a timestamp by a duration.", '"Nord" + "wind"', '"Nordwind"', 4),
    Operator(
        "a - b",
        "The difference; of timestamps it is a duration.",
        'timestamp("2026-05-12T08:00:00Z") - timestamp("2026-05-11T08:00:00Z")',
        'duration("24h")',
        4,
    ),
    Operator("a == b", "Equal. Lists and maps are equal if all that they hold is.", "[1, 2] == [1, 2]", "true", 5),
    Operator("a != b", "Not equal.", '"de" != "at"', "true", 5),
    Operator("a < b", "Less, earlier, shorter; texts by their characters.", '"Abel" < "Beck"', "true", 5),
    Operator("a <= b", "Not more.", "2 <= 2", "true", 5),
    Operator("a > b", "More.", "2.5 > 2", "true", 5),
    Operator("a >= b", "Not less.", "1 >= 2", "false", 5),
    Operator("a in b", "Whether a list has an item, or a map has a key.", '"de" in ["de", "at"]', "true", 5),
    Operator("a && b", "Both. Where one side is false, the other may fail.", "false && 1 / 0 == 1", "false", 6),
    Operator("a || b", "At least one. Where one side is true, the other may fail.", "1 / 0 == 1 || true", "true", 7),
    Operator("a ? b : c", "b if a is true, else c.", "2 > 1 ? 10 : 20", "10", 8),
)

MACROS = (
    Entry("has(a.b)", "Whether there is a value: ask this before you read one that may be missing.", 'has({"sales": 200}.intern)', "false"),
    Entry("a.all(x, condition)", "Whether the condition holds for every item of a list or key of a map.", "[1, 2].all(x, x > 0)", "true"),
    Entry("a.exists(x, condition)", "Whether it holds for at least one.", "[1, 2].exists(x, x > 1)", "true"),
    Entry("a.exists_one(x, condition)", "Whether it holds for exactly one.", "[1, 2].exists_one(x, x > 0)", "false"),
)

FUNCTIONS: Mapping[str, Function] = KNOWN

LIMITS = {
    f"{MAX_LENGTH:,} characters": "an expression",
    f"{MAX_DEPTH} levels": "parentheses, lists, maps and calls inside each other",
    f"{MAX_PARTS} parts": "operators, members and indexes of an expression",
    f"{MAX_NESTED} levels": "quantifiers inside each other",
    f"{MAX_ROUNDS:,} rounds": "how often a quantifier asks, with those around it multiplied: more is an error when it is asked",
}

DIFFERENCES = (
    Difference("int and double may be compared without a conversion.", "1 < 2.5", Outcome.TRUE, Outcome.REFUSED),
    Difference("A double that is not finite is an error: it would compare as no number does.", "1.0 / 0.0 > 5.0", Outcome.FAILS),
    Difference("So is one that a text gives.", 'double("nan") != 1.0', Outcome.FAILS),
    Difference("A word that a name never has is refused.", 'principal.status == "actve"', Outcome.REFUSED, Outcome.FALSE),
    Difference("A list has items of one type.", 'size([1, "a"]) == 2', Outcome.REFUSED),
    Difference("Names without an order do not equal each other as lists do.", "resource.fields == resource.fields", Outcome.REFUSED),
    Difference("true is not more than false.", "false < true", Outcome.REFUSED),
    Difference("A variable has no name that is taken.", "[1].all(x, [2].all(x, x == 2))", Outcome.REFUSED),
    Difference("Patterns are written down: a fault is found when the rule is loaded.", '"ab".matches("a" + "b?")', Outcome.REFUSED),
    Difference("So are time zones.", 'context.at.getHours("UT" + "C") == 12', Outcome.REFUSED),
    Difference("Times that are written down are read at once.", 'true || duration("1 day") > duration("1h")', Outcome.REFUSED),
    Difference("Nothing is finer than a microsecond.", 'duration("1ns") > duration("0")', Outcome.REFUSED),
    Difference("A minute has no 61st second.", 'timestamp("2016-12-31T23:59:60Z") > timestamp(0)', Outcome.REFUSED),
    Difference("Years end with 9999, in every zone.", 'timestamp(253402300799).getFullYear("+02:00") == 10000', Outcome.FAILS),
    Difference(
        "Ten thousand years are a duration.",
        "timestamp(253402300799) - timestamp(-62135596800) > duration('1h')",
        Outcome.TRUE,
        Outcome.FAILS,
    ),
    Difference("Text with a blank in it is no number.", 'int(" 12") == 12', Outcome.FAILS),
    Difference("A double is not written as text: implementations do it in different ways.", 'string(1e6) == "1e+06"', Outcome.REFUSED),
    Difference("No unsigned numbers.", "1u == 1u", Outcome.REFUSED),
    Difference("No bytes.", 'b"a" == b"a"', Outcome.REFUSED),
    Difference("No null: has() asks whether there is a value.", "null == null", Outcome.REFUSED),
    Difference("No dyn() and no type().", "dyn(1) == 1", Outcome.REFUSED),
    Difference("No map() and no filter().", "[1, 2].filter(x, x > 1) == [2]", Outcome.REFUSED),
    Difference("No comment: in a file that joins lines it would swallow the rest.", "true // && false", Outcome.REFUSED),
    Difference("A number does not begin with its point.", ".5 == 0.5", Outcome.REFUSED),
)
"""Beside them: `within_hours` and `share_of_base` are Torwart's own, characters that cannot be seen are refused, and the limits above."""
