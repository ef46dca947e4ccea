"""Official numbers with letters in them."""

from collections import Counter

import pytest

from detectors.client_index.officials import MOST_SHAPES, Officials, is_official, shape, usual


def found(shapes: list[str], text: str) -> set[str]:
    return {value for value, _ in Officials(shapes).find(text.encode("ascii"))}


@pytest.mark.parametrize(
    ("value", "expected"), [("DE123456789", "A2 D9"), ("NL123456789B01", "A2 D9 A1 D2"), ("22AAAAA0000A1Z5", "D2 A5 D4 A1 D1 A1 D1")]
)
def test_a_shape_says_nothing_of_the_number(value: str, expected: str) -> None:
    assert shape(value) == expected
    assert found([expected], f"x {value}.") == {value}


def test_numbers_of_like_shapes_at_the_same_place_are_all_found() -> None:
    assert found(["A2 D9", "A2 D11", "A2 D9 A1"], "DE 123456789 01") == {"DE123456789", "DE12345678901"}
    assert found(["A2 D9", "A2 D11", "A2 D9 A1"], "DE 123456789 X") == {"DE123456789", "DE123456789X"}


def test_overlapping_numbers_are_all_found() -> None:
    assert found(["A2 D9", "A4 D9"], "ID DE 123456789") == {"DE123456789", "IDDE123456789"}


def test_a_part_of_a_word_or_a_longer_number_is_none() -> None:
    assert found(["A2 D9"], "XDE123456789 DE1234567890 DE12345678 DE123456789X") == set()


def test_without_shapes_nothing_is_found() -> None:
    assert found([], "DE123456789") == set()


def test_what_can_be_an_official_number() -> None:
    assert [is_official(value) for value in ("DE12345", "D12345", "DE1234", "DE" + "1" * 19, "1234567", "ABCDEFG", "HRB12345")] == [
        True,
        False,
        False,
        False,
        False,
        False,
        True,
    ]


def test_the_most_frequent_shapes_are_kept_and_their_number_is_bounded() -> None:
    counts = Counter({f"A2 D{count}": count for count in range(5, 300)})
    assert len(usual(counts)) == MOST_SHAPES
    assert "A2 D299" in usual(counts)
    assert "A2 D5" not in usual(counts)
