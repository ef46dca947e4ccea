"""The sealed account for the day on which no administrator can sign in: one code in an envelope, which makes somebody one for some hours.

It is loud: the record has it as an alarm, every reviewer and the addresses outside get a mail. It ends by itself, whether or not anything
of Torwart runs then, and the envelope is void after one use. Who has used it has no more rights on clients than before: the role counts on
Torwart's own pages alone, and for no approval. A key that it lets in, and any that this one lets in, is locked when it is over, counts for
nothing from that moment on whether or not somebody locks it, and has no voice in approvals.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.code_tries import Purpose, Tries
from auth.console_sessions import may_sign_in
from auth.enrolment import Enrolment
from auth.keys import Keys
from auth.notices import NoticeKind, tell
from auth.recovery_settings import RecoverySettings
from auth.recovery_tables import BreakGlass
from auth.row_seal import RowSeal, tampered
from auth.short_codes import new_code, read_code
from auth.storage import database_now, reading, writing
from auth.suspicion import is_suspected
from auth.tables import EnrolmentToken, Key, Person
from auth.totp import CodeRefusedError

CODE_SIGNS = 24
"""120 bits: nobody guesses one, and a plain hash says nothing about it (ASVS 6.5.2)."""
ROLE = "admin"
MAX_TRIES = 5
"""Wrong codes of everybody in 15 minutes that are told as such; those beyond are a flood. The right one opens in any case."""
ENVELOPE = "envelope"
"""Why a key is locked that an envelope let in: it is over."""
ALARM = 99
"""`event.severity` of its use, on a scale of 100."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What the envelope gave."""

    person_id: str
    until: datetime
    token: str
    """For a new key of the person: to be used within the same time."""


class BreakGlasses:
    """The envelopes of one installation. `by` is a person id, None for the command line."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[Event], object],
        keys: Keys,
        tries: Tries,
        seal: RowSeal,
        settings: RecoverySettings,
    ) -> None:
        self._engine = engine
        self._keys = keys
        self._record = record
        self._tries = tries
        self._seal = seal
        self._hours = settings.break_glass_hours
        self._enrolment = Enrolment(engine, record, seal)

    def seal(self, by: str | None) -> str:
        """A new code for the envelope, to be printed once; the earlier one is void."""
        code = new_code(CODE_SIGNS)
        with writing(self._engine) as session:
            now = database_now(session)
            for row in session.scalars(select(BreakGlass).where(BreakGlass.void_at.is_(None), BreakGlass.used_at.is_(None))):
                row.void_at = now
                self._seal.put(row)
            issuer = session.get(Person, by) if by else None
            name = issuer.pseudonym if issuer else None
            self._record(plain_event(EventAction.BREAK_GLASS_SEALED, at=datetime.now(UTC), pseudonym=name))
            row = BreakGlass(id=secrets.token_hex(12), code_hash=_hash(read_code(code, CODE_SIGNS)), sealed_at=now, sealed_by=by)
            self._seal.put(row)
            session.add(row)
        return code

    def sealed(self) -> BreakGlass | None:
        """The envelope that could be used now."""
        with reading(self._engine) as session:
            return self._unused(session)

    def open(self, code: str, email: str, source: str | None) -> Opened:
        """Use the envelope for the person of this address. Raises CodeRefusedError with one text for all causes; it is recorded."""
        typed = read_code(code, CODE_SIGNS)
        with writing(self._engine) as session:
            row = self._unused(session)
            now, person = database_now(session), session.scalar(select(Person).where(Person.email == email.strip().lower()[:320]))
            cause = self._fault(session, row, person, typed)
            if cause is not None and self._closed(session):
                cause = "too_many"
            person_id, until = person.id if person is not None else "", now
            if cause is None and row is not None and person is not None:
                until = self._opened(session, session.get_one(BreakGlass, row.id), person, now)
            elif cause != "too_many":
                self._tries.refused(session, Purpose.BREAK_GLASS, now, person_id=None, source=source)
            if cause is not None:
                facts = {"purpose": Purpose.BREAK_GLASS.value, "cause": cause}
                at = datetime.now(UTC)
                self._record(plain_event(EventAction.CODE_REFUSED, at=at, outcome="failure", numbers=facts, severity=73))
        if cause is not None:
            raise CodeRefusedError(cause)
        return Opened(person_id, until, self._enrolment.issue(person_id, None, self._hours, lent_until=until))

    def roles_of(self, person_id: str, proven_at: datetime | None = None) -> frozenset[str]:
        """The role that an envelope gives this person now, on Torwart's own pages; empty for everybody else.

        `proven_at`: when the key of the sign-in touched last. One from before the envelope was opened has nothing of it.
        """
        with reading(self._engine) as session:
            now = database_now(session)
            given = select(BreakGlass).where(BreakGlass.person_id == person_id, BreakGlass.until > now, BreakGlass.ended_at.is_(None))
            for row in session.scalars(given):
                if proven_at is not None and row.used_at is not None and proven_at < row.used_at:
                    continue
                if self._seal.holds(row):
                    return frozenset({ROLE})
                self._record(tampered("break_glass", row.id, pseudonym=None, cause="seal"))
        return frozenset()

    def in_use(self) -> list[BreakGlass]:
        """Envelopes whose time is not over."""
        with reading(self._engine) as session:
            now = database_now(session)
            return list(session.scalars(select(BreakGlass).where(BreakGlass.until > now, BreakGlass.ended_at.is_(None))))

    def end(self, *, all_of_them: bool = False) -> int:
        """Record which are over (with `all_of_them` end them now), and say that a new envelope is needed; how many.

        The keys that they let in are locked first: an end that is cut short is done again.
        """
        self._lock_lent(all_of_them=all_of_them)
        with writing(self._engine) as session:
            now, ended = database_now(session), 0
            for row in session.scalars(select(BreakGlass).where(BreakGlass.used_at.is_not(None), BreakGlass.ended_at.is_(None))):
                if row.person_id is None or (not all_of_them and row.until is not None and row.until > now):
                    continue
                person = session.get_one(Person, row.person_id)
                said = plain_event(EventAction.BREAK_GLASS_ENDED, at=datetime.now(UTC), subject=person.pseudonym)
                self._record(said)
                row.ended_at = now
                self._seal.put(row)
                tell(session, NoticeKind.BREAK_GLASS_ENDED, person.id, now, outside=True)
                ended += 1
            return ended

    def _lock_lent(self, *, all_of_them: bool) -> None:
        """Lock the keys whose envelope is over, and make void what would still let one in."""
        with writing(self._engine) as session:
            now = database_now(session)
            tokens = update(EnrolmentToken).where(EnrolmentToken.lent_until.is_not(None), EnrolmentToken.used_at.is_(None))
            keys = select(Key.id).where(Key.lent_until.is_not(None), Key.locked_at.is_(None))
            if not all_of_them:
                tokens, keys = tokens.where(EnrolmentToken.lent_until <= now), keys.where(Key.lent_until <= now)
            session.execute(tokens.values(used_at=now))
            over = list(session.scalars(keys))
        for key_id in over:
            self._keys.lock(key_id, None, ENVELOPE)

    def _unused(self, session: Session) -> BreakGlass | None:
        question = select(BreakGlass).where(BreakGlass.void_at.is_(None), BreakGlass.used_at.is_(None))
        row = session.scalars(question.order_by(BreakGlass.sealed_at.desc())).first()
        if row is not None and not self._seal.holds(row):
            self._record(tampered("break_glass", row.id, pseudonym=None, cause="seal"))
            return None
        return row

    def _closed(self, session: Session) -> bool:
        return self._tries.in_all(session, Purpose.BREAK_GLASS, database_now(session)) >= MAX_TRIES

    def _fault(self, session: Session, row: BreakGlass | None, person: Person | None, typed: str | None) -> str | None:
        """What is wrong; somebody about whom a serious alert is open is nobody for this (promises E87)."""
        right = hmac.compare_digest(row.code_hash if row is not None else "", _hash(typed))
        if row is None:
            return "not_sealed"
        if not right or typed is None:
            return "wrong"
        return None if person is not None and may_sign_in(person) and not is_suspected(session, person) else "person"

    def _opened(self, session: Session, row: BreakGlass, person: Person, now: datetime) -> datetime:
        """Use it up; until when it makes this person an administrator."""
        until = now + timedelta(hours=self._hours)
        facts, at = {"hours": round(self._hours)}, datetime.now(UTC)
        self._record(plain_event(EventAction.BREAK_GLASS_USED, at=at, subject=person.pseudonym, numbers=facts, severity=ALARM))
        row.used_at, row.person_id, row.until = now, person.id, until
        self._seal.put(row)
        tell(session, NoticeKind.BREAK_GLASS_USED, person.id, now, {"until": until.isoformat(timespec="minutes")}, outside=True)
        return until


def _hash(code: str | None) -> str:
    return hashlib.sha256((code or "").encode()).hexdigest()
