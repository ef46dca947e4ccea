"""People whose whole row somebody deleted in the database are missed: this machine remembers that they were there (attacks X12).

Torwart never deletes a person: who is gone stays, and so does who was erased, without a name (`auth.erasure`). So somebody who was seen
once, and is not there, was deleted by something else, even if no row of theirs is left. The memory is that of `auth.row_versions`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Engine, select

from audit_store.event import Event, EventAction
from audit_store.pseudonyms import Pseudonyms
from auth.cut import GONE, Cut, cut_off
from auth.people import PEOPLE, USER_HANDLE_BYTES
from auth.people_tables import StatusPlan
from auth.person_record import PersonRecord
from auth.person_values import PeopleError
from auth.sealed_rows import versions_of
from auth.storage import grow, reading, writing
from auth.tables import CrmAccount, Person, RiskLevel
from policies.request import Status

DELETED_DOMAIN = "deleted.invalid"
"""Of the address that takes the place of the unknown one; no mail ever goes there (RFC 2606, section 2)."""
_KIND = f"{Person.__tablename__}:"
_LEFT = (CrmAccount, RiskLevel, StatusPlan)


def deleted_people(engine: Engine) -> Mapping[str, int]:
    """Id of each person who was there and is not any more -> the version of their row that was seen last.

    Raises OSError when the memory cannot be read, SQLAlchemyError.
    """
    versions = versions_of(engine)
    if versions is None:
        return {}
    seen = versions.as_of_now()  # before the rows are read: whoever is added meanwhile is remembered after that
    with reading(engine) as session:
        there = set(session.scalars(select(Person.id)))
    people = {name.removeprefix(_KIND): number for name, number in seen.items() if name.startswith(_KIND)}
    return {person_id: number for person_id, number in people.items() if person_id not in there}


def accept_deletion(engine: Engine, record: Callable[[Event], object], pseudonyms: Pseudonyms, person_id: str) -> list[Cut]:
    """Let a deleted person be gone: what was cut of what is left of theirs. Recorded before it holds.

    A row takes the place of the deleted one, so that no other machine misses it either: under the old pseudonym, gone, with no role, no
    account and no name, which nobody knows any more. It can be erased like any other (`auth.erasure`).
    Raises PeopleError for somebody who is not missed.
    """
    said, now = PersonRecord(record, pseudonyms), datetime.now(UTC)
    with writing(engine) as session:
        versions = versions_of(engine)
        seen = versions.of(f"{_KIND}{person_id}") if versions is not None else 0
        if not seen or session.get(Person, person_id) is not None:
            raise PeopleError("no such person was deleted: `torwart people check` names all")
        pseudonym = pseudonyms.of(person_id)
        person = Person(
            id=person_id,
            pseudonym=pseudonym,
            name=pseudonym,
            email=f"{pseudonym.lower()}@{DELETED_DOMAIN}",
            roles=[],
            status=Status.GONE.value,
            status_since=now,
            frozen=False,
            created_at=now,
            user_handle=secrets.token_bytes(USER_HANDLE_BYTES),
            version=seen,  # the seal of the new row counts on from it: the deleted one, put back, is an older copy
        )
        session.add(person)
        session.flush()
        for kind in _LEFT:
            for row in session.scalars(select(kind).where(kind.person_id == person_id)).all():
                session.delete(row)
        session.flush()
        grow(session, PEOPLE)
        said.say(EventAction.PERSON_CHANGED, person, now, None, {"what": "seal", "missing": Person.__tablename__, "status": person.status})
        return cut_off(session, person, now, GONE, None, record)
