"""CBOR as authenticators write it, and nothing else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.cbor_shape import MAX_DEPTH, end_of
from deploy.demo.software_key import _cbor

VALUES = st.recursive(
    st.integers(-(2**31), 2**31 - 1) | st.binary(max_size=300) | st.text(st.characters(codec="utf-8"), max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-300, 300) | st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read_to_its_end(value):
    written = _cbor(value)
    assert end_of(written) == len(written)
    assert end_of(written + b"\0") == len(written), "who asks sees what stands behind it"


@given(VALUES)
def test_what_is_cut_off_is_seen(value):
    written = _cbor(value)
    for end in range(len(written)):
        with pytest.raises(ValueError, match=r".+"):
            end_of(written[:end])


@given(st.binary(max_size=200))
def test_anything_ends_within_itself_or_is_an_error(data):
    with contextlib.suppress(ValueError):
        assert 0 < end_of(data) <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes.fromhex("a2616100616101"),
        bytes.fromhex("a201000102"),
        bytes.fromhex("5f4101ff"),
        bytes.fromhex("9f01ff"),
        bytes.fromhex("bf6161f6ff"),
        bytes.fromhex("5bffffffffffffffff"),
        bytes.fromhex("9bffffffffffffffff"),
        bytes.fromhex("bbffffffffffffffff"),
        bytes.fromhex("62c328"),
        bytes.fromhex("c100"),
        bytes.fromhex("f6"),
        bytes.fromhex("f97e00"),
        bytes.fromhex("1c"),
        b"\x81" * (MAX_DEPTH + 2) + b"\0",
    ],
    ids=[
        *("nothing", "a name twice", "a number twice", "bytes without length", "list without length", "map without length"),
        *("bytes longer than all", "list longer than all", "map longer than all", "no UTF-8", "a tag", "null", "a float"),
        *("reserved", "too deep"),
    ],
)
def test_what_no_authenticator_writes_is_an_error(data):
    with pytest.raises(ValueError, match=r".+"):
        end_of(data)


def test_true_and_false_are_written():
    assert end_of(b"\xf5") == end_of(b"\xf4") == 1
