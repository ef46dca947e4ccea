"""What the key of an approver signs: everything that was asked and shown, bound to one answer and its time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from auth.approval_tables import Approval as Given
from auth.approval_tables import ApprovalRequest

CEREMONY_SECONDS = 120
"""From the page's button to the touch."""
CHALLENGE_BYTES = 32


def signed_challenge(request: ApprovalRequest, given: Given) -> bytes:
    """What an approver's key signs: random bytes, bound to all that was asked and shown, to the answer and to its time."""
    about = {
        "id": request.id,
        "kind": request.kind,
        "requester": request.requester_id,
        "subject": request.subject_id,
        "digest": request.digest,
        "shown": request.shown,
        "samples": request.samples_hash,
        "need": request.need,
        "reason": request.reason,
        "alone": request.alone,
        "opened_at": request.opened_at.isoformat(),
        "clock_id": request.clock_id,
        "approver": given.approver_id,
        "roles": given.roles,
        "yes": given.yes,
        "why": given.why,
        "begun_at": given.begun_at.isoformat(),
    }
    return hashlib.sha256(given.challenge + bytes.fromhex(hashed(about))).digest()


def hashed(members: Mapping[str, Any]) -> str:
    """SHA-256 of the members in a fixed order, hexadecimal."""
    return hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).hexdigest()
