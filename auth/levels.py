"""How closely a person is watched: set by hand with a reason and an end, or given by how the person stands to the firm.

Whoever is about to leave is `departing` without anybody setting it. A level that was set ends by itself: nobody stays watched because
somebody forgot.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from audit_store.pseudonyms import Pseudonyms
from audit_store.sealing import seal
from auth.people import PEOPLE, PeopleError
from auth.storage import grow, reading, writing
from auth.tables import Person, RiskLevel
from policies.request import Level, Status

LONGEST = timedelta(days=90)
"""A level that is set again and again is a decision; one that was set once for years is an oversight."""
_LEAVING = frozenset({Status.TALK_PLANNED, Status.NOTICE_GIVEN, Status.LAST_DAY, Status.GONE})
_REASON_LENGTH = 500


class Levels:
    """The levels of one installation. Every change is recorded before it holds; `by` is a person id, None for the command line."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], pseudonyms: Pseudonyms) -> None:
        self._engine = engine
        self._record = record
        self._pseudonyms = pseudonyms

    def set(self, person_id: str, level: Level, until: datetime, reason: str, by: str | None) -> None:
        """Watch a person until a time (UTC), from the next request on. NORMAL ends what was set before.

        Raises PeopleError for an unknown person, for oneself, without a reason, and for an end that is past or too far away.
        """
        now = datetime.now(UTC)
        if by == person_id:
            raise PeopleError("nobody changes their own level: ask another administrator")
        if level is not Level.NORMAL and not now < until <= now + LONGEST:
            raise PeopleError(f"a level ends within {LONGEST.days} days: set it again when it is still needed")
        if not reason.strip() or len(reason) > _REASON_LENGTH:
            raise PeopleError(f"say why, in at most {_REASON_LENGTH} characters: for the person's page; the record has it under encryption")
        with writing(self._engine) as session:
            person = session.get(Person, person_id)
            if person is None:
                raise PeopleError("there is no such person: `torwart people list` names all")
            row = session.get(RiskLevel, person_id)
            before = effective(Status(person.status), row, now)
            if row is not None:
                session.delete(row)
                session.flush()
            if level is not Level.NORMAL:
                session.add(RiskLevel(person_id=person_id, level=level.value, reason=reason.strip(), since=now, until=until, by=by))
            grow(session, PEOPLE)
            said: dict[str, int | str] = {"from": before.value, "to": level.value}
            if level is not Level.NORMAL:
                said["until"] = until.isoformat(timespec="seconds")
            name = self._pseudonyms.of(by) if by else None
            sealed = seal(session, person.pseudonym, reason.strip(), now)
            event = plain_event(EventAction.LEVEL_CHANGED, at=now, pseudonym=name, subject=person.pseudonym, numbers=said, sealed=sealed)
            self._record(event)

    def of(self, person_id: str) -> RiskLevel | None:
        """What was set for a person and has not ended; None: nothing."""
        with reading(self._engine) as session:
            row = session.get(RiskLevel, person_id)
            return row if row is not None and (row.until > datetime.now(UTC) or not row.genuine) else None


def effective(status: Status, row: RiskLevel | None, now: datetime) -> Level:
    """The level that holds: departing by status, else what was set and has not ended, else normal.

    A row that none of our processes left so is no reason to watch less: the strictest one holds (attacks X12).
    """
    if status in _LEAVING or (row is not None and not row.genuine):
        return Level.DEPARTING
    return Level(row.level) if row is not None and row.until > now else Level.NORMAL


def all_levels(session: Session, now: datetime) -> dict[str, RiskLevel]:
    """Person id -> the level that was set, for those that have not ended."""
    return {row.person_id: row for row in session.query(RiskLevel) if row.until > now or not row.genuine}
