"""Who is it, and whose are the clients: the read view of the gateway's hot path, in memory and never older than the last commit."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session

from audit_store.database import DatabaseError
from audit_store.engines import is_sqlite
from audit_store.moments import microseconds
from audit_store.pseudonyms import Pseudonyms
from auth.assignments import ASSIGNMENTS
from auth.levels import all_levels, effective
from auth.people_tables import StatusPlan
from auth.row_alarms import RowAlarms
from auth.sealed_rows import SealedRow
from auth.sessions import SESSIONS, credential_hash
from auth.standing import PEOPLE, is_away, open_plans, status_at
from auth.tables import Assignment, CrmAccount, CrmSession, Person, Revision, RiskLevel
from policies.request import ClientId, KeyClass, Principal, Status

_NOBODYS: frozenset[ClientId] = frozenset()


@dataclass(frozen=True, slots=True)
class SessionView:
    """A living session. One that a freeze suspended is among them: its person is told that the access is frozen."""

    id: str
    person_id: str
    kind: str
    account: str


class Directory:
    """One process's view of people, sessions and owners. Call `refresh` at every request; it is for one thread."""

    def __init__(self, engine: Engine, pseudonyms: Pseudonyms, credential_key: bytes, alarms: RowAlarms | None = None) -> None:
        """`alarms`: who is told of rows that are not as one of our processes wrote them; they give nothing either way."""
        self._alarms = alarms
        self._pseudonyms = pseudonyms
        self._key = credential_key
        self._connection: Connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._watches = is_sqlite(engine)
        self._file = engine.url.database or ""
        self._inode = os.stat(self._file).st_ino if self._watches else 0  # noqa: PTH116 -- asked at every request
        self._version = -1
        self._revisions: dict[str, int] = {}
        self._people: dict[str, Principal] = {}
        self._principals: dict[str, Principal] = {}
        """By session; empty again whenever people change."""
        self._proven: dict[str, tuple[datetime, KeyClass]] = {}
        """Session -> when its person last touched a key, and which kind; empty again whenever people change."""
        self._next_end: datetime | None = None
        """When the next of the levels that were set ends, the next planned status begins, or a leave begins or ends."""
        self._accounts: dict[str, str] = {}
        self._sessions: dict[str, SessionView] = {}
        self._owners: dict[ClientId, str | None] = {}
        self._books: dict[str, frozenset[ClientId]] = {}
        self._settling: dict[ClientId, int] = {}
        """Client -> microseconds from which it counts (attacks X7)."""
        self._settling_base: list[int] = []
        self._settling_books: dict[str, list[int]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Take over what other connections have committed since the last call; a few microseconds when nothing has changed (SQLite), or one
        question to the server (PostgreSQL).

        Raises SQLAlchemyError, sqlite3.Error, OSError or DatabaseError when the database cannot be read: then nobody has a principal.
        A file that was removed or replaced is one that cannot be read: what is withdrawn in the new one would not be seen in the old.
        """
        if self._watches and os.stat(self._file).st_ino != self._inode:  # noqa: PTH116
            raise DatabaseError("the database was replaced while it was in use: start the gateway again")
        if self._connection.invalidated:  # PostgreSQL was away at the last call
            self._connection.rollback()
        if self._next_end is not None and datetime.now(UTC) >= self._next_end:
            self._load_people()
        if self._watches and (version := self._data_version()) == self._version:
            return
        numbers = dict(self._connection.execute(select(Revision.kind, Revision.number)).all())
        if numbers.get(PEOPLE) != self._revisions.get(PEOPLE):
            self._load_people()
        if numbers.get(SESSIONS) != self._revisions.get(SESSIONS):
            self._load_sessions(self._revisions.get(SESSIONS, 0))
        if numbers.get(ASSIGNMENTS) != self._revisions.get(ASSIGNMENTS):
            self._load_assignments(self._revisions.get(ASSIGNMENTS, 0))
        # Only now: whatever was committed while these rows were read is seen at the next call.
        self._revisions = numbers
        if self._watches:
            self._version = version

    @property
    def people_revision(self) -> int:
        """Up to which change of people this view has come (`revisions`)."""
        return self._revisions.get(PEOPLE, 0)

    def session(self, secret: str) -> SessionView | None:
        """The living session of a credential; None: unknown, ended, or its person is gone."""
        return self.session_of_hash(credential_hash(secret, self._key))

    def session_of_hash(self, hashed: str) -> SessionView | None:
        """As `session`, for who knows only the hash that is kept of a credential."""
        view = self._sessions.get(hashed)
        person = self._people.get(view.person_id) if view else None
        return view if person is not None and person.status is not Status.GONE else None

    def principal(self, session: SessionView) -> Principal:
        """The person of a session as they stand now."""
        known = self._principals.get(session.id)
        if known is None:
            person, (at, key_class) = self._people[session.person_id], self._proven.get(session.id, (None, None))
            known = self._principals[session.id] = replace(person, session_id=session.id, proven_at=at, proven_with=key_class)
        return known

    def touched(self, session_id: str, at: datetime, key_class: KeyClass) -> None:
        """Note that the person of a session has just touched a key, with PIN or biometry. Kept by this process only."""
        self._proven[session_id] = at, key_class
        self._principals.pop(session_id, None)

    def person(self, person_id: str) -> Principal:
        """A person without a session. Raises KeyError for an unknown one."""
        return self._people[person_id]

    def person_of_account(self, account: str) -> str | None:
        """The person id behind a CRM account; None: nobody's."""
        return self._accounts.get(account)

    def owner(self, client_id: ClientId) -> str | None:
        """Whose the client is; None: nobody's or unknown."""
        return self._owners.get(client_id)

    def knows(self, client_id: ClientId) -> bool:
        """True if the table of owners names this client, as somebody's or nobody's."""
        return client_id in self._owners

    def book(self, person_id: str) -> frozenset[ClientId]:
        """All clients of a person."""
        return self._books.get(person_id, _NOBODYS)

    def book_size(self, person_id: str, now: datetime) -> int:
        """How many clients the book counts: without creations and gains of the last 30 days."""
        waiting = self._settling_books.get(person_id)
        return len(self.book(person_id)) - (len(waiting) - bisect_right(waiting, microseconds(now)) if waiting else 0)

    def base_size(self, now: datetime) -> int:
        """How many clients the firm counts, at least 1: without creations and gains of the last 30 days."""
        waiting = self._settling_base
        return max(1, len(self._owners) - (len(waiting) - bisect_right(waiting, microseconds(now)) if waiting else 0))

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _data_version(self) -> int:
        """SQLite's counter of commits by *other* connections; reading it touches no table."""
        raw = self._connection.connection.dbapi_connection
        if raw is None:
            raise RuntimeError("the directory is closed")
        return int(raw.execute("PRAGMA data_version").fetchone()[0])

    def _load_people(self) -> None:
        now = datetime.now(UTC)
        with Session(self._connection) as session:
            levels = all_levels(session, now)
            plans: dict[str, list[StatusPlan]] = {}
            for plan in open_plans(session):
                plans.setdefault(plan.person_id, []).append(plan)
            rows = list(session.scalars(select(Person)))
            self._people = {row.id: self._principal(row, levels.get(row.id), plans.get(row.id, ()), now) for row in rows}
            ends = [row.until for row in levels.values()] + [plan.due_at for theirs in plans.values() for plan in theirs]
            ends += [end for row in rows for end in (row.leave_from, row.leave_until) if end is not None]
            self._next_end = min((end for end in ends if end > now), default=None)
            accounts = list(session.scalars(select(CrmAccount)))
        self._principals = {}
        self._proven = {}
        self._accounts = {row.account: row.person_id for row in accounts if row.genuine}
        self._tell((*rows, *levels.values(), *accounts, *(plan for theirs in plans.values() for plan in theirs)))
        if self._alarms is not None:
            self._alarms.learn(rows)

    def _principal(self, row: Person, level: RiskLevel | None, plans: Sequence[StatusPlan], now: datetime) -> Principal:
        status = status_at(Status(row.status), plans, now)
        return Principal(
            id=row.id,
            pseudonym=self._pseudonyms.of(row.id),
            roles=frozenset(row.roles),
            status=status,
            frozen=row.frozen or not row.genuine,
            team=row.team,
            territory=row.territory,
            language=row.language,
            level=effective(status, level, now),
            on_leave=is_away(row, now),
        )

    def _load_sessions(self, after: int) -> None:
        question = select(CrmSession).where(CrmSession.revision > after)
        if not after:
            question = question.where(CrmSession.ended_at.is_(None))
        with Session(self._connection) as session:
            rows = list(session.scalars(question))
        for row in rows:
            if row.ended_at is None and row.genuine:
                self._sessions[row.credential_hash] = SessionView(row.id, row.person_id, row.kind, row.account)
            else:
                self._sessions.pop(row.credential_hash, None)
        self._tell(row for row in rows if row.ended_at is None)

    def _tell(self, rows: Iterable[SealedRow]) -> None:
        for row in rows:
            if self._alarms is not None and not row.genuine:
                self._alarms.about(row)

    def _load_assignments(self, after: int) -> None:
        row = Assignment
        question = select(row.client_id, row.person_id, row.origin, row.since, row.counts_from).where(row.revision > after)
        rows = self._connection.execute(question).all()  # all read before anything is changed
        lost: dict[str, set[ClientId]] = {}
        won: dict[str, set[ClientId]] = {}
        settled = self._settling_base[:]
        for client, owner, origin, since, counts_from in rows:
            if (before := self._owners.get(client)) is not None and before != owner:
                lost.setdefault(before, set()).add(client)
            if origin == "deleted":
                self._owners.pop(client, None)
                self._settling.pop(client, None)
                continue
            self._owners[client] = owner
            if owner is not None:
                won.setdefault(owner, set()).add(client)
            if counts_from > since:
                self._settling[client] = microseconds(counts_from)
            else:
                self._settling.pop(client, None)
        for person in lost.keys() | won.keys():
            self._books[person] = (self.book(person) - lost.get(person, _NOBODYS)) | won.get(person, _NOBODYS)
        if self._settling or settled:
            self._count_settling()

    def _count_settling(self) -> None:
        self._settling_base = sorted(self._settling.values())
        books: dict[str, list[int]] = {}
        for client, counts_from in self._settling.items():
            if (owner := self._owners[client]) is not None:
                books.setdefault(owner, []).append(counts_from)
        self._settling_books = {person: sorted(times) for person, times in books.items()}
