"""How an endpoint agent proves who sends: an Ed25519 signature (RFC 8032) over each request, with a counter that only grows.

Signed bytes, one line each, every line ended by LF, UTF-8:

    torwart-agent-1
    ORIGIN      of Torwart's host, for example https://torwart.firma.example: a signature is good for one installation
    AGENT       id of the agent
    COUNTER     decimal
    METHOD      upper case
    TARGET      path, and `?` and query if there is one, as it stands in the request line
    DIGEST      SHA-256 of the body, hexadecimal; of no bytes where there is no body

The enrolment is signed with the same key, so that nobody enrols a key that they do not have:

    torwart-enrol-1
    ORIGIN
    TOKEN
    KEY         the 32 bytes of the public key, base64

This module knows no database: the agent uses it too.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AGENT_HEADER = "torwart-agent"
COUNTER_HEADER = "torwart-counter"
SIGNATURE_HEADER = "torwart-signature"
COUNTER_MAX = (1 << 63) - 1
KEY_BYTES = 32


def request_bytes(*, origin: str, agent: str, counter: int, method: str, target: str, body: bytes) -> bytes:
    """What is signed of a request."""
    lines = ("torwart-agent-1", origin, agent, str(counter), method, target, sha256(body).hexdigest())
    return _lines(*lines)


def enrolment_bytes(*, origin: str, token: str, public_key: bytes) -> bytes:
    """What is signed of an enrolment."""
    return _lines("torwart-enrol-1", origin, token, encode(public_key))


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def signature_holds(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    """True if the owner of the key has signed exactly these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def encode(data: bytes) -> str:
    """Base64 with padding (RFC 4648 section 4), as in headers and JSON."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """Raises ValueError for anything but base64 with padding."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("no base64") from None


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
