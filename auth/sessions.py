"""Credentials of the CRM: whose they are. Only a keyed hash of a credential is ever kept or compared (attacks X3)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.row_seal import tampered
from auth.storage import grow, reading, writing
from auth.tables import CrmSession, Person

SESSIONS = "sessions"
"""Kind of rows in `revisions`."""
LOGOUT = "logout"
API_KEY, PROXY = "api_key", "proxy"
"""Kinds of credentials that an administrator gives out: a key of the CRM's REST interface, a log-in for the forward proxy."""


class SessionError(Exception):
    """A credential cannot be bound; the text says why."""


def credential_hash(secret: str, key: bytes) -> str:
    """Keyed blake2b of a credential, 32 bytes as hex: a copy of the database gives nobody a session."""
    return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=key, digest_size=32).hexdigest()


class Sessions:
    """The credentials of the CRM that are bound to people."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], key: bytes) -> None:
        self._engine = engine
        self._record = record
        self._key = key

    def hash(self, secret: str) -> str:
        """The keyed hash under which a credential is kept."""
        return credential_hash(secret, self._key)

    def bind(self, secret: str, kind: str, person_id: str, account: str) -> CrmSession:
        """Bind a credential to a person. A sign-in is recorded by the caller, what an administrator gives out is recorded here.

        Raises SessionError for an empty secret, an unknown person or one that is gone, or a credential that belongs to somebody else.
        """
        if not secret:
            raise SessionError("an empty credential cannot be bound")
        now = datetime.now(UTC)
        with writing(self._engine) as session:
            person = session.get(Person, person_id)
            if person is None or person.status == "gone":
                raise SessionError("there is no such person, or the person is gone")
            row = session.scalar(select(CrmSession).where(CrmSession.credential_hash == self.hash(secret)))
            if row is not None and not row.genuine:  # its true holder comes with the credential itself: the forged row makes room
                self._record(tampered("crm_sessions", row.id, pseudonym=person.pseudonym, cause=row.doubt or ""))
                session.delete(row)
                session.flush()
                row = None
            if row is not None and row.person_id != person_id:
                raise SessionError("this credential belongs to somebody else already")
            revision = grow(session, SESSIONS)
            if row is None:
                row = CrmSession(id=secrets.token_hex(16), person_id=person_id, credential_hash=self.hash(secret), opened_at=now)
                session.add(row)
            row.kind, row.account, row.last_seen_at = kind, account, now
            row.ended_at = row.ended_why = None
            row.suspended_at = person.frozen_at if person.frozen else None
            row.revision = revision
            if kind in (API_KEY, PROXY):
                self._record(plain_event(EventAction.ACCOUNT_BOUND, at=now, subject=person.pseudonym, numbers={"kind": kind}))
        return row

    def find(self, secret: str) -> CrmSession | None:
        """The living session of a credential; None if it is unknown, ended, or suspended by a freeze."""
        with reading(self._engine) as session:
            row = session.scalar(
                select(CrmSession).where(
                    CrmSession.credential_hash == self.hash(secret), CrmSession.ended_at.is_(None), CrmSession.suspended_at.is_(None)
                )
            )
            return row if row is not None and row.genuine else None

    def was_cut(self, secret: str) -> bool:
        """Whether this credential was good once and was taken away: by a freeze, a departure, or an administrator."""
        with reading(self._engine) as session:
            row = session.scalar(select(CrmSession).where(CrmSession.credential_hash == self.hash(secret)))
            return row is not None and (row.suspended_at is not None or (row.ended_at is not None and row.ended_why != LOGOUT))

    def of(self, person_id: str) -> list[CrmSession]:
        """Sessions of a person that have not ended (suspended ones too), newest first."""
        with reading(self._engine) as session:
            return _open_sessions(session, person_id)

    def end(self, session_id: str, why: str) -> None:
        """End a session for good. Recorded here unless it is a logout, which the caller has recorded. Unknown or ended ones are ignored."""
        with writing(self._engine) as session:
            row = session.get(CrmSession, session_id)
            if row is not None and row.ended_at is None:
                self._end(session, [row], why)

    def end_all(self, person_id: str, why: str) -> list[CrmSession]:
        """End all sessions of a person for good; what was ended."""
        with writing(self._engine) as session:
            rows = _open_sessions(session, person_id)
            self._end(session, rows, why)
        return rows

    def _end(self, session: Session, rows: list[CrmSession], why: str) -> None:
        now = datetime.now(UTC)
        revision = grow(session, SESSIONS) if rows else 0
        for row in rows:
            row.ended_at, row.ended_why, row.revision = now, why, revision
            person = session.get_one(Person, row.person_id)
            if why != LOGOUT:
                cut = {"kind": row.kind, "session": row.id, "why": why}
                self._record(plain_event(EventAction.SESSION_CUT, at=now, subject=person.pseudonym, numbers=cut))


def _open_sessions(session: Session, person_id: str) -> list[CrmSession]:
    question = select(CrmSession).where(CrmSession.person_id == person_id, CrmSession.ended_at.is_(None))
    return list(session.scalars(question.order_by(CrmSession.opened_at.desc())))
