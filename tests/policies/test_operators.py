"""Arithmetic and comparisons, with numbers as large as they get."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.attributes import ANY, BOOL, DOUBLE, DURATION, INT, ROOTS, STRING, TIMESTAMP, Facts, Type
from policies.expression import compile_condition, compile_part
from policies.operators import INT_MAX, INT_MIN, divided, joined
from policies.request import Action
from policies.syntax import ExpressionError, parse
from tests.policies.acts import act

FACTS = Facts(act(Action.LIST, own=3, others=2), Action.LIST)
NUMBERS = st.one_of(st.integers(-10, 10), st.integers(INT_MIN, INT_MAX), st.sampled_from([INT_MIN, INT_MAX]))


def value(text):
    return compile_part(parse(text)).run(FACTS, ())


@given(NUMBERS, NUMBERS, st.sampled_from("+-*"))
def test_what_does_not_fit_is_an_error_and_never_wraps(left, right, sign):
    exact = {"+": left + right, "-": left - right, "*": left * right}[sign]
    if INT_MIN <= exact <= INT_MAX:
        assert value(f"{left} {sign} {right}") == exact
    else:
        with pytest.raises(OverflowError):
            value(f"{left} {sign} {right}")


@given(NUMBERS, NUMBERS.filter(bool))
def test_a_division_is_rounded_towards_zero_and_leaves_its_rest(left, right):
    if (left, right) == (INT_MIN, -1):
        for sign in "/%":
            with pytest.raises(OverflowError):
                value(f"{left} {sign} {right}")
        return
    quotient, rest = value(f"{left} / {right}"), value(f"{left} % {right}")
    assert quotient == divided(left, right)
    assert quotient * right + rest == left
    assert abs(rest) < abs(right)
    assert rest == 0 or (rest < 0) is (left < 0)


@pytest.mark.parametrize("text", ["1 / 0", "1 % 0", "1.0 / 0.0", "0.0 / 0.0"])
def test_nothing_is_divided_by_zero(text):
    with pytest.raises(ZeroDivisionError):
        value(text)


@pytest.mark.parametrize("text", ["1e308 * 10.0", "1e308 + 1e308", "-1e308 - 1e308", "1e308 / 1e-10", f"-({INT_MIN})"])
def test_what_is_not_finite_is_an_error(text):
    with pytest.raises(OverflowError):
        value(text)


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        (f"{INT_MIN}", INT_MIN),
        ("-0x8000000000000000", INT_MIN),
        ("--3", 3),
        ("- - -3", -3),
        ("-(-3)", 3),
        ("2 - -3", 5),
        ("-2.5 + 1.0", -1.5),
        ("9007199254740993 == 9007199254740992.0", False),
        (f"{INT_MAX} < 9223372036854775808.0", True),
        ("!!true", True),
        ('"a" + "b" + "c"', "abc"),
        ("true ? 1 : 2 / 0", 1),
        ("false ? 1 : true ? 2 : 3", 2),
        ("1 < 2 == true", True),
        ("1 in [1] in [true]", True),
        ('duration("1h") * 1 == 1', None),
        ('timestamp("2026-05-12T08:00:00Z") + duration("1h") - timestamp("2026-05-12T08:00:00Z")', timedelta(hours=1)),
        ('context.at - duration("12h") < context.at && duration("1h") + context.at > context.at', True),
        ('duration("1h") - duration("90m") == duration("-30m")', True),
    ],
)
def test_values_are_those_of_cel(text, is_it):
    if is_it is None:
        with pytest.raises(ExpressionError):
            value(text)
    else:
        assert (type(value(text)), value(text)) == (type(is_it), is_it)


@pytest.mark.parametrize(
    "text", ['timestamp("9999-12-31T23:59:59Z") + duration("1h")', 'timestamp("0001-01-01T00:00:00Z") - duration("1s")']
)
def test_the_calendar_has_two_ends(text):
    with pytest.raises(OverflowError):
        value(text)


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ("1 + 'a' == 1", 4, "int + int"),
        ("'a' - 'b' == 'c'", 4, "string"),
        ("true + true == true", 5, "bool"),
        ("context.at + context.at == context.at", 21, "timestamp + duration"),
        ("context.at * 2 == context.at", 11, ""),
        ("context.at > 'noon'", 13, "one type"),
        ("context.at == duration('1h')", 14, "one type"),
        ("5.0 % 2.0 == 1.0", 4, "remainder"),
        ("act < 'exprot'", 6, "export"),
        ("-duration('1h') == duration('1h')", 1, "number"),
        ("true ? false ? 1 : 2 : 3 == 1", 13, "parentheses"),
        (f"{INT_MAX + 1} > 0", 0, "64 bits"),
        (f"{INT_MIN - 1} > 0", 0, "64 bits"),
        ("1e999 > 0.0", 0, "large"),
        ("-!true", 1, ""),
    ],
)
def test_a_fault_in_an_operation_is_found_when_the_rule_is_loaded(text, at, hint):
    with pytest.raises(ExpressionError) as error:
        compile_condition(text)
    assert error.value.at == at
    assert hint in f"{error.value.hint} {error.value.message}"


LISTS = [Type("list", element=kind) for kind in (INT, STRING, ANY)]
NAMES = Type("list", element=STRING, ordered=False)
KINDS = [BOOL, INT, DOUBLE, STRING, TIMESTAMP, DURATION, *LISTS, NAMES, ROOTS["act"], ROOTS["usage"], Type("map", element=INT, key=STRING)]


@given(st.sampled_from([ANY, *KINDS]), st.sampled_from([ANY, *KINDS]))
def test_what_may_be_either_of_two_types_has_one_or_none_whatever_the_order(one, two):
    assert joined(one, two) == joined(two, one)
    assert joined(one, one) == one
    assert joined(ANY, one) == one


def test_texts_with_different_words_are_just_texts_together():
    assert joined(ROOTS["act"], STRING) == STRING
    assert joined(NAMES, LISTS[1]) == NAMES
    assert joined(LISTS[0], LISTS[1]) is None
    assert value('(true ? act : principal.status) == "list"')
