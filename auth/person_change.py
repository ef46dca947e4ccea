"""A change of who a person is, inside one transaction: values, roles, manager, accounts. It counts from the next request on."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit_store.event import EventAction
from auth.cut import Cut, end_sessions
from auth.notices import OLD, NoticeKind, tell
from auth.person_record import PersonRecord
from auth.person_values import CHANGED, PeopleError, PersonChange, account_fault, cleaned, faults
from auth.standing import PEOPLE
from auth.storage import grow
from auth.tables import CrmAccount, CrmSession, Person

UNBOUND = "unbound"
"""Why a session ended: its account is this person's no longer."""
_MANAGERS_MAX = 50
"""Levels of a firm; more would be a circle."""


def apply_change(
    session: Session, person: Person, change: PersonChange, by: str | None, record: PersonRecord, *, managers_checked: bool = False
) -> tuple[str, ...]:
    """Change a person; what is different now. Recorded before it holds: new and lost roles by name, of the rest only which it was.
    Another e-mail address is told to the person at the new and at the old one, and to all who watch.

    `managers_checked`: the caller has seen to it that nobody is over themselves. Raises PeopleError for oneself, for unusable values, a
    taken e-mail address, and a manager who is none or reports to this person.
    """
    if by == person.id:
        raise PeopleError("nobody changes their own roles, team or manager: ask another administrator")
    change = cleaned(change)
    for fault in faults(change).values():
        raise PeopleError(fault)
    different = tuple(name for name in CHANGED if name in change and change[name] != getattr(person, name))
    if "email" in different and session.scalar(select(Person.id).where(Person.email == change["email"])) is not None:
        raise PeopleError("this e-mail address belongs to somebody else: choose another, or change that person")
    if "manager_id" in different and not managers_checked:
        _check_manager(session, person, change["manager_id"])
    if not different:
        return ()
    now = datetime.now(UTC)
    if "roles" in different:
        _say_roles(person, change["roles"], now, by, record)
    if others := [name.removesuffix("_id") for name in different if name != "roles"]:
        record.say(EventAction.PERSON_CHANGED, person, now, by, {"what": " ".join(others)})
    if "email" in different:
        tell(session, NoticeKind.ADDRESS, person.id, now)
        tell(session, NoticeKind.OLD_ADDRESS, person.id, now, {OLD: person.email}, to_person=False)
    for name in different:
        setattr(person, name, change[name])
    session.flush()
    grow(session, PEOPLE)
    return different


def bind_account(session: Session, person: Person, account: str, kind: str) -> None:
    """Note that an account is this person's. Not recorded here. Raises PeopleError if it is somebody else's or cannot be one."""
    if (fault := account_fault(account)) is not None:
        raise PeopleError(fault)
    row = session.get(CrmAccount, account)
    if row is not None and row.person_id != person.id:
        raise PeopleError(f"the CRM account {account} belongs to somebody else already")
    if row is None:
        session.add(CrmAccount(account=account, person_id=person.id, kind=kind))
        session.flush()


def unbind_account(session: Session, person: Person, account: str, by: str | None, record: PersonRecord) -> list[Cut]:
    """Note that an account is nobody's, and end what it has signed in. Recorded. Raises PeopleError if it is not this person's."""
    row = session.get(CrmAccount, account)
    if row is None or row.person_id != person.id:
        raise PeopleError(f"the CRM account {account} is not this person's: `torwart people list` names all")
    now = datetime.now(UTC)
    record.say(EventAction.ACCOUNT_UNBOUND, person, now, by, {"kind": row.kind})
    session.delete(row)
    theirs = select(CrmSession).where(CrmSession.person_id == person.id, CrmSession.account == account, CrmSession.ended_at.is_(None))
    cut = end_sessions(session, person, list(session.scalars(theirs)), now, UNBOUND, record.name(by), record.record)
    session.flush()
    grow(session, PEOPLE)
    return cut


def _say_roles(person: Person, roles: list[str], now: datetime, by: str | None, record: PersonRecord) -> None:
    added, removed = sorted({*roles} - {*person.roles}), sorted({*person.roles} - {*roles})
    said = {name: " ".join(words) for name, words in (("added", added), ("removed", removed)) if words}
    record.say(EventAction.ROLES_CHANGED, person, now, by, said)


def _check_manager(session: Session, person: Person, manager_id: str | None) -> None:
    above = manager_id
    for _ in range(_MANAGERS_MAX):
        if above is None:
            return
        if above == person.id:
            raise PeopleError("nobody is their own manager, not over others either")
        manager = session.get(Person, above)
        if manager is None:
            raise PeopleError("there is no such manager: `torwart people list` names all")
        above = manager.manager_id
    raise PeopleError("the managers above this one go round in a circle: change one of them first")
