"""Recovery codes: ten on paper, each of which opens one recovery. They register no key and sign nobody in (attacks X2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.console_sessions import may_sign_in
from auth.notices import NoticeKind, tell
from auth.recovery_tables import RecoveryCode
from auth.row_seal import RowSeal
from auth.short_codes import new_code, read_code
from auth.storage import database_now, reading, writing
from auth.tables import Person

CODES = 10
CODE_SIGNS = 24
"""120 bits, above the 112 of ASVS 6.5.2: a plain hash says nothing about it."""


class RecoveryCodes:
    """The codes of an installation. `by` is a person id, None for the command line."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], seal: RowSeal) -> None:
        self._engine = engine
        self._record = record
        self._seal = seal

    def issue(self, person_id: str, by: str | None) -> list[str]:
        """Ten new codes, to be shown once; the earlier ones are void. Raises PermissionError for a person who is cut off."""
        codes = [new_code(CODE_SIGNS) for _ in range(CODES)]
        with writing(self._engine) as session:
            person, issuer = session.get(Person, person_id), session.get(Person, by) if by else None
            if person is None or not may_sign_in(person):
                raise PermissionError("there is no such person, or the person is frozen or gone")
            now = database_now(session)
            unused = select(RecoveryCode).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
            for row in session.scalars(unused):
                row.used_at = now
                self._seal.put(row)
            name = issuer.pseudonym if issuer else None
            facts = {"codes": len(codes)}
            at = datetime.now(UTC)
            self._record(plain_event(EventAction.RECOVERY_CODES_ISSUED, at=at, pseudonym=name, subject=person.pseudonym, numbers=facts))
            for code in codes:
                row = RecoveryCode(hash=_hash(read_code(code, CODE_SIGNS) or ""), person_id=person_id, created_at=now)
                self._seal.put(row)
                session.add(row)
            tell(session, NoticeKind.CODES, person_id, now, facts)
        return codes

    def left(self, person_id: str) -> int:
        """Codes that can still be used."""
        with reading(self._engine) as session:
            mine = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
            return session.scalar(mine) or 0

    def use(self, session: Session, person_id: str, typed: str, now: datetime) -> bool:
        """Use up a code of this person in this transaction, once; False if it is none, used, or a row that is not ours."""
        code = read_code(typed, CODE_SIGNS)
        row = session.get(RecoveryCode, _hash(code)) if code is not None else None
        if row is None or row.person_id != person_id or row.used_at is not None or not self._seal.holds(row):
            return False
        row.used_at = now
        self._seal.put(row)
        return True


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
