"""JSON with exactly one reading."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crm.formats.strict_json import MAX_DEPTH, JsonError, dump, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert parse(dump(value)) == value
    assert parse(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'[[{"a":{"b":1,"b":2}}]]',
        b'{"a":1,"\\u0061":2}',
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e400",
        b"01",
        b"'a'",
        b'{"a":1,}',
        b"[1,]",
        b"// x\n1",
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        '"ä"'.encode("utf-16"),
        b'"a\nb"',
        b"",
        b" ",
        b"1 2",
        b"[" * 5_000 + b"]" * 5_000,
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
        b'{"a":' * (MAX_DEPTH + 2) + b"1" + b"}" * (MAX_DEPTH + 2),
    ],
)
def test_a_text_with_a_second_reading_is_refused(text: bytes) -> None:
    with pytest.raises(JsonError):
        parse(text)


def test_the_deepest_text_that_is_read_is_no_deeper_than_said() -> None:
    parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_a_number_that_does_not_fit_is_not_sent_as_another_one() -> None:
    with pytest.raises(JsonError):
        dump(parse(b"18446744073709551616"))
