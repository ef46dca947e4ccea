"""Letters beyond ASCII, and bytes that are no UTF-8."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors import utf8
from detectors.utf8 import WESTERN, beyond_ascii

PROSE = b"Sehr geehrte Damen und Herren, " * 8


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.one_of(st.text(max_size=3).map(str.encode), st.just(PROSE), st.binary(max_size=2)), max_size=12),
    step=st.integers(16, 40),
)
def test_letters_are_named_for_utf8_alone(pieces: list[bytes], step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8, "_STEP", step)
    content = b"".join(pieces)
    named = beyond_ascii(content)
    if named is not None:
        text = content.decode("utf-8")
        assert {letter for letter in text if "\x7f" < letter <= "\uffff"} <= named
        assert bool(named) == (not text.isascii())


def test_a_western_text_is_counted() -> None:
    text = (
        "Viele Grüße aus Köln – das Angebot ist wie immer „gut“ und gilt für alle Waren ab 5 € bis zum Ende des Monats. " * 1_000
    ).encode()
    assert beyond_ascii(text) == WESTERN | set("–„“€")
    assert beyond_ascii(PROSE) == set()


@pytest.mark.parametrize("wrong", [b"\xfc", b"\xc3", b"\xbc", b"\xc3 \xbc", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"])
@pytest.mark.parametrize("at", [0, 1, len(PROSE)])
def test_what_is_no_utf8_is_not_taken_for_it(wrong: bytes, at: int) -> None:
    assert beyond_ascii(PROSE[:at] + wrong + PROSE[at:]) is None


@pytest.mark.parametrize("stray", [b"\xb2", b"\xa0\xb2", b"\xc3"])
@pytest.mark.parametrize("cut", [b"\xe2\x80", b"\xe2", b"\xf0\x9f\x98", b"\xf0\x9f", b"\xc3", b"\xc2"])
@pytest.mark.parametrize("step", [64, 1 << 19])
def test_a_stray_byte_is_not_made_good_by_a_letter_that_lacks_one(
    stray: bytes, cut: bytes, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utf8, "_STEP", step)
    for content in (PROSE + stray + PROSE + cut, PROSE + cut + PROSE + stray, PROSE + cut + PROSE + stray + PROSE):
        assert beyond_ascii(content) is None


def test_a_text_of_another_script_is_not_counted() -> None:
    assert beyond_ascii("日本語のテキストです".encode() * 10_000) is None
