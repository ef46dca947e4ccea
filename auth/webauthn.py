"""The only file that knows fido2, which decodes what authenticators send and verifies their signatures.

What the library lets through or raises ends here: everything that cannot be read or does not hold is a `CeremonyFault`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.attestation.apple import AppleAttestation
from fido2.attestation.base import Attestation, InvalidAttestation, NoneAttestation
from fido2.attestation.packed import PackedAttestation
from fido2.attestation.tpm import TpmAttestation
from fido2.attestation.u2f import FidoU2FAttestation
from fido2.cose import CoseKey
from fido2.webauthn import AttestationObject, AuthenticatorData

from auth.cbor_shape import end_of
from auth.client_data import CeremonyFault

ALGORITHMS = (-7, -8, -257)
"""ES256, EdDSA (Ed25519), RS256: COSE numbers of RFC 9053 and RFC 8812."""
MAX_CREDENTIAL_ID_BYTES = 1023
"""WebAuthn section 4, "Credential ID"."""
RSA_BITS = range(2048, 8193)
"""Of the modulus; the exponent has at most 4 bytes, so that checking a signature stays cheap."""
_HEADER = struct.Struct(">32sBI")
"""Authenticator data before the credential: hash of the relying party id, flags, counter (WebAuthn section 6.1)."""
_AAGUID = 16
"""Bytes of the model's number in a credential (WebAuthn section 6.5.1)."""
_ATTESTED, _EXTENDED = 0x40, 0x80
_UNREADABLE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, NotImplementedError, AssertionError),
    *(struct.error, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension, x509.InvalidVersion),
    x509.UnsupportedGeneralNameType,
)
"""What the decoders raise for bytes that are not what they should be."""
_STATEMENTS: Mapping[str, Callable[[], Attestation]] = {
    "none": NoneAttestation,
    "packed": PackedAttestation,
    "fido-u2f": FidoU2FAttestation,
    "tpm": TpmAttestation,
    "apple": AppleAttestation,
}


@dataclass(frozen=True, slots=True)
class Credential:
    """A new credential, as its authenticator describes it; its key is one of an offered kind and can be loaded."""

    id: bytes
    aaguid: str
    """Number of the model, 8-4-4-4-12 hexadecimal digits; all zero where the authenticator does not say."""
    public_key: bytes
    """COSE key (RFC 9052, section 7), CBOR."""
    algorithm: int


@dataclass(frozen=True, slots=True)
class Signed:
    """Authenticator data (WebAuthn section 6.1), read but not yet believed."""

    raw: bytes
    rp_id_hash: bytes
    user_present: bool
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    counter: int


@dataclass(frozen=True, slots=True)
class Attested:
    """An attestation object (WebAuthn section 6.5.4), read but not yet believed."""

    format: str
    statement: Mapping[str, Any]
    signed: Signed
    credential: Credential
    key: CoseKey
    """The credential's key, for the checks of statements."""


def read_signed(raw: bytes) -> Signed:
    """Read the authenticator data of an assertion. Raises CeremonyFault."""
    signed = _read(lambda: _signed(raw))
    if len(raw) > _HEADER.size or raw[32] & (_ATTESTED | _EXTENDED):
        _read(lambda: AuthenticatorData(raw))  # a credential or extensions, to the last byte
    return signed


def read_attested(raw: bytes) -> Attested:
    """Read the attestation object of a registration. Raises CeremonyFault for bytes behind it, an unknown shape, a key of another kind."""

    def read() -> AttestationObject:
        if end_of(raw) != len(raw):
            raise ValueError("bytes behind the object")
        return AttestationObject(raw)

    found = _read(read)
    data = found.auth_data
    if not isinstance(found.fmt, str) or not isinstance(found.att_stmt, Mapping):
        raise CeremonyFault("malformed")
    _read(lambda: _check_attested_bytes(bytes(data)))
    credential = data.credential_data
    if credential is None:
        raise CeremonyFault("malformed")
    if not 0 < len(credential.credential_id) <= MAX_CREDENTIAL_ID_BYTES:
        raise CeremonyFault("credential_id")
    known = Credential(credential.credential_id, str(credential.aaguid), _stored(credential.public_key), credential.public_key[3])
    return Attested(found.fmt, found.att_stmt, _signed(bytes(data)), known, credential.public_key)


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Raises CeremonyFault unless this key, by an algorithm that was offered, has signed the message."""
    try:
        _verifier(public_key)(signature, message)
    except (InvalidSignature, *_UNREADABLE):
        raise CeremonyFault("signature") from None


@lru_cache(maxsize=256)
def _verifier(public_key: bytes) -> Callable[[bytes, bytes], None]:
    """Checks a signature and what was signed by one key. Kept: loading the key takes more than half as long as the check.

    Numbers: COSE key parameters (RFC 9053, section 7; RFC 8230, section 4). Raises CeremonyFault for an algorithm that was not offered.
    """
    key: Any = cbor.decode(public_key)
    match key[3], key.get(-1):
        case -7, 1:
            point = EllipticCurvePublicNumbers(int.from_bytes(key[-2]), int.from_bytes(key[-3]), SECP256R1()).public_key()
            by_curve = ECDSA(SHA256())
            return lambda signature, message: point.verify(signature, message, by_curve)
        case -8, 6:
            return Ed25519PublicKey.from_public_bytes(key[-2]).verify
        case -257, modulus:
            numbers = RSAPublicNumbers(int.from_bytes(key[-2]), int.from_bytes(modulus)).public_key()
            padding, hashed = PKCS1v15(), SHA256()
            return lambda signature, message: numbers.verify(signature, message, padding, hashed)
    raise CeremonyFault("algorithm")


def verify_statement(attested: Attested, client_data_hash: bytes) -> tuple[bytes, ...]:
    """The certificates that stand for what the authenticator says about itself, its own first; none where nobody vouches.

    Whether they lead to somebody who is trusted is not asked here. Raises CeremonyFault for a statement that is unknown or does not hold.
    """
    kind = _STATEMENTS.get(attested.format)
    if kind is None:
        raise CeremonyFault("attestation_format")
    statement, data = attested.statement, AuthenticatorData(attested.signed.raw)
    path = statement.get("x5c", [])
    if not isinstance(path, list) or not all(isinstance(one, bytes) for one in path) or ("x5c" in statement and not path):
        raise CeremonyFault("attestation")
    try:
        kind().verify(statement, data, client_data_hash)
    except (InvalidSignature, InvalidAttestation, *_UNREADABLE):
        raise CeremonyFault("attestation") from None
    return tuple(path)


def same_key(attested: Attested, certificate: x509.Certificate) -> bool:
    """Whether a certificate is about the credential's own key."""
    try:
        return bool(attested.key.from_cryptography_key(certificate.public_key()) == attested.key)
    except _UNREADABLE:
        return False


def _read[T](read: Callable[[], T]) -> T:
    try:
        return read()
    except _UNREADABLE:
        raise CeremonyFault("malformed") from None


def _signed(raw: bytes) -> Signed:
    """Raises struct.error where the fixed part is not whole."""
    rp_id_hash, flags, counter = _HEADER.unpack_from(raw)
    return Signed(
        raw=raw,
        rp_id_hash=rp_id_hash,
        user_present=bool(flags & 0x01),
        user_verified=bool(flags & 0x04),
        backup_eligible=bool(flags & 0x08),
        backed_up=bool(flags & 0x10),
        counter=counter,
    )


def _check_attested_bytes(data: bytes) -> None:
    """Raises ValueError unless exactly a credential, and extensions where their flag is set, follow the header."""
    if not data[32] & _ATTESTED:
        raise ValueError("no credential")
    place = _HEADER.size + _AAGUID
    place += 2 + int.from_bytes(data[place : place + 2])
    for _ in range(2 if data[32] & _EXTENDED else 1):
        place = end_of(data, place)
    if place != len(data):
        raise ValueError("bytes behind the data")


def _stored(key: CoseKey) -> bytes:
    """The key as it is kept. Raises CeremonyFault for one that was not offered or cannot be loaded."""
    algorithm = key.get(3)
    if algorithm not in ALGORITHMS or isinstance(algorithm, bool):
        raise CeremonyFault("algorithm")
    try:
        if algorithm == -257 and (len(key[-2]) > 4 or int.from_bytes(key[-1]).bit_length() not in RSA_BITS):
            raise CeremonyFault("algorithm")
        stored = cbor.encode(dict(key))
        _verifier(stored)(b"", b"")
    except InvalidSignature:
        return stored  # the key can be loaded, and an empty signature is none of its
    except _UNREADABLE:
        raise CeremonyFault("algorithm") from None
    raise CeremonyFault("algorithm")
