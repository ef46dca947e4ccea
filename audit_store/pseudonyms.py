"""What people are called in log, mail and web hook, and the random secrets of an installation."""

from __future__ import annotations

import os
import secrets
import stat
from hashlib import blake2b
from pathlib import Path

SECRET_BYTES = 32
_DIGITS = 8
"""32 bits: in a firm of 1,000 people two share a name with a chance of 1 in 8,600."""


class SecretError(Exception):
    """A secret cannot be used as it is; the text says what to do."""


class Pseudonyms:
    """Names that say nothing without the key, and are always the same for the same person."""

    def __init__(self, key: bytes) -> None:
        if len(key) < SECRET_BYTES:
            raise SecretError(f"the key of the pseudonyms has {len(key)} bytes, not {SECRET_BYTES}")
        self._key = key
        self._known: dict[str, str] = {}

    def of(self, person_id: str) -> str:
        """The person's pseudonym, for example `P-7F3A91C2`."""
        name = self._known.get(person_id)
        if name is None:
            digest = blake2b(person_id.encode("utf-8", "surrogatepass"), key=self._key, person=b"torwart-person", digest_size=_DIGITS // 2)
            name = self._known[person_id] = "P-" + digest.hexdigest().upper()
        return name


def secret(folder: Path, name: str) -> bytes:
    """The 32 random bytes kept in `folder/name`, made at the first call. Several processes may call at once: all get the same bytes.

    Raises SecretError when the file is readable by others, is a link, or has another length; OSError when it cannot be written or read.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        _make(folder, path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise SecretError(f"{name} may be read by others (rights {mode:o}): chmod 600, and replace it if somebody could have seen it")
        data = os.read(descriptor, SECRET_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) != SECRET_BYTES:
        raise SecretError(f"{name} is damaged (not {SECRET_BYTES} bytes): restore it from a backup")
    return data


def _make(folder: Path, path: Path) -> None:
    """Written whole under a name of its own, then linked: no other process ever sees half a secret."""
    draft = folder / f".{path.name}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(SECRET_BYTES))
        os.fsync(descriptor)
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first: its secret counts
    finally:
        os.close(descriptor)
        draft.unlink()
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
