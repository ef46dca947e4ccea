"""Step-up: an act is held, its person confirms exactly it with the key, and it may go on once (`docs/step-up.md`).

There is no "approved" flag: what `take` gives is a proof for one digest, and the policy is asked again with it.
An act ends by the database's clock and by the boot of the machine: after a restart no open or confirmed act is worth anything.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, and_, func, or_, select, update
from sqlalchemy.orm import Session

from audit_store.client_sets import decode_ids, encode_ids
from audit_store.engines import is_sqlite
from audit_store.event import Event, EventAction, plain_event
from audit_store.pseudonyms import Pseudonyms
from auth.act import ASKS, BY_APP, OF_OTHERS, ONLY_THE_KEY, StepUpRefused, Summary, key_demanded, signed_challenge
from auth.console_sessions import may_sign_in
from auth.database_age import ACTS, DatabaseAge
from auth.keys import KeyRefusedError, Keys
from auth.people_tables import GatewayView
from auth.row_seal import RowSeal, tampered
from auth.storage import database_now, reading, writing
from auth.tables import Act, Person
from auth.totp import CodeRefusedError
from auth.touch import NotOursError, Touch, Touched, confirmed_event, state_after
from auth.used_acts import UsedActs
from policies.needs import RequirementKind
from policies.request import ClientId, CodeProof, KeyClass, KeyProof, Principal, Proof

LIFETIME_SECONDS = 120
MAX_OPEN = 3
"""Acts that may wait for one person at once: more would train people to confirm without reading (attacks X16)."""
HEARD_LATELY = timedelta(minutes=1)
"""A gateway process that was heard within this time runs: each says so every half a minute."""
MAX_OPEN_IN_ALL = 1_000
"""Acts that may wait in a firm at once: a flood of sessions must not fill the database."""
CHALLENGE_BYTES = 32
SHORTEST_REASON, REASON_LENGTH = 3, 500
"""Characters of what a person may write as a reason."""
_STEP = "code_step"
"""Member of an assertion that was none: which code was used up."""


class TooManyOpenError(Exception):
    """Three acts of this person wait already."""


class NoRoomError(TooManyOpenError):
    """So many acts of all people wait already that no other one can."""


def boot_id() -> str:
    """Random id of the machine's current boot (Linux, macOS). Raises OSError where the system has none: acts cannot be bound to it."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text(encoding="ascii").strip()
    asked = subprocess.run(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False)
    if asked.returncode != 0 or not asked.stdout.strip():
        raise OSError("this system does not name its boot")
    return asked.stdout.strip()


def clock_id(engine: Engine) -> str:
    """What names the run of the clock by which acts end: the boot of this machine, or the start of the PostgreSQL that all machines share.

    Raises OSError where the system has none, SQLAlchemyError.
    """
    if is_sqlite(engine):
        return boot_id()
    with engine.connect() as connection:
        started = connection.exec_driver_sql("SELECT CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) * 1000000 AS BIGINT)")
        return f"postgresql {started.scalar_one()}"


@dataclass(frozen=True, slots=True)
class _ByCode:
    """A code of the person's app was used up for the act."""

    step: int
    """Steps of 30 seconds since 1970."""


class StepUp:
    """The acts of one installation."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[Event], object],
        keys: Keys,
        pseudonyms: Pseudonyms,
        boot_id: str,
        lifetime_seconds: float = LIFETIME_SECONDS,
        *,
        seal: RowSeal,
        used: UsedActs,
        holder: str | None = None,
    ) -> None:
        """`boot_id`: of `clock_id`. `holder`: the gateway, by its name as a producer of events, that holds the acts open.

        `seal` and `used` are the installation's and this machine's: what the database alone cannot say (attacks X12, X15).
        """
        self._engine = engine
        self._record = record
        self._keys = keys
        self._pseudonyms = pseudonyms
        self._boot_id = boot_id
        self._seal = seal
        self._used = used
        self._age = DatabaseAge(used)
        self._touch = Touch(engine, record, keys, boot_id, seal, used)
        self._holder = holder
        self.lifetime_seconds = lifetime_seconds

    def open(
        self,
        *,
        principal: Principal,
        digest: str,
        summary: Summary,
        ids: Iterable[ClientId],
        fields: Iterable[str],
        act_id: str,
        asks: frozenset[RequirementKind] = ONLY_THE_KEY,
        told: bool = True,
    ) -> Act:
        """Hold an act. `asks`: what the person is to give with the touch. The caller has recorded it as held.

        `told`: pages that listen for held acts of its session are told of it. Raises TooManyOpenError.
        """
        with writing(self._engine) as session:
            self._notice_older_database(session)
            now = database_now(session)
            waiting = select(func.count()).where(Act.state == "open", self._alive(now)).select_from(Act)
            if (session.scalar(waiting.where(Act.person_id == principal.id)) or 0) >= MAX_OPEN:
                raise TooManyOpenError
            if (session.scalar(waiting) or 0) >= MAX_OPEN_IN_ALL:
                raise NoRoomError
            act = Act(
                id=act_id,
                person_id=principal.id,
                session_id=principal.session_id or "",
                digest=digest,
                summary=asdict(summary),
                ids=encode_ids(ids),
                fields=sorted(set(fields)),
                needs=" ".join(word for kind, word in ASKS.items() if kind in asks),
                state="open",
                opened_at=now,
                expires_at=now + timedelta(seconds=self.lifetime_seconds),
                boot_id=self._boot_id,
                held_by=self._holder,
                language=principal.language if told else "",
            )
            self._seal.put(act)
            session.add(act)
            number = self._age.step(session)
        self._age.came_to(number)
        return act

    def get(self, act_id: str) -> Act | None:
        """The act as it stands now; one whose time is over reads `expired`. None if there is no such act."""
        with reading(self._engine) as session:
            act = session.get(Act, act_id)
            if act is not None and act.state in ("open", "confirmed") and not self._lives(session, act):
                act.state = "expired"  # in this copy only: `expire` writes it down
                session.expunge(act)
            return act

    def open_of(self, person_id: str, session_id: str) -> list[Act]:
        """Acts of this session that wait for their touch, oldest first."""
        with reading(self._engine) as session:
            mine = and_(Act.person_id == person_id, Act.session_id == session_id, Act.state == "open", self._alive(database_now(session)))
            return list(session.scalars(select(Act).where(mine).order_by(Act.opened_at)))

    def waiting(self) -> list[tuple[Act, float]]:
        """Acts of everybody that wait for their touch and of which pages are told, with the seconds that each has left."""
        with reading(self._engine) as session:
            now = database_now(session)
            acts = session.scalars(select(Act).where(Act.state == "open", Act.language != "", self._alive(now)))
            return [(act, (act.expires_at - now).total_seconds()) for act in acts]

    def told(self, act_id: str) -> None:
        """A gateway process has told a page of the act's session that it waits."""
        self._note(act_id, "told_at")

    def was_told(self, act_id: str) -> bool:
        """Whether any gateway process has told a page of it."""
        with reading(self._engine) as session:
            return session.scalar(select(Act.told_at).where(Act.id == act_id)) is not None

    def repeats(self, act_id: str) -> None:
        """Nobody keeps the act's call open: once confirmed, its person repeats it."""
        self._note(act_id, "repeats", True)

    def keep_address(self, act_id: str, address: bytes) -> None:
        """Where the person is led after the touch, encrypted; forgotten when the act ends or its time is over."""
        self._note(act_id, "address", address)

    def has_company(self) -> bool:
        """Whether other gateway processes run on this database (`auth.attendance`)."""
        with reading(self._engine) as session:
            lately = GatewayView.seen_at > database_now(session) - HEARD_LATELY
            return (session.scalar(select(func.count()).select_from(GatewayView).where(lately)) or 0) > 1

    def _note(self, act_id: str, column: str, value: object = None) -> None:
        """What gives nobody anything, and is not sealed."""
        with writing(self._engine) as session:
            act = session.get(Act, act_id)
            if act is not None and act.state == "open":
                setattr(act, column, database_now(session) if value is None else value)

    def begin(self, act_id: str, said: str | None = None, *, read: bool = False) -> dict[str, Any]:
        """Options for `navigator.credentials.get` with a fresh challenge; an earlier one is void. Raises StepUpRefused.

        `said` is the person's reason, `read` that the warning was read, where the act asks for them: the challenge is bound to both.
        """
        act, left = self._say(act_id, said, read=read)
        try:
            return self._keys.options(act.person_id, signed_challenge(act), left, key_demanded(act))
        except KeyRefusedError as refused:
            raise StepUpRefused(refused.cause) from None

    def confirm_by_code(self, act_id: str, said: str | None, *, read: bool, use: Callable[[str], int]) -> Touched:
        """Confirm an act that offers it with a code of the person's app, bound to what was shown and to what the person says.

        `use` uses up a code of the person of this id and raises CodeRefusedError, as `auth.totp.Totp.use` does. Raises StepUpRefused with
        one text for all causes; the cause is recorded.
        """
        try:
            known = self.get(act_id)
            if known is None or BY_APP not in known.needs.split():
                raise StepUpRefused("no_code")
            act, _ = self._say(act_id, said, read=read)
            return self._confirm_by_code(act, use(act.person_id))
        except (CodeRefusedError, StepUpRefused) as refused:
            raise self._refused(act_id, refused.cause) from None

    def _say(self, act_id: str, said: str | None, *, read: bool) -> tuple[Act, float]:
        """Note what the person says to an open act, under a fresh challenge; the act, and the seconds that it has left."""
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        reason = (said or "").strip()
        with writing(self._engine) as session:
            now = database_now(session)
            act = self._found(session, act_id, "open", now)
            if act is not None:
                if not may_sign_in(session.get_one(Person, act.person_id)):
                    raise StepUpRefused("person")
                asked = act.needs.split()
                if len(reason) > REASON_LENGTH or ("why" in asked and len(reason) < SHORTEST_REASON) or ("read" in asked and not read):
                    raise StepUpRefused("not_said")
                act.challenge, act.challenge_used_at = challenge, None
                act.summary = {**act.summary, "said": reason if {"why", OF_OTHERS} & set(asked) else None, "read": read and "read" in asked}
                self._seal.put(act)
        if act is None:
            raise StepUpRefused("not_open")
        return act, (act.expires_at - now).total_seconds()

    def complete(self, act_id: str, response: Mapping[str, Any]) -> Touched:
        """Confirm the act with the key's answer. Raises StepUpRefused with one text for all causes; the cause is recorded."""
        try:
            return self._touch.confirm(act_id, response)
        except NotOursError:
            self._end_what_is_not_ours(act_id)
            cause = "challenge_used"
        except KeyRefusedError as refused:  # recorded by `Keys` with its key; here with its act
            cause = refused.cause
        except StepUpRefused as refused:
            cause = refused.cause
        raise self._refused(act_id, cause)

    def _refused(self, act_id: str, cause: str) -> StepUpRefused:
        """The refusal to raise, recorded with its cause."""
        with reading(self._engine) as session:
            known = session.get(Act, act_id)
        name = self._pseudonyms.of(known.person_id) if known else None
        event = plain_event(
            EventAction.STEP_UP_REFUSED,
            at=datetime.now(UTC),
            pseudonym=name,
            outcome="failure",
            numbers={"cause": cause},
            act_id=known.id if known else None,
        )
        self._record(event)
        return StepUpRefused(cause)

    def cancel(self, act_id: str) -> bool:
        """Turn an open or confirmed act down, recorded; False if there was none."""
        with writing(self._engine) as session:
            act = session.get(Act, act_id)
            if act is None or act.state not in ("open", "confirmed"):
                return False
            self._end(act, "cancelled", "cancelled", database_now(session))
            return True

    def expire(self, now: datetime | None = None) -> int:
        """Write down which acts have run out (or are of another boot), each recorded; how many. `now` is only for the time of the note."""
        with writing(self._engine) as session:
            clock = database_now(session)
            over = select(Act).where(Act.state.in_(("open", "confirmed")), ~self._alive(clock))
            acts = list(session.scalars(over))
            for act in acts:
                self._end(act, "expired", "expired", now or clock)
            session.execute(update(Act).where(Act.address.is_not(None), Act.expires_at <= clock).values(address=None))
            return len(acts)

    def end_all(self) -> int:
        """End every act that waits and is ours or nobody's, each recorded; how many.

        For the start of a gateway: the requests that it held open are gone, those of another one are not.
        """
        with writing(self._engine) as session:
            clock = database_now(session)
            ours = or_(Act.held_by == self._holder, Act.held_by.is_(None))
            acts = list(session.scalars(select(Act).where(Act.state.in_(("open", "confirmed")), ours)))
            for act in acts:
                self._end(act, "expired", "restart", clock)
            self._notice_older_database(session)
            return len(acts)

    def _end(self, act: Act, state: str, cause: str, at: datetime) -> None:
        if act.state == "confirmed":
            self._used.spend(act.id)  # whoever sets its row back has nothing of it
        act.state, act.ended_at, act.ended_why, act.address = state, at, cause, None
        shown = act.summary if isinstance(act.summary, dict) else {}  # a row that is not ours may hold anything
        said: dict[str, int | str] = {"cause": cause, "action": str(shown.get("action")), "asked": _number(shown.get("asked"))}
        name, now = self._pseudonyms.of(act.person_id), datetime.now(UTC)
        self._record(plain_event(EventAction.STEP_UP_ENDED, at=now, pseudonym=name, outcome="failure", numbers=said, act_id=act.id))

    def take(self, act_id: str, digest: str) -> Proof | None:
        """The proof of a confirmed act, once; None if it is not confirmed, of another digest, used, over, or its person is cut off."""
        with writing(self._engine) as session:
            self._notice_older_database(session)
            now = database_now(session)
            act = self._found(session, act_id, "confirmed", now)
            proven_by, number = None, None
            if act is not None and act.digest == digest and act.used_at is None:
                proven_by = self._still_good(session, act)
                if proven_by is not None:
                    act.state, act.used_at = "used", now
                    self._seal.put(act)
                    number = self._age.step(session)
        if number is not None:
            self._age.came_to(number)
        if act is None or act.confirmed_at is None or proven_by is None:
            return None
        ids, fields = decode_ids(act.ids), frozenset(act.fields)
        said, read = bool(act.summary.get("said")), act.summary.get("read") is True
        if isinstance(proven_by, _ByCode):
            return CodeProof(act.id, act.digest, act.confirmed_at, ids, fields, said, read)
        return KeyProof(
            grant_id=act.id,
            act_digest=act.digest,
            confirmed_at=act.confirmed_at,
            user_verified=True,  # nothing is ever confirmed without it (`keys`, check 9)
            ids=ids,
            fields=fields,
            key_class=proven_by,
            justified=said,
            acknowledged=read,
        )

    def take_matching(self, person_id: str, session_id: str, digest: str) -> tuple[str, Proof] | None:
        """For a client that repeats its call after the touch: a confirmed act of the same person, session and digest, once."""
        with reading(self._engine) as session:
            mine = and_(Act.person_id == person_id, Act.session_id == session_id, Act.digest == digest, Act.state == "confirmed")
            mine = and_(mine, self._alive(database_now(session)))
            candidates = list(session.scalars(select(Act.id).where(mine).order_by(Act.opened_at)))
        for act_id in candidates:
            if (proof := self.take(act_id, digest)) is not None:
                return act_id, proof
        return None

    def _end_what_is_not_ours(self, act_id: str) -> None:
        with writing(self._engine) as session:
            self._notice_older_database(session)
            self._found(session, act_id, "open", database_now(session))

    def _confirm_by_code(self, act: Act, step: int) -> Touched:
        with writing(self._engine) as session:
            now = database_now(session)
            person = session.get_one(Person, act.person_id)  # as they stand now: a freeze meanwhile ends it
            if not may_sign_in(person):
                raise StepUpRefused("person")
            here = self._found(session, act.id, "open", now)
            if here is None or (here.challenge, here.summary) != (act.challenge, act.summary):
                raise StepUpRefused("not_open")
            self._record(confirmed_event(here, person, by="code"))
            here.state, here.confirmed_at, here.assertion = state_after(here), now, {_STEP: step}
            self._seal.put(here)
            number = self._age.step(session)
        self._age.came_to(number)
        return Touched.of(here)

    def _found(self, session: Session, act_id: str, state: str, now: datetime) -> Act | None:
        """An act that lives and is in this state, as one of our processes left it. Any other one that says so ends here, with an alarm."""
        act = session.get(Act, act_id)
        if act is None or act.state != state or act.expires_at <= now or act.boot_id != self._boot_id:
            return None
        if self._seal.holds(act):
            return act
        self._doubt(act, "seal", now)
        return None

    def _still_good(self, session: Session, act: Act) -> KeyClass | _ByCode | None:
        """The class of the key that confirmed it, or the code, if it and the person are still good for it; else it ends.

        The assertion is checked again, over what stands in the row now. The row itself was found to be ours. Whether the session still
        lives is asked by whoever releases.
        """
        now, person = database_now(session), session.get_one(Person, act.person_id)
        if not may_sign_in(person) or (person.frozen_at is not None and person.frozen_at >= act.opened_at):
            self._end(act, "cancelled", "person", now)
            return None
        if act.key_id is None:
            return self._good_by_code(act, now)
        try:
            key = self._keys.check_again(session, act.person_id, signed_challenge(act), act.assertion or {})
        except KeyRefusedError as refused:
            if refused.cause in ("locked_key", "lent_key"):  # honest then, and worth nothing now
                self._end(act, "cancelled", refused.cause, now)
            else:
                self._doubt(act, refused.cause, now)
            return None
        if key.id != act.key_id:
            self._doubt(act, "foreign_key", now)
        elif not self._used.spend(act.id):
            self._doubt(act, "used_before", now)
        else:
            return self._keys.class_of(key, session.connection())
        return None

    def _good_by_code(self, act: Act, now: datetime) -> _ByCode | None:
        """Nothing can be checked again of a code: that the row is ours says that one was used up for it."""
        step = (act.assertion or {}).get(_STEP)
        if not isinstance(step, int) or BY_APP not in act.needs.split():
            self._doubt(act, "no_code", now)
        elif not self._used.spend(act.id):
            self._doubt(act, "used_before", now)
        else:
            return _ByCode(step)
        return None

    def _doubt(self, act: Act, cause: str, now: datetime) -> None:
        self._record(tampered("acts", act.id, pseudonym=self._pseudonyms.of(act.person_id), cause=cause, act_id=act.id))
        self._end(act, "cancelled", "not_ours", now)

    def _notice_older_database(self, session: Session) -> None:
        """End what waits in a database that was further once: what came after it, a freeze or a used touch, is not in there (X15)."""
        if not self._age.put_back(session):
            return
        self._record(tampered("revisions", ACTS, pseudonym=None, cause="older_database"))
        clock = database_now(session)
        for act in session.scalars(select(Act).where(Act.state.in_(("open", "confirmed")))):
            self._end(act, "expired", "older_database", clock)
        self._age.catch_up(session)
        session.flush()

    def _alive(self, now: datetime) -> Any:
        return and_(Act.expires_at > now, Act.boot_id == self._boot_id)

    def _lives(self, session: Session, act: Act) -> bool:
        return act.expires_at > database_now(session) and act.boot_id == self._boot_id


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
