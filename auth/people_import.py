"""Takes a table of people over, all or nothing, and takes the last one back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from audit_store.pseudonyms import Pseudonyms
from auth.people import People
from auth.people_compare import Comparison, compare
from auth.people_csv import Fault, PeopleTableError, read_people
from auth.people_tables import PeopleImport, PeopleImportChange
from auth.person_change import apply_change, bind_account, unbind_account
from auth.person_record import PersonRecord
from auth.person_values import CHANGED, PeopleError, PersonChange
from auth.standing import PEOPLE, Why, put_status
from auth.storage import database_now, grow, reading, writing
from auth.tables import CrmAccount, Person
from policies.request import Status


class Imports:
    """Tables of people of one installation. `by` is a person id, None for the command line."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[Sequence[Event]], object],
        pseudonyms: Pseudonyms,
        roles: Callable[[], Collection[str]],
        by_hand: Callable[[], Collection[str]],
    ) -> None:
        """`record` takes all events of an import, before it holds. `roles` are known, `by_hand` are those that no table gives."""
        self._by_hand = by_hand
        self._engine = engine
        self._record = record
        self._pseudonyms = pseudonyms
        self._roles = roles

    def preview(self, data: bytes, by: str | None, *, complete: bool = False, new_roles: Collection[str] = ()) -> Comparison:
        """What the table would change. Raises PeopleTableError."""
        rows, faults = read_people(data)
        with reading(self._engine) as session:
            known, by_hand = {*self._roles(), *new_roles}, self._by_hand()
            return compare(session, rows, faults, known, complete=complete, by=by, by_hand=by_hand)

    def apply(
        self, data: bytes, by: str | None, *, complete: bool = False, new_roles: Collection[str] = (), seen: str | None = None
    ) -> Comparison:
        """Take the table over, recorded before it holds; what was changed. `seen`: digest of the comparison that was looked at.

        Raises PeopleTableError, also when people were changed since it was looked at. Nothing of it is taken over then.
        """
        rows, faults = read_people(data)
        known, by_hand = {*self._roles(), *new_roles}, self._by_hand()
        events: list[Event] = []
        said = PersonRecord(events.append, self._pseudonyms)
        with writing(self._engine) as session:
            found = compare(session, rows, faults, known, complete=complete, by=by, by_hand=by_hand)
            if seen is not None and seen != found.digest:
                raise PeopleTableError([Fault(1, 0, "people were changed since this was looked at: look again")])
            if not found.all:
                return found
            now = database_now(session)
            done = PeopleImport(id=secrets.token_hex(12), at=now, by=by)
            session.add(done)
            session.flush()
            try:
                kept = self._take_over(session, found, by, said)
            except PeopleError as error:
                raise PeopleTableError([Fault(1, 0, str(error))]) from None
            session.add_all(PeopleImportChange(import_id=done.id, person_id=who, before=old, after=new) for who, old, new in kept)
            grow(session, PEOPLE)
            numbers = {"new": len(found.new), "changed": len(found.changed), "gone": len(found.gone)}
            events.append(plain_event(EventAction.PEOPLE_IMPORTED, at=now, pseudonym=said.name(by), numbers=numbers))
            session.flush()
            self._record(events)
        return found

    def last(self) -> PeopleImport | None:
        """The last import that was not taken back."""
        with reading(self._engine) as session:
            return _last(session)

    def undo(self, by: str | None) -> int:
        """Take the last import back, all or nothing; of how many people. Who was new is gone; what was cut does not come back.

        Raises PeopleError when there is none, for oneself, for a role that no table gives, and when somebody of it was changed since.
        """
        events: list[Event] = []
        said = PersonRecord(events.append, self._pseudonyms)
        by_hand = set(self._by_hand())
        with writing(self._engine) as session:
            done = _last(session)
            if done is None:
                raise PeopleError("there is no import to take back")
            changes = list(session.scalars(select(PeopleImportChange).where(PeopleImportChange.import_id == done.id)))
            people = {change.person_id: session.get_one(Person, change.person_id) for change in changes}
            if by is not None and by in people:
                raise PeopleError("this would change your own entry: ask another administrator to take it back")
            later = sorted(people[one.person_id].pseudonym for one in changes if not _stands(session, people[one.person_id], one.after))
            if later:
                raise PeopleError(f"changed since, by hand or by another import: {', '.join(later)}. Change the others by hand")
            if given := sorted(one.pseudonym for one in people.values() if by_hand & _given_back(changes, one)):
                raise PeopleError(f"this would give {', '.join(given)} a role that needs a second person's yes: give it by hand first")
            for change in changes:  # accounts first: what one gives up another may get back
                _give_up(session, people[change.person_id], (change.before or {}).get("accounts"), by, said)
            for change in changes:
                person = people[change.person_id]
                if change.before is None:
                    self._drop(session, person, by, said)
                else:
                    _put(session, person, change.before, by, said)
            now = database_now(session)
            done.undone_at = now
            grow(session, PEOPLE)
            events.append(plain_event(EventAction.PEOPLE_IMPORTED, at=now, pseudonym=said.name(by), numbers={"undone": len(changes)}))
            session.flush()
            self._record(events)
        return len(changes)

    def _take_over(
        self, session: Session, found: Comparison, by: str | None, said: PersonRecord
    ) -> list[tuple[str, dict[str, Any] | None, dict[str, Any]]]:
        people = People(self._engine, said.record, self._pseudonyms)
        ids: dict[str, str] = {}
        kept: list[tuple[str, dict[str, Any] | None, dict[str, Any]]] = []
        for one in found.changed:  # accounts first: what one gives up another may get
            _give_up(session, session.get_one(Person, one.person_id), one.after.get("accounts"), by, said)
        for one in found.new:
            person = people.put_new(session, _change({**one.after, "manager_id": None}), by)
            ids[one.email] = person.id
        for one in found.new:
            person = session.get_one(Person, ids[one.email])
            manager_id = one.after.get("manager_id") or (ids[one.manager_email] if one.manager_email else None)
            after = {**one.after, "manager_id": manager_id}
            _put(session, person, {"manager_id": manager_id, "accounts": after["accounts"], "status": after.get("status")}, by, said)
            kept.append((person.id, None, after))
        for one in (*found.changed, *found.gone):
            person = session.get_one(Person, one.person_id)
            after = {**one.after, **({"manager_id": ids[one.manager_email]} if one.manager_email else {})}
            _put(session, person, after, by, said)
            kept.append((person.id, one.before, after))
        return kept

    @staticmethod
    def _drop(session: Session, person: Person, by: str | None, said: PersonRecord) -> None:
        """Nobody who was in the record is deleted: the pseudonym stays somebody's."""
        for account in _accounts(session, person):
            unbind_account(session, person, account, by, said)
        if person.status != Status.GONE.value:
            put_status(session, person, Status.GONE, Why(by), said)


def _put(session: Session, person: Person, members: dict[str, Any], by: str | None, said: PersonRecord) -> None:
    """Make these members so. Circles of managers were looked for when all of the table was compared."""
    apply_change(session, person, _change(members), by, said, managers_checked=True)
    if "accounts" in members:
        has = _accounts(session, person)
        for account in has:
            if account not in members["accounts"]:
                unbind_account(session, person, account, by, said)
        for account in members["accounts"]:
            if account not in has:
                bind_account(session, person, account, "login")
                said.say(EventAction.ACCOUNT_BOUND, person, database_now(session), by, {"kind": "login"})
    if members.get("status") not in (None, person.status):
        put_status(session, person, Status(members["status"]), Why(by), said)


def _given_back(changes: list[PeopleImportChange], person: Person) -> set[str]:
    before = next((change.before for change in changes if change.person_id == person.id), None)
    return set((before or {}).get("roles", ())) - set(person.roles)


def _give_up(session: Session, person: Person, keeps: list[str] | None, by: str | None, said: PersonRecord) -> None:
    for account in _accounts(session, person) if keeps is not None else ():
        if account not in (keeps or ()):
            unbind_account(session, person, account, by, said)


def _change(members: dict[str, Any]) -> PersonChange:
    """Only those that are a person's own; they are checked when they are applied."""
    return cast("PersonChange", {name: members[name] for name in CHANGED if name in members})


def _stands(session: Session, person: Person, after: dict[str, Any]) -> bool:
    """Whether everything is still as the import left it."""
    values = all(getattr(person, name) == value for name, value in after.items() if name in CHANGED)
    accounts = "accounts" not in after or set(after["accounts"]) == set(_accounts(session, person))
    return values and accounts and after.get("status") in (None, person.status)


def _accounts(session: Session, person: Person) -> list[str]:
    return list(session.scalars(select(CrmAccount.account).where(CrmAccount.person_id == person.id)))


def _last(session: Session) -> PeopleImport | None:
    newest = select(PeopleImport).where(PeopleImport.undone_at.is_(None)).order_by(PeopleImport.at.desc(), PeopleImport.id).limit(1)
    return session.scalar(newest)
