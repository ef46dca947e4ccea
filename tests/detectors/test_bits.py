"""Bits of a text against the same told byte by byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors import bits

MARKED = st.lists(st.sampled_from([b"1", b"0", b"1" * 8, b"0" * 8, b"1" * 70, b"0" * 130]), max_size=30).map(b"".join)
thorough = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def marked(text: bytes) -> bits.Bits:
    return bits.marked(np.frombuffer(text, np.uint8), (lambda piece: piece == ord("1"),))[0]


@thorough
@given(text=MARKED, step=st.sampled_from([64, 128, 1 << 18]))
def test_bits_are_told_and_shifted_as_letters_are(text: bytes, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bits, "_STEP", step)
    ours = marked(text)
    expected = [at for at, letter in enumerate(text) if letter == ord("1")]
    assert bits.places(ours).tolist() == expected
    assert bits.count(ours) == len(expected)
    assert bits.places(bits.after(ours)).tolist() == [at + 1 for at in expected]
    assert bits.places(bits.before(ours)).tolist() == [at - 1 for at in expected if at]
    assert bits.full(ours).tolist() == [at for at in range(len(text) // 8) if text[8 * at : 8 * at + 8] == b"1" * 8]


@thorough
@given(text=MARKED)
def test_what_is_set_in_a_row_around_a_place_is_counted(text: bytes) -> None:
    places = np.arange(bits.BEFORE, len(text))
    before, behind = bits.around(marked(text), places)
    for place, ours_before, ours_behind in zip(places.tolist(), before.tolist(), behind.tolist(), strict=True):
        ahead, rest = text[place - bits.BEFORE : place], text[place : place + bits.BEHIND]
        assert ours_before == len(ahead) - len(ahead.rstrip(b"1"))
        assert ours_behind == len(rest) - len(rest.lstrip(b"1"))
