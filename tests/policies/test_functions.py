"""Functions: their values, their faults, and how they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.attributes import Facts
from policies.expression import compile_condition, compile_part
from policies.request import Action, Counts
from policies.syntax import ExpressionError, parse
from tests.policies.acts import act

REQUEST = act(Action.EXPORT, own=2, others=3, after=Counts(shown_day=105))


def value(text, request=REQUEST):
    return compile_part(parse(text)).run(Facts(request, request.action), ())


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("size('äö😀') + 'abc'.size() + size([1]) + {'a': 1}.size()", 8),
        ("matches('Nordwind', '^Nord') && 'Nordwind'.matches(r'\\bNordwind\\b') && 'äöü'.matches('^...$')", True),
        ("int('-9223372036854775808') == int('-9223372036854775808') && int(-2.9) == -2 && int(5) == 5", True),
        ("int(timestamp('1969-12-31T23:59:59.5Z'))", -1),
        ("double(3) / double('2')", 1.5),
        ("string(-5) + string(true) + string('x')", "-5truex"),
        ("timestamp(0) == timestamp('1970-01-01T00:00:00Z') && timestamp(context.at) == context.at", True),
        ("duration(duration('1h')) == duration('60m')", True),
        ("timestamp('2026-05-10T12:00:00Z').getDayOfWeek()", 0),
        ("timestamp('2026-12-31T23:30:00Z').getFullYear('Europe/Berlin')", 2027),
        ("context.at.getHours() + context.at.getHours('Europe/Berlin')", 26),
        ("duration('-90m').getHours() + duration('90061s').getMinutes()", 1500),
        ("duration('1.25s').getMilliseconds() + duration('-1.25s').getMilliseconds()", 0),
        ("share_of_base(usage.after.shown_day)", 3.5),
        ("within_hours(context.at, '08:00', '18:00', 'Europe/Berlin')", True),
        ("within_hours(context.at, '18:00', '08:00', 'Europe/Berlin')", False),
    ],
)
def test_functions_have_the_values_of_cel(text, is_it):
    assert (type(value(text)), value(text)) == (type(is_it), is_it)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("int('x')", ValueError),
        ("int('1.5')", ValueError),
        ("int(' 1')", ValueError),
        ("int('9223372036854775808')", ValueError),
        ("int(1e30)", OverflowError),
        ("int(-9223372036854775808.0)", OverflowError),
        ("double('nan')", ValueError),
        ("double('inf')", ValueError),
        ("double('1e999')", OverflowError),
        ("double('')", ValueError),
        ("timestamp(resource.model)", ValueError),
        ("timestamp(resource.asked * 253402300800)", OverflowError),
        ("duration(resource.model)", ValueError),
    ],
)
def test_what_cannot_be_turned_into_another_type_is_an_error(text, error):
    with pytest.raises(error):
        value(text)


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ("startsWith('a', 'b')", 0, "x.startsWith(...)"),
        ("3.share_of_base() > 1.0", 2, ""),
        ("usage.base.share_of_base() > 1.0", 11, "share_of_base(...)"),
        ("starts('a', 'b')", 0, "startsWith"),
        ("'a'.startsWith(3)", 15, "part: string"),
        ("'a'.startsWith('a', 'b')", 4, "startsWith(part: string)"),
        ("size(3) == 1", 5, "value: string"),
        ("int(true) == 1", 4, "value: double"),
        ("string(1.5) == '1.5'", 7, "value: int"),
        ("share_of_base('x') > 1.0", 14, "count: int"),
        ("'a'.matches('(')", 12, "RE2"),
        (r"'a'.matches(r'(a)\1')", 12, "RE2"),
        ("'a'.matches('(?=a)')", 12, "RE2"),
        ("'a'.matches('a{1000}{1000}')", 12, "RE2"),
        ("'a'.matches(resource.model)", 21, "loaded"),
        ("timestamp('yesterday') < context.at", 10, "2026-05-12T08:30:00Z"),
        ("timestamp(253402300800) < context.at", 10, ""),
        ("duration('1 day') < duration('1h')", 9, "24h"),
        ("context.at.getHours('Europe/Belin') == 1", 20, "Europe/Berlin"),
        ("context.at.getHours(resource.model) == 1", 29, "loaded"),
        ("duration('1h').getHours('UTC') == 1", 15, "getHours"),
        ("duration('1h').getDate() == 1", 0, "getDate"),
        ("within_hours(context.at, '8:00', '18:00', 'UTC')", 25, "08:00"),
        ("within_hours(context.at, '08:00', '08:00', 'UTC')", 0, "whole day"),
        ("within_hours(context.at, '08:00', '18:00', 'Berlin')", 43, "Berlin"),
        ("within_hours('noon', '08:00', '18:00', 'UTC')", 13, "at: timestamp"),
        ("within_hours(context.at, '08:00', '18:00')", 0, "zone: string"),
        ("has(principal.team, 1)", 0, "has(principal.team)"),
        ("has(has(principal.team))", 0, "has(principal.team)"),
        ("all(findings, f, true)", 0, "list.all(x, condition)"),
    ],
)
def test_a_fault_in_a_call_is_found_when_the_rule_is_loaded(text, at, hint):
    with pytest.raises(ExpressionError) as error:
        compile_condition(text)
    assert hint in f"{error.value.hint} {error.value.message}"
    assert error.value.at == at


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_survives_as_text(number):
    assert value(f"int(string({number}))") == number


@given(st.text(max_size=30).filter(lambda text: "\0" not in text), st.text(max_size=3))
def test_texts_are_searched_as_they_are(text, part):
    request = act(Action.READ, own=1, principal={"team": text, "territory": part})
    assert value("principal.team.contains(principal.territory)", request) == (part in text)
    assert value("principal.team.startsWith(principal.territory)", request) == text.startswith(part)
    assert value("(principal.team + principal.territory).endsWith(principal.territory)", request)
    assert value("size(principal.team)", request) == len(text)


def test_a_value_with_a_lone_surrogate_fails_and_matches_nothing():
    with pytest.raises(UnicodeEncodeError):
        value("resource.model.matches('.')", act(Action.READ, own=1, model="\ud800"))
