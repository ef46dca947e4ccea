"""What events hold about a person in words, readable only with that person's own key.

AES-256-GCM with a random nonce of 96 bits (NIST SP 800-38D, section 8.2.2). The chain of the record is over the ciphertext: when the key is
thrown away the words are gone from every copy of the record, and the record verifies as before.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from audit_store.tables import SubjectKey

KEY_BYTES, NONCE_BYTES, ID_BYTES = 32, 12, 8


def seal(session: Session, pseudonym: str, words: str, now: datetime) -> dict[str, str]:
    """Words about a person as the member `sealed` of an event: the id of the key, and the ciphertext. The key is made if missing."""
    row = session.scalar(select(SubjectKey).where(SubjectKey.pseudonym == pseudonym))
    if row is None:
        row = SubjectKey(id=secrets.token_hex(ID_BYTES), pseudonym=pseudonym, key=secrets.token_bytes(KEY_BYTES), made_at=now)
        session.add(row)
        session.flush()
    nonce = secrets.token_bytes(NONCE_BYTES)
    hidden = AESGCM(row.key).encrypt(nonce, words.encode("utf-8", "replace"), _bound(row))
    return {"key": row.id, "text": base64.urlsafe_b64encode(nonce + hidden).decode("ascii")}


def unseal(session: Session, sealed: Mapping[str, str]) -> str | None:
    """The words; None if their key was thrown away. Raises ValueError if they are not what was sealed with it."""
    row = session.get(SubjectKey, sealed.get("key", ""))
    if row is None:
        return None
    try:
        data = base64.b64decode(sealed["text"], altchars=b"-_", validate=True)
        return AESGCM(row.key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _bound(row)).decode()
    except (KeyError, binascii.Error, InvalidTag, UnicodeError) as error:
        raise ValueError("what is sealed here was not sealed with this key") from error


def _bound(row: SubjectKey) -> bytes:
    """Ciphertext of one person, or of one key, cannot stand for another's."""
    return f"torwart sealed 1\0{row.id}\0{row.pseudonym}".encode()
