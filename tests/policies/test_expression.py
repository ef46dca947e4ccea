"""Conditions: their values and everything that is found before they are used."""

from dataclasses import replace

import pytest

from policies.attributes import Facts
from policies.expression import NoValueError, compile_condition
from policies.request import Action, Counts, Finding
from policies.syntax import ExpressionError
from tests.policies.acts import act

REQUEST = replace(
    act(Action.EXPORT, own=2, others=3, before=Counts(shown_day=100), after=Counts(shown_day=105), questioned_fields=frozenset({"name"})),
    findings=(Finding("phone", "phones", 3, 0.9, "body"), Finding("email", "emails", 0, 0.5, "body")),
)


def holds(text, request=REQUEST):
    return compile_condition(text).holds(Facts(request, request.action))


@pytest.mark.parametrize(
    "text",
    [
        "true && !false",
        "1 + 2 * 3 == 7",
        "-7 / 2 == -3 && -7 % 2 == -1 && 7 / -2 == -3 && 7 % -2 == 1",
        "1.5 + 0.5 == 2.0 && 3.0 / 2.0 > 1.4 && -(1.0) < 0.0",
        "1 < 2.5 && 2.0 == 2",
        'principal.status == "active" && "manager" in principal.roles',
        'principal.status in ["active", "talk_planned"]',
        'act == "export" && resource.type != "system"',
        "resource.known && resource.asked == 5 && resource.own_count == 2 && resource.others_count == 3",
        '"phone" in resource.contact_fields && !("name" in resource.contact_fields)',
        "size(resource.questioned_fields) == 1 && resource.questioned_fields.size() == 1",
        "usage.after.shown_day - usage.before.shown_day == 5 && usage.base == 3000 && usage.book == 480",
        "share_of_base(usage.after.shown_day) == 3.5 && share_of_base(300) >= 10",
        '"abc".startsWith("a") && "abc".endsWith("c") && "abc".contains("b") && "abc" < "abd" && "äö".size() == 2',
        'resource.model.matches("^party[.]")',
        "!has(principal.team) && !has(resource.limit)",
        "findings.exists(f, f.clients > 2) && !findings.all(f, f.clients > 2)",
        'findings.all(f, resource.fields.exists(n, n == "name") && f.confidence >= 0.5)',
        "resource.asked > 3 ? true : false",
        "context.origin_trusted && context.channel == 'api'",
        "size([usage.base, 3]) == 2 && 3 in [1, usage.base - 2997]",
    ],
)
def test_conditions_have_the_values_of_cel(text):
    assert holds(text) is True


def test_a_side_that_decides_makes_up_for_one_that_fails_whatever_the_order():
    fails = "1 / (resource.asked - 5) == 1"
    assert holds(f"true || {fails}")
    assert holds(f"{fails} || true")
    assert not holds(f"false && {fails}")
    assert not holds(f"{fails} && false")
    for text in (f"false || {fails}", f"{fails} || false", f"true && {fails}", f"{fails} && true"):
        with pytest.raises(ZeroDivisionError):
            holds(text)


def test_a_quantifier_is_decided_by_one_item_even_if_another_fails():
    assert holds("findings.exists(f, 3 / f.clients == 1)")
    with pytest.raises(ZeroDivisionError):
        holds("findings.all(f, 3 / f.clients == 1)")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("9223372036854775807 + usage.base > 0", OverflowError),
        ("usage.base * 9223372036854775807 > 0", OverflowError),
        ("usage.base % (usage.book - 480) == 0", ZeroDivisionError),
        ('principal.team == "south"', NoValueError),
        ("resource.limit > 3", NoValueError),
    ],
)
def test_what_has_no_value_raises(text, error):
    with pytest.raises(error):
        holds(text)


def test_an_optional_value_is_read_after_it_was_asked_for():
    text = 'has(principal.team) && principal.team == "south"'
    assert not holds(text)
    assert holds(text, act(Action.READ, principal={"team": "south"}))


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ("usage.after.shown_dya > 3", 12, "shown_day"),
        ("usag.base > 3", 0, "usage"),
        ("usage.base", 6, "true or false"),
        ("usage.base > '3'", 13, "one type"),
        ("usage.base + 1.0 > 3.0", 13, "10.0"),
        ("principal.status == 'actve'", 20, "active"),
        ("act in ['exprot']", 8, "export"),
        ("'a' in usage.base", 4, ""),
        ("3 in resource.fields", 0, "another type"),
        ("resource.fields == resource.fields", 16, "size()"),
        ("true < false", 5, ""),
        ("!usage.base", 7, "turns"),
        ("-true == true", 1, ""),
        ("usage.base && true", 6, "joins"),
        ("5.0 % 2.0 == 1.0", 4, ""),
        ("1 in [1, 'a']", 9, "one type"),
        ("usage.base.more > 1", 11, ""),
        ("size(3) == 1", 5, "size(value: string)"),
        ("starts('a', 'b')", 0, "startsWith"),
        ("'a'.startsWith(3)", 15, "text"),
        ("share_of_base('x') > 1.0", 14, "count"),
        ("'a'.matches('(')", 12, "RE2"),
        (r"'a'.matches('(a)\\1')", 12, "RE2"),
        ("'a'.matches(resource.model)", 21, ""),
        ("findings.exists(usage, true)", 9, ""),
        ("findings.exists(f, f.clients)", 21, "condition"),
        ("usage.exists(f, true)", 6, ""),
        ("(usage.base > 1 ? 1 : 'a') == 1", 22, "one type"),
        ("9223372036854775808 > 1", 0, ""),
        ("principal.id == 'x'", 10, ""),
        ("resource.ids == 1", 9, ""),
        ("f.clients > 1", 0, ""),
        ("__import__('os')", 0, ""),
        ("principal.__class__ == 1", 10, ""),
    ],
)
def test_a_fault_is_found_when_the_rule_is_loaded(text, at, hint):
    with pytest.raises(ExpressionError) as error:
        compile_condition(text)
    assert error.value.at == at
    assert hint in f"{error.value.hint} {error.value.message}"


def test_a_pattern_that_never_ends_elsewhere_ends_here():
    request = replace(REQUEST, resource=replace(REQUEST.resource, model="a" * 50_000 + "!"))
    assert not holds('resource.model.matches("^(a+)+$")', request)


def test_a_condition_of_the_largest_size_is_still_evaluated():
    assert not holds(" && ".join(["usage.base > 1"] * 65) + " && false")
