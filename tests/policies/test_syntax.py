"""The grammar of expressions."""

import pytest

from policies.syntax import MAX_LENGTH, Call, ExpressionError, Literal, Name, Operation, Quantified, Select, parse


def test_operators_bind_as_in_cel():
    tree = parse("a || b && c + d * e == f")
    assert isinstance(tree, Operation)
    assert tree.operator == "||"
    both = tree.operands[1]
    assert both.operator == "&&"
    assert both.operands[1].operator == "=="
    assert both.operands[1].operands[0].operator == "+"
    assert both.operands[1].operands[0].operands[1].operator == "*"


def test_operators_of_one_level_group_to_the_left():
    tree = parse("10 - 3 - 2")
    assert tree.operands[0] == Operation("-", (Literal(10, 0), Literal(3, 5)), 3)


def test_parts_know_their_offset():
    tree = parse("usage.base >= 10")
    assert (tree.at, tree.operands[0].at, tree.operands[1].at) == (11, 6, 14)


def test_methods_calls_and_quantifiers_are_told_apart():
    assert parse("x.startsWith('a')") == Call("startsWith", (Name("x", 0), Literal("a", 13)), 2, method=True)
    assert isinstance(parse("findings.exists(f, f.clients > 3)"), Quantified)
    assert parse("has(principal.team)") == Select(Name("principal", 4), "team", 14, test=True)


def test_escapes_in_text_are_read():
    assert parse(r'"a\"b\\\n"') == Literal('a"b\\\n', 0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 0),
        ("1 +", 3),
        ("a = b", 2),
        ("a & b", 2),
        ("a | b", 2),
        ("(a", 2),
        ("a)", 1),
        ("[1, 2", 5),
        ("a.", 2),
        ("a.1", 1),
        ("f(", 2),
        ("has(a)", 0),
        ("x.all(1, true)", 6),
        ("x.all(y true)", 8),
        ("a ? b", 5),
        ('"open', 0),
        (r'"\q"', 1),
        ("a ; b", 2),
        ("@", 0),
        ("a in", 4),
        ("in", 0),
        ("1..2", 2),
        ("ä", 0),
        ("a\x00b", 1),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(text, at):
    with pytest.raises(ExpressionError) as error:
        parse(text)
    assert error.value.at == at


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "1" + ")" * 10_000,
        "(" * 100 + "1" + ")" * 100,
        "!" * 3_000 + "true",
        "-" * 3_000 + "1",
        "1" + "+1" * 1_500,
        "a" + ".a" * 1_500,
        "[" * 1_000,
        "a" * (MAX_LENGTH + 1),
        "x.all(a," * 300 + "true" + ")" * 300,
        "a?b:" * 900 + "c",
    ],
)
def test_a_bomb_is_refused_before_it_grows(text):
    with pytest.raises(ExpressionError):
        parse(text)
