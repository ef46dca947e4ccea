"""Tokens, numbers and quoted text."""

import pytest

from policies.tokens import MAX_LENGTH, ExpressionError, quoted, tokens, whole


def value(text):
    (token, _) = tokens(text)
    return quoted(token)


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        (r'"a\"b\\\n"', 'a"b\\\n'),
        (r"'\a\b\f\n\r\t\v\'\"\`\?'", "\a\b\f\n\r\t\v'\"`?"),
        (r'"\x41\X42\u00e4\U0001F600\101"', "ABä😀A"),
        (r"r'\d+\n'", r"\d+\n"),
        (r"""R"it's \\" """.strip(), r"it's \\"),
        ("'''a'b''c'''", "a'b''c"),
        ('"""one\ntwo "three\\""""', 'one\ntwo "three"'),
        ("r'''\\d\n'''", "\\d\n"),
        ("''", ""),
        ('""""""', ""),
        ('"\\x00"', "\0"),
    ],
)
def test_text_is_read_as_cel_does(text, is_read):
    assert value(text) == is_read


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        (r'"ab\q"', 3, r"\uHHHH"),
        (r"'''\d'''", 3, "r'...'"),
        (r'"\ud800"', 1, ""),
        (r'"\U00110000"', 1, ""),
        (r'"\u12"', 1, ""),
        (r'"\400"', 1, ""),
        (r"r'a\'", 0, "without r"),
    ],
)
def test_what_is_no_character_is_refused_with_its_place(text, at, hint):
    with pytest.raises(ExpressionError) as error:
        value(text)
    assert error.value.at == at
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ("1u", 0, "unsigned"),
        ('x == b"a"', 5, "bytes"),
        ("true // all", 5, "#"),
        ("a > .5", 4, "zero"),
        ("a & b", 2, "&&"),
        ("a | b", 2, "||"),
        ("a = b", 2, "=="),
        ("'open", 0, "quotation mark"),
        ("'one\nline'", 0, "quotation mark"),
        ("a ; b", 2, ""),
    ],
)
def test_what_other_languages_have_is_refused_with_what_to_write(text, at, hint):
    with pytest.raises(ExpressionError) as error:
        tokens(text)
    assert error.value.at == at
    assert hint in error.value.hint


@pytest.mark.parametrize("code", [0x00, 0x07, 0x1B, 0x7F, 0x85, 0xAD, 0x200B, 0x200F, 0x202E, 0x2028, 0x2066, 0xFEFF, 0xD800, 0xE0041])
def test_a_character_that_nobody_sees_is_refused_wherever_it_stands(code):
    for text, at in ((f"true {chr(code)}", 5), (f"act == 'a{chr(code)}b'", 9)):
        with pytest.raises(ExpressionError) as error:
            tokens(text)
        assert error.value.at == at
        assert f"U+{code:04X}" in error.value.message


def test_letters_of_every_script_may_stand_in_text():
    assert value("'Größe 日本 שלום мир 😀'") == "Größe 日本 שלום мир 😀"


def test_numbers_are_told_apart():
    found = tokens("1 0x2A 1.5 2e3 1.5E-3 12345678901234567890")
    assert [token.kind for token in found] == ["int", "int", "double", "double", "double", "int", "end"]
    assert [whole(token) for token in found if token.kind == "int"] == [1, 42, 12345678901234567890]


def test_an_expression_has_a_length():
    assert len(tokens("1 " * (MAX_LENGTH // 2))) == MAX_LENGTH // 2 + 1
    with pytest.raises(ExpressionError):
        tokens(" " * (MAX_LENGTH + 1))
