"""Accounts of the CRM that somebody tried to sign in with and that are nobody's: an administrator sees whom to bind.

What is typed into the field for the name may be a password, typed into the wrong field. So a name is kept only when the same one was
refused at least twice; before that there is a keyed hash of it. All of it is forgotten after thirty days.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from auth.people_tables import UnmappedAccount
from auth.sessions import credential_hash
from auth.storage import database_now, reading, writing
from auth.tables import CrmAccount

KEPT = timedelta(days=30)
MOST = 500
"""Names that are kept at once: whoever types thousands fills no disk."""
_ACCOUNT_MAX = 64
_WAITING_MAX = 100
"""Different names between two writings; what comes above it is not counted."""


class Unmapped:
    """The accounts of nobody. `heard` is for the data path and writes nothing; `write_down` is called beside it."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        """`key` is that of credentials."""
        self._engine = engine
        self._key = key
        self._lock = threading.Lock()
        self._waiting: dict[str, int] = {}

    def heard(self, account: str) -> None:
        """Somebody was refused with this name."""
        if not 0 < len(account) <= _ACCOUNT_MAX or not account.isprintable():
            return
        with self._lock:
            if account in self._waiting or len(self._waiting) < _WAITING_MAX:
                self._waiting[account] = self._waiting.get(account, 0) + 1

    def write_down(self) -> None:
        """Keep what was heard since. Raises SQLAlchemyError; then it is heard again."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if waiting:
            try:
                self._write(waiting)
            except BaseException:
                with self._lock:
                    for account, times in waiting.items():
                        self._waiting[account] = self._waiting.get(account, 0) + times
                raise

    def all(self) -> list[UnmappedAccount]:
        """Names that were refused more than once and are still nobody's, the latest first."""
        with reading(self._engine) as session:
            since = database_now(session) - KEPT
            mapped = select(CrmAccount.account)
            question = select(UnmappedAccount).where(UnmappedAccount.account.is_not(None), UnmappedAccount.last_at > since)
            return list(session.scalars(question.where(UnmappedAccount.account.not_in(mapped)).order_by(UnmappedAccount.last_at.desc())))

    def _write(self, waiting: Mapping[str, int]) -> None:
        with writing(self._engine) as session:
            now = database_now(session)
            session.execute(delete(UnmappedAccount).where(UnmappedAccount.last_at <= now - KEPT))
            for account, times in waiting.items():
                row = session.get(UnmappedAccount, hashed := credential_hash(account, self._key))
                if row is None:
                    row = UnmappedAccount(hash=hashed, times=0, first_at=now)
                    session.add(row)
                row.times, row.last_at = row.times + times, now
                if row.times > 1:
                    row.account = account
            session.flush()
            _forget_oldest(session)


def _forget_oldest(session: Session) -> None:
    number = session.scalar(select(func.count()).select_from(UnmappedAccount)) or 0
    if number > MOST:
        oldest = select(UnmappedAccount.hash).order_by(UnmappedAccount.last_at, UnmappedAccount.hash).limit(number - MOST)
        session.execute(delete(UnmappedAccount).where(UnmappedAccount.hash.in_(oldest)))
