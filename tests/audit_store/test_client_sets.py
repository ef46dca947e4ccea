"""Sets of client ids as text."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_store.client_sets import decode_ids, encode_ids, numbers_json

NUMBERS = st.frozensets(st.integers(0, 2**64 - 1).map(str), max_size=60)
NAMES = st.frozensets(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=20)
TRAPS = st.frozensets(st.sampled_from(["0", "7", "007", "-5", "1,2", "1.0", "1e3", "true", "", " 1", "٣", "1_000", str(2**64), "9" * 5000]))


@given(NUMBERS | NAMES | TRAPS | st.builds(frozenset.union, NUMBERS, TRAPS))
def test_every_set_comes_back_as_it_was(ids: frozenset[str]) -> None:
    assert decode_ids(encode_ids(ids)) == ids


@given(NUMBERS | NAMES)
def test_equal_sets_are_equal_texts_whatever_the_order(ids: frozenset[str]) -> None:
    assert encode_ids(sorted(ids)) == encode_ids(sorted(ids, reverse=True)) == encode_ids(ids)


@pytest.mark.parametrize("ids", [["1", "2", "2"], ["1", "70000", "70000"], ["x", "x", "y"], ["7", "7"]])
def test_an_id_that_is_named_twice_is_one(ids: list[str]) -> None:
    assert encode_ids(ids) == encode_ids(set(ids))
    assert decode_ids(encode_ids(ids)) == set(ids)


def test_a_whole_base_of_three_thousand_fits_a_few_bytes() -> None:
    assert len(encode_ids(str(number) for number in range(10_001, 13_001))) < 100


@given(NUMBERS | NAMES | TRAPS)
def test_numbers_are_passed_on_as_a_list_of_texts(ids: frozenset[str]) -> None:
    array = numbers_json(encode_ids(ids))
    if array is None:
        assert not ids or encode_ids(ids).startswith("t:")
    else:
        assert orjson.loads(array) == sorted(ids, key=int)


@pytest.mark.parametrize("ids", [{"5"}, {"5", "300"}, {"5", "70000"}, {"5", str(2**33)}, {"0"}])
def test_every_width_of_distance_is_readable(ids: set[str]) -> None:
    assert decode_ids(encode_ids(ids)) == ids


def test_a_lone_surrogate_does_not_stop_the_record() -> None:
    assert decode_ids(encode_ids({"7", "\ud800"})) == {"7", "?"}


@pytest.mark.parametrize("text", ["x", "n3:1:AQ==", "n1::AQ==", "n1:1:A", "n2:1:AQ==", "z1:1:AQ==", "t:", "t:AQ==", "n1:1:AQ==\n", "🙂"])
def test_a_text_of_another_make_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no set of client ids"):
        decode_ids(text)
    if not text.startswith("t:"):
        with pytest.raises(ValueError, match="no set of client ids"):
            numbers_json(text)
