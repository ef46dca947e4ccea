"""Stores of a test, signed by the real key."""

from __future__ import annotations

import os
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from auth.policy_signature import PolicyKey
from policies.store import Change, Confirmation, PolicyStore, WideningError


def store_in(folder: Path, **listeners: Any) -> PolicyStore:
    """The store in this folder; its key lies beside it, as in a state folder."""
    return PolicyStore(folder, PolicyKey(folder.parent / "keys"), **listeners)


def activate_confirmed(store: PolicyStore, rules: Path, by: str) -> int:
    """Put rules in force, whatever is wider: their number."""
    try:
        return store.activate(rules, by)
    except WideningError as found:
        return store.activate(rules, by, confirmed=Confirmation(digest=found.widenings.digest, by=by))


def activate_for_ever(folder: Path, rules: Path, told: Path, begun: Event) -> None:
    """Put the same rules in force until somebody ends the process; each number is in the file `told` before it is in force."""

    def record(change: Change) -> None:
        with told.open("a") as file:
            file.write(f"{change.version}\n")
            os.fsync(file.fileno())

    store = store_in(folder, record=record)
    begun.set()
    while True:
        store.activate(rules, "a")
