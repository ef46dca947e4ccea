"""Which keys count for what: one that the emergency envelope let in counts for some hours, and never has a voice in what others ask for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, select

from auth.tables import Key


def people_with_voice() -> Select[str]:
    """Ids of people with a key to say yes with: not locked, not lent by the envelope, and none that can be copied, which proves no act."""
    return select(Key.person_id).where(Key.locked_at.is_(None), Key.lent_until.is_(None), Key.backup_eligible.is_(False))


def is_over(key: Key, now: datetime) -> bool:
    """Whether it is a key of the envelope whose hours are over."""
    return key.lent_until is not None and now >= key.lent_until
