"""A new key: every check of what it answered. What must hold when it is written down is checked by `auth.keys` in the same transaction.

The checks of a registration (WebAuthn section 7.1, and what the library leaves to the relying party):

 0. the token can be used, and its person may sign in (by the caller)
 1. the answer has the shape of a public-key credential; no member is too large
 2. the client data is one JSON object with unique members, of type `webauthn.create`
 3. its challenge was given for this token; it is used up before anything else of the answer is looked at
 4. its origin is Torwart's own, exactly: scheme, host and port
 5. nobody embeds the page: `crossOrigin` is not true, there is no `topOrigin`
 6. the attestation object is one CBOR value with nothing behind it or within it that does not belong there
 7. the hash of the relying party id is ours
 8. the user was present and verified (PIN or biometry)
 9. a credential that is backed up could be backed up
10. the credential id is the one of the answer, and not too long
11. the key is of an algorithm that was offered, and can be loaded
12. the attestation statement is of a known format and holds; who vouches for the authenticator is kept with the key
13. the credential id belongs to nobody yet
14. the key is of the class that is asked of new keys, and of no higher one than the key that let it in
15. the token is used up and the key recorded, sealed and kept, all or nothing
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from auth.attestation import vouched
from auth.client_data import CeremonyFault, challenge_of, check_client_data, credential_of, decode, read_client_data
from auth.flags import check_flags
from auth.tables import Key
from auth.webauthn import read_attested

_TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})
MAX_LABEL = 100


def read_registration(response: Mapping[str, Any], consume: Callable[[bytes], object], origin: str, rp_id_hash: bytes) -> Key:
    """The key that answered, after checks 1 to 12; it is nobody's yet. `consume` uses up the challenge. Raises CeremonyFault."""
    credential_id, inner = credential_of(response)  # 1
    client_bytes = decode(inner.get("clientDataJSON"))
    data = read_client_data(client_bytes)  # 2
    challenge = challenge_of(data)
    consume(challenge)  # 3
    check_client_data(data, kind="webauthn.create", challenge=challenge, origin=origin)  # 2-5
    attested = read_attested(decode(inner.get("attestationObject")))  # 6, 10, 11
    check_flags(attested.signed, rp_id_hash)  # 7-9
    credential = attested.credential
    if credential.id != credential_id:  # 10
        raise CeremonyFault("malformed")
    path = vouched(attested, hashlib.sha256(client_bytes).digest())  # 12
    return Key(
        credential_id=credential.id,
        public_key=credential.public_key,
        algorithm=credential.algorithm,
        sign_count=attested.signed.counter,
        aaguid=credential.aaguid,
        backup_eligible=attested.signed.backup_eligible,
        attestation=attested.format if path else "self" if attested.statement else "none",
        trust_path=[b64encode(one).decode("ascii") for one in path],
        transports=_transports(inner),
    )


def plain_label(label: str) -> str:
    """The label without what could steer an administrator's terminal (promises F92)."""
    return "".join(letter for letter in label if letter.isprintable()).strip()[:MAX_LABEL]


def _transports(inner: Mapping[str, Any]) -> list[str]:
    """Hints of the browser where the key is plugged in; nothing depends on them."""
    said = inner.get("transports")
    return sorted(_TRANSPORTS.intersection(word for word in said if isinstance(word, str))) if isinstance(said, list) else []
