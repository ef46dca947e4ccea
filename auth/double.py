"""Whether a key would make one administrator two: who hands one out for another administrator could register it and agree with himself."""

from __future__ import annotations

from sqlalchemy.orm import Session

from auth.tables import Person
from auth.voices import ADMINISTRATORS, administrators
from policies.needs import holds


def makes_two(session: Session, person: Person, by_id: str) -> bool:
    """True for a key of an administrator, where a third one has a key to agree with.

    Where there is none, it goes on, and everybody who watches gets a mail about the key: two people may have lost theirs.
    """
    if not holds(ADMINISTRATORS, person.roles):
        return False
    return bool(administrators(session, (person.id, by_id)))
