"""The answer of a key to a challenge (WebAuthn section 5.2.2), taken apart and not yet believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auth.client_data import credential_of, decode, encode


@dataclass(frozen=True, slots=True)
class Assertion:
    """The parts of an answer, as bytes."""

    credential_id: bytes
    client_data: bytes
    signed: bytes
    """Authenticator data: what the signature covers, with the hash of the client data."""
    signature: bytes
    user_handle: object = None
    """As it came: base64url, or None where the key did not say whose it is."""

    @classmethod
    def of(cls, response: object) -> Assertion:
        """What a browser sent: a PublicKeyCredential in JSON (section 5.1.8). Raises CeremonyFault."""
        credential_id, inner = credential_of(response)
        client_data, signed, signature = (decode(inner.get(name)) for name in ("clientDataJSON", "authenticatorData", "signature"))
        return cls(credential_id, client_data, signed, signature, inner.get("userHandle"))

    @classmethod
    def kept(cls, evidence: Mapping[str, Any]) -> Assertion:
        """What `evidence` gave. Raises CeremonyFault."""
        names = ("credentialId", "clientDataJSON", "authenticatorData", "signature")
        credential_id, client_data, signed, signature = (decode(evidence.get(name)) for name in names)
        return cls(credential_id, client_data, signed, signature)

    def evidence(self) -> dict[str, str]:
        """To be kept and checked again; whose it is does not need to be said again."""
        parts = {
            "credentialId": self.credential_id,
            "clientDataJSON": self.client_data,
            "authenticatorData": self.signed,
            "signature": self.signature,
        }
        return {name: encode(part) for name, part in parts.items()}
