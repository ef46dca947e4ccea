"""Where a reader of the central log is: a consumer's place, kept over restarts in the shared tables."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select, update

from audit_store.tables import Cursor


def position_of(engine: Engine, consumer: str) -> int:
    """Global sequence of the last event that the consumer has dealt with; 0: none."""
    with engine.connect() as connection:
        return connection.scalar(select(Cursor.position).where(Cursor.consumer == consumer)) or 0


def put_position(engine: Engine, consumer: str, position: int) -> None:
    """The consumer has dealt with everything up to `position`; committed on return."""
    with engine.begin() as connection:
        moved = connection.execute(update(Cursor).where(Cursor.consumer == consumer).values(position=position))
        if not moved.rowcount:
            connection.execute(insert(Cursor).values(consumer=consumer, position=position))
