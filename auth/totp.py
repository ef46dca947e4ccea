"""Codes of an authenticator app (TOTP, RFC 6238): SHA-1, 6 digits, steps of 30 seconds. The only file that knows pyotp.

Weaker than a key: a code can be talked out of people and is bound to no act. So it does where a rule says so and little is at stake
(`policies.needs.BY_CODE`), signs nobody in and registers no key (attacks X2). The checks of a code:

 1. of its person or its network no more than 5 codes were refused in 15 minutes; beyond that it is not looked at
 2. the app is enrolled, its first code was confirmed, and it is not locked
 3. six ASCII digits, with blanks as apps show them; nothing else is a digit
 4. it is that of this step, the one before or the one after (RFC 6238, section 5.2)
 5. its step is later than every step that was accepted: once, and never again when a clock is set back

With 3 codes of a million right at any time, 20 wrong ones let 1 guess of 16,700 through: then the app is locked for good, with an alarm.
A right code takes none of them back, or a thief would guess between two uses. Enrolled anew with the key, it starts again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.code_tries import Purpose, Tries
from auth.console_sessions import may_sign_in
from auth.notices import NoticeKind, tell
from auth.storage import database_now, hits_one, reading, writing
from auth.tables import Person
from auth.totp_tables import TotpSeed

KEY_FILE = "totp.key"
"""Of the key under which seeds are encrypted, in `state/keys`; every machine of an installation has the same one."""
STEP_SECONDS = 30
SEED_CHARACTERS = 32
"""Of base32: 160 bits, as RFC 4226, section 4 recommends."""
MAX_FAILURES = 20
"""Then the app is locked (promises, section 4)."""
ISSUER = "Torwart"
_CODE = re.compile(r"[0-9]{6}")
_NONCE_BYTES = 12


class CodeRefusedError(Exception):
    """A code was not accepted. The text is the same for every cause; `cause` is a code for record and tests."""

    def __init__(self, cause: str) -> None:
        super().__init__("The code was not accepted. Please wait for the next one and try again, or ask your administrator.")
        self.cause = cause


class AppState(StrEnum):
    """How an authenticator app stands."""

    NONE = "none"
    WAITING = "waiting"
    """Enrolled, and its first code is awaited."""
    READY = "ready"
    LOCKED = "locked"
    """Too many wrong codes."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What is shown once, for the app to take over."""

    seed: str
    """Base32, to be typed where no picture can be taken."""
    address: str
    """`otpauth://` address; what the picture says."""
    picture: str
    """One-time word of the picture's address."""


class Totp:
    """The authenticator apps of one installation. Every change is recorded before it holds; `by` is a person id, None: command line."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[Event], object],
        key: bytes,
        *,
        now: Callable[[Session], datetime] = database_now,
    ) -> None:
        """`key`: 32 random bytes, of `KEY_FILE`. `now`: the clock that the steps are of."""
        self._engine = engine
        self._record = record
        self._cipher = AESGCM(key)
        self._tries = Tries(hashlib.blake2b(b"torwart sources", key=key, digest_size=32).digest())
        self._now = now

    @property
    def tries(self) -> Tries:
        """The refused codes, for what else takes codes."""
        return self._tries

    def state(self, person_id: str) -> AppState:
        """How the person's app stands."""
        with reading(self._engine) as session:
            row = session.get(TotpSeed, person_id)
        if row is None:
            return AppState.NONE
        if row.locked_at is not None:
            return AppState.LOCKED
        return AppState.READY if row.confirmed_at is not None else AppState.WAITING

    def begin(self, person_id: str) -> Enrolled:
        """A new seed for a person who has proven to be there with the key. An unconfirmed one is replaced.

        Raises PermissionError for a person who is cut off, and where an app is in use or locked: it is removed first.
        """
        seed, picture = pyotp.random_base32(SEED_CHARACTERS), secrets.token_urlsafe(24)
        with writing(self._engine) as session:
            person, row = session.get(Person, person_id), session.get(TotpSeed, person_id)
            if person is None or not may_sign_in(person) or (row is not None and (row.confirmed_at or row.locked_at)):
                raise PermissionError("no app can be enrolled for this person now")
            if row is not None:
                session.delete(row)
                session.flush()
            nonce = secrets.token_bytes(_NONCE_BYTES)
            sealed = nonce + self._cipher.encrypt(nonce, seed.encode(), person_id.encode())
            now = database_now(session)
            session.add(TotpSeed(person_id=person_id, sealed=sealed, picture_hash=_hash(picture), created_at=now, last_step=0, failures=0))
        return Enrolled(seed, _address(seed, person.email), picture)

    def picture(self, person_id: str, word: str) -> str | None:
        """What the picture of an enrolment says, once; None: it was fetched, or there is none. Raises InvalidTag for a foreign row."""
        with writing(self._engine) as session:
            once = update(TotpSeed).where(
                TotpSeed.person_id == person_id, TotpSeed.picture_hash == _hash(word), TotpSeed.confirmed_at.is_(None)
            )
            if not hits_one(session, once.values(picture_hash=None)):
                return None
            return _address(self._seed(session.get_one(TotpSeed, person_id)), session.get_one(Person, person_id).email)

    def confirm(self, person_id: str, code: str, source: str | None) -> None:
        """The app has the seed: its first code says so, and is used up by it. Raises CodeRefusedError."""
        with writing(self._engine) as session:
            cause = self._checked(session, person_id, code, source, confirmed=False)
            if cause is None:
                session.get_one(TotpSeed, person_id).confirmed_at = database_now(session)
                pseudonym = session.get_one(Person, person_id).pseudonym
                self._record(plain_event(EventAction.TOTP_ENROLLED, at=datetime.now(UTC), pseudonym=pseudonym, subject=pseudonym))
        if cause is not None:
            raise CodeRefusedError(cause)

    def use(self, person_id: str, code: str, source: str | None) -> int:
        """Use up a code; its step. Raises CodeRefusedError, with one text for all causes; the refusal, and a lock, are recorded."""
        with writing(self._engine) as session:
            cause = self._checked(session, person_id, code, source, confirmed=True)
            row = session.get(TotpSeed, person_id)
            step = row.last_step if row is not None else 0
        if cause is not None:
            raise CodeRefusedError(cause)
        return step

    def remove(self, person_id: str, by: str | None) -> bool:
        """Take the app away; False if there was none."""
        with writing(self._engine) as session:
            row = session.get(TotpSeed, person_id)
            if row is None:
                return False
            person, issuer = session.get_one(Person, person_id), session.get(Person, by) if by else None
            session.delete(row)
            name = issuer.pseudonym if issuer else None
            self._record(plain_event(EventAction.TOTP_REMOVED, at=datetime.now(UTC), pseudonym=name, subject=person.pseudonym))
        return True

    def _checked(self, session: Session, person_id: str, code: str, source: str | None, *, confirmed: bool) -> str | None:
        """Run the checks and use up the step; what was wrong, recorded, or None."""
        now, row = self._now(session), session.get(TotpSeed, person_id)
        person = session.get(Person, person_id)
        cause, counts = self._fault(session, person, row, code, source, now, confirmed=confirmed)
        if cause is None:
            return None
        if counts:
            self._tries.refused(session, Purpose.TOTP, now, person_id=person_id if person else None, source=source)
        said = {"purpose": Purpose.TOTP.value, "cause": cause}
        name = person.pseudonym if person is not None else None
        event = plain_event(EventAction.CODE_REFUSED, at=datetime.now(UTC), pseudonym=name, outcome="failure", numbers=said)
        self._record(event)
        if counts and row is not None and row.locked_at is None and person is not None:
            row.failures += 1
            if row.failures >= MAX_FAILURES:
                row.locked_at = database_now(session)
                alarm = {"failures": row.failures}
                tell(session, NoticeKind.TOTP_LOCKED, person.id, row.locked_at, alarm)
                at = datetime.now(UTC)
                self._record(
                    plain_event(EventAction.TOTP_LOCKED, at=at, pseudonym=name, subject=name, outcome="failure", numbers=alarm, severity=73)
                )
        return cause

    def _fault(
        self,
        session: Session,
        person: Person | None,
        row: TotpSeed | None,
        code: str,
        source: str | None,
        now: datetime,
        *,
        confirmed: bool,
    ) -> tuple[str | None, bool]:
        """What is wrong with a code, and whether it counts as a try; (None, False) and its step used up if it is right."""
        person_id = person.id if person is not None else None
        if self._tries.too_many(session, Purpose.TOTP, now, person_id=person_id, source=source):  # 1
            return "too_many", False
        if person is None or not may_sign_in(person):
            return "person", True
        if row is None or row.locked_at is not None or (row.confirmed_at is not None) is not confirmed:  # 2
            return ("locked" if row is not None and row.locked_at is not None else "no_app"), True
        digits = code.strip(" ").replace(" ", "") if len(code) <= 16 else ""
        if not _CODE.fullmatch(digits):  # 3
            return "malformed", True
        try:
            step = self._step(row, digits, now)
        except InvalidTag:  # the row belongs to another key or person: somebody has written into the database
            return "seed", True
        if step is None:  # 4
            return "wrong", True
        if step <= row.last_step:  # 5
            return "used", True
        row.last_step = step
        return None, False

    def _step(self, row: TotpSeed, digits: str, now: datetime) -> int | None:
        """The latest step of the window that has this code; all are computed, whichever it is."""
        codes = pyotp.HOTP(self._seed(row))
        this = int(now.timestamp()) // STEP_SECONDS
        found = [step for step in (this - 1, this, this + 1) if hmac.compare_digest(codes.at(step), digits)]
        return max(found, default=None)

    def _seed(self, row: TotpSeed) -> str:
        """Raises InvalidTag for a row that another installation, or somebody in the database, has written."""
        return self._cipher.decrypt(row.sealed[:_NONCE_BYTES], row.sealed[_NONCE_BYTES:], row.person_id.encode()).decode()


def _address(seed: str, email: str) -> str:
    return pyotp.TOTP(seed).provisioning_uri(name=email, issuer_name=ISSUER)


def _hash(word: str) -> str:
    """The word has 192 random bits: a plain hash says nothing about it."""
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()
