"""Takes content out of the central log whose time is over: entries keep place, hash and seal, so that everything else stays verifiable.

Nothing is taken out that is not what was recorded: each content is held against its hash first, or a changed event could be made to vanish
as an old one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from audit_store.chain import epoch_start, link
from audit_store.engines import is_sqlite
from audit_store.event import EventAction
from audit_store.log_blocks import BlockError, Full, NotPackedError, ends_of, unpack
from audit_store.log_file import parsed
from audit_store.log_marks import EVERYTHING, Value, Within
from audit_store.log_pack import packed
from audit_store.log_rows import blocks_with
from audit_store.log_tables import BLOCK, CANONICAL, COLUMNS, HASH, PLACE, SEAL, block, entry
from audit_store.removal import Removal, removal_of
from audit_store.retention import ACTIONS, Kept, class_of

_ROWS = 500
_CLOCKS = timedelta(days=1)
"""So far a producer's clock may be ahead of the log's before a block of its events is looked into later than it could be."""
_REMOVALS = Within(groups=(frozenset({("action", EventAction.EVENTS_REMOVED.value)}),))
type _Ends = dict[str, tuple[int, int, bytes]]
"""Producer -> epoch, number and hash of its last event so far."""


def removals(connection: Connection) -> Iterator[Removal]:
    """All removals that the log has, in order; what cannot be read is passed over: `Log.verify` names it. Raises SQLAlchemyError."""
    for one in blocks_with(connection, _REMOVALS, newest_first=False):
        try:
            rows = unpack(one)
        except BlockError:
            continue
        yield from _removals_in(rows)
    named = entry.c.action == EventAction.EVENTS_REMOVED.value
    question = select(*PLACE, CANONICAL, HASH, SEAL).where(named).order_by(entry.c.sequence)
    yield from _removals_in([Full(*row) for row in connection.execute(question)])


def over(connection: Connection, ends: Mapping[Kept, int], spared: Callable[[bytes], bool]) -> Iterator[tuple[Kept, int]]:
    """Class and number of each entry whose content is over, in order. `ends`: what the log had received by then, in milliseconds since
    1970; `spared`: whether a content stays in any case.

    Each statement sees what is committed by then, so that nobody waits for a long pass. Raises NotPackedError where an entry is not what
    was recorded, BlockError, SQLAlchemyError.
    """
    known: _Ends = {}
    last = 0
    for light in _light_blocks(connection):
        last = light["last"]
        if not _may_hold(light, ends):
            known |= ends_of(light)
            continue
        whole = connection.execute(select(*BLOCK).where(block.c.first == light["first"])).mappings().one()
        for full in unpack(dict(whole)):
            yield from _over(full, known, ends, spared)
    question = select(*PLACE, CANONICAL, HASH, SEAL).where(entry.c.sequence > last).order_by(entry.c.sequence)
    for row in connection.execution_options(yield_per=_ROWS).execute(question):
        full = Full(*row)
        if full.sequence != last + 1:
            return  # packed meanwhile: the next pass sees all of it
        last = full.sequence
        yield from _over(full, known, ends, spared)


def take_singles(connection: Connection, removal: Removal, numbers: Sequence[int]) -> int:
    """Empty those of these entries that are not packed; how many. The caller is the only writer. Raises NotPackedError, SQLAlchemyError."""
    _forget_bytes(connection)
    there = select(*PLACE, CANONICAL, HASH, SEAL).where(entry.c.sequence.in_(numbers), func.length(CANONICAL) > 0)
    over = [full.sequence for full in (Full(*row) for row in connection.execute(there)) if _may_go(full, removal)]
    connection.execute(update(entry).where(entry.c.sequence.in_(over)).values(canonical=b"", **dict.fromkeys(COLUMNS)))
    return len(over)


def blocks_of(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """The first entries of the blocks in which these entries (in order) can be. Raises SQLAlchemyError."""
    there = select(block.c.first, block.c.last).where(block.c.last >= numbers[0], block.c.first <= numbers[-1]).order_by(block.c.first)
    return [
        first for first, last in connection.execute(there) if (at := bisect_left(numbers, first)) < len(numbers) and numbers[at] <= last
    ]


def take_from_block(connection: Connection, removal: Removal, first: int) -> int:
    """Write a block anew without the content of what is over in it; how many entries that were. The caller is the only writer.

    Raises NotPackedError, BlockError, SQLAlchemyError.
    """
    _forget_bytes(connection)
    one = connection.execute(select(*BLOCK).where(block.c.first == first)).mappings().one()
    rows, count = unpack(dict(one)), 0
    for at, full in enumerate(rows):
        if full.sequence in removal.entries and full.canonical is not None and _may_go(full, removal):
            rows[at] = full._replace(canonical=None)
            count += 1
    if count:
        columns = packed(rows)
        if unpack(columns) != rows:
            raise NotPackedError(f"the block of {first} would not come out as it went in")
        connection.execute(update(block).where(block.c.first == first).values(**columns))
    return count


def _removals_in(rows: Sequence[Full]) -> Iterator[Removal]:
    for full in rows:
        found = removal_of(full.sequence, full.received, full.producer, full.canonical)
        if found is not None:
            yield found


def _light_blocks(connection: Connection) -> Iterator[Mapping[str, Any]]:
    """All blocks in order, without their content."""
    columns = [column for column in BLOCK if column.name not in ("content", "seals")]
    after = 0
    while True:
        found = connection.execute(select(*columns).where(block.c.first > after).order_by(block.c.first).limit(1)).mappings().one_or_none()
        if found is None:
            return
        yield dict(found)
        after = found["first"]


def _may_hold(light: Mapping[str, Any], ends: Mapping[Kept, int]) -> bool:
    """Whether something in the block can be over: by its times, and by the kinds of events in it."""
    if light["begins"] is None:
        return False
    for kept, until in ends.items():
        stamp = (datetime.fromtimestamp(until / 1000, UTC) + _CLOCKS).isoformat(timespec="milliseconds")[:-6] + "Z"
        kinds: frozenset[Value] = frozenset(("action", action) for action in ACTIONS.get(kept, ()))
        within = Within(groups=(kinds,)) if kinds else EVERYTHING
        if light["begins"] < stamp and within.may_be_in(light["marks"]):
            return True
    return False


def _over(full: Full, known: _Ends, ends: Mapping[Kept, int], spared: Callable[[bytes], bool]) -> Iterator[tuple[Kept, int]]:
    epoch, number, before = known.get(full.producer, (0, 0, b""))
    if full.epoch != epoch:
        number, before = full.producer_sequence - 1, epoch_start(full.producer, full.epoch)
    known[full.producer] = (full.epoch, full.producer_sequence, full.hash)
    if not full.canonical or full.received > max(ends.values()):
        return
    kept = class_of(parsed(full.canonical))
    if kept is None or full.received > ends.get(kept, 0) or spared(full.canonical):
        return
    place = (full.producer, full.epoch, full.producer_sequence)
    whole = link(before, producer=place[0], epoch=place[1], sequence=place[2], canonical=full.canonical)
    if full.producer_sequence != number + 1 or full.hash != whole:
        raise NotPackedError(f"entry {full.sequence} of the log does not fit its chain: nothing from here on is taken out, see verify")
    yield kept, full.sequence


def _may_go(full: Full, removal: Removal) -> bool:
    """False for what is too young for this removal, because a clock was set back in between: a later one names it again."""
    if class_of(parsed(full.canonical or b"")) is not removal.kept:
        raise NotPackedError(f"entry {full.sequence} of the log is not what entry {removal.sequence} takes out: see verify")
    return full.received <= removal.until


def _forget_bytes(connection: Connection) -> None:
    """SQLite leaves deleted bytes in its pages; here they are overwritten."""
    if is_sqlite(connection):
        connection.exec_driver_sql("PRAGMA secure_delete = 1")


def columns_gone(columns: Sequence[Any]) -> bool:
    """Whether an entry without content is filed under nothing, as it must be."""
    return all(value is None for value in columns)
