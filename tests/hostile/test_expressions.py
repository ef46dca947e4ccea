"""Conditions that are made to hurt: whatever is written, loading says no with a place, or the condition is asked in bounded time.

Only ExpressionError comes out of loading, only EVALUATION_ERRORS come out of asking: the engine denies for both.
"""

import sys
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.attributes import RECORD, Facts
from policies.expression import compile_condition
from policies.language import MACROS, OPERATORS, TYPES
from policies.operators import EVALUATION_ERRORS
from policies.request import Action, Finding
from policies.syntax import MAX_DEPTH, MAX_LENGTH, MAX_PARTS, ExpressionError
from policies.tokens import tokens
from tests.policies.acts import act
from tests.policies.expressions import Expressions, for_torwart
from tests.policies.test_cel_reference import FACTS

REQUEST = replace(act(Action.UPLOAD, own=2, others=3), findings=(Finding("clients", "client_index", 3, 0.9, "body"),))
WORDS = sorted({token.text for entry in (*TYPES, *OPERATORS, *MACROS) for token in tokens(entry.example)[:-1]})
WORDS += [
    "principal",
    "record",
    "findings",
    "context",
    "usage",
    "x",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    "!",
    "-",
    "in",
    "null",
    "0x",
    "'''",
]


def outcome(text):
    """True, false, what it raised, or the ExpressionError that refused it."""
    try:
        condition = compile_condition(text, RECORD)
    except ExpressionError as error:
        return error
    try:
        return condition.holds(FACTS[0])
    except EVALUATION_ERRORS as error:
        return error


def asked(text):
    """The outcome; a refusal has a place in the text and says something."""
    found = outcome(text)
    assert not isinstance(found, ExpressionError) or (found.message and 0 <= found.at <= len(text))
    return found


@given(st.text())
def test_any_text_is_refused_or_asked(text):
    assert isinstance(asked(text), bool | Exception)


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_words_of_the_language_are_refused_or_asked(words):
    assert isinstance(asked(" ".join(words)), bool | Exception)


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_condition_that_is_cut_and_joined_anew_is_refused_or_asked(seed, other):
    dice = Random(seed ^ other)  # noqa: S311 -- places to cut
    one, two = (for_torwart(Expressions(number).of("bool")) for number in (seed, other))
    text = one[: dice.randrange(len(one) + 1)] + two[dice.randrange(len(two) + 1) :]
    assert isinstance(asked(text), bool | Exception)


@pytest.mark.parametrize(
    "name", ["'" + "(a+)+" * 200 + "$'", "'(.*)*(.*)*(.*)*x'", "'((a|aa)+)+$'", "'(x+x+)+y'", "'^(([a-z])+.)+[A-Z]([a-z])+$'"]
)
def test_a_pattern_that_never_ends_elsewhere_ends_here(name):
    request = replace(REQUEST, resource=replace(REQUEST.resource, model="a" * 200_000 + "!"))
    condition = compile_condition(f"resource.model.matches({name})")
    assert condition.holds(Facts(request, request.action)) is False


@pytest.mark.parametrize(
    "pattern", ["(", "a{1000}{1000}{1000}", "(?P<n>a)(?P=n)", "(?<=a)b", "[[:nope:]]", r"\\p{Nope}", "(((((" * 300, "a**", "\\\\C\\\\8"]
)
def test_a_pattern_that_cannot_be_is_refused(pattern):
    assert isinstance(asked(f"'a'.matches('{pattern}')"), ExpressionError)


@pytest.mark.parametrize(
    "text",
    [
        *("(" * 10_000, "(" * MAX_DEPTH + "true" + ")" * MAX_DEPTH, "[" * 4_000, "{" * 4_000, "{1:" * 1_000),
        *("!" * 3_999, "-" * 3_999, "!" * (MAX_PARTS + 1) + "true", "has(" * 999, "size(" * 700),
        *("true" + " && true" * 10_000, "1" + " + 1" * (MAX_PARTS + 1) + " > 0", "a" + ".a" * 1_999, "findings" + "[0]" * 1_300),
        *(
            "[1].all(a, " * 300,
            "true ? " * 500,
            "true ? true : " * 280 + "true",
            "a" * MAX_LENGTH,
            "9" * MAX_LENGTH,
            "0x" + "f" * 3_900 + " > 0",
        ),
        *("1e" + "9" * 3_000 + " > 1.0", "1" + "0" * 3_000 + ".0 > 1.0", "'" + "\\" * 3_999, "'" * 4_000, '"""' * 1_000, "r'" * 2_000),
        *(
            "act == '\x00'",
            "act == '\ud800'",
            "act == '\udfff'",
            "act == '\u202etset\u202c'",
            "true \u2066&& false",
            "\ufefftrue",
            "true\u00a0&& true",
        ),
        *("аct == 'list'", "act == 'list\u200b'", "true＆＆false", "act == ‘list’", "act == 'list' or true", "not true", "act === 'list'"),
        *(
            "__import__('os').system('true')",
            "act.__class__ == 1",
            "().__class__",
            "lambda: true",
            "act.format() == 'x'",
            "record.__dict__ == 1",
        ),
        *('principal["__class__"] == 1', "[].append(1) == 1", "{}.keys() == []", "act % (1,) == 'x'", "`id` == 'x'", "${7 * 7} == 49"),
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_a_bomb_or_a_trick_is_refused_when_it_is_loaded(text):
    assert isinstance(asked(text), ExpressionError)


def largest():
    """Conditions at the very limits of what may be loaded."""
    yield "true" + " && true" * MAX_PARTS
    yield "1" + " + 1" * (MAX_PARTS - 1) + f" == {MAX_PARTS}"
    yield "!" * MAX_PARTS + "true"
    yield "(" * (MAX_DEPTH - 1) + "true" + ")" * (MAX_DEPTH - 1)
    yield "true ? true : " * (MAX_DEPTH - 1) + "true"
    depth = MAX_DEPTH - 1
    yield "(1 + (" * (depth // 2) + "1" + "))" * (depth // 2) + f" == {depth // 2 + 1}"
    deep = "".join("(true && (1 + 1 + 1 + 1 + 1 == 5) == " for _ in range(28))
    yield deep + "true" + ")" * 28
    yield " || ".join(["1 in [" + ", ".join(["2"] * 1_200) + "]", "true"])


@pytest.mark.parametrize("text", list(largest()), ids=lambda text: text[:24])
def test_the_largest_condition_is_asked_far_below_the_recursion_limit(text):
    here = len(list(_frames()))
    assert _deeper(sys.getrecursionlimit() - here - 650, text) is True


def _frames():
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


def _deeper(frames, text):
    return asked(text) if frames <= 0 else _deeper(frames - 1, text)


def test_a_condition_that_is_too_deep_for_this_moment_is_an_error_and_no_crash():
    condition = compile_condition("1" + " + 1" * (MAX_PARTS - 1) + " > 0")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(list(_frames())) + 60)
    try:
        with pytest.raises(EVALUATION_ERRORS):
            condition.holds(FACTS[0])
    finally:
        sys.setrecursionlimit(limit)


def test_loading_where_no_room_is_left_is_an_expression_error():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(list(_frames())) + 60)
    try:
        with pytest.raises(ExpressionError, match="deep"):
            compile_condition("1" + " + 1" * (MAX_PARTS - 1) + " > 0")
    finally:
        sys.setrecursionlimit(limit)


def test_texts_grow_with_what_is_written_and_no_faster():
    text = " + ".join(["resource.model"] * (MAX_PARTS // 2))
    request = replace(REQUEST, resource=replace(REQUEST.resource, model="a" * 100_000))
    assert compile_condition(f"size({text}) == {100_000 * (MAX_PARTS // 2)}").holds(Facts(request, request.action))
