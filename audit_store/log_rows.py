"""Reads the central log in order, whether its entries are packed or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, LargeBinary, cast, select

from audit_store.log_blocks import HASH_BYTES, BlockError, Full, unpack
from audit_store.log_file import FIRST_SEAL, Entry
from audit_store.log_marks import Within, marks_of
from audit_store.log_tables import BLOCK, CANONICAL, COLUMNS, HASH, PLACE, SEAL, block, entry

_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A block that cannot be read any more."""

    first: int
    last: int
    cause: str


@dataclass(frozen=True, slots=True)
class Misfiled:
    """A block that is filed under what is not in it, or not under what is: questions would pass it over. It stands behind its entries."""

    first: int
    last: int


class Single(NamedTuple):
    """An entry that is not packed, with the columns by which it is found."""

    full: Full
    columns: tuple[Any, ...]


def entries_after(connection: Connection, after: int, limit: int, until: int) -> list[Entry]:
    """Up to `limit` entries in order, packed or not; content that retention took away is empty. Raises BlockError, SQLAlchemyError.

    Needs no transaction: what is packed between the two questions is found by the second.
    """
    question = select(*PLACE, CANONICAL, HASH).where(entry.c.sequence > after, entry.c.sequence <= until)
    rows = list(map(Entry._make, connection.execute(question.order_by(entry.c.sequence).limit(limit)).all()))
    if rows and rows[0].sequence == after + 1:
        return rows
    packed: list[Entry] = []
    for one in blocks_after(connection, after, until):
        packed += [entry_of(full) for full in unpack(one) if after < full.sequence <= until]
        if len(packed) >= limit:
            return packed[:limit]
    end = packed[-1].sequence if packed else after
    return (packed + [row for row in rows if row.sequence > end])[:limit]


def newest_entries(connection: Connection, count: int) -> list[Entry]:
    """The newest `count` entries, oldest first. Raises BlockError, SQLAlchemyError."""
    question = select(*PLACE, CANONICAL, HASH).order_by(entry.c.sequence.desc()).limit(count)
    rows = [Entry(*row) for row in connection.execute(question)][::-1]
    if len(rows) == count or (rows and rows[0].sequence == 1):
        return rows
    for one in blocks_before(connection, rows[0].sequence if rows else None):
        rows = [entry_of(full) for full in unpack(one)] + rows
        if len(rows) >= count:
            break
    return rows[-count:] if count else []


def end_of(connection: Connection) -> tuple[int, bytes]:
    """The last sequence and its seal, which the next entry's covers; of an empty log, what the first one's does."""
    row = connection.execute(select(entry.c.sequence, SEAL).order_by(entry.c.sequence.desc()).limit(1)).one_or_none()
    if row is not None:
        return row[0], row[1]
    for one in blocks_before(connection, None):
        return one["last"], one["seals"][-HASH_BYTES:]
    return 0, FIRST_SEAL


def blocks_after(connection: Connection, after: int, until: int | None = None, ending: str | None = None) -> Iterator[dict[str, Any]]:
    """Blocks with entries above `after`, in order, one at a time. `ending`: only those with an entry of that time (as events write it) or
    later.
    """
    question = select(*BLOCK).order_by(block.c.first).limit(1)
    if ending is not None:
        question = question.where(block.c.ends >= ending)
    if until is not None:
        question = question.where(block.c.first <= until)
    wanted = question.where(block.c.last > after)
    while (found := connection.execute(wanted).mappings().one_or_none()) is not None:
        yield dict(found)
        wanted = question.where(block.c.first > found["first"])


def blocks_with(connection: Connection, within: Within, *, newest_first: bool) -> Iterator[dict[str, Any]]:
    """Blocks that can hold rows of that kind, one at a time. Only those are read whole."""
    light = select(block.c.first, cast(block.c.marks, LargeBinary)).where(block.c.last > within.above, block.c.first < within.below)
    if within.since is not None:
        light = light.where(block.c.ends >= within.since)
    if within.until is not None:
        light = light.where(block.c.begins < within.until)
    for first, marks in connection.execute(light.order_by(block.c.first.desc() if newest_first else block.c.first)).all():
        if within.may_be_in(marks):
            yield dict(connection.execute(select(*BLOCK).where(block.c.first == first)).mappings().one())


def blocks_before(connection: Connection, before: int | None) -> Iterator[dict[str, Any]]:
    """Blocks below the sequence `before` (None: all), the newest first, one at a time."""
    question = select(*BLOCK).order_by(block.c.first.desc()).limit(1)
    while True:
        found = connection.execute(question if before is None else question.where(block.c.first < before)).mappings().one_or_none()
        if found is None:
            return
        yield dict(found)
        before = found["first"]


def everything(connection: Connection) -> Iterator[Full | Single | Spoilt | Misfiled]:
    """The whole log in order, as it is stored. The caller holds one view of it."""
    for one in blocks_after(connection, 0):
        try:
            full = unpack(one)
        except BlockError as error:
            yield Spoilt(one["first"], one["last"], str(error))
            continue
        yield from full
        if (one["marks"], one["begins"], one["ends"]) != marks_of(entry.canonical or b"" for entry in full):
            yield Misfiled(one["first"], one["last"])
    columns = [entry.c[name] for name in COLUMNS]
    question = select(*PLACE, CANONICAL, HASH, SEAL, *columns).order_by(entry.c.sequence)
    for row in connection.execution_options(yield_per=_ROWS).execute(question):
        yield Single(with_content(row[:8]), tuple(row[8:]))


def with_content(row: Sequence[Any]) -> Full:
    """A row of place, content, hash and seal; an empty content is none."""
    full = Full(*row)
    return full if full.canonical else full._replace(canonical=None)


def entry_of(full: Full) -> Entry:
    """An entry as it is passed on."""
    return Entry(full.sequence, full.received, full.producer, full.epoch, full.producer_sequence, full.canonical or b"", full.hash)
