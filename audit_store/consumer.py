"""Where a reader of the central log is: a consumer's place, kept over restarts in the shared tables."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from audit_store.tables import Cursor


def position_of(engine: Engine, consumer: str) -> int:
    """Global sequence of the last event that the consumer has dealt with; 0: none."""
    with Session(engine) as session:
        cursor = session.get(Cursor, consumer)
        return cursor.position if cursor else 0


def put_position(engine: Engine, consumer: str, position: int) -> None:
    """The consumer has dealt with everything up to `position`; committed on return."""
    with Session(engine) as session:
        session.merge(Cursor(consumer=consumer, position=position))
        session.commit()
