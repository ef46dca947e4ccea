"""The key that signs statements about the record: Ed25519 (RFC 8032), one for an installation, in the state's folder of keys.

    keys/checkpoint.key        32 random bytes, the seed of the key
    keys/checkpoint.key.next   the next one, while the key is changed

Who may read it can sign. What was signed and has left the machine cannot be signed anew without being noticed: places outside have both.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_store.pseudonyms import SECRET_BYTES, SecretError, secret

FILE = "checkpoint.key"
type _Seen = tuple[int, int, int, int]
"""Of the file: inode, times of change, rights."""


class SigningKey:
    """The key as it lies on disk now: looked at before every signature, for another process may have put a new one there."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the installation's secrets."""
        self._path = folder / FILE
        self._loaded: tuple[_Seen, Ed25519PrivateKey] | None = None

    @property
    def exists(self) -> bool:
        """False before the first use, and when somebody has taken it away."""
        return self._path.exists()

    def load(self, *, make: bool) -> Ed25519PrivateKey:
        """The key; with `make` it is made where it is missing.

        Raises SecretError when it is missing, readable by others or damaged; OSError when it cannot be read.
        """
        try:
            facts = self._path.lstat()
        except FileNotFoundError:
            self._loaded = None
            if not make:
                raise SecretError(
                    f"{FILE} is missing, with which the record was signed so far: restore it from a backup; if there is none: "
                    "torwart events key --lost"
                ) from None
        else:
            seen = (facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_mode)
            if self._loaded is not None and self._loaded[0] == seen:
                return self._loaded[1]
        key = Ed25519PrivateKey.from_private_bytes(secret(self._path.parent, FILE))
        facts = self._path.lstat()
        self._loaded = ((facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_mode), key)
        return key

    def prepare(self, key: Ed25519PrivateKey) -> None:
        """Keep the next key beside this one, durably, before anything names it. Raises OSError."""
        draft = self._path.with_name(f".{FILE}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, key.private_bytes_raw()) != SECRET_BYTES:
                raise OSError("the key was not written whole")
            os.fsync(descriptor)
            draft.replace(self._next)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        self._sync_folder()

    def adopt(self, public: bytes) -> bool:
        """Put the next key in the place of this one, if it is the one named: a process may have ended in between. Raises OSError."""
        try:
            key = Ed25519PrivateKey.from_private_bytes(self._next.read_bytes())
        except (FileNotFoundError, ValueError):
            return False
        if key.public_key().public_bytes_raw() != public:
            return False
        self._next.replace(self._path)
        self._sync_folder()
        return True

    @property
    def _next(self) -> Path:
        return self._path.with_name(f"{FILE}.next")

    def _sync_folder(self) -> None:
        parent = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
