"""A glance leaves out nothing that reading the whole text would find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors import bits, glance
from detectors.formats import Decoder, decoders
from detectors.glance import look
from detectors.text import Text
from tests.detectors.strategies import texts

thorough = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True, scope="module")
def looked_over() -> Iterator[None]:
    """Small texts too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glance, "_LEAST", 0)
        yield


def read_whole(text: str) -> Text:
    """The text with nothing known of it: everything is read."""
    whole = Text(text)
    whole.glance = replace(look(whole.encoded), dense=True)
    return whole


@pytest.mark.parametrize("decoder", decoders(), ids=lambda decoder: decoder.name)
@thorough
@given(text=texts, step=st.sampled_from([64, 128, 1 << 18]))
def test_what_is_read_after_a_glance_is_what_is_read_in_the_whole(
    decoder: Decoder, text: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bits, "_STEP", step)
    monkeypatch.setattr(glance, "_DENSE", 0)
    assert list(decoder.decode(Text(text))) == list(decoder.decode(read_whole(text)))


@thorough
@given(text=texts, step=st.sampled_from([64, 128, 1 << 18]))
def test_a_glance_sees_every_digit_sign_and_change_of_letters(text: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bits, "_STEP", step)
    monkeypatch.setattr(glance, "_DENSE", 0)
    data = Text(text).encoded
    seen = look(data)
    letters = [*map(chr, data)]

    def set_where(marked: bits.Bits) -> list[str]:
        return [letters[at] for at in bits.places(marked).tolist()]

    assert set_where(seen.digits) == [one for one in letters if one in "0123456789"]
    assert set_where(seen.signs) == [one for one in letters if one in "+-/_"]
    assert set_where(seen.upper) == [one for one in letters if "@" <= one <= "_"]
    assert set_where(seen.lower) == [one for one in letters if "`" <= one <= "\x7f"]
    assert set_where(seen.low) == [one for one in letters if one <= "f"]
    mixed = set(seen.mixed.tolist())
    assert seen.mixed_digits.tolist() == sorted(at for at in mixed if letters[at] in "0123456789")
    for at, (one, other) in enumerate(pairwise(letters)):
        if _is_latin(one) and (other in "0123456789+-/_"):
            assert at + 1 in mixed
        if (_is_latin(other) and one in "0123456789+-/_") or ("a" <= one <= "z" and "A" <= other <= "Z"):
            assert at in mixed


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def test_of_a_text_full_of_figures_and_of_small_and_large_ones_nothing_is_known() -> None:
    assert look(b"4711 0815 " * 100_000).dense
    assert not look(b"Sehr geehrte Damen und Herren, " * 100_000).dense
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glance, "_LEAST", 100)
        patch.setattr(glance, "_MOST", 200)
        assert [look(b"Sehr geehrte " * times).dense for times in (7, 8, 15, 16)] == [True, False, False, True]
    assert look(b"").mixed.tolist() == []
