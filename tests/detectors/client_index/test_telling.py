"""No candidate is lost where only parts of a text are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import glance
from detectors.client_index import telling as telling_module
from detectors.client_index.candidates import candidates
from detectors.client_index.hashes import Numbers
from detectors.client_index.matcher import load_matcher
from detectors.client_index.officials import Officials
from detectors.client_index.telling import is_bare, telling
from detectors.text import Text
from tests.bench.scan_corpora import office_text
from tests.detectors.client_index.clients import email, index_of, phone, tax
from tests.detectors.strategies import texts

NONE = Officials(())
SHAPES = Officials(("A2 D9", "A3 D8", "A3 D6", "D2 A5 D4 A1 D1 A1 D1", "A2 D9 A1 D2"))
LETTER = "Sehr geehrte Damen und Herren, anbei erhalten Sie unser Angebot – wie besprochen. „Gern“ für 5 €.\n" * 40

_BESIDE = st.sampled_from(["", LETTER])


@pytest.fixture(autouse=True, scope="module")
def looked_over() -> Iterator[None]:
    """Small texts too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glance, "_LEAST", 0)
        yield


def nobodys(_numbers: Numbers) -> bool:
    return False


def found(text: str, shortest: int, officials: Officials) -> set[int | str]:
    values: set[int | str] = set()
    for one in candidates(text, shortest=shortest, officials=officials):
        values |= {*one.numbers.tolist(), *one.texts}
    return values


def told(text: str, shortest: int, officials: Officials, *, known: bool = False) -> set[int | str] | None:
    """The candidates among the numbers and in the parts, if these can be told; `known`: a number may be a client's."""
    numbers: set[int | str] = set()

    def asked(some: Numbers) -> bool:
        numbers.update(some.tolist())
        return known

    parts = telling(Text(text), asked, shortest=shortest, reach=officials.reach)
    if parts is None:
        return None
    return found(parts, shortest, officials) | (set() if known else numbers)


@settings(max_examples=1_500, deadline=None)
@given(texts, st.sampled_from([4, 7]), st.sampled_from([NONE, SHAPES]), _BESIDE, _BESIDE, st.booleans())
def test_every_candidate_of_a_text_is_told(text: str, shortest: int, officials: Officials, before: str, behind: str, known: bool) -> None:
    whole = before + text + behind
    all_told = told(whole, shortest, officials, known=known)
    if all_told is not None:
        assert found(whole, shortest, officials) <= all_told


@settings(max_examples=1_500, deadline=None)
@given(texts, st.sampled_from([4, 7]), st.sampled_from([NONE, SHAPES]))
def test_nothing_is_found_in_a_bare_text(text: str, shortest: int, officials: Officials) -> None:
    if is_bare(Text(text), shortest=shortest, reach=officials.reach):
        assert not found(text, shortest, officials)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Grüße – 5 €", True),
        ("123 456", True),
        ("123 4567", False),
        ("a@b", False),
        ("12345\uff16\uff17", False),
        ("123456²", False),
        ("a\uff20b", False),
    ],
)
def test_a_text_with_an_at_sign_or_digits_enough_is_not_bare(text: str, bare: bool) -> None:
    assert is_bare(Text(text), shortest=7, reach=0) == bare
    assert not is_bare(Text("DE 123 45"), shortest=7, reach=20)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*"0123456789 -./–…\u00a0äß€„™x\n", "0151", "DE", "@", "a@b.de"]), max_size=60).map("".join),
    st.sampled_from([4, 7]),
    st.sampled_from([NONE, SHAPES]),
    st.booleans(),
)
def test_calm_letters_lose_no_candidate(text: str, shortest: int, officials: Officials, known: bool) -> None:
    whole = LETTER + text + LETTER
    all_told = told(whole, shortest, officials, known=known)
    assert all_told is not None or text.count("@") > 4
    assert all_told is None or found(whole, shortest, officials) <= all_told


def test_more_numbers_than_are_made_at_once_are_told_by_their_parts() -> None:
    whole = (LETTER + "0151 – 23 45 678") * 8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telling_module, "_MOST_DIGITS", 40)
        parts = telling(Text(whole), lambda _: pytest.fail("asked about all of them"), shortest=7, reach=0)
    assert parts is not None
    assert found(whole, 7, NONE) == found(parts, 7, NONE) != set()


def test_long_addresses_are_kept_whole() -> None:
    for letter in ("a", "ü"):
        address = letter * 64 + "@" + (letter * 60 + ".") * 4 + "de"
        whole = LETTER + address + LETTER
        parts = telling(Text(whole), nobodys, shortest=7, reach=0)
        assert parts is not None
        assert found(whole, 7, NONE) == found(parts, 7, NONE) != set()


def test_of_office_text_a_twentieth_is_looked_at() -> None:
    content = office_text(200_000)
    parts = telling(Text(encoded=content), lambda _: True, shortest=7, reach=0)
    assert parts is not None
    assert 0 < len(parts) < len(content) / 20


def test_of_office_text_nothing_is_looked_at_where_its_numbers_are_nobodys() -> None:
    content = office_text(200_000).replace(b"@", b" ")
    assert telling(Text(encoded=content), nobodys, shortest=7, reach=0) == ""


@pytest.mark.parametrize("text", ["٠١٥١ ٢٣٤٥٦٧٨", "0151\u200b2345678", "日本", "0\u03071", "²", "😀", "a¨b", "soft\u00adhyphen"])
def test_what_is_seen_as_something_else_is_not_told_in_parts(text: str) -> None:
    assert telling(Text(LETTER + text), nobodys, shortest=7, reach=0) is None


def test_a_text_is_passed_over_until_it_holds_somebody(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"), email("8", "info@mueller.example"), tax("9", "DE123456789"))
    matcher = load_matcher(index.image())
    assert matcher.passes_over(Text(LETTER + "am 12.05.2026, Nr. AB-2026-4711, an x@y.example\n" + LETTER))
    for value in (
        "0151 – 23 45 678",
        "+49 (151) 234 56 78",
        "Info@Mueller.example",
        "de 123.456.789",
        "０１５１２３４５６７８",
        "info＠mueller.example",
    ):
        assert not matcher.passes_over(Text(f"{LETTER} {value} {LETTER}")), value
    index.close()
