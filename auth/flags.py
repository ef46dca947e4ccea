"""What every answer of an authenticator must say, read from the data that it signed (WebAuthn sections 7.1 and 7.2)."""

from __future__ import annotations

import hmac

from auth.client_data import CeremonyFault
from auth.webauthn import Signed


def check_flags(signed: Signed, rp_id_hash: bytes) -> None:
    """Raises CeremonyFault unless it is for our host, by somebody who was there and verified, with flags that go together."""
    if not hmac.compare_digest(signed.rp_id_hash, rp_id_hash):
        raise CeremonyFault("rp_id")
    if not signed.user_present:
        raise CeremonyFault("not_present")
    if not signed.user_verified:
        raise CeremonyFault("not_verified")
    if signed.backed_up and not signed.backup_eligible:
        raise CeremonyFault("backup_state")
