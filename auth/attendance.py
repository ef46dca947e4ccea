"""Which gateways run, and which changes of people each of them works with: how a withdrawal is known to hold everywhere (law 10).

Each gateway writes down the revision of people that its own view of them has, whenever that has changed and every half a minute. It is
asked through the database, which all share whatever machine they are on; a gateway has no road for questions on the port of the data.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from auth.people_tables import GatewayView
from auth.standing import PEOPLE
from auth.storage import database_now, reading, writing
from auth.tables import Revision

TOLD_EVERY_SECONDS = 30.0
LOST = timedelta(minutes=5)
"""Of whom nothing was heard for so long, is not there any more: a process that only slept looks at the database before anything else."""
WAIT_SECONDS = 2.0
"""How long gateways are waited for; they look four times a second."""
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Attending:
    """A gateway process."""

    producer: str
    """Its name as a producer of events."""
    knows: bool
    """It works with everything that was changed up to the question."""
    seen_at: datetime
    """When it was heard last."""


class Attendance:
    """What one gateway process says of itself."""

    def __init__(self, engine: Engine, producer: str) -> None:
        self._engine = engine
        self._producer = producer
        self._id = secrets.token_hex(16)
        self._told: tuple[int, float] | None = None

    def has_news(self, people: int) -> bool:
        """Whether it is time to tell."""
        return self._told is None or self._told[0] != people or time.monotonic() - self._told[1] >= TOLD_EVERY_SECONDS

    def tell(self, people: int) -> None:
        """Say that this process works with that revision of people. Raises SQLAlchemyError."""
        with writing(self._engine) as session:
            now = database_now(session)
            row = session.get(GatewayView, self._id)
            if row is None:
                row = GatewayView(id=self._id, producer=self._producer, started_at=now)
                session.add(row)
            row.people, row.seen_at = people, now
            session.execute(delete(GatewayView).where(GatewayView.seen_at < now - LOST))
        self._told = people, time.monotonic()

    def leave(self) -> None:
        """Say that this process ends. Raises SQLAlchemyError."""
        with writing(self._engine) as session:
            session.execute(delete(GatewayView).where(GatewayView.id == self._id))


def attending(engine: Engine, wait_seconds: float = WAIT_SECONDS) -> list[Attending]:
    """Every gateway that runs, by name; those that do not know yet what is committed now are waited for."""
    with reading(engine) as session:
        wanted = people_revision(session)
    deadline = time.monotonic() + wait_seconds
    while True:
        found = _look(engine, wanted)
        if all(one.knows for one in found) or time.monotonic() >= deadline:
            return found
        time.sleep(_LOOK_SECONDS)


def people_revision(session: Session) -> int:
    """How often people have been changed."""
    row = session.get(Revision, PEOPLE)
    return row.number if row is not None else 0


def _look(engine: Engine, wanted: int) -> list[Attending]:
    with reading(engine) as session:
        living = GatewayView.seen_at >= database_now(session) - LOST
        rows = session.scalars(select(GatewayView).where(living).order_by(GatewayView.producer, GatewayView.started_at))
        return [Attending(row.producer, row.people >= wanted, row.seen_at) for row in rows]
