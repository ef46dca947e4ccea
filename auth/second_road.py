"""The second road: where no key can be used, the act is confirmed on another device of its person, which a short code leads there.

The code confirms nothing. It finds the act, on Torwart's own host, for its own person who is signed in there with the key; what is shown
and signed is the act itself, with its own challenge. Both screens show the code and the same words: who was sent the code of another act
sees another one. It is kept as a keyed hash, ends with the act, and can be used once.

A code of somebody else's act is a wrong one. After five wrong ones in 15 minutes the person's own codes are void and no further one is
looked at; after thirty of all people nobody's is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Engine, func, select, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.act import StepUpRefused
from auth.code_tries import Purpose, Tries
from auth.console_sessions import may_sign_in
from auth.short_codes import new_code, read_code
from auth.stepup import StepUp
from auth.storage import database_now, hits_one, reading, writing
from auth.tables import Act, Person
from auth.totp import CodeRefusedError
from auth.totp_tables import SecondRoad

CODE_SIGNS = 8
"""40 bits: the chance of five guesses at three open codes is 1 in 70,000 million."""
MAX_GUESSES, MAX_GUESSES_IN_ALL = 5, 30
"""Wrong codes in 15 minutes, of one person or network and of everybody."""
MAX_CODES = 5
"""Of one act."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What the waiting screen shows."""

    code: str
    expires_at: datetime
    """With the act."""


class SecondRoads:
    """The codes of one installation."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], stepup: StepUp, tries: Tries, key: bytes) -> None:
        """`key`: 32 random bytes under which codes are hashed."""
        self._engine = engine
        self._record = record
        self._stepup = stepup
        self._tries = tries
        self._key = hashlib.blake2b(b"torwart second road", key=key, digest_size=32).digest()

    def offer(self, act_id: str) -> Offered:
        """A new code for an act that waits; an earlier one is void. Raises StepUpRefused for one that does not, or has had too many."""
        code = new_code(CODE_SIGNS)
        act = self._stepup.get(act_id)
        if act is None or act.state != "open":
            raise StepUpRefused("not_open")
        with writing(self._engine) as session:
            now = database_now(session)
            if (session.scalar(select(func.count()).select_from(SecondRoad).where(SecondRoad.act_id == act.id)) or 0) >= MAX_CODES:
                raise StepUpRefused("too_many_codes")
            self._void(session, now, SecondRoad.act_id == act.id)
            made = {"act_id": act.id, "person_id": act.person_id, "created_at": now, "expires_at": act.expires_at}
            session.add(SecondRoad(code_hash=self._hash(read_code(code, CODE_SIGNS) or ""), **made))
        return Offered(code, act.expires_at)

    def find(self, person_id: str, typed: str, source: str | None) -> Act:
        """The act of this person that a code leads to, once. Raises CodeRefusedError with one text for all causes; it is recorded."""
        with writing(self._engine) as session:
            now = database_now(session)
            found = self._look(session, person_id, typed, source, now)
            person = session.get(Person, person_id)
            name = person.pseudonym if person is not None else None
            if isinstance(found, SecondRoad):
                said = plain_event(EventAction.SECOND_ROAD_OPENED, at=datetime.now(UTC), pseudonym=name, act_id=found.act_id)
                self._record(said)
            else:
                facts = {"purpose": Purpose.SECOND_ROAD.value, "cause": found}
                self._record(plain_event(EventAction.CODE_REFUSED, at=datetime.now(UTC), pseudonym=name, outcome="failure", numbers=facts))
        act = self._stepup.get(found.act_id) if isinstance(found, SecondRoad) else None
        if act is None:
            raise CodeRefusedError("not_open" if isinstance(found, SecondRoad) else found)
        return act

    def led_here(self, act_id: str, typed: str) -> str | None:
        """The code by which an act was opened, as it is shown on both screens; None if it was not by this one."""
        code = read_code(typed, CODE_SIGNS)
        if code is None:
            return None
        with reading(self._engine) as session:
            row = session.get(SecondRoad, self._hash(code))
        return f"{code[:4]}-{code[4:]}" if row is not None and row.act_id == act_id and row.ended_at is not None else None

    def _look(self, session: Session, person_id: str, typed: str, source: str | None, now: datetime) -> SecondRoad | str:
        """The row of a right code, used up; else what was wrong."""
        purpose, person = Purpose.SECOND_ROAD, session.get(Person, person_id)
        if person is None or not may_sign_in(person):
            return "person"
        if self._tries.in_all(session, purpose, now) >= MAX_GUESSES_IN_ALL:
            return "too_many_in_all"
        if self._tries.too_many(session, purpose, now, person_id=person_id, source=source, most=MAX_GUESSES):
            return "too_many"
        code = read_code(typed, CODE_SIGNS)
        row = session.get(SecondRoad, self._hash(code)) if code is not None else None
        if row is not None and row.person_id == person_id and row.expires_at > now:
            once = update(SecondRoad).where(SecondRoad.code_hash == row.code_hash, SecondRoad.ended_at.is_(None))
            if hits_one(session, once.values(ended_at=now)):
                return row
        self._tries.refused(session, purpose, now, person_id=person_id, source=source)
        session.flush()
        if self._tries.too_many(session, purpose, now, person_id=person_id, source=source, most=MAX_GUESSES):
            self._void(session, now, SecondRoad.person_id == person_id)
        return "wrong" if code is not None else "malformed"

    def _void(self, session: Session, now: datetime, which: ColumnElement[bool]) -> None:
        session.execute(update(SecondRoad).where(which, SecondRoad.ended_at.is_(None)).values(ended_at=now))

    def _hash(self, code: str) -> str:
        return hashlib.blake2b(code.encode(), key=self._key, digest_size=32).hexdigest()
