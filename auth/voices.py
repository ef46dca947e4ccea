"""Who could say yes now to what nobody does alone about keys and roles."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.console_sessions import may_sign_in
from auth.tables import Person
from auth.usable_keys import people_with_voice
from policies.needs import holds

ADMINISTRATORS = "owner|admin"
"""Those who hand out keys and change people."""


def administrators(session: Session, without: Collection[str | None] = ()) -> list[Person]:
    """Owners and administrators who are not cut off and have a key to say yes with, without the people of these ids."""
    people = session.scalars(select(Person).where(Person.id.in_(people_with_voice())))
    return [one for one in people if one.id not in without and may_sign_in(one) and holds(ADMINISTRATORS, one.roles)]
