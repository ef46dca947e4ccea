"""Questions that go over the whole log: a condition, and what everybody was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from audit_store.engines import is_sqlite
from audit_store.event import EventAction
from audit_store.log_blocks import unpack
from audit_store.log_file import Entry, Logged, logged
from audit_store.log_marks import Within
from audit_store.log_rows import blocks_after, blocks_with, entry_of
from audit_store.log_scratch import matching
from audit_store.log_tables import CANONICAL, HASH, PLACE, entry

_BATCH = 1_000
_ROW = "sequence, CAST(received AS INTEGER), CAST(producer AS TEXT), CAST(epoch AS INTEGER), CAST(producer_sequence AS INTEGER), "


def entries_where(
    connection: Connection, condition: str, values: Sequence[object], limit: int, within: Within, *, newest_first: bool
) -> list[Entry]:
    """Up to `limit` entries that meet a condition (`Log.where`). The caller holds one view. Raises SQLAlchemyError, sqlite3.Error."""

    def single(left: int) -> Iterator[Entry]:
        return _single(connection, condition, values, left, newest_first=newest_first)

    def packed(_left: int) -> Iterator[Entry]:
        blocks = blocks_with(connection, within, newest_first=newest_first)
        return matching(([entry_of(full) for full in unpack(one)] for one in blocks), condition, values, newest_first=newest_first)

    found: list[Entry] = []
    for part in (single, packed) if newest_first else (packed, single):
        found += islice(part(limit - len(found)), limit - len(found))
        if len(found) >= limit:
            break
    return found


def acts_since(connection: Connection, stamp: str) -> Iterator[Logged]:
    """Events of acts whose own time is `stamp` (as events write it) or later, in order. The caller holds one view."""
    since = datetime.fromisoformat(stamp).timestamp() * 1000
    for one in blocks_after(connection, 0, ending=stamp):
        for full in unpack(one):
            row = logged(entry_of(full))
            # One without content is counted as unreadable, but for those that came before: their time may be over.
            if _is_act(row.document, stamp) or (full.canonical is None and full.received >= since):
                yield row
    question = select(*PLACE, CANONICAL, HASH).where(entry.c.at >= stamp, entry.c.action == EventAction.ACCESS.value)
    for found in connection.execution_options(yield_per=_BATCH).execute(question.order_by(entry.c.sequence)):
        yield logged(Entry(*found))


def _is_act(document: Mapping[str, Any], stamp: str) -> bool:
    try:
        return bool(document["event"]["action"] == EventAction.ACCESS and document["@timestamp"] >= stamp)
    except (KeyError, TypeError):
        return False


def _single(connection: Connection, condition: str, values: Sequence[object], limit: int, *, newest_first: bool) -> Iterator[Entry]:
    if is_sqlite(connection):
        order = "DESC" if newest_first else "ASC"
        statement = (
            f"SELECT {_ROW}CAST(canonical AS BLOB), CAST(hash AS BLOB) "  # noqa: S608 -- values are bound
            f"FROM entry WHERE {condition} ORDER BY sequence {order} LIMIT ?"
        )
        return (Entry(*row) for row in connection.exec_driver_sql(statement, (*values, limit)).all())
    return matching(_batches(connection, newest_first), condition, values, newest_first=newest_first)


def _batches(connection: Connection, newest_first: bool) -> Iterator[list[Entry]]:
    order = entry.c.sequence.desc() if newest_first else entry.c.sequence
    result = connection.execution_options(yield_per=_BATCH).execute(select(*PLACE, CANONICAL, HASH).order_by(order))
    for rows in result.partitions():
        yield [Entry(*row) for row in rows]
