"""Everything that the log claims, computed again from its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from sqlalchemy import Connection, cast, select, types

from audit_store.chain import FIRST_EPOCH, epoch_start, link
from audit_store.log_blocks import BlockError, Full, unpack
from audit_store.log_cursors import cursor_of
from audit_store.log_file import FIRST_SEAL, columns_of, parsed, seal
from audit_store.log_removal import columns_gone, removals
from audit_store.log_rows import Misfiled, Single, Spoilt, blocks_after, everything
from audit_store.log_tables import HASH, PLACE, entry
from audit_store.log_tables import producer as producers
from audit_store.removal import Allowed
from audit_store.spool_file import Head, Stored

PROBLEMS_MAX = 100
"""After so many the log is named as what it is; more lines help nobody."""
_BATCH = 1_000


class Source(Protocol):
    """A spool, or a reader of one."""

    producer: str

    def read(self, after: int, limit: int) -> list[Stored]:
        """Up to `limit` events above the sequence `after`."""

    def anchor(self) -> Head | None:
        """The last event that was taken out because the log has it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the record is not as it must be."""

    sequence: int | None
    """The place in the log; None where the place is only known in the producer's own counting."""
    producer: str | None
    producer_sequence: int | None
    text: str

    def __str__(self) -> str:
        place = [] if self.sequence is None else [f"log {self.sequence}"]
        if self.producer is not None:
            place.append(f"{self.producer} {self.producer_sequence}" if self.producer_sequence is not None else self.producer)
        return f"{', '.join(place)}: {self.text}" if place else self.text


type Watch = Callable[[int, int, str, int, int, bytes], Iterable[Problem]]
"""Is shown each entry in order (sequence, received, producer, epoch, producer_sequence, hash), and says what it finds wrong with it."""


def problems(connection: Connection, spools: Iterable[Source], watch: Watch | None = None) -> list[Problem]:
    """All problems, by place, at most `PROBLEMS_MAX`. The caller holds one read transaction. `watch` is shown every entry in any case."""
    known: dict[str, tuple[int, int, bytes]] = {}
    found: list[Problem] = []
    allowed = Allowed(removals(connection))
    for problem in _of_entries(connection, known, watch, allowed):
        if len(found) < PROBLEMS_MAX:
            found.append(problem)
    found += _of_cursors(connection, known)
    for spool in spools:
        found += islice(_of_spool(connection, spool), PROBLEMS_MAX)
    return found[:PROBLEMS_MAX]


def _of_entries(
    connection: Connection, known: dict[str, tuple[int, int, bytes]], watch: Watch | None, allowed: Allowed
) -> Iterator[Problem]:
    """The order of the log, each producer's chain in it, and the columns for searching. Fills `known` with the end of each chain.

    Goes on after a problem from what is stored, so that one harm is one line and not one for every event after it.
    """
    expected = 1
    previous: bytes | None = FIRST_SEAL
    chains: set[str] | None = None
    """Producers whose next event can be checked against the one before it; None: all."""
    for one in everything(connection):
        if isinstance(one, Misfiled):
            yield Problem(
                one.first, None, None, f"packed, and filed under what is not in it{_up_to(one.first, one.last)}: a search would miss it"
            )
            continue
        first = one.first if isinstance(one, Spoilt) else (one.full if isinstance(one, Single) else one).sequence
        if first < expected:
            yield Problem(first, None, None, "is there twice")
        elif first > expected:
            yield Problem(expected, None, None, "missing" if first == expected + 1 else f"missing, and all up to {first - 1}")
            previous = None
        if isinstance(one, Spoilt):
            yield Problem(one.first, None, None, f"packed, and cannot be read{_up_to(one.first, one.last)}: {one.cause}")
            expected, previous, chains = max(one.last, one.first) + 1, None, set()
            continue
        full = one.full if isinstance(one, Single) else one
        if chains is None or full.producer in chains:
            yield from _of_chain(known, full, allowed)
        elif chains is not None:
            chains.add(full.producer)
        if previous is not None and full.seal != _sealed(previous, full):
            text = "does not fit the order of the log: its place, time of receipt or neighbour was changed"
            yield Problem(full.sequence, full.producer, full.producer_sequence, text)
        if isinstance(one, Single):
            yield from _of_columns(one)
        if watch is not None:
            yield from watch(full.sequence, full.received, full.producer, full.epoch, full.producer_sequence, full.hash)
        known[full.producer] = (full.producer_sequence, full.epoch, full.hash)
        expected, previous = full.sequence + 1, full.seal


def _sealed(previous: bytes, full: Full) -> bytes:
    return seal(
        previous,
        sequence=full.sequence,
        received=full.received,
        producer=full.producer,
        epoch=full.epoch,
        producer_sequence=full.producer_sequence,
        digest=full.hash,
    )


def _of_columns(one: Single) -> Iterator[Problem]:
    full = one.full
    document = parsed(full.canonical or b"")
    if full.canonical is None:  # whether that may be says its chain
        if not columns_gone(one.columns):
            yield Problem(full.sequence, full.producer, full.producer_sequence, "its content is gone, and it is still filed under it")
    elif not document:
        yield Problem(full.sequence, full.producer, full.producer_sequence, "is not readable as an event")
    elif one.columns != columns_of(document):
        text = "is filed under what is not in it: a search would miss it"
        yield Problem(full.sequence, full.producer, full.producer_sequence, text)


def _of_chain(known: dict[str, tuple[int, int, bytes]], full: Full, allowed: Allowed) -> Iterator[Problem]:
    number, epoch, before = known.get(full.producer) or (0, FIRST_EPOCH, epoch_start(full.producer, FIRST_EPOCH))
    sequence, place = full.sequence, full.producer_sequence
    if full.epoch != epoch:
        yield Problem(sequence, full.producer, place, f"begins epoch {full.epoch}: the record before it was broken off")
        before = epoch_start(full.producer, full.epoch)
    elif place != number + 1:
        gap = f"{number + 1}" if place == number + 2 else f"{number + 1} to {place - 1}"
        text = f"{full.producer}'s events {gap} are missing before it" if place > number else "stands behind a later one"
        yield Problem(sequence, full.producer, place, text)
        return
    if full.canonical is None:
        if not allowed.names(sequence):
            yield Problem(sequence, full.producer, place, "its content is gone: only its hash is left, and nothing in the log takes it out")
        elif not allowed.may_be_gone(sequence, full.received):
            yield Problem(sequence, full.producer, place, "its content is gone, and was taken out before its time was over")
    elif full.hash != link(before, producer=full.producer, epoch=full.epoch, sequence=place, canonical=full.canonical):
        yield Problem(sequence, full.producer, place, "does not fit its chain: it, or the one before it, was changed")


def _of_cursors(connection: Connection, known: dict[str, tuple[int, int, bytes]]) -> Iterator[Problem]:
    """The log's own notes on how far it is: they show a cut end."""
    names = connection.scalars(select(cast(producers.c.name, types.Text)).order_by(producers.c.name)).all()
    for name in names:
        cursor = cursor_of(connection, name)
        if cursor.stopped:
            yield Problem(None, name, cursor.sequence, f"stopped behind this event: {cursor.stopped}")
        end = known.get(name)
        if cursor.sequence and (end is None or end[0] < cursor.sequence):
            yield Problem(None, name, (end[0] if end else 0) + 1, f"missing: the log has taken events up to {cursor.sequence}")
        elif end is not None and end != (cursor.sequence, cursor.epoch, cursor.hash):
            yield Problem(None, name, cursor.sequence, "the log's note of its last event is another one")
    for name in sorted(known.keys() - set(names)):
        yield Problem(None, name, None, "has events in the log but no note of how far")


def _of_spool(connection: Connection, spool: Source) -> Iterator[Problem]:
    """The producer's own copy against the log's. What the log has not taken yet is no problem."""
    cursor = cursor_of(connection, spool.producer)
    if cursor.stopped:
        return  # named already, with its place
    in_log = _hashes(connection, spool.producer)
    gone = spool.anchor()
    if gone is not None:
        if gone.hash != in_log.get((gone.epoch, gone.sequence)):
            yield Problem(None, spool.producer, gone.sequence, "was taken out of the spool, and the log has another one or none")
        in_log = {place: digest for place, digest in in_log.items() if place[1] > gone.sequence}
    only_spool = []
    for row in _all(spool, cursor.sequence):
        digest = in_log.pop((row.epoch, row.sequence), None)
        if digest is None:
            only_spool.append(row.sequence)
        elif digest != row.hash:
            yield Problem(None, spool.producer, row.sequence, "is another one in the spool than in the log")
    for first, last in _ranges(only_spool):
        yield Problem(None, spool.producer, first, f"in the spool and not in the log{_up_to(first, last)}")
    for first, last in _ranges(sorted(number for _, number in in_log)):
        yield Problem(None, spool.producer, first, f"in the log and not in the spool{_up_to(first, last)}")


def _hashes(connection: Connection, producer: str) -> dict[tuple[int, int], bytes]:
    found: dict[tuple[int, int], bytes] = {}
    for one in blocks_after(connection, 0):
        try:
            found |= {(full.epoch, full.producer_sequence): full.hash for full in unpack(one) if full.producer == producer}
        except BlockError:
            continue  # named already, with its range
    rows = connection.execute(select(PLACE[3], PLACE[4], HASH).where(entry.c.producer == producer))
    return found | {(epoch, number): digest for epoch, number, digest in rows}


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if last is not None and first is not None and number != last + 1:
            yield first, last
            first = number
        first, last = (number if first is None else first), number
    if first is not None and last is not None:
        yield first, last


def _up_to(first: int, last: int) -> str:
    return "" if first == last else f", and all up to {last}"


def _all(spool: Source, until: int) -> Iterator[Stored]:
    after = 0
    while rows := spool.read(after, _BATCH):
        for row in rows:
            if row.sequence > until:
                return
            yield row
        after = rows[-1].sequence
