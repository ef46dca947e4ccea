"""Erasure of somebody who has left: who they were is deleted, what was counted stays under the pseudonym.

Nothing of the record is changed: it holds the pseudonym only, and words about the person under a key that is thrown away here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import CursorResult, Engine, delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from audit_store.alerts import OPEN_STATES
from audit_store.database import Base
from audit_store.engines import is_sqlite
from audit_store.event import Event, EventAction, plain_event
from audit_store.tables import Alert
from auth.belongings import Belonging
from auth.orders import ORDER_HOURS, open_orders
from auth.people import PEOPLE, USER_HANDLE_BYTES, PeopleError
from auth.personal_data import HOLDINGS, Holding, erased_address, is_erased, rows_of
from auth.sealed_rows import SealedRow
from auth.sessions import SESSIONS
from auth.storage import grow, writing
from auth.tables import Act, Person
from policies.request import Status


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done."""

    pseudonym: str
    deleted: dict[str, int]
    """Table -> rows deleted."""
    emptied: dict[str, int]
    """Table -> rows that stay, without who it was and without words about them."""
    overwritten: bool
    """The database file holds no old copies of it; False: somebody was using it, or it is a PostgreSQL, which keeps them for a while."""


def erase(engine: Engine, record: Callable[[Event], object], person_id: str) -> Erased:
    """Erase a person who is gone. Repeated, it only clears the database file of old copies once more.

    Raises PeopleError for an unknown person, one who is not gone, and while an alert about the person or an order about a file of theirs is
    open; SpoolError, and then nothing was changed.
    """
    deleted: dict[str, int] = {}
    emptied: dict[str, int] = {}
    with writing(engine) as session:
        person = session.get(Person, person_id)
        if person is None:
            raise PeopleError("there is no such person: `torwart people list` names all")
        pseudonym = person.pseudonym
        if not is_erased(person):
            _check(session, person)
            for holding in sorted(HOLDINGS, key=lambda one: one.table in ("keys", "people")):  # what refers to a key goes before it
                count = _empty(session, holding, person)
                if count:
                    (deleted if holding.deleted else emptied)[holding.table] = count
            grow(session, PEOPLE)
            grow(session, SESSIONS)
            numbers = {"deleted": sum(deleted.values()), "emptied": sum(emptied.values())}
            record(plain_event(EventAction.PERSON_ERASED, at=datetime.now(UTC), subject=pseudonym, numbers=numbers))
    return Erased(pseudonym, deleted, emptied, _overwritten(engine))


def _check(session: Session, person: Person) -> None:
    if person.status != Status.GONE.value:
        raise PeopleError("only somebody who is gone can be erased: `torwart people status PERSON gone` first")
    if session.scalar(select(Alert.id).where(Alert.pseudonym == person.pseudonym, Alert.state.in_(OPEN_STATES))) is not None:
        raise PeopleError("an alert about this person is open: close it first, `torwart alerts list` names it")
    if open_orders(session, person.id):
        raise PeopleError(
            f"an order about a file of this person waits for the machine: it ends within {ORDER_HOURS} hours, "
            "`torwart quarantine list --all` shows it"
        )


def _empty(session: Session, holding: Holding, person: Person) -> int:
    table, theirs = Base.metadata.tables[holding.table], rows_of(holding, person)
    if holding.table == "acts":
        return _without_words(session, person)
    model = next(one.class_ for one in Base.registry.mappers if one.local_table is table)
    if holding.deleted and issubclass(model, Belonging):  # through the mapper, which takes them out of the person's list
        listed = session.scalars(select(model).where(theirs)).all()
        for one in listed:
            session.delete(one)
        session.flush()
        return len(listed)
    if holding.deleted:
        return _count(session.execute(delete(table).where(theirs)))
    if holding.table == "people":
        person.name, person.email, person.roles = person.pseudonym, erased_address(person), []
        person.team = person.territory = person.manager_id = person.status_reason = None
        person.leave_from = person.leave_until = None
        person.user_handle = secrets.token_bytes(USER_HANDLE_BYTES)
        session.flush()
        return 1
    if not holding.blanked:
        return 0
    empty = {name: None if table.c[name].nullable else "" for name in holding.blanked}
    if issubclass(model, SealedRow):  # through the mapper, which seals what is changed
        rows = session.scalars(select(model).where(theirs)).all()
        for row in rows:
            for name, value in empty.items():
                setattr(row, name, value)
        session.flush()
        return len(rows)
    return _count(session.execute(update(table).where(theirs).values(empty)))


def _without_words(session: Session, person: Person) -> int:
    """What was confirmed stays, without the reason that was written and without the key's answer: its key is deleted with it."""
    acts = list(session.scalars(select(Act).where(Act.person_id == person.id)))
    for act in acts:
        act.summary = {**act.summary, "said": None}
        act.key_id = act.assertion = act.challenge = None
    session.flush()
    return len(acts)


def _count(result: object) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0


def _overwritten(engine: Engine) -> bool:
    """Write the file anew: what was deleted would stay in its free pages. False if that cannot be now."""
    if not is_sqlite(engine):
        return False
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
            return int(connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]) == 0
    except OperationalError:
        return False
