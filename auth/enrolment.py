"""Who may register a key: one-time tokens from an administrator, and the challenges of registration and sign-in that wait for answers."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.client_data import CeremonyFault
from auth.console_sessions import may_sign_in
from auth.row_seal import RowSeal, tampered
from auth.storage import database_now, hits_one, reading, writing
from auth.suspicion import is_suspected
from auth.tables import Ceremony, EnrolmentToken, Person
from policies.request import KeyClass

CHALLENGE_BYTES = 32
CEREMONY_SECONDS = 300
"""Time to find the key, and to set its PIN at the first use."""
MAX_CEREMONIES = 1000
"""Open sign-ins and registrations; the oldest give way, because a sign-in page is open to everybody who can reach it."""
OWN_HOURS = 1 / 6
"""Of a token for a further key of one's own: the person is at the page."""
REGISTER = "register"
SIGN_IN = "sign-in"


class TokenError(Exception):
    """A token cannot be issued; the text says why."""


class Enrolment:
    """Tokens and ceremonies. Both are single use, and used up *before* anything of the answer is looked at."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], seal: RowSeal | None = None) -> None:
        """`seal`: the installation's; without it no token can be issued or used."""
        self._engine = engine
        self._record = record
        self._seal = seal

    def issue(
        self,
        person_id: str,
        by: str | None,
        hours: float,
        *,
        demo: bool = False,
        seconded: bool = False,
        lent_until: datetime | None = None,
    ) -> str:
        """A new token for this person's next key; earlier unused ones are void. `by` is a person id, None for the command line.

        `seconded`: a second administrator has said yes. `lent_until`: the envelope issues it, for a key of some hours.

        Raises TokenError for a person who may not sign in, for oneself, who needs a witness (attacks X2, law 9), and while a serious alert
        about the person is open and nobody has seconded it (promises E87).
        """
        if by == person_id:
            raise TokenError("nobody issues a token to themselves: ask another administrator")
        return self._issue(person_id, by, hours, demo=demo, seconded=seconded, lent_until=lent_until)

    def issue_own(self, person_id: str, touched: KeyClass, lent_until: datetime | None = None) -> str:
        """A token for a further key of whoever has just touched an own key of this class; it lets in none of a higher one (attacks X2).
        A key that the envelope has lent lets in none that lasts longer (`lent_until`).

        Raises TokenError for a person who may not sign in, and while a serious alert about them is open.
        """
        return self._issue(person_id, person_id, OWN_HOURS, most=touched, lent_until=lent_until)

    def _issue(
        self,
        person_id: str,
        by: str | None,
        hours: float,
        *,
        demo: bool = False,
        seconded: bool = False,
        most: KeyClass | None = None,
        lent_until: datetime | None = None,
    ) -> str:
        token, seal = secrets.token_urlsafe(32), self._sealing()
        with writing(self._engine) as session:
            person, issuer = session.get(Person, person_id), session.get(Person, by) if by else None
            if person is None or not may_sign_in(person):
                raise TokenError("there is no such person, or the person is frozen or gone")
            if not seconded and is_suspected(session, person):
                raise TokenError("a second administrator has to agree to this key: `torwart keys token PERSON` asks for it")
            now = database_now(session)
            unused = update(EnrolmentToken).where(EnrolmentToken.person_id == person_id, EnrolmentToken.used_at.is_(None))
            session.execute(unused.values(used_at=now))
            row = EnrolmentToken(
                hash=_hash(token),
                person_id=person_id,
                issued_by=by,
                demo=demo,
                seconded=seconded,
                most=most.value if most is not None else None,
                lent_until=lent_until,
                created_at=now,
                expires_at=now + timedelta(hours=hours),
            )
            session.add(row)
            by_name = issuer.pseudonym if issuer else None
            self._record(plain_event(EventAction.TOKEN_ISSUED, at=datetime.now(UTC), pseudonym=by_name, subject=person.pseudonym))
            session.flush()
            seal.put(row)
        return token

    def _sealing(self) -> RowSeal:
        if self._seal is None:
            raise RuntimeError("tokens are issued and used by whoever has the installation's seal")
        return self._seal

    def person_of(self, token: str) -> Person | None:
        """The person that a token that can still be used was issued for."""
        with reading(self._engine) as session:
            found = _usable(session, token)
            return found[1] if found else None

    def use(self, session: Session, token: str) -> tuple[EnrolmentToken, Person]:
        """Use up a token in this transaction, once. Raises CeremonyFault if it is unknown, used, too old, or its person cut off.

        Also where a serious alert about the person was opened since, and the token was given by one administrator alone; and where the
        row is not as one of our processes left it, which is an alarm.
        """
        found, seal = _usable(session, token), self._sealing()
        if found is None:
            raise CeremonyFault("token")
        row, person = found
        if not seal.holds(row):
            self._record(tampered("enrolment_tokens", row.hash[:12], pseudonym=person.pseudonym, cause="seal"))
            raise CeremonyFault("seal")
        if not row.seconded and is_suspected(session, person):
            raise CeremonyFault("alert_open")
        row.used_at = database_now(session)
        session.flush()
        seal.put(row)
        return row, person

    def begin(self, purpose: str, token: str | None = None) -> tuple[str, bytes]:
        """Keep a new random challenge; its id and bytes."""
        challenge, ceremony_id = secrets.token_bytes(CHALLENGE_BYTES), secrets.token_urlsafe(24)
        with writing(self._engine) as session:
            now = database_now(session)
            session.execute(delete(Ceremony).where(Ceremony.expires_at <= now))
            old = select(Ceremony.id).where(Ceremony.purpose == purpose).order_by(Ceremony.expires_at.desc()).offset(MAX_CEREMONIES - 1)
            session.execute(delete(Ceremony).where(Ceremony.id.in_(old)))
            session.add(
                Ceremony(
                    id=ceremony_id,
                    purpose=purpose,
                    token_hash=_hash(token) if token is not None else None,
                    challenge=challenge,
                    expires_at=now + timedelta(seconds=CEREMONY_SECONDS),
                )
            )
        return ceremony_id, challenge

    def consume(self, purpose: str, challenge: bytes, token: str | None = None, ceremony_id: str | None = None) -> None:
        """Use up a challenge, once. Raises CeremonyFault if it is unknown, used, too old, or another token's or ceremony's."""
        question = [Ceremony.purpose == purpose, Ceremony.challenge == challenge, Ceremony.used_at.is_(None)]
        if token is not None:
            question.append(Ceremony.token_hash == _hash(token))
        if ceremony_id is not None:
            question.append(Ceremony.id == ceremony_id)
        with writing(self._engine) as session:
            now = database_now(session)
            if not hits_one(session, update(Ceremony).where(*question, Ceremony.expires_at > now).values(used_at=now)):
                raise CeremonyFault("challenge_used")


def usable_tokens(session: Session, person_id: str) -> int:
    """How many tokens of this person would still register a key."""
    unused = select(EnrolmentToken.hash).where(EnrolmentToken.person_id == person_id, EnrolmentToken.used_at.is_(None))
    waiting = list(session.scalars(unused.where(EnrolmentToken.expires_at > database_now(session))))
    return len(waiting) if may_sign_in(session.get_one(Person, person_id)) else 0


def _usable(session: Session, token: str) -> tuple[EnrolmentToken, Person] | None:
    row = session.get(EnrolmentToken, _hash(token))
    if row is None or row.used_at is not None or row.expires_at <= database_now(session):
        return None
    person = session.get_one(Person, row.person_id)
    return (row, person) if may_sign_in(person) else None


def _hash(token: str) -> str:
    """The token has 256 random bits: a plain hash says nothing about it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
