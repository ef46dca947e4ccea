"""A mask tells what its kind says and no more, and never comes back into the CRM."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.document import read_mask
from policies.masks import HIDDEN, HIDE, KNOWN_AGAIN, NULL, TELLING, Mask, MaskKind, apply, covers, is_mask, strictest

KEY = b"k" * 32
LAST, HASH, PSEUDONYM = Mask(MaskKind.LAST, 3), Mask(MaskKind.HASH), Mask(MaskKind.PSEUDONYM)
THOUSAND, MONTH, YEAR = Mask(MaskKind.ROUND, 1_000), Mask(MaskKind.DATE, unit="month"), Mask(MaskKind.DATE, unit="year")

masks = st.one_of(
    st.sampled_from([HIDE, NULL, HASH, PSEUDONYM, MONTH, YEAR]),
    st.builds(Mask, st.just(MaskKind.LAST), st.integers(1, 8)),
    st.builds(Mask, st.just(MaskKind.ROUND), st.integers(1, 10**9)),
)
values: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.text(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.dates().map(str),
    st.integers().map(str),
    st.lists(st.text(), max_size=2),
    st.dictionaries(st.text(), st.text(), max_size=1),
)


def masked(mask: Mask, value: object, reader: str = "reader") -> Any:
    return apply(mask, value, key=KEY, reader=reader)


@given(masks, values)
@example(THOUSAND, Decimal("1E+999999"))
@example(THOUSAND, Decimal("1E-999999"))
@example(THOUSAND, Decimal("sNaN"))
@example(HASH, Decimal("sNaN"))
@example(LAST, 10**5_000)
@example(PSEUDONYM, "\ud800")
@example(YEAR, "0001-01-01")
def test_whatever_goes_out_as_text_is_known_when_it_comes_back(mask: Mask, value: object) -> None:
    shown = masked(mask, value)
    assert not isinstance(shown, str) or (is_mask(shown) and shown.startswith(HIDDEN) and len(shown) <= 60)
    if mask.kind in KNOWN_AGAIN:
        assert is_mask(shown)


@given(values, values)
def test_what_is_hidden_tells_neither_the_value_nor_whether_there_is_one(one: object, other: object) -> None:
    assert masked(HIDE, one) == masked(HIDE, other) == HIDDEN
    assert masked(NULL, one) is masked(NULL, other) is None


@given(st.text(), st.text(), st.integers(1, 8))
@example("+49 171 5550001", "+49 30 1", 3)
@example("12345", "", 3)
def test_only_the_last_letters_and_digits_tell_anything(one: str, other: str, size: int) -> None:
    shown = masked(Mask(MaskKind.LAST, size), one + other)
    kept = shown.removeprefix(HIDDEN)
    letters = "".join(letter for letter in one + other if letter.isalnum())
    assert kept == (letters[-size:] if len(letters) > size + 2 else "")
    longer = masked(Mask(MaskKind.LAST, size), "000000000" + letters)
    assert shown in (HIDDEN, longer)  # the length is not to be read from it


@given(st.text(min_size=1), st.text(min_size=1), st.text(), st.text())
def test_equal_values_look_equal_and_a_pseudonym_only_to_one_reader(one: str, other: str, anna: str, boris: str) -> None:
    assert (masked(HASH, one, anna) == masked(HASH, other, boris)) is (one == other)
    assert (masked(PSEUDONYM, one, anna) == masked(PSEUDONYM, other, anna)) is (one == other)
    assert (masked(PSEUDONYM, one, anna) == masked(PSEUDONYM, one, boris)) is (anna == boris)
    assert masked(HASH, one) != masked(PSEUDONYM, one)
    assert apply(HASH, one, key=KEY, reader=anna) != apply(HASH, one, key=b"l" * 32, reader=anna)


@pytest.mark.parametrize("mask", [HASH, PSEUDONYM])
def test_a_hash_is_short_and_of_one_length_and_a_number_is_the_same_in_every_spelling(mask: Mask) -> None:
    assert {len(masked(mask, value)) for value in ("a", "a" * 1_000, 7, date(2026, 5, 12))} == {len(HIDDEN) + 8}
    assert masked(mask, Decimal("12.50")) == masked(mask, 12.5) == masked(mask, Decimal("12.5"))
    assert masked(mask, 12) == masked(mask, Decimal(12)) != masked(mask, Decimal("12.5"))
    assert masked(mask, "") == masked(mask, None) == HIDDEN


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1_499, 1_000),
        (1_500, 2_000),
        (-1_500, -2_000),
        (-499, 0),
        (Decimal("1499.99"), Decimal(1_000)),
        (Decimal("-0.1"), Decimal(0)),
        (1_500.5, 2_000.0),
        ("1499.99", "•••≈1000"),
        ("-1500", "•••≈-2000"),
        ("1.499,99", HIDDEN),
        ("1_000", HIDDEN),
        ("9" * 21, HIDDEN),
        ("about 1000", HIDDEN),
        ("", HIDDEN),
        (None, HIDDEN),
        (True, HIDDEN),
        (float("inf"), HIDDEN),
        (float("nan"), HIDDEN),
        (Decimal("1E+21"), HIDDEN),
    ],
)
def test_a_number_is_rounded_and_what_is_none_is_hidden(value: object, shown: object) -> None:
    said = masked(THOUSAND, value)
    assert said == shown
    assert type(said) is type(shown)
    assert not str(said).startswith("-0")


@given(st.one_of(st.integers(), st.decimals(-(10**18), 10**18, places=2)), st.integers(1, 10**6))
def test_a_rounded_number_is_a_multiple_and_not_further_away_than_half_a_step(value: Any, step: int) -> None:
    near = masked(Mask(MaskKind.ROUND, step), value)
    assert near % step == 0
    assert abs(near - value) * 2 <= step


@pytest.mark.parametrize(
    ("value", "month", "year"),
    [
        (date(2026, 5, 12), date(2026, 5, 1), date(2026, 1, 1)),
        (datetime(2026, 5, 12, 13, 14, 15, 16, UTC), datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-05-12", "•••2026-05", "•••2026"),
        ("2026-05-12T13:14:15Z", "•••2026-05", "•••2026"),
        ("2026-05-12 13:14:15.5+02:00", "•••2026-05", "•••2026"),
        ("2026-02-30", HIDDEN, HIDDEN),
        ("12.05.2026", HIDDEN, HIDDEN),
        ("2026-05-12 to 2026-06-01", HIDDEN, HIDDEN),
        (20260512, HIDDEN, HIDDEN),
        (None, HIDDEN, HIDDEN),
    ],
)
def test_a_date_is_cut_and_what_is_none_is_hidden(value: object, month: object, year: object) -> None:
    assert (masked(MONTH, value), masked(YEAR, value)) == (month, year)


@pytest.mark.parametrize("value", [HIDDEN, f" {HIDDEN} ", f"+49 {HIDDEN}", f"{HIDDEN}{HIDDEN}", f"{HIDDEN}\n", f"+49 {HIDDEN}001"])
def test_a_mask_is_known_again_whatever_a_form_adds_to_it(value: str) -> None:
    assert is_mask(value)


@pytest.mark.parametrize("value", ["+49 171 5550123", "", None, 3, "• point", "...", ["•••"], "≈1000"])
def test_an_ordinary_value_is_no_mask(value: object) -> None:
    assert not is_mask(value)


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [
        (HIDE, NULL, NULL),
        (LAST, NULL, NULL),
        (LAST, HIDE, HIDE),
        (LAST, Mask(MaskKind.LAST, 4), LAST),
        (THOUSAND, Mask(MaskKind.ROUND, 10), THOUSAND),
        (MONTH, YEAR, YEAR),
        (HASH, PSEUDONYM, HIDE),
        (LAST, HASH, HIDE),
        (THOUSAND, MONTH, HIDE),
        (HASH, HASH, HASH),
    ],
)
def test_the_stricter_mask_tells_less(one: Mask, other: Mask, left: Mask) -> None:
    assert strictest(None, one) == one
    assert strictest(one, other) == strictest(other, one) == left


@given(masks, masks, masks)
def test_the_order_of_the_rules_makes_no_difference(one: Mask, other: Mask, third: Mask) -> None:
    assert strictest(strictest(one, other), third) == strictest(one, strictest(other, third))


def test_every_kind_stands_in_the_table_as_it_is_written() -> None:
    assert TELLING.keys() == set(MaskKind)
    for kind, about in TELLING.items():
        word, _, measure = about.written.strip("{}").partition(": ")
        text: Any = word if not measure else {word: int(measure) if measure.isdigit() else measure}
        assert read_mask(text).kind is kind


@pytest.mark.parametrize(
    ("name", "path", "covered"),
    [
        ("city", "city", True),
        ("city", "addresses.city", True),
        ("addresses", "addresses.city", True),
        ("name", "Name:lang=de", True),
        ("city", "city_code", False),
        ("city", "capacity", False),
        ("contact", "contact_mechanisms.value", False),
    ],
)
def test_a_mask_covers_a_field_by_every_path(name: str, path: str, covered: bool) -> None:
    assert covers(name, path) is covered
