"""Whether a key would make one administrator two: who hands one out for another administrator could register it and agree with himself."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.console_sessions import may_sign_in
from auth.tables import Person
from auth.usable_keys import people_with_voice

ADMINISTRATORS = frozenset({"owner", "admin"})
"""Roles that hand out keys and agree to what nobody does alone."""


def makes_two(session: Session, person: Person, by_id: str) -> bool:
    """True for a key of an administrator, where a third one has a key to agree with.

    Where there is none, it goes on, and everybody who watches gets a mail about the key: two people may have lost theirs.
    """
    if ADMINISTRATORS.isdisjoint(person.roles):
        return False
    others = session.scalars(select(Person).where(Person.id.in_(people_with_voice()), Person.id.not_in((person.id, by_id))))
    return any(may_sign_in(one) and not ADMINISTRATORS.isdisjoint(one.roles) for one in others)
