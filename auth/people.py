"""People: who they are, how they stand to the firm, and the freeze that acts on what is running."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction
from audit_store.pseudonyms import Pseudonyms
from auth.cut import FROZEN, Cut, cut_off, last_cut
from auth.person_change import apply_change, bind_account, unbind_account
from auth.person_record import PersonRecord
from auth.person_values import LANGUAGES, PeopleError, PersonChange, cleaned, faults
from auth.sessions import SESSIONS
from auth.standing import PEOPLE, Why, put_status, start_of
from auth.storage import database_now, grow, reading, writing
from auth.tables import CrmAccount, CrmSession, Person
from policies.request import Status

__all__ = ["LANGUAGES", "PEOPLE", "USER_HANDLE_BYTES", "People", "PeopleError"]

USER_HANDLE_BYTES = 32
"""Random; WebAuthn section 13.4 allows up to 64 and asks that it says nothing about the person."""


class People:
    """The people of one installation. Every change is recorded before it holds; `by` is a person id, None for the command line."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], pseudonyms: Pseudonyms) -> None:
        self._engine = engine
        self._record = record
        self._pseudonyms = pseudonyms

    def add(
        self,
        name: str,
        email: str,
        roles: Iterable[str],
        language: str = "de",
        accounts: Iterable[str] = (),
        *,
        by: str | None = None,
        team: str | None = None,
        territory: str | None = None,
        manager_id: str | None = None,
    ) -> Person:
        """Add a person with CRM accounts. Raises PeopleError for unusable values, a taken e-mail address or a taken account."""
        values = PersonChange(
            name=name, email=email, roles=list(roles), language=language, team=team, territory=territory, manager_id=manager_id
        )
        with writing(self._engine) as session:
            person = self.put_new(session, values, by)
            for account in accounts:
                bind_account(session, person, account, "login")
        return person

    def put_new(self, session: Session, values: PersonChange, by: str | None) -> Person:
        """Add a person inside a transaction. Raises PeopleError."""
        values = cleaned(values)
        for fault in faults(values).values():
            raise PeopleError(fault)
        if session.scalar(select(Person.id).where(Person.email == values["email"])) is not None:
            raise PeopleError("this e-mail address belongs to somebody else: choose another, or change that person")
        manager_id = values.get("manager_id")
        if manager_id is not None and session.get(Person, manager_id) is None:
            raise PeopleError("there is no such manager: `torwart people list` names all")
        now = datetime.now(UTC)
        person_id, pseudonym = self._new_names(session)
        person = Person(
            id=person_id,
            pseudonym=pseudonym,
            name=values["name"],
            email=values["email"],
            roles=values["roles"],
            language=values["language"],
            team=values.get("team"),
            territory=values.get("territory"),
            manager_id=manager_id,
            status=Status.ACTIVE.value,
            frozen=False,
            created_at=now,
            user_handle=secrets.token_bytes(USER_HANDLE_BYTES),
        )
        session.add(person)
        session.flush()
        grow(session, PEOPLE)
        self._said.say(EventAction.PERSON_CREATED, person, now, by, {"roles": " ".join(person.roles)})
        return person

    def change(self, person_id: str, change: PersonChange, by: str | None) -> tuple[str, ...]:
        """Change who a person is, from the next request on; the members that are different now, in their order.

        Raises PeopleError for an unknown person, for oneself, for unusable values, a taken e-mail address, and a manager who is none.
        """
        with writing(self._engine) as session:
            return apply_change(session, _known(session, person_id), change, by, self._said)

    def by_id(self, person_id: str) -> Person | None:
        """The person of this id."""
        with reading(self._engine) as session:
            return session.get(Person, person_id)

    def by_account(self, account: str) -> Person | None:
        """The person behind a CRM account, spelled exactly so."""
        with reading(self._engine) as session:
            row = session.get(CrmAccount, account)
            return session.get(Person, row.person_id) if row is not None and row.genuine else None

    def by_pseudonym(self, pseudonym: str) -> Person | None:
        """The person that log and mails call so."""
        with reading(self._engine) as session:
            return session.scalar(select(Person).where(Person.pseudonym == pseudonym))

    def find(self, word: str) -> Person | None:
        """A person by id, pseudonym, e-mail address or CRM account, as an administrator types it; None if nobody or several match."""
        with reading(self._engine) as session:
            account = session.get(CrmAccount, word)
            owner = account.person_id if account is not None and account.genuine else word
            match = or_(Person.id.in_((word, owner)), Person.pseudonym == word.upper(), Person.email == word.lower())
            found = list(session.scalars(select(Person).where(match)))
        return found[0] if len(found) == 1 else None

    def all(self) -> list[Person]:
        """Everybody, by name."""
        with reading(self._engine) as session:
            return list(session.scalars(select(Person).order_by(Person.name)))

    def accounts(self, person_id: str) -> list[str]:
        """The CRM accounts of a person."""
        with reading(self._engine) as session:
            return list(session.scalars(select(CrmAccount.account).where(CrmAccount.person_id == person_id).order_by(CrmAccount.account)))

    def all_accounts(self) -> dict[str, str]:
        """CRM account -> person id, of everybody, by account."""
        with reading(self._engine) as session:
            return dict(session.execute(select(CrmAccount.account, CrmAccount.person_id).order_by(CrmAccount.account)).all())

    def reports(self, person_id: str) -> list[Person]:
        """Who reports to a person, by name."""
        with reading(self._engine) as session:
            return list(session.scalars(select(Person).where(Person.manager_id == person_id).order_by(Person.name)))

    def bind(self, person_id: str, account: str, kind: str = "login", *, by: str | None = None) -> None:
        """Say that a CRM account is this person's. Raises PeopleError if it is somebody else's."""
        with writing(self._engine) as session:
            person = _known(session, person_id)
            bind_account(session, person, account, kind)
            grow(session, PEOPLE)
            self._said.say(EventAction.ACCOUNT_BOUND, person, datetime.now(UTC), by, {"kind": kind})

    def unbind(self, person_id: str, account: str, by: str | None) -> list[Cut]:
        """Say that a CRM account is this person's no longer: what it had signed in ends for good. What was cut.

        Raises PeopleError for oneself and for an account that is not this person's.
        """
        if by == person_id:
            raise PeopleError("nobody changes their own accounts: ask another administrator")
        with writing(self._engine) as session:
            return unbind_account(session, _known(session, person_id), account, by, self._said)

    def set_status(self, person_id: str, status: Status, by: str | None, reason: str | None = None) -> list[Cut]:
        """Change how a person stands to the firm, from the next request on. Who is gone loses everything open: the list of that.

        What was planned and makes no sense any more is dropped; a last day ends by itself (`auth.plans`). Nothing that was cut comes back
        with a status that gives more. Raises PeopleError for an unknown person and for oneself.
        """
        if by == person_id:
            raise PeopleError("nobody changes their own status: ask another administrator")
        with writing(self._engine) as session:
            return put_status(session, _known(session, person_id), status, Why(by, reason), self._said)

    def set_leave(self, person_id: str, first: date | None, last: date | None, by: str | None) -> None:
        """Say from which day to which a person is away; no first day: they are not. Raises PeopleError for oneself and for no such days."""
        if by == person_id:
            raise PeopleError("nobody changes their own leave: ask another administrator")
        if (first is None) != (last is None) or (first is not None and last is not None and last < first):
            raise PeopleError("a leave has a first and a last day, in this order")
        with writing(self._engine) as session:
            person = _known(session, person_id)
            person.leave_from = start_of(first) if first is not None else None
            person.leave_until = start_of(last + timedelta(days=1)) if last is not None else None
            grow(session, PEOPLE)
            said: dict[str, int | str] = {"from": first.isoformat(), "until": last.isoformat()} if first and last else {"ended": 1}
            self._said.say(EventAction.LEAVE_CHANGED, person, database_now(session), by, said)

    def freeze(self, person_id: str, by: str | None) -> list[Cut]:
        """Refuse this person everything from the next request on. Ends open acts and console sessions, suspends CRM sessions.

        The list of what was cut; of a person who is frozen already, what was cut then.
        """
        now = datetime.now(UTC)
        with writing(self._engine) as session:
            person = _known(session, person_id)
            if person.frozen:
                return last_cut(session, person)
            person.frozen, person.frozen_at = True, now
            grow(session, PEOPLE)
            self._said.say(EventAction.PERSON_FROZEN, person, now, by)
            return cut_off(session, person, now, FROZEN, self._said.name(by), self._record)

    def last_cut(self, person_id: str) -> list[Cut]:
        """What the freeze in force cut; empty for a person who is not frozen."""
        with reading(self._engine) as session:
            person = _known(session, person_id)
            return last_cut(session, person) if person.frozen else []

    def unfreeze(self, person_id: str, by: str | None) -> None:
        """Lift the freeze: CRM sessions that it suspended work again, console sessions and acts do not. Raises PeopleError for oneself."""
        if by == person_id:
            raise PeopleError("nobody lifts their own freeze: ask another administrator")
        with writing(self._engine) as session:
            person = _known(session, person_id)
            if not person.frozen:
                return
            person.frozen = False
            grow(session, PEOPLE)
            revision = grow(session, SESSIONS)
            suspended = update(CrmSession).where(CrmSession.person_id == person.id, CrmSession.suspended_at.is_not(None))
            session.execute(suspended.values(suspended_at=None, revision=revision))
            self._said.say(EventAction.PERSON_UNFROZEN, person, datetime.now(UTC), by)

    def _new_names(self, session: Session) -> tuple[str, str]:
        while True:  # two people under one pseudonym would be one person to every limit
            person_id = secrets.token_hex(12)
            pseudonym = self._pseudonyms.of(person_id)
            if session.scalar(select(Person.id).where(Person.pseudonym == pseudonym)) is None:
                return person_id, pseudonym

    @property
    def _said(self) -> PersonRecord:
        return PersonRecord(self._record, self._pseudonyms)


def _known(session: Session, person_id: str) -> Person:
    person = session.get(Person, person_id)
    if person is None:
        raise PeopleError("there is no such person: `torwart people list` names all")
    return person
