"""Codes that people copy: what was made is read back however it was typed, and nothing else is a code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.short_codes import SIGNS, new_code, read_code


@given(st.sampled_from([8, 24]), st.randoms())
def test_what_was_made_is_read_back_in_any_spelling(signs: int, chance) -> None:
    code = new_code(signs)
    plain = code.replace("-", "")
    assert set(plain) <= set(SIGNS)
    alike = plain.replace("1", chance.choice("1IiLl")).replace("0", chance.choice("0Oo"))
    for typed in (code, plain, code.lower(), code.replace("-", " "), f"  {code} ", alike):
        assert read_code(typed, signs) == plain


@given(st.text(max_size=120))
def test_whatever_is_typed_is_a_code_of_our_signs_or_none(typed: str) -> None:
    read = read_code(typed, 8)
    assert read is None or (len(read) == 8 and set(read) <= set(SIGNS))


@pytest.mark.parametrize("typed", ["", "1234567", "123456789", "U2345678", "1234567٨", "K7M2-9QX\n", "0" * 101])
def test_what_is_none(typed: str) -> None:
    assert read_code(typed, 8) is None
