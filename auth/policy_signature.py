"""The key that signs the versions of the rules: Ed25519 (RFC 8032), one for an installation, in the state's folder of keys.

    keys/policy.key      32 random bytes, the seed of the key; made at the first use
    keys/policy.highest  the highest number that was ever in force: an older state of the rules' folder alone is noticed

Whoever may write both folders can sign: that is the user whom Torwart runs as. The signature notices what was damaged, swapped,
half restored, or written by somebody who may write the rules but not the keys.
"""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_store.pseudonyms import secret
from auth.agent_signature import decode, encode, public_bytes, signature_holds

KEY = "policy.key"
HIGHEST = "policy.highest"
_NAME_LENGTH = 16


class PolicyKey:
    """`policies.signing.Signer` of an installation. Raises SecretError or OSError where the key cannot be used."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the installation's secrets."""
        self._folder = folder
        self._private = Ed25519PrivateKey.from_private_bytes(secret(folder, KEY))
        self._public = public_bytes(self._private)

    @property
    def name(self) -> str:
        """First digits of the SHA-256 of the public key."""
        return sha256(self._public).hexdigest()[:_NAME_LENGTH]

    def sign(self, signed: bytes) -> str:
        """Base64 of the signature."""
        return encode(self._private.sign(signed))

    def holds(self, signed: bytes, signature: str) -> bool:
        """True if this key signed exactly these bytes."""
        try:
            given = decode(signature)
        except ValueError:
            return False
        return signature_holds(self._public, given, signed)

    def highest(self) -> int:
        """The highest number that was ever in force; 0 if none was, or if the file that says so is gone or spoilt."""
        try:
            return int((self._folder / HIGHEST).read_bytes()[:20])
        except (OSError, ValueError):
            return 0

    def reached(self, number: int) -> None:
        """Keep the number, unless a higher one is kept; on disk on return. Raises OSError."""
        if number <= self.highest():
            return
        draft = self._folder / f".{HIGHEST}.{secrets.token_hex(8)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, f"{number}\n".encode())
            os.fsync(handle)
            draft.replace(self._folder / HIGHEST)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
