"""The folder of the index: who builds a new base file, and who appends to the journal of the one that is there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audit_store.pseudonyms import SecretError, secret
from detectors.client_index.base_file import NAME
from detectors.knowledge import KnowledgeError

_LOCK = "lock"


def index_folder(state: Path) -> Path:
    """`state/index`, made if it is not there."""
    folder = state / "index"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def index_key(state: Path) -> bytes:
    """The key that never leaves the server. Raises KnowledgeError."""
    return _secret(state, "index.key")


def desk_key(state: Path) -> bytes:
    """The key that every agent has. Raises KnowledgeError."""
    return _secret(state, "desk.key")


@contextmanager
def locked(folder: Path, *, alone: bool) -> Iterator[None]:
    """`alone`: nobody appends meanwhile, and nobody else builds; else: nobody puts a new base file in place meanwhile. Waits."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def identity(folder: Path) -> tuple[int, int, int] | None:
    """Says whether the base file is still the same one; None: there is none. Raises OSError."""
    try:
        facts = (folder / NAME).stat()
    except FileNotFoundError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _secret(state: Path, name: str) -> bytes:
    try:
        return secret(state / "keys", name)
    except SecretError as error:
        raise KnowledgeError(str(error)) from None
    except OSError as error:
        raise KnowledgeError(f"{name} cannot be read: {error.strerror}") from None
