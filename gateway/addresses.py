"""Where a navigation is led back to after its touch (`/.torwart/go/ACT`), kept with the act so that any gateway can lead there.

An address may carry words that were searched for. So it is encrypted in the row, bound to its act and session, under a key that the
database does not hold, and goes when the act ends.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth.tables import Act
from gateway.exchange import Request

LONGEST_BYTES = 8_000
"""Of an address; who comes by a longer one repeats the call by hand."""
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Addresses:
    """Encrypts addresses with AES-GCM (NIST SP 800-38D). `key`: the installation's key for credentials, from which one is derived."""

    key: bytes = field(repr=False)

    def seal(self, act_id: str, session_id: str, request: Request) -> bytes | None:
        """The address of a request, own and relative; None if it is too long."""
        query = f"?{urlencode(request.query)}" if request.query else ""
        address = (quote(request.path) + query).encode("ascii")
        if len(address) > LONGEST_BYTES:
            return None
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, address, _bound(act_id, session_id))

    def open(self, act: Act) -> str | None:
        """The address of an act; None if it has none, or what is there was made for another act or by somebody else."""
        if act.address is None:
            return None
        nonce, data = act.address[:_NONCE_BYTES], act.address[_NONCE_BYTES:]
        try:
            return self._cipher().decrypt(nonce, data, _bound(act.id, act.session_id)).decode("ascii")
        except (InvalidTag, ValueError):
            return None

    def _cipher(self) -> AESGCM:
        return AESGCM(blake2b(key=self.key, person=b"torwart-address", digest_size=32).digest())


def _bound(act_id: str, session_id: str) -> bytes:
    return f"{act_id} {session_id}".encode()
