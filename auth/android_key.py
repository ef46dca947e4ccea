"""The attestation of keys in an Android phone (WebAuthn section 8.4; the extension is described in Android's "Verify key attestation").

1. the signature over authenticator data and client data is the certificate's
2. the certificate is about the credential's own key
3. the key was made for exactly this registration: its challenge is the hash of the client data
4. it was made in the phone, for one application only, and to sign
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from cryptography import x509

from auth.certificates import read_certificate
from auth.client_data import CeremonyFault
from auth.webauthn import Attested, same_key, verify_signature

FORMAT = "android-key"
_DESCRIPTION = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
_INTEGER, _OCTETS, _SEQUENCE, _SET = 0x02, 0x04, 0x30, 0x31
_PURPOSE, _ALL_APPLICATIONS, _ORIGIN = 1, 600, 702
"""Tags of the lists of what a key may do (`AuthorizationList`)."""
_SIGN, _GENERATED = 2, 0


def check_android_key(attested: Attested, client_data_hash: bytes) -> tuple[bytes, ...]:
    """The certificates of the statement, its own first. Raises CeremonyFault unless all of it holds."""
    statement, path = attested.statement, attested.statement.get("x5c")
    signature = statement.get("sig")
    if not isinstance(path, list) or not path or not all(isinstance(one, bytes) for one in path) or not isinstance(signature, bytes):
        raise CeremonyFault("attestation")
    if statement.get("alg") != attested.credential.algorithm:
        raise CeremonyFault("attestation")
    verify_signature(attested.credential.public_key, attested.signed.raw + client_data_hash, signature)  # 1, with 2
    try:
        own = read_certificate(path[0])
        if not same_key(attested, own):  # 2
            raise ValueError("another key")
        said = own.extensions.get_extension_for_oid(_DESCRIPTION).value
        _check(said.public_bytes(), client_data_hash)  # 3, 4
    except (ValueError, IndexError, x509.ExtensionNotFound):
        raise CeremonyFault("attestation") from None
    return tuple(path)


def _check(description: bytes, client_data_hash: bytes) -> None:
    """Raises ValueError unless the description of the key is one of this registration."""
    parts = list(_members(_inside(description, _SEQUENCE)))
    if len(parts) != 8 or parts[4][0] != _OCTETS or not hmac.compare_digest(parts[4][1], client_data_hash):  # 3
        raise ValueError("another challenge")
    software, hardware = (dict(_tagged(parts[place][1])) for place in (6, 7))
    if _ALL_APPLICATIONS in software or _ALL_APPLICATIONS in hardware:  # 4
        raise ValueError("for all applications")
    made = hardware.get(_ORIGIN, software.get(_ORIGIN))
    purposes = hardware.get(_PURPOSE, software.get(_PURPOSE))
    if made is None or _number(made) != _GENERATED or purposes is None:
        raise ValueError("not made in the phone")
    if [int.from_bytes(value) for kind, value in _members(_inside(purposes, _SET)) if kind == _INTEGER] != [_SIGN]:
        raise ValueError("not only to sign")


def _tagged(members: bytes) -> Iterator[tuple[int, bytes]]:
    """Number of each explicit tag and what it holds."""
    place = 0
    while place < len(members):
        tag, place = members[place] & 0x1F, place + 1
        if tag == 0x1F:  # long form: seven bits a byte
            tag = 0
            while True:
                octet = members[place]
                tag, place = tag << 7 | octet & 0x7F, place + 1
                if octet < 0x80:
                    break
                if tag > 0xFFFF:
                    raise ValueError("no such tag")
        value, place = _value(members, place)
        yield tag, value


def _members(inside: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(inside):
        kind = inside[place]
        value, place = _value(inside, place + 1)
        yield kind, value


def _inside(data: bytes, kind: int) -> bytes:
    ((found, value),) = list(_members(data)) or [(0, b"")]
    if found != kind:
        raise ValueError("another kind")
    return value


def _number(data: bytes) -> int:
    return int.from_bytes(_inside(data, _INTEGER))


def _value(data: bytes, place: int) -> tuple[bytes, int]:
    """What a length announces (DER), and where the next member begins."""
    if place >= len(data):
        raise ValueError("cut off")
    size, place = data[place], place + 1
    if size >= 0x80:
        octets = size & 0x7F
        if not 0 < octets <= 3:
            raise ValueError("no such length")
        size, place = int.from_bytes(data[place : place + octets]), place + octets
    if size > len(data) - place:
        raise ValueError("cut off")
    return data[place : place + size], place + size
