"""A hardware key made of software: for the demo and for tests, never in a wheel (attacks X17).

It answers WebAuthn options as a browser with an authenticator does, and can be told to lie about every member of its answer.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ES256: Final = -7
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
"""Flags of authenticator data (WebAuthn section 6.1)."""


@dataclass(frozen=True, slots=True)
class Lies:
    """What differs from an honest answer; None: honest."""

    kind: str | None = None
    challenge: bytes | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    """Members put into the client data, over honest ones of the same name."""
    client_data: bytes | None = None
    """The whole client data."""
    rp_id: str | None = None
    user_present: bool = True
    backup_eligible: bool = False
    backed_up: bool = False
    counter: int | None = None
    extra_data: bytes = b""
    """Bytes behind the authenticator data."""
    user_handle: bytes | None = None
    no_user_handle: bool = False
    credential_id: bytes | None = None
    algorithm: int = ES256
    attestation: bytes | None = None
    """The whole attestation object."""
    aaguid: bytes = bytes(16)
    """Number of the model that it says to be."""
    vouch: Callable[[bytes, bytes], tuple[str, Mapping[str, object]]] | None = None
    """Makes format and attestation statement of authenticator data and the hash of the client data; None: nobody vouches."""
    signature: bytes | None = None


HONEST: Final = Lies()


@dataclass(slots=True)
class _Credential:
    id: bytes
    rp_id: str
    user_handle: bytes
    key: ec.EllipticCurvePrivateKey
    counter: int = 0


class SoftwareKeyError(Exception):
    """The key holds nothing that these options ask for."""


class SoftwareKey:
    """An authenticator with ES256 (FIPS 186-5, P-256), a sign counter and discoverable credentials."""

    def __init__(self) -> None:
        self._credentials: list[_Credential] = []

    def create(self, options: Mapping[str, Any], origin: str, *, user_verified: bool = True, lies: Lies = HONEST) -> dict[str, Any]:
        """What `navigator.credentials.create(...).toJSON()` gives on a page of this origin."""
        credential = _Credential(
            id=lies.credential_id if lies.credential_id is not None else secrets.token_bytes(32),
            rp_id=options["rp"]["id"],
            user_handle=_decode(options["user"]["id"]),
            key=ec.generate_private_key(ec.SECP256R1()),
        )
        self._credentials.append(credential)
        attested = lies.aaguid + struct.pack(">H", len(credential.id)) + credential.id + _cose(credential.key, lies.algorithm)
        data = self._authenticator_data(credential, AT, attested, user_verified, lies)
        client_data = _client_data("webauthn.create", options, origin, lies)
        kind, statement = lies.vouch(data, hashlib.sha256(client_data).digest()) if lies.vouch else ("none", {})
        honest = _cbor({"fmt": kind, "attStmt": statement, "authData": data})
        attestation = lies.attestation if lies.attestation is not None else honest
        response = {
            "clientDataJSON": _encode(client_data),
            "attestationObject": _encode(attestation),
            "transports": ["usb"],
        }
        return _answer(credential.id, response)

    def get(self, options: Mapping[str, Any], origin: str, *, user_verified: bool = True, lies: Lies = HONEST) -> dict[str, Any]:
        """What `navigator.credentials.get(...).toJSON()` gives on a page of this origin. Raises SoftwareKeyError."""
        allowed = {_decode(entry["id"]) for entry in options.get("allowCredentials") or ()}
        fits = [c for c in self._credentials if c.rp_id == options["rpId"] and (not allowed or c.id in allowed)]
        if not fits:
            raise SoftwareKeyError("no credential of this key fits")
        credential = fits[-1]
        data = self._authenticator_data(credential, 0, b"", user_verified, lies)
        client_data = _client_data("webauthn.get", options, origin, lies)
        signature = credential.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": _encode(client_data),
            "authenticatorData": _encode(data),
            "signature": _encode(lies.signature if lies.signature is not None else signature),
        }
        if not lies.no_user_handle:
            response["userHandle"] = _encode(lies.user_handle if lies.user_handle is not None else credential.user_handle)
        return _answer(lies.credential_id if lies.credential_id is not None else credential.id, response)

    def to_json(self) -> list[dict[str, Any]]:
        """All credentials with their private keys: for a file of the demo with mode 0600."""
        return [
            {
                "id": _encode(c.id),
                "rp_id": c.rp_id,
                "user_handle": _encode(c.user_handle),
                "counter": c.counter,
                "key": c.key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                ).decode("ascii"),
            }
            for c in self._credentials
        ]

    @classmethod
    def from_json(cls, credentials: list[dict[str, Any]]) -> SoftwareKey:
        """The key that `to_json` wrote. Raises ValueError for another kind of private key."""
        made = cls()
        for stored in credentials:
            key = serialization.load_pem_private_key(stored["key"].encode("ascii"), password=None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise ValueError("not a P-256 key")  # noqa: TRY004 -- the value is wrong, not its type
            handle = _decode(stored["user_handle"])
            made._credentials.append(_Credential(_decode(stored["id"]), stored["rp_id"], handle, key, stored["counter"]))
        return made

    def _authenticator_data(self, credential: _Credential, flags: int, attested: bytes, user_verified: bool, lies: Lies) -> bytes:
        credential.counter += 1
        flags |= (UP if lies.user_present else 0) | (UV if user_verified else 0)
        flags |= (BE if lies.backup_eligible else 0) | (BS if lies.backed_up else 0)
        counter = credential.counter if lies.counter is None else lies.counter
        rp_id_hash = hashlib.sha256((lies.rp_id or credential.rp_id).encode()).digest()
        return rp_id_hash + struct.pack(">BI", flags, counter) + attested + lies.extra_data


def _client_data(kind: str, options: Mapping[str, Any], origin: str, lies: Lies) -> bytes:
    if lies.client_data is not None:
        return lies.client_data
    challenge = _encode(lies.challenge) if lies.challenge is not None else options["challenge"]
    honest = {"type": lies.kind or kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
    return json.dumps({**honest, **lies.members}, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _answer(credential_id: bytes, response: dict[str, Any]) -> dict[str, Any]:
    name = _encode(credential_id)
    return {
        "id": name,
        "rawId": name,
        "type": "public-key",
        "response": response,
        "clientExtensionResults": {},
        "authenticatorAttachment": "cross-platform",
    }


def _cose(key: ec.EllipticCurvePrivateKey, algorithm: int) -> bytes:
    """RFC 9053, section 7.1.1: key type 2, curve 1."""
    numbers = key.public_key().public_numbers()
    return _cbor({1: 2, 3: algorithm, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})


def _cbor(value: object) -> bytes:
    """RFC 8949, as much of it as WebAuthn needs: integers, bytes, text, maps."""
    match value:
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case list():
            return _head(4, len(value)) + b"".join(_cbor(item) for item in value)
        case Mapping():
            return _head(5, len(value)) + b"".join(_cbor(name) + _cbor(item) for name, item in value.items())
    raise TypeError(f"{type(value).__name__} is not needed here")


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for marker, limit, form in ((24, 1 << 8, ">B"), (25, 1 << 16, ">H"), (26, 1 << 32, ">I")):
        if number < limit:
            return bytes([major << 5 | marker]) + struct.pack(form, number)
    raise ValueError("too large")


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
