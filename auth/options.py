"""What the browser is asked for: the options of WebAuthn in JSON (sections 5.4 and 5.5, `parseCreationOptionsFromJSON` and its twin)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from auth.client_data import encode
from auth.tables import Key, Person


def creation_options(
    rp_id: str, person: Person, challenge: bytes, algorithms: Sequence[int], timeout_seconds: float, registered: Iterable[Key]
) -> dict[str, Any]:
    """For `navigator.credentials.create`: a key with user verification, discoverable where it can be, none that is registered already."""
    return {
        "rp": {"id": rp_id, "name": "Torwart"},
        "user": {"id": encode(person.user_handle), "name": person.email, "displayName": person.name},
        "challenge": encode(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in algorithms],
        "timeout": int(timeout_seconds * 1000),
        "excludeCredentials": [_descriptor(key) for key in registered],
        # Discoverable: then the sign-in to the console asks for no name.
        "authenticatorSelection": {"residentKey": "preferred", "requireResidentKey": False, "userVerification": "required"},
        "attestation": "direct",
    }


def request_options(rp_id: str, challenge: bytes, timeout_seconds: float, allowed: Iterable[Key]) -> dict[str, Any]:
    """For `navigator.credentials.get`: one of the allowed keys, any discoverable one if none is named, with user verification."""
    return {
        "challenge": encode(challenge),
        "timeout": int(timeout_seconds * 1000),
        "rpId": rp_id,
        "allowCredentials": [_descriptor(key) for key in allowed],
        "userVerification": "required",
    }


def _descriptor(key: Key) -> dict[str, Any]:
    transports = {"transports": key.transports} if key.transports else {}
    return {"type": "public-key", "id": encode(key.credential_id)} | transports
