"""A glance leaves out nothing that reading the whole text would find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors import glance
from detectors.formats import Decoder, decoders
from detectors.glance import Glance, look
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
    seen = look(whole.encoded)
    whole.glance = Glance(whole.encoded, seen.marks[:0], seen.blocks[:0], dense=True)
    return whole


@pytest.mark.parametrize("decoder", decoders(), ids=lambda decoder: decoder.name)
@thorough
@given(text=texts, step=st.sampled_from([16, 64, 1 << 18]))
def test_what_is_read_after_a_glance_is_what_is_read_in_the_whole(
    decoder: Decoder, text: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "_STEP", step)
    monkeypatch.setattr(glance, "_DENSE", 1)
    assert list(decoder.decode(Text(text))) == list(decoder.decode(read_whole(text)))


@thorough
@given(text=texts, step=st.sampled_from([16, 64, 1 << 18]))
def test_a_glance_sees_every_digit_sign_and_change_of_letters(text: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "_STEP", step)
    monkeypatch.setattr(glance, "_DENSE", 1)
    data = Text(text).encoded
    seen = look(data)
    pairs = [(at, chr(one), chr(other)) for at, (one, other) in enumerate(zip(data, data[1:] + b"\0", strict=False))]
    assert seen.marks.tolist() == [at for at, one, other in pairs if one in "0123456789+-/_" or ("a" <= one <= "z" and "A" <= other <= "Z")]
    assert seen.digits.tolist() == [at for at, one, _ in pairs if one in "0123456789"]
    wordless = [at for at in range(len(data) // 8) if all(byte <= 90 or chr(byte) in "abcdef" for byte in data[8 * at : 8 * at + 8])]
    assert seen.blocks.tolist() == wordless


def test_of_a_text_full_of_figures_and_of_small_and_large_ones_nothing_is_known() -> None:
    assert look(b"4711 0815 " * 100_000).dense
    assert not look(b"Sehr geehrte Damen und Herren, " * 100_000).dense
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glance, "_LEAST", 100)
        patch.setattr(glance, "_MOST", 200)
        assert [look(b"Sehr geehrte " * times).dense for times in (7, 8, 15, 16)] == [True, False, False, True]
    assert look(b"").marks.tolist() == []
