"""The touch: a key's answer confirms an act, in one transaction.

Of fifty answers to one challenge, one gets further: whoever holds the write lock uses the challenge up, whatever comes of the answer. The
counter of the key, the event and the confirmed act are written with that, or nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import BigInteger, BindParameter, Connection, Engine, bindparam, func, literal_column, select, type_coerce, update
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from audit_store.moments import Moment
from auth.act import OF_OTHERS, StepUpRefused, key_demanded, signed_challenge
from auth.assertion import Assertion
from auth.client_data import CeremonyFault
from auth.console_sessions import may_sign_in
from auth.database_age import ACTS
from auth.keys import Keys, has_gone_back
from auth.plain_sql import PlainStatement, plain_writing
from auth.row_seal import RowSeal
from auth.sealed_rows import plain_doubt
from auth.storage import clock_of
from auth.tables import Act, Key, Person, Revision
from auth.used_acts import UsedActs

_ACT = (*Act.SEALED, "seal", "challenge_used_at")
_WRITTEN = ("state", "key_id", "assertion", "seal")
"""Of an act, by its touch, beside the time."""
_PERSON = (*Person.SEALED, *Person.SEALED_IF_SET, "seal", "there")
_KEY = (*Key.SEALED, *Key.SEALED_IF_SET, "seal", "sign_count")


@dataclass(frozen=True, slots=True)
class Touched:
    """An act after its touch, or after the code that took its place."""

    act_id: str
    person_id: str
    key_id: str | None
    state: str
    """`confirmed`, or `asked` where others have to approve it."""
    said: str | None
    """The person's reason."""

    @classmethod
    def of(cls, act: Act) -> Touched:
        """What a confirmed act says of itself."""
        return cls(act.id, act.person_id, act.key_id, act.state, act.summary.get("said"))


def state_after(act: Act) -> str:
    """The state of an act that its person has confirmed."""
    return "asked" if OF_OTHERS in act.needs.split() else "confirmed"


def confirmed_event(act: Act, person: Person, **by: str) -> Event:
    """Says that the act is confirmed; `by` is the key, or that it was a code."""
    said = {name: act.summary[name] for name in ("action", "asked", "allowed")} | by
    return plain_event(EventAction.STEP_UP_CONFIRMED, at=datetime.now(UTC), pseudonym=person.pseudonym, numbers=said, act_id=act.id)


class NotOursError(Exception):
    """The act is not as one of our processes left it, or the database is older than it was."""


@dataclass(frozen=True, slots=True)
class _Found:
    """An act with its person and the key that says it answered: as the mapper gives them, but for times of act and person: numbers."""

    now: int
    """By the database's clock, as tables keep a time."""
    age: int
    """How far the tables have come."""
    over: bool
    """The time of the act has run out."""
    act: Act
    person: Person
    key: Key | None


@dataclass(frozen=True, slots=True)
class _Good:
    """An answer that passed every check."""

    answer: Assertion
    key_id: str
    counter: int


class Touch:
    """Confirms the acts of one installation."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], keys: Keys, boot_id: str, seal: RowSeal, used: UsedActs) -> None:
        self._engine = engine
        self._record = record
        self._keys = keys
        self._boot_id = boot_id
        self._seal = seal
        self._used = used
        self._statements = _Statements(engine)

    def confirm(self, act_id: str, response: Mapping[str, Any]) -> Touched:
        """Confirm an act. Raises StepUpRefused and KeyRefusedError with a cause, NotOursError for what others have to end."""
        answer = _read(response)
        credential_id = answer.credential_id if isinstance(answer, Assertion) else b""
        cause = ""
        with plain_writing(self._engine) as (connection, cursor):
            found = self._waiting(self._statements.look.first(cursor, act_id=act_id, credential_id=credential_id))
            try:
                touched = self._write(cursor, found, self._check(answer, found, connection))
            except CeremonyFault as fault:
                cause = fault.cause
                self._use_up(cursor, found, connection, copied=cause == "counter")
        if cause:
            raise self._keys.refused(cause, found.person, found.key.id if found.key is not None else None)
        self._used.came_to(found.age + 1)
        return touched

    def _waiting(self, row: Sequence[Any] | None) -> _Found:
        """The act, if it waits for its touch. Raises StepUpRefused, NotOursError."""
        if row is None:
            raise StepUpRefused("challenge_used")
        found = _found(row, self._engine)
        act = found.act
        if found.age < self._used.highest():
            raise NotOursError
        if act.state != "open" or found.over or act.boot_id != self._boot_id:
            raise StepUpRefused("challenge_used")
        if not self._seal.holds(act, Act):
            raise NotOursError
        if act.challenge is None or act.challenge_used_at is not None:
            raise StepUpRefused("challenge_used")
        return found

    def _check(self, answer: Assertion | CeremonyFault, found: _Found, connection: Connection) -> _Good:
        """The answer, if it is good. Raises CeremonyFault."""
        act, person, key = found.act, found.person, found.key
        if isinstance(answer, CeremonyFault):  # 1
            raise answer
        if key is None:
            raise CeremonyFault("unknown_key")
        if key.person_id != act.person_id:  # 6
            raise CeremonyFault("foreign_key")
        if not may_sign_in(person):  # as they stand now: a freeze during the ceremony ends it
            raise CeremonyFault("person")
        counter = self._keys.check(answer, key, person, signed_challenge(act), key_demanded(act), within=connection).counter
        if has_gone_back(key, counter):  # 12
            raise CeremonyFault("counter")
        return _Good(answer, key.id, counter)

    def _use_up(self, cursor: DBAPICursor, found: _Found, connection: Connection, *, copied: bool) -> None:
        """Nobody answers this challenge again; `copied`: the key is locked, for there are two of it."""
        self._statements.use_up.run(cursor, act_id=found.act.id, now=found.now)
        if copied and found.key is not None:
            with Session(connection) as session:
                self._keys.lock_copied(session, found.key.id)
                session.commit()

    def _write(self, cursor: DBAPICursor, found: _Found, good: _Good) -> Touched:
        act, now = found.act, found.now
        self._record(confirmed_event(act, found.person, key=good.key_id))
        act.state = state_after(act)
        act.confirmed_at = cast("datetime", now)
        act.key_id, act.assertion = good.key_id, good.answer.evidence()
        self._seal.put(act, Act)
        written = {f"new_{name}": getattr(act, name) for name in _WRITTEN}
        self._statements.confirm.run(cursor, act_id=act.id, now=now, **written)
        self._statements.count.run(cursor, the_key=good.key_id, counter=good.counter, now=now)
        self._statements.grow.run(cursor, kind=ACTS)
        if cursor.rowcount != 1:  # the act's opening made it
            raise NotOursError
        return Touched.of(act)


class _Statements:
    """What is asked and written: an act with its person, and the key that says it answered."""

    def __init__(self, engine: Engine) -> None:
        columns = [_as_kept(getattr(model, name)) for model, names in ((Act, _ACT), (Person, _PERSON)) for name in names]
        columns += [getattr(Key, name) for name in _KEY]
        whole = select(func.coalesce(func.sum(Revision.number), 0)).scalar_subquery()
        look = (
            select(literal_column(f"({clock_of(engine)})"), whole, *columns)
            .join(Person, Person.id == Act.person_id)
            .outerjoin(Key, Key.credential_id == bindparam("credential_id"))
            .where(Act.id == bindparam("act_id"))
        )
        this_act = Act.id == bindparam("act_id")
        now: BindParameter[int] = bindparam("now", type_=BigInteger())
        new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _WRITTEN}
        dialect = engine.dialect
        self.look = PlainStatement(look.select_from(Act), dialect)
        self.use_up = PlainStatement(update(Act).where(this_act).values(challenge_used_at=now), dialect)
        self.confirm = PlainStatement(update(Act).where(this_act).values(challenge_used_at=now, confirmed_at=now, **new), dialect)
        self.count = PlainStatement(
            update(Key).where(Key.id == bindparam("the_key")).values(sign_count=bindparam("counter"), last_used_at=now), dialect
        )
        # As `auth.storage.grow`, without making the row and without its number, which is known: two thirds of its cost.
        this_kind = Revision.kind == bindparam("kind")
        self.grow = PlainStatement(update(Revision).where(this_kind).values(number=Revision.number + 1), dialect)


def _as_kept(column: Any) -> Any:
    """A time stays the number that the table keeps, which is what the seal takes of it."""
    return type_coerce(column, BigInteger) if isinstance(column.type, Moment) else column


def _read(response: Mapping[str, Any]) -> Assertion | CeremonyFault:
    """The answer, or why it is none: that is said after the challenge is used up."""
    try:
        return Assertion.of(response)
    except CeremonyFault as fault:
        return fault


def _found(row: Sequence[Any], engine: Engine) -> _Found:
    """What `look` gave, as rows."""
    milliseconds, age, *values = row
    of_person, of_key = len(_ACT), len(_ACT) + len(_PERSON)
    act = SimpleNamespace(zip(_ACT, values[:of_person], strict=True))
    person = SimpleNamespace(zip(_PERSON, values[of_person:of_key], strict=True))
    person.genuine = plain_doubt(engine, Person, person) is None
    key = SimpleNamespace(zip(_KEY, values[of_key:], strict=True)) if values[of_key] is not None else None
    now = int(milliseconds) * 1000
    return _Found(now, int(age), act.expires_at <= now, cast("Act", act), cast("Person", person), cast("Key | None", key))
