"""People: who they are, how they stand to the firm, and the freeze that acts on what is running."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from audit_store.pseudonyms import Pseudonyms
from audit_store.sealing import seal
from auth.cut import FROZEN, GONE, Cut, cut_off, last_cut
from auth.sessions import SESSIONS
from auth.storage import grow, reading, writing
from auth.tables import CrmAccount, CrmSession, Person
from policies.request import Status

PEOPLE = "people"
"""Kind of rows in `revisions`."""
USER_HANDLE_BYTES = 32
"""Random; WebAuthn section 13.4 allows up to 64 and asks that it says nothing about the person."""
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
LANGUAGES = ("de", "en", "ru")


class PeopleError(Exception):
    """What was asked for a person cannot be done; the text says why and what to do."""


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
    ) -> Person:
        """Add a person with CRM accounts. Raises PeopleError for unusable values, a taken e-mail address or a taken account."""
        person = Person(name=name.strip(), email=email.strip().lower(), roles=sorted(set(roles)), language=language)
        person.status = Status.ACTIVE.value
        _check(person)
        person.team, person.territory, person.frozen = team, territory, False
        person.created_at = datetime.now(UTC)
        person.user_handle = secrets.token_bytes(USER_HANDLE_BYTES)
        with writing(self._engine) as session:
            if session.scalar(select(Person.id).where(Person.email == person.email)) is not None:
                raise PeopleError("this e-mail address belongs to somebody else: choose another, or change that person")
            person.id, person.pseudonym = self._new_names(session)
            session.add(person)
            session.flush()
            for account in accounts:
                _bind(session, person, account, "login")
            grow(session, PEOPLE)
            said = {"roles": " ".join(person.roles)}
            self._say(EventAction.PERSON_CREATED, person, person.created_at, by, said)
        return person

    def by_id(self, person_id: str) -> Person | None:
        """The person of this id."""
        with reading(self._engine) as session:
            return session.get(Person, person_id)

    def by_account(self, account: str) -> Person | None:
        """The person behind a CRM account, spelled exactly so."""
        with reading(self._engine) as session:
            return session.scalar(select(Person).join(CrmAccount, CrmAccount.person_id == Person.id).where(CrmAccount.account == account))

    def by_pseudonym(self, pseudonym: str) -> Person | None:
        """The person that log and mails call so."""
        with reading(self._engine) as session:
            return session.scalar(select(Person).where(Person.pseudonym == pseudonym))

    def find(self, word: str) -> Person | None:
        """A person by id, pseudonym, e-mail address or CRM account, as an administrator types it; None if nobody or several match."""
        of_account = select(CrmAccount.person_id).where(CrmAccount.account == word)
        with reading(self._engine) as session:
            match = or_(Person.id == word, Person.pseudonym == word.upper(), Person.email == word.lower(), Person.id.in_(of_account))
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

    def bind(self, person_id: str, account: str, kind: str = "login", *, by: str | None = None) -> None:
        """Say that a CRM account is this person's. Raises PeopleError if it is somebody else's."""
        with writing(self._engine) as session:
            person = _known(session, person_id)
            _bind(session, person, account, kind)
            grow(session, PEOPLE)
            self._say(EventAction.ACCOUNT_BOUND, person, datetime.now(UTC), by, {"kind": kind})

    def set_status(self, person_id: str, status: Status, by: str | None, reason: str | None = None) -> list[Cut]:
        """Change how a person stands to the firm, from the next request on. Who is gone loses everything open: the list of that.

        Raises PeopleError for an unknown person and for oneself.
        """
        if by == person_id:
            raise PeopleError("nobody changes their own status: ask another administrator")
        now = datetime.now(UTC)
        with writing(self._engine) as session:
            person = _known(session, person_id)
            before, person.status, person.status_reason = person.status, status.value, reason
            grow(session, PEOPLE)
            sealed = seal(session, person.pseudonym, reason, now) if reason else None
            self._say(EventAction.STATUS_CHANGED, person, now, by, {"from": before, "to": status.value}, sealed)
            return cut_off(session, person, now, GONE, self._name(by), self._record) if status is Status.GONE else []

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
            self._say(EventAction.PERSON_FROZEN, person, now, by)
            return cut_off(session, person, now, FROZEN, self._name(by), self._record)

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
            self._say(EventAction.PERSON_UNFROZEN, person, datetime.now(UTC), by)

    def _new_names(self, session: Session) -> tuple[str, str]:
        while True:  # two people under one pseudonym would be one person to every limit
            person_id = secrets.token_hex(12)
            pseudonym = self._pseudonyms.of(person_id)
            if session.scalar(select(Person.id).where(Person.pseudonym == pseudonym)) is None:
                return person_id, pseudonym

    def _name(self, by: str | None) -> str | None:
        return self._pseudonyms.of(by) if by else None

    def _say(
        self,
        action: EventAction,
        person: Person,
        at: datetime,
        by: str | None,
        said: Mapping[str, int | str] | None = None,
        sealed: Mapping[str, str] | None = None,
    ) -> None:
        self._record(plain_event(action, at=at, pseudonym=self._name(by), subject=person.pseudonym, numbers=said, sealed=sealed))


def _known(session: Session, person_id: str) -> Person:
    person = session.get(Person, person_id)
    if person is None:
        raise PeopleError("there is no such person: `torwart people list` names all")
    return person


def _bind(session: Session, person: Person, account: str, kind: str) -> None:
    if not account or len(account) > 200 or not account.isprintable():
        raise PeopleError("a CRM account has 1 to 200 printable characters")
    row = session.get(CrmAccount, account)
    if row is not None and row.person_id != person.id:
        raise PeopleError(f"the CRM account {account} belongs to somebody else already")
    if row is None:
        session.add(CrmAccount(account=account, person_id=person.id, kind=kind))
        session.flush()


def _check(person: Person) -> None:
    if not person.name or len(person.name) > 200 or not person.name.isprintable():
        raise PeopleError("a name has 1 to 200 printable characters")
    if not _EMAIL.fullmatch(person.email) or not person.email.isprintable():
        raise PeopleError("the e-mail address must look like name@firma.example")
    if not person.roles or not all(_ROLE.fullmatch(role) for role in person.roles):
        raise PeopleError("roles are words of lower-case letters, digits and _, at least one, for example manager")
    if person.language not in LANGUAGES:
        raise PeopleError(f"the language must be one of {', '.join(LANGUAGES)}")
