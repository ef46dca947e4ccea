"""Stores of a test, signed by the real key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auth.policy_signature import PolicyKey
from policies.store import PolicyStore


def store_in(folder: Path, **listeners: Any) -> PolicyStore:
    """The store in this folder; its key lies beside it, as in a state folder."""
    return PolicyStore(folder, PolicyKey(folder.parent / "keys"), **listeners)
