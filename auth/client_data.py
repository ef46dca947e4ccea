"""What the browser says it signed: the client data of WebAuthn (section 5.8.1), read strictly.

Members that are not known are accepted, as the specification demands (Chromium adds some on purpose); everything that is known must be
exactly right.
"""

from __future__ import annotations

import binascii
import hmac
import json
from collections.abc import Mapping
from typing import Any, Literal

MAX_CLIENT_DATA_BYTES = 8 * 1024
"""Browsers write about 200 bytes."""
MAX_RESPONSE_BYTES = 256 * 1024
"""Of one base64url member of a response; TPM attestations have about 6 KB."""
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


class CeremonyFault(Exception):  # noqa: N818 -- never leaves `auth`; people see `keys.KeyRefusedError`
    """A check failed. `cause` is a code for the record; it holds nothing that the client sent."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def encode(data: bytes) -> str:
    """base64url without padding (RFC 4648, section 5)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def decode(text: object, limit: int = MAX_RESPONSE_BYTES) -> bytes:
    """The bytes of a base64url text in its one spelling. Raises CeremonyFault for anything else."""
    if not isinstance(text, str) or len(text) > limit * 4 // 3 + 4:
        raise CeremonyFault("malformed")
    try:
        data = binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise CeremonyFault("malformed") from None
    if encode(data) != text:  # a letter of another alphabet, one that was passed over, bits behind the last byte
        raise CeremonyFault("malformed")
    return data


def credential_of(response: object) -> tuple[bytes, Mapping[str, Any]]:
    """Credential id and inner response of a PublicKeyCredential in JSON (WebAuthn section 5.1.8). Raises CeremonyFault."""
    if not isinstance(response, Mapping) or response.get("type") != "public-key" or not isinstance(response.get("response"), Mapping):
        raise CeremonyFault("malformed")
    named = response.get("rawId", response.get("id"))
    if response.get("id", named) != named:  # bytes have one spelling
        raise CeremonyFault("malformed")
    return decode(named), response["response"]


def read_client_data(raw: bytes) -> Mapping[str, Any]:
    """The members of the client data. Raises CeremonyFault for what is not one JSON object with unique names in UTF-8."""
    if len(raw) > MAX_CLIENT_DATA_BYTES:
        raise CeremonyFault("malformed")
    try:
        data = _STRICT.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise CeremonyFault("malformed") from None
    if not isinstance(data, dict):
        raise CeremonyFault("malformed")
    return data


def challenge_of(data: Mapping[str, Any]) -> bytes:
    """The challenge that was answered."""
    return decode(data.get("challenge"), limit=1024)


def check_client_data(data: Mapping[str, Any], *, kind: Literal["webauthn.get", "webauthn.create"], challenge: bytes, origin: str) -> None:
    """Raises CeremonyFault unless the client data is about this ceremony, on this very origin, in a page that nobody embeds."""
    if data.get("type") != kind:
        raise CeremonyFault("type")
    if not hmac.compare_digest(challenge_of(data), challenge):
        raise CeremonyFault("challenge")
    if data.get("origin") != origin:
        raise CeremonyFault("origin")
    if data.get("crossOrigin", False) is not False or "topOrigin" in data:
        raise CeremonyFault("embedded")
    if "tokenBinding" in data:  # a member of WebAuthn level 2; "present" would claim a binding that nobody could check
        binding = data["tokenBinding"]
        if not isinstance(binding, dict) or binding.get("status") not in ("supported", "not-supported"):
            raise CeremonyFault("token_binding")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
"""Made once: `json.loads` makes one at each call."""
