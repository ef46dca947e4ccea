"""The key that signs orders to agents: Ed25519 (RFC 8032), apart from every other key of the installation.

    state/orders/order.key  32 random bytes, the seed of the key; rights 0600
    state/orders/order.pub  the 32 bytes of the public key: agents are given it once, when they enrol

Made at the first start. Only the stage that signs reads `order.key` (`console.orders`); the pages and the interface for agents read
`order.pub` alone. Whoever has the key can have a file put aside, or put back, that an agent has told of, and nothing else
(`auth.agent_order`).

A lost or replaced key: every agent refuses what the new one signs, until it is enrolled anew.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_store.pseudonyms import secret
from auth.agent_order import Order
from auth.agent_signature import KEY_BYTES, public_bytes

FOLDER, KEY, PUBLIC = "orders", "order.key", "order.pub"


def prepare(state: Path) -> None:
    """Make the key of an installation that has none. Raises SecretError, OSError.

    Where only `order.pub` lies, the key is elsewhere on purpose, and none is made.
    """
    folder = state / FOLDER
    if (folder / PUBLIC).exists():
        return
    public = public_bytes(_private(folder))
    draft = folder / f".{PUBLIC}.{os.getpid()}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, public)
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.replace(folder / PUBLIC)


def public_order_key(state: Path) -> bytes | None:
    """What agents pin; None: no order can be given here."""
    with suppress(OSError):
        found = (state / FOLDER / PUBLIC).read_bytes()
        if len(found) == KEY_BYTES:
            return found
    return None


def signed_order(state: Path, order: Order) -> bytes:
    """The signature of an order. Raises SecretError, OSError where the key is not here or cannot be used."""
    if not (state / FOLDER / KEY).exists():
        raise FileNotFoundError(f"{FOLDER}/{KEY} is not here")
    return _private(state / FOLDER).sign(order.signed_bytes())


def _private(folder: Path) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret(folder, KEY))
