"""Sign-ins to Torwart's own pages: a random token in a cookie, of which only a keyed hash is kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.session_settings import SessionSettings
from auth.sessions import credential_hash
from auth.storage import database_now, reading, writing
from auth.tables import ConsoleSession, Key, Person
from auth.usable_keys import is_over
from policies.request import Status

LOGOUT, REPLACED, OWN, ADMINISTRATOR = "logout", "replaced", "own", "administrator"
"""Why a sign-in ended: signed out; a new sign-in in the same browser; ended by its person from the list, or by an administrator."""
_TOKEN_BYTES = 32
FORM_TIME = timedelta(seconds=60)
"""Between a touch for a form and the form, which the page sends by itself."""
_SEEN_EVERY = timedelta(seconds=60)
"""How coarse `last_seen_at` is: a page view is not a write."""


@dataclass(frozen=True, slots=True)
class Seat:
    """From where somebody signed in, for their own list of sign-ins; in no event (attacks X31)."""

    device: str = ""
    """Browser and system in words of our own; empty: unknown."""
    source: str | None = None
    """Network address of the connection; None: unknown."""


NOWHERE = Seat()


class ConsoleSessions:
    """The sign-ins to the console."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], key: bytes, settings: SessionSettings | None = None) -> None:
        self._engine = engine
        self._record = record
        self._key = key
        self.settings = settings or SessionSettings()

    def open(self, person_id: str, key_id: str | None, seat: Seat = NOWHERE) -> str:
        """A new token for the cookie, after the key was verified. Raises PermissionError for a person who may not sign in."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with writing(self._engine) as session:
            person = session.get(Person, person_id)
            if person is None or not may_sign_in(person):
                raise PermissionError("this person may not sign in")
            now = database_now(session)
            touched = _cannot_be_copied(session, key_id)
            session.add(
                ConsoleSession(
                    id=secrets.token_hex(16),
                    person_id=person_id,
                    token_hash=credential_hash(token, self._key),
                    csrf=secrets.token_urlsafe(_TOKEN_BYTES),
                    key_id=key_id,
                    device=seat.device,
                    source=seat.source,
                    opened_at=now,
                    touched_at=now if touched else None,
                    last_seen_at=now,
                    expires_at=now + self.settings.lifetime,
                )
            )
            self._record(plain_event(EventAction.CONSOLE_LOGIN, at=datetime.now(UTC), pseudonym=person.pseudonym))
        return token

    def find(self, token: str) -> tuple[ConsoleSession, Person] | None:
        """The living sign-in of a cookie and its person as they stand now; None if it does not live, or the person is cut off."""
        with reading(self._engine) as session:
            row = session.scalar(select(ConsoleSession).where(ConsoleSession.token_hash == credential_hash(token, self._key)))
            if row is None:
                return None
            now = database_now(session)
            person = session.get_one(Person, row.person_id)
            if not self._lives(session, row, now) or not may_sign_in(person):
                return None
        if now - row.last_seen_at >= _SEEN_EVERY:
            with writing(self._engine) as session:
                session.get_one(ConsoleSession, row.id).last_seen_at = now
        return row, person

    def renew(self, token: str, key_id: str | None, form: str | None = None) -> str | None:
        """A new token, and a new one for forms, in place of this one, after another touch (ASVS 5.0, 7.2.4); None for a dead one.

        The sign-in stays the same one: a touch does not make the working day longer. `form`: digest of what the touch was for.
        """
        fresh = secrets.token_urlsafe(_TOKEN_BYTES)
        with writing(self._engine) as session:
            row = session.scalar(select(ConsoleSession).where(ConsoleSession.token_hash == credential_hash(token, self._key)))
            now = database_now(session)
            if row is None or not self._lives(session, row, now):
                return None
            row.token_hash, row.csrf = credential_hash(fresh, self._key), secrets.token_urlsafe(_TOKEN_BYTES)
            row.key_id = key_id or row.key_id
            if _cannot_be_copied(session, key_id):
                row.touched_at, row.touched_for = now, form
        return fresh

    def use_touch(self, session_id: str, form: str) -> bool:
        """Use up the touch that was for exactly this form; False if there was none in this sign-in, it was for another, or is too old."""
        with writing(self._engine) as session:
            row = session.get(ConsoleSession, session_id)
            if row is None or not row.genuine or row.touched_at is None or row.touched_for != form:
                return False
            row.touched_for = None
            return timedelta(0) <= database_now(session) - row.touched_at <= FORM_TIME

    def of(self, person_id: str) -> list[ConsoleSession]:
        """The living sign-ins of a person, newest first."""
        with reading(self._engine) as session:
            now = database_now(session)
            return [row for row in _open_rows(session, person_id) if self._lives(session, row, now)]

    def end(self, session_id: str, why: str = LOGOUT) -> None:
        """End a sign-in, recorded. Unknown or ended ones are ignored."""
        with writing(self._engine) as session:
            row = session.get(ConsoleSession, session_id)
            if row is not None and row.ended_at is None:
                self._end(session, row, why)

    def end_all(self, person_id: str, why: str, *, but: str | None = None) -> int:
        """End every sign-in of a person, each recorded, `but` this one; how many."""
        with writing(self._engine) as session:
            now = database_now(session)
            rows = [row for row in _open_rows(session, person_id) if row.id != but and self._lives(session, row, now)]
            for row in rows:
                self._end(session, row, why)
        return len(rows)

    def _lives(self, session: Session, row: ConsoleSession, now: datetime) -> bool:
        """Whether it is open, in time, and its key not locked nor over: whoever stole the key may have signed in with it before."""
        if not row.genuine or row.ended_at is not None or now >= row.expires_at or now - row.last_seen_at >= self.settings.idle:
            return False
        key = session.get(Key, row.key_id) if row.key_id is not None else None
        return key is None or (key.locked_at is None and not is_over(key, now))

    def _end(self, session: Session, row: ConsoleSession, why: str) -> None:
        row.ended_at, row.ended_why = datetime.now(UTC), why
        person = session.get_one(Person, row.person_id)
        self._record(plain_event(EventAction.CONSOLE_LOGOUT, at=row.ended_at, pseudonym=person.pseudonym, numbers={"why": why}))


def may_sign_in(person: Person) -> bool:
    """A frozen or departed person has no access to anything of ours, nor has a row that none of our processes left so (attacks X12)."""
    return person.genuine and not person.frozen and person.status != Status.GONE.value


def _cannot_be_copied(session: Session, key_id: str | None) -> bool:
    """A synced key signs in, and is no touch that stands for an act."""
    key = session.get(Key, key_id) if key_id is not None else None
    return key is not None and not key.backup_eligible


def _open_rows(session: Session, person_id: str) -> list[ConsoleSession]:
    question = select(ConsoleSession).where(ConsoleSession.person_id == person_id, ConsoleSession.ended_at.is_(None))
    return list(session.scalars(question.order_by(ConsoleSession.opened_at.desc())))
