"""The key of orders: apart, for its owner only, and absent where somebody has put it elsewhere."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit_store.pseudonyms import SecretError
from auth.agent_order import Order, Verb
from auth.agent_signature import signature_holds
from auth.order_key import prepare, public_order_key, signed_order

ORDER = Order("0" * 16, 1, datetime(2026, 5, 12, tzinfo=UTC), Verb.QUARANTINE, "e" * 32, None, "7F3A19C2")


def test_what_it_signs_holds_under_its_public_half_and_both_are_the_owners_only(tmp_path: Path) -> None:
    prepare(tmp_path)
    public = public_order_key(tmp_path)
    assert public is not None
    assert signature_holds(public, signed_order(tmp_path, ORDER), ORDER.signed_bytes())
    for path in ((tmp_path / "orders"), *(tmp_path / "orders").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_it_is_made_once(tmp_path: Path) -> None:
    prepare(tmp_path)
    first = public_order_key(tmp_path)
    prepare(tmp_path)
    assert public_order_key(tmp_path) == first


def test_where_only_the_public_half_lies_nothing_is_signed_and_no_key_is_made(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "orders" / "order.key").unlink()
    prepare(tmp_path)
    assert public_order_key(tmp_path) is not None
    with pytest.raises(OSError, match="is not here"):
        signed_order(tmp_path, ORDER)
    assert [path.name for path in (tmp_path / "orders").iterdir()] == ["order.pub"]


def test_the_public_half_that_was_lost_is_made_of_the_key(tmp_path: Path) -> None:
    prepare(tmp_path)
    first = public_order_key(tmp_path)
    (tmp_path / "orders" / "order.pub").unlink()
    assert public_order_key(tmp_path) is None
    prepare(tmp_path)
    assert public_order_key(tmp_path) == first


def test_a_key_that_others_may_read_signs_nothing(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "orders" / "order.key").chmod(0o644)
    with pytest.raises(SecretError, match="read by others"):
        signed_order(tmp_path, ORDER)
