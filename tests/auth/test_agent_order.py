"""The form of an order: written and read back byte for byte, and bounded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.agent_order import ORDER_BYTES_MAX, Order, Verb, order_of

HEX = "0123456789abcdef"
ORDERS = st.builds(
    Order,
    agent=st.text(HEX, min_size=16, max_size=16),
    counter=st.integers(1, 10**18 - 1),
    expires=st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),  # noqa: DTZ001
    verb=st.sampled_from(Verb),
    event=st.text(HEX, min_size=32, max_size=32),
    digest=st.none() | st.text(HEX, min_size=64, max_size=64),
    handle=st.text("0123456789ABCDEF", min_size=8, max_size=8),
)


@given(ORDERS)
def test_what_is_written_is_read_back_and_short(order: Order) -> None:
    signed = order.signed_bytes()
    assert order_of(signed) == order
    assert len(signed) <= ORDER_BYTES_MAX


@given(st.binary(max_size=300))
def test_other_bytes_are_no_order(data: bytes) -> None:
    with pytest.raises(ValueError, match="no order"):
        order_of(data)


@given(ORDERS, st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_an_order_with_something_put_in_is_another_one_or_none(order: Order, place: int, added: bytes) -> None:
    signed = order.signed_bytes()
    place %= len(signed)
    changed = signed[:place] + added + signed[place:]
    try:
        found = order_of(changed)
    except ValueError:
        return
    assert found.signed_bytes() == changed
    assert found != order
