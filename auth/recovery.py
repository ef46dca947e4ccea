"""Lost keys: a person gets a new one by a second person's yes and after a delay in which everybody concerned has heard of it.

Nobody recovers alone what needs two: a recovery code, or an administrator, only opens it. What has to be there before a new key may be
registered:

 1. it is open, of ours, and its delay is over
 2. the person is not cut off
 3. others have said yes to exactly this with the own keys: one, and two while a serious alert about the person is open
 4. they are not the person, nor each other (`auth.approvals`)

Then the keys that are said to be lost are locked, and a one-time token takes the one road by which keys are registered (`auth.enrolment`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audit_store.alerts import OPEN_STATES
from audit_store.event import Event, EventAction, plain_event
from audit_store.tables import Alert
from auth.approval_request import ApprovalKind, Shown, TooManyOpenError
from auth.approvals import Approvals
from auth.code_tries import Purpose, Tries
from auth.console_sessions import may_sign_in
from auth.enrolment import Enrolment
from auth.keys import Keys
from auth.notices import NoticeKind, tell
from auth.recovery_codes import RecoveryCodes
from auth.recovery_settings import RecoverySettings
from auth.recovery_tables import Recovery
from auth.row_seal import RowSeal, tampered
from auth.storage import database_now, reading, writing
from auth.tables import Key, Person
from auth.totp import CodeRefusedError
from auth.usable_keys import people_with_voice
from policies.needs import AllOf, AnyOf, Approval, Need
from policies.request import Status

TOKEN_HOURS = 1.0
"""Of the link to register the new key: the person is at the page."""
MAX_TRIES_IN_ALL = 20
"""Wrong recovery codes of everybody in 15 minutes that are told as such; those beyond are a flood. A right one opens in any case."""
APPROVER_ROLES = ("owner", "admin")
"""Who may say yes: those who hand out keys (attacks X2)."""
LABEL_SHOWN = 40
"""Characters of a key's label that an approver is shown."""
_QUOTES = frozenset('"“”„«»')
_ISOLATE, _END = "\u2068", "\u2069"
"""FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (Unicode Standard Annex 9, section 2.4)."""


class RecoveryError(Exception):
    """It cannot be done now; the text says why and what to do."""


class Lacks(StrEnum):
    """What a recovery still waits for."""

    DELAY = "delay"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a recovery stands."""

    recovery: Recovery
    lacks: frozenset[Lacks]
    people: int
    """Others who have to say yes."""
    nobody: bool
    """There are not so many who could."""
    asker: str
    """In whose name others are asked, so that this one is none of them: the administrator who opened it, where there are enough others."""


class Recoveries:
    """The recoveries of one installation."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[Event], object],
        keys: Keys,
        approvals: Approvals,
        codes: RecoveryCodes,
        tries: Tries,
        seal: RowSeal,
        settings: RecoverySettings,
    ) -> None:
        self._engine = engine
        self._record = record
        self._keys = keys
        self._enrolment = Enrolment(engine, record, seal)
        self._approvals = approvals
        self._codes = codes
        self._tries = tries
        self._seal = seal
        self._settings = settings

    def open_by_code(self, email: str, code: str, source: str | None, *, lost: bool = True) -> str:
        """Open the recovery of whoever has this address and this code; the secret word of its page. `lost`: all keys are to be locked.

        An address that nobody has, a wrong code and one that was used take the same steps. Raises CodeRefusedError with one text for all
        causes, recorded.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            person = session.scalar(select(Person).where(Person.email == email.strip().lower()[:320]))
            cause = self._code_fault(session, person, code, source, now)
            if cause is None and person is not None:
                return self._open(session, person, None, now, in_person=False, lost=self._usable(session, person.id) if lost else ())
            facts = {"purpose": Purpose.RECOVERY.value, "cause": cause or "wrong"}
            name = person.pseudonym if person is not None else None
            self._record(plain_event(EventAction.CODE_REFUSED, at=datetime.now(UTC), pseudonym=name, outcome="failure", numbers=facts))
        raise CodeRefusedError(cause or "wrong")

    def open_for(self, person_id: str, by: str | None, lost: Sequence[str], *, in_person: bool) -> str:
        """Open the recovery of a person who has told an administrator; the secret word of its page, for the person.

        `lost` are ids of keys. Raises RecoveryError for oneself, for a person who is cut off, and for a key that is not the person's.
        """
        if by == person_id:
            raise RecoveryError("nobody opens their own recovery here: use a recovery code, or ask another administrator")
        with writing(self._engine) as session:
            person = session.get(Person, person_id)
            if person is None or not may_sign_in(person):
                raise RecoveryError("there is no such person, or the person is frozen or gone")
            if not set(lost) <= set(self._usable(session, person_id)):
                raise RecoveryError("this is no key of the person's, or it is locked already")
            return self._open(session, person, by, database_now(session), in_person=in_person, lost=tuple(lost))

    def of_word(self, word: str) -> Recovery | None:
        """The recovery whose page has this secret word."""
        with reading(self._engine) as session:
            return session.scalar(select(Recovery).where(Recovery.token_hash == _hash(word)))

    def open_ones(self, person_id: str | None = None) -> list[Recovery]:
        """Recoveries that wait, oldest first."""
        with reading(self._engine) as session:
            question = select(Recovery).where(Recovery.state == "open").order_by(Recovery.opened_at)
            return list(session.scalars(question.where(Recovery.person_id == person_id) if person_id is not None else question))

    def standing(self, recovery_id: str) -> Standing:
        """How it stands; asks for the approvals that it needs now, if nobody was asked yet. Raises RecoveryError for one that is over."""
        with reading(self._engine) as session:
            recovery, person, now = self._living(session, recovery_id)
            people = self._others(session, person)
            asker, need = self._asker(session, recovery, people)
            digest = _digest(recovery, people)
            shown = self._shown(session, recovery, person, people)
        lacks = {Lacks.DELAY} if now < recovery.ready_at else set()
        if len({proof.approver for proof in self._approvals.given(ApprovalKind.KEY_RECOVERY, asker, digest)}) < people:
            lacks.add(Lacks.APPROVAL)
            if need is not None:
                try:
                    self._approvals.ask(
                        kind=ApprovalKind.KEY_RECOVERY, requester=asker, subject=person.id, digest=digest, shown=shown, need=need
                    )
                except (TooManyOpenError, PermissionError) as error:
                    raise RecoveryError(str(error)) from None
        return Standing(recovery, frozenset(lacks), people, need is None, asker)

    def finish(self, word: str) -> str:
        """The one-time token for the new key; the lost ones are locked. Raises RecoveryError that says what is missing."""
        known = self.of_word(word)
        if known is None:
            raise RecoveryError("there is no such recovery")
        standing = self.standing(known.id)  # 1, 2
        if Lacks.DELAY in standing.lacks:
            raise RecoveryError("the delay is not over yet")
        person_id, digest = known.person_id, _digest(known, standing.people)
        proofs = self._approvals.take(ApprovalKind.KEY_RECOVERY, standing.asker, digest)
        approvers = {proof.approver for proof in proofs or ()} - {person_id}
        if len(approvers) < standing.people:  # 3, 4
            raise RecoveryError("others have not said yes yet")
        with writing(self._engine) as session:
            recovery, person, now = self._living(session, known.id)
            facts: dict[str, int | str] = {"result": "done", "locked": len(recovery.lost), "approvers": len(approvers)}
            said = plain_event(EventAction.RECOVERY_ENDED, at=datetime.now(UTC), subject=person.pseudonym, numbers=facts)
            self._record(said)
            recovery.state, recovery.ended_at = "done", now
            self._seal.put(recovery)
            tell(session, NoticeKind.DONE, person.id, now)
        for key_id in known.lost:
            self._keys.lock(key_id, None, "lost")
        return self._enrolment.issue(person_id, min(approvers), TOKEN_HOURS, seconded=standing.people > 1)

    def cancel(self, recovery_id: str, by: str | None) -> bool:
        """Stop it: the person, who has the key after all, or a reviewer. False if it was over."""
        with writing(self._engine) as session:
            recovery = session.get(Recovery, recovery_id)
            if recovery is None or recovery.state != "open":
                return False
            person, now = session.get_one(Person, recovery.person_id), database_now(session)
            who = session.get(Person, by) if by else None
            name, at = who.pseudonym if who else None, datetime.now(UTC)
            facts = {"result": "cancelled"}
            self._record(
                plain_event(EventAction.RECOVERY_ENDED, at=at, pseudonym=name, subject=person.pseudonym, outcome="failure", numbers=facts)
            )
            recovery.state, recovery.ended_at, recovery.ended_by = "cancelled", now, by
            self._seal.put(recovery)
            tell(session, NoticeKind.CANCELLED, person.id, now)
            return True

    def expire(self) -> int:
        """End what nobody finished in time, and whose person is cut off, each recorded; how many."""
        with writing(self._engine) as session:
            now, ended = database_now(session), 0
            for recovery in session.scalars(select(Recovery).where(Recovery.state == "open")):
                person = session.get_one(Person, recovery.person_id)
                if recovery.expires_at > now and may_sign_in(person):
                    continue
                facts = {"result": "expired"}
                at = datetime.now(UTC)
                self._record(plain_event(EventAction.RECOVERY_ENDED, at=at, subject=person.pseudonym, outcome="failure", numbers=facts))
                recovery.state, recovery.ended_at = "expired", now
                self._seal.put(recovery)
                ended += 1
            return ended

    def _code_fault(self, session: Session, person: Person | None, code: str, source: str | None, now: datetime) -> str | None:
        """What is wrong, and noted as a try; None: the code is right and used up."""
        person_id = person.id if person is not None else None
        right = self._codes.use(session, person_id or "", code, now)
        if right and person is not None and may_sign_in(person):
            return None  # however many wrong ones came before: nobody guesses 120 bits, and nobody may shut this road for others
        if self._tries.in_all(session, Purpose.RECOVERY, now) >= MAX_TRIES_IN_ALL:
            return "too_many_in_all"
        if self._tries.too_many(session, Purpose.RECOVERY, now, person_id=person_id, source=source):
            return "too_many"
        self._tries.refused(session, Purpose.RECOVERY, now, person_id=person_id, source=source)
        return "wrong" if person is None or may_sign_in(person) else "person"

    def _open(self, session: Session, person: Person, by: str | None, now: datetime, *, in_person: bool, lost: Sequence[str]) -> str:
        """A new recovery in this transaction; earlier ones of the person end."""
        for earlier in session.scalars(select(Recovery).where(Recovery.person_id == person.id, Recovery.state == "open")):
            earlier.state, earlier.ended_at = "cancelled", now
            self._seal.put(earlier)
        word, wait = secrets.token_urlsafe(32), self._settings.in_person_delay_hours if in_person else self._settings.delay_hours
        ready = now + timedelta(hours=wait)
        recovery = Recovery(
            id=secrets.token_hex(12),
            person_id=person.id,
            token_hash=_hash(word),
            opened_by=by,
            in_person=in_person,
            lost=sorted(lost),
            state="open",
            opened_at=now,
            ready_at=ready,
            expires_at=ready + timedelta(hours=self._settings.open_hours),
        )
        opener = session.get(Person, by) if by else None
        name, at = opener.pseudonym if opener else None, datetime.now(UTC)
        facts: dict[str, int | str] = {"lost": len(recovery.lost), "hours": round(wait), "by": "administrator" if by else "code"}
        self._record(plain_event(EventAction.RECOVERY_OPENED, at=at, pseudonym=name, subject=person.pseudonym, numbers=facts))
        self._seal.put(recovery)
        session.add(recovery)
        tell(session, NoticeKind.OPENED, person.id, now, {"ready_at": ready.isoformat(timespec="minutes"), "lost": len(recovery.lost)})
        return word

    def _living(self, session: Session, recovery_id: str) -> tuple[Recovery, Person, datetime]:
        """An open recovery of ours and its person. Raises RecoveryError."""
        recovery, now = session.get(Recovery, recovery_id), database_now(session)
        if recovery is None or recovery.state != "open" or recovery.expires_at <= now:
            raise RecoveryError("this recovery is over: begin again")
        person = session.get_one(Person, recovery.person_id)
        if not self._seal.holds(recovery):
            self._record(tampered("recoveries", recovery.id, pseudonym=person.pseudonym, cause="seal"))
            raise RecoveryError("this recovery is over: begin again")
        if not may_sign_in(person):
            raise RecoveryError("this person is cut off")
        return recovery, person, now

    def _others(self, session: Session, person: Person) -> int:
        """How many have to say yes: one more while a serious alert about the person is open (promises E87)."""
        serious = select(Alert.id).where(Alert.pseudonym == person.pseudonym, Alert.state.in_(OPEN_STATES), Alert.severity == "high")
        return 1 if session.scalar(serious.limit(1)) is None else 2

    def _asker(self, session: Session, recovery: Recovery, people: int) -> tuple[str, Need | None]:
        """Who asks, and what for. Who opened it, and has the word of its page, does not say yes too, unless nobody else could."""
        if recovery.opened_by is not None:
            need = _need(self._able(session, (recovery.person_id, recovery.opened_by)), people)
            if need is not None:
                return recovery.opened_by, need
        return recovery.person_id, _need(self._able(session, (recovery.person_id,)), people)

    def _able(self, session: Session, without: Sequence[str]) -> dict[str, frozenset[str]]:
        """Role -> who has it, a key to say yes with, and is none of these."""
        rows = session.scalars(
            select(Person).where(Person.id.in_(people_with_voice()), Person.id.not_in(without), Person.status != Status.GONE.value)
        )
        people = [row for row in rows if may_sign_in(row)]
        return {role: frozenset(row.id for row in people if role in row.roles) for role in APPROVER_ROLES}

    def _usable(self, session: Session, person_id: str) -> tuple[str, ...]:
        return tuple(session.scalars(select(Key.id).where(Key.person_id == person_id, Key.locked_at.is_(None)).order_by(Key.created_at)))

    def _shown(self, session: Session, recovery: Recovery, person: Person, people: int) -> Shown:
        """What the second person signs: whose key, how it was asked, and what becomes of every key that the person has."""
        keys = session.scalars(select(Key).where(Key.person_id == person.id, Key.locked_at.is_(None)).order_by(Key.created_at))
        opened = "in person" if recovery.in_person else "administrator" if recovery.opened_by else "code"
        lines = [f"person: {person.pseudonym}", f"opened: {opened}"]
        lines += [f"not before: {recovery.ready_at.isoformat(timespec='minutes')}", f"people: {people}"]
        lines += [f"key {key.id}: {'locked' if key.id in recovery.lost else 'stays'}{_called(key.label)}" for key in keys]
        return Shown(action=ApprovalKind.KEY_RECOVERY.value, lines=tuple(lines))


def _need(able: dict[str, frozenset[str]], people: int) -> Need | None:
    """Approvals by so many different people, with the roles that there are; None: there are not so many."""
    seconds = 30 * 86_400
    ways: list[Need] = [Approval(people, role, seconds) for role in APPROVER_ROLES if len(able[role]) >= people]
    owners, admins = able["owner"], able["admin"]
    if people == 2 and owners and admins and owners.isdisjoint(admins):  # one with both roles would be two
        ways.append(AllOf((Approval(1, "owner", seconds), Approval(1, "admin", seconds))))
    return None if not ways else ways[0] if len(ways) == 1 else AnyOf(tuple(ways))


def _digest(recovery: Recovery, people: int) -> str:
    """Of exactly what is approved: another recovery, other keys or more people are another question."""
    said = "\0".join(["torwart recovery 1", recovery.id, recovery.person_id, str(people), recovery.ready_at.isoformat(), *recovery.lost])
    return hashlib.sha256(said.encode()).hexdigest()


def _called(label: str) -> str:
    """The label of a key as the end of a line: it is its owner's word, and must not read as one of ours, nor turn our words round."""
    plain = "".join(letter for letter in label if letter.isprintable() and letter not in _QUOTES).strip()
    shown = plain if len(plain) <= LABEL_SHOWN else f"{plain[:LABEL_SHOWN]}…"
    return f", called “{_ISOLATE}{shown}{_END}”" if shown else ""


def _hash(word: str) -> str:
    """The word has 256 random bits: a plain hash says nothing about it."""
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()
