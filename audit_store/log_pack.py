"""Packs older entries of the central log into blocks (decision 0012). Whatever ends it, an entry is packed or single."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from audit_store.log_blocks import BlockError, Full, NotPackedError, pack, unpack
from audit_store.log_file import FIRST_SEAL, seal
from audit_store.log_marks import marks_of
from audit_store.log_rows import blocks_before, with_content
from audit_store.log_tables import CANONICAL, HASH, PLACE, SEAL, block, entry

BLOCK_ENTRIES = 512
"""In one block: of 849 bytes an event needs 190, with 128 it would be 210. One event costs the unpacking of all, about a millisecond."""
BLOCK_BYTES = 64 * 1024**2
"""Of the events in one block: fewer of them where they are large, so that a small machine can unpack any block."""
KEPT_ENTRIES = 4_096
"""The newest entries stay single: they are asked for most, and what is taken just now is not touched twice."""


def packable(connection: Connection, *, entries: int, kept: int) -> list[Full]:
    """The oldest entries that are not packed, as many as make a block; [] if there are not enough. Raises SQLAlchemyError."""
    newest = connection.scalar(select(func.max(entry.c.sequence))) or 0
    oldest = connection.scalar(select(func.min(entry.c.sequence))) or 0
    if newest - oldest + 1 < kept + entries:
        return []
    sizes = connection.execute(
        select(entry.c.sequence, func.length(CANONICAL)).where(entry.c.sequence <= newest - kept).order_by(entry.c.sequence).limit(entries)
    ).all()
    if len(sizes) < entries:
        return []
    whole = list(accumulate(size for _, size in sizes))
    last = sizes[max(0, bisect_right(whole, BLOCK_BYTES) - 1)][0]
    whole_rows = select(*PLACE, CANONICAL, HASH, SEAL).where(entry.c.sequence <= last).order_by(entry.c.sequence)
    return [with_content(row) for row in connection.execute(whole_rows)]


def packed(rows: list[Full]) -> dict[str, Any]:
    """The block of these entries, by column. Raises NotPackedError."""
    marks, begins, ends = marks_of(one.canonical or b"" for one in rows)
    return {**pack(rows), "marks": marks, "begins": begins, "ends": ends}


def replace_by_block(connection: Connection, rows: list[Full], columns: Mapping[str, Any]) -> bool:
    """Put the block in the place of its entries; False if another process did. The caller is the only writer. Raises NotPackedError,
    SQLAlchemyError.
    """
    first, last = rows[0].sequence, rows[-1].sequence
    before, previous = _end_of_blocks(connection)
    if before >= first:
        return False
    _check(rows, before, previous)
    try:
        same = unpack(columns) == rows
    except BlockError:
        same = False
    if not same:
        raise NotPackedError(f"entries {first} to {last} would not come out of their block as they went in")
    gone = connection.execute(delete(entry).where(entry.c.sequence.between(first, last)))
    if gone.rowcount != len(rows):
        raise NotPackedError(f"entries {first} to {last} changed while they were packed")
    connection.execute(insert(block).values(**columns))
    return True


def _end_of_blocks(connection: Connection) -> tuple[int, bytes]:
    for one in blocks_before(connection, None):
        return one["last"], one["seals"][-len(FIRST_SEAL) :]
    return 0, FIRST_SEAL


def _check(rows: list[Full], before: int, previous: bytes) -> None:
    """Only what follows the blocks without a gap and fits the order of the log is packed: a place of tampering stays as it was found."""
    for one in rows:
        fits = one.sequence == before + 1 and one.seal == seal(
            previous,
            sequence=one.sequence,
            received=one.received,
            producer=one.producer,
            epoch=one.epoch,
            producer_sequence=one.producer_sequence,
            digest=one.hash,
        )
        if not fits:
            raise NotPackedError(f"entry {one.sequence} of the log does not fit the order: nothing from here on is packed, see verify")
        before, previous = one.sequence, one.seal
