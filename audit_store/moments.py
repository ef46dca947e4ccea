"""Times in tables: whole microseconds since 1970 UTC, exact and comparable in every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """A time as the tables keep it. Raises ValueError for a time without zone."""
    if at.tzinfo is None:
        raise ValueError("a time without zone cannot be stored")
    return (at - EPOCH) // timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """A time with zone, in UTC. SQLite's own type would lose the zone."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)
