"""What joins conditions, and how often a condition may be asked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.attributes import Facts
from policies.expression import compile_condition
from policies.logic import MAX_NESTED, MAX_ROUNDS, TooManyRoundsError
from policies.operators import EVALUATION_ERRORS
from policies.request import Action, Finding
from policies.syntax import ExpressionError
from tests.policies.acts import act

FAILS = "1 / (resource.asked - 5) == 1"
REQUEST = act(Action.EXPORT, own=2, others=3)


def holds(text, request=REQUEST):
    return compile_condition(text).holds(Facts(request, request.action))


def joined(words, sign):
    return holds(f" {sign} ".join(words))


SIDES = st.lists(st.sampled_from(["true", "false", FAILS]), min_size=2, max_size=5)


@given(SIDES)
def test_one_true_side_makes_an_or_true_and_else_one_failure_makes_it_fail(words):
    if "true" in words:
        assert joined(words, "||")
    elif FAILS in words:
        with pytest.raises(ZeroDivisionError):
            joined(words, "||")
    else:
        assert not joined(words, "||")


@given(SIDES)
def test_one_false_side_makes_an_and_false_and_else_one_failure_makes_it_fail(words):
    if "false" in words:
        assert not joined(words, "&&")
    elif FAILS in words:
        with pytest.raises(ZeroDivisionError):
            joined(words, "&&")
    else:
        assert joined(words, "&&")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.randoms())
def test_the_order_of_items_means_nothing_to_a_quantifier(numbers, dice):
    def outcome(items, kind):
        try:
            return holds(f"{items}.{kind}(x, 6 / x > 2)")
        except ZeroDivisionError:
            return "fails"

    other = dice.sample(numbers, len(numbers))
    for kind in ("all", "exists", "exists_one"):
        assert outcome(numbers, kind) == outcome(other, kind)


def test_exactly_one_is_not_decided_while_one_fails():
    assert holds("[1, 2, 3].exists_one(x, x == 2) && ![2, 2].exists_one(x, x == 2) && ![].exists_one(x, true)")
    with pytest.raises(ZeroDivisionError):
        holds("[1, 0, 1].exists_one(x, 1 / x == 1)")


def found(count):
    return replace(REQUEST, findings=(Finding("clients", "client_index", 1, 1.0, "body"),) * count)


def test_a_list_may_be_long_but_not_longer():
    assert holds("findings.all(f, f.clients == 1)", found(MAX_ROUNDS))
    for kind in ("all", "exists", "exists_one"):
        with pytest.raises(TooManyRoundsError):
            holds(f"findings.{kind}(f, f.clients == 1)", found(MAX_ROUNDS + 1))


def test_rounds_inside_of_rounds_are_multiplied():
    nested = "findings.all(f, findings.all(g, f.clients == g.clients))"
    assert holds(nested, found(100))
    with pytest.raises(TooManyRoundsError):
        holds(nested, found(101))
    assert holds("findings.all(f, f.clients == 1) && findings.all(f, f.clients == 1)", found(MAX_ROUNDS))


def test_too_long_a_list_is_an_error_that_a_rule_denies_for():
    assert issubclass(TooManyRoundsError, EVALUATION_ERRORS)


def test_quantifiers_stand_inside_each_other_only_so_deep():
    def nested(depth):
        return "".join(f"[{level}].all(x{level}, " for level in range(depth)) + "true" + ")" * depth

    assert holds(nested(MAX_NESTED))
    with pytest.raises(ExpressionError, match="inside each other"):
        compile_condition(nested(MAX_NESTED + 1))


def test_a_variable_is_that_of_its_own_quantifier():
    assert holds("[1, 2].exists(x, [10, 20].exists(y, [100].all(z, x * y * z == 4000)))")
    assert holds("[1, 2].all(x, x > 0) && ['a'].all(x, x == 'a')")
