"""Who has to hear of a new key or a recovery by mail: rows, written with what they tell of and sent by the console's background work."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from auth.recovery_tables import Notice

OLD = "old"
"""Fact of a notice: the address of before."""


class NoticeKind(StrEnum):
    """What a mail is about."""

    OPENED = "opened"
    """A recovery was begun: whose key is lost, and until when it can be stopped."""
    DONE = "done"
    """A new key may be registered now."""
    CANCELLED = "cancelled"
    CODES = "codes"
    """New recovery codes were made."""
    KEY = "key"
    """A key was registered: a second person that somebody makes for themselves comes to light by it (decision 0018)."""
    ADDRESS = "address"
    """The e-mail address of a person is another one."""
    OLD_ADDRESS = "old_address"
    """The same, to the address of before and nobody else: whoever moved the mail to themselves cannot keep that from the person."""
    TOTP_LOCKED = "totp_locked"
    """An authenticator app was locked after too many wrong codes."""
    BREAK_GLASS_USED = "break_glass_used"
    BREAK_GLASS_ENDED = "break_glass_ended"
    """It is over; a new envelope has to be sealed."""


def tell(
    session: Session,
    kind: NoticeKind,
    person_id: str,
    now: datetime,
    facts: Mapping[str, str | int] | None = None,
    *,
    to_person: bool = True,
    outside: bool = False,
) -> None:
    """Have the reviewers told, in this transaction; with `to_person` whom it is about too, with `outside` the addresses outside.

    `facts` are times and numbers of the sentence, never a name or a secret; of `OLD_ADDRESS` the address (`OLD`), dropped once it is told.
    """
    session.add(
        Notice(
            id=secrets.token_hex(12),
            person_id=person_id,
            kind=kind.value,
            facts=dict(facts or {}),
            to_person=to_person,
            outside=outside,
            made_at=now,
            next_at=now,
            tries=0,
        )
    )
