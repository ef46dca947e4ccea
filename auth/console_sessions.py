"""Sign-ins to Torwart's own pages: a random token in a cookie, of which only a keyed hash is kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from audit_store.event import Event, EventAction, plain_event
from auth.sessions import credential_hash
from auth.storage import database_now, reading, writing
from auth.tables import ConsoleSession, Person
from policies.request import Status

LIFETIME_SECONDS = 8 * 3600
"""A working day: then the key is asked for again."""
IDLE_SECONDS = 3600
_SEEN_EVERY = timedelta(seconds=60)
"""How coarse `last_seen_at` is: a page view is not a write."""


class ConsoleSessions:
    """The sign-ins to the console."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], key: bytes) -> None:
        self._engine = engine
        self._record = record
        self._key = key

    def open(self, person_id: str, key_id: str | None) -> str:
        """A new token for the cookie, after the key was verified. Raises PermissionError for a person who may not sign in."""
        token = secrets.token_urlsafe(32)
        with writing(self._engine) as session:
            person = session.get(Person, person_id)
            if person is None or not may_sign_in(person):
                raise PermissionError("this person may not sign in")
            now = database_now(session)
            session.add(
                ConsoleSession(
                    id=secrets.token_hex(16),
                    person_id=person_id,
                    token_hash=credential_hash(token, self._key),
                    csrf=secrets.token_urlsafe(32),
                    key_id=key_id,
                    opened_at=now,
                    last_seen_at=now,
                    expires_at=now + timedelta(seconds=LIFETIME_SECONDS),
                )
            )
            self._record(plain_event(EventAction.CONSOLE_LOGIN, at=datetime.now(UTC), pseudonym=person.pseudonym))
        return token

    def find(self, token: str) -> tuple[ConsoleSession, Person] | None:
        """The living sign-in of a cookie and its person as they stand now; None if there is none, it ran out, or the person is cut off."""
        with reading(self._engine) as session:
            row = session.scalar(
                select(ConsoleSession).where(
                    ConsoleSession.token_hash == credential_hash(token, self._key), ConsoleSession.ended_at.is_(None)
                )
            )
            if row is None:
                return None
            now = database_now(session)
            person = session.get_one(Person, row.person_id)
            if now >= row.expires_at or now - row.last_seen_at >= timedelta(seconds=IDLE_SECONDS) or not may_sign_in(person):
                return None
        if now - row.last_seen_at >= _SEEN_EVERY:
            with writing(self._engine) as session:
                session.get_one(ConsoleSession, row.id).last_seen_at = now
        return row, person

    def end(self, session_id: str, why: str = "logout") -> None:
        """End a sign-in. Unknown or ended ones are ignored."""
        with writing(self._engine) as session:
            row = session.get(ConsoleSession, session_id)
            if row is not None and row.ended_at is None:
                row.ended_at, row.ended_why = datetime.now(UTC), why
                person = session.get_one(Person, row.person_id)
                self._record(plain_event(EventAction.CONSOLE_LOGOUT, at=row.ended_at, pseudonym=person.pseudonym, numbers={"why": why}))


def may_sign_in(person: Person) -> bool:
    """A frozen or departed person has no access to anything of ours."""
    return not person.frozen and person.status != Status.GONE.value
