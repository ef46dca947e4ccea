"""Everything that the log claims, computed again from its bytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from audit_store.chain import FIRST_EPOCH, epoch_start, link
from audit_store.log_file import COLUMNS, FIRST_SEAL, columns_of, cursor_of, parsed, seal
from audit_store.spool_file import Stored

PROBLEMS_MAX = 100
"""After so many the log is named as what it is; more lines help nobody."""
_BATCH = 1_000


class Source(Protocol):
    """A spool, or a reader of one."""

    producer: str

    def read(self, after: int, limit: int) -> list[Stored]:
        """Up to `limit` events above the sequence `after`."""


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


def problems(connection: sqlite3.Connection, spools: Iterable[Source], watch: Watch | None = None) -> list[Problem]:
    """All problems, by place, at most `PROBLEMS_MAX`. The caller holds one read transaction. `watch` is shown every entry in any case."""
    known: dict[str, tuple[int, int, bytes]] = {}
    found: list[Problem] = []
    for problem in _of_entries(connection, known, watch):
        if len(found) < PROBLEMS_MAX:
            found.append(problem)
    found += _of_cursors(connection, known)
    for spool in spools:
        found += islice(_of_spool(connection, spool), PROBLEMS_MAX)
    return found[:PROBLEMS_MAX]


def _of_entries(connection: sqlite3.Connection, known: dict[str, tuple[int, int, bytes]], watch: Watch | None) -> Iterator[Problem]:
    """The order of the log, each producer's chain in it, and the columns for searching. Fills `known` with the end of each chain.

    Goes on after a problem from what is stored, so that one harm is one line and not one for every event after it.
    """
    expected = 1
    previous: bytes | None = FIRST_SEAL
    names = ", ".join(COLUMNS)
    rows = connection.execute(
        f"SELECT sequence, CAST(received AS INTEGER), CAST(producer AS TEXT), CAST(epoch AS INTEGER), "  # noqa: S608 -- names are ours
        f"CAST(producer_sequence AS INTEGER), CAST(canonical AS BLOB), CAST(hash AS BLOB), CAST(seal AS BLOB), {names} "
        "FROM entry ORDER BY sequence"
    )
    for sequence, received, producer, epoch, number, canonical, digest, stored_seal, *columns in rows:
        if sequence != expected:
            yield Problem(expected, None, None, "missing" if sequence == expected + 1 else f"missing, and all up to {sequence - 1}")
            previous = None
        yield from _of_chain(known, sequence, Stored(producer, epoch, number, canonical, digest))
        if previous is not None and stored_seal != seal(
            previous,
            sequence=sequence,
            received=received,
            producer=producer,
            epoch=epoch,
            producer_sequence=number,
            digest=digest,
        ):
            yield Problem(
                sequence, producer, number, "does not fit the order of the log: its place, time of receipt or neighbour was changed"
            )
        document = parsed(canonical)
        if not document:
            yield Problem(sequence, producer, number, "is not readable as an event")
        elif tuple(columns) != columns_of(document):
            yield Problem(sequence, producer, number, "is filed under what is not in it: a search would miss it")
        if watch is not None:
            yield from watch(sequence, received, producer, epoch, number, digest)
        known[producer] = (number, epoch, digest)
        expected, previous = sequence + 1, stored_seal


def _of_chain(known: dict[str, tuple[int, int, bytes]], sequence: int, row: Stored) -> Iterator[Problem]:
    number, epoch, before = known.get(row.producer, (0, FIRST_EPOCH, epoch_start(row.producer, FIRST_EPOCH)))
    if row.epoch != epoch:
        yield Problem(sequence, row.producer, row.sequence, f"begins epoch {row.epoch}: the record before it was broken off")
        before = epoch_start(row.producer, row.epoch)
    elif row.sequence != number + 1:
        gap = f"{number + 1}" if row.sequence == number + 2 else f"{number + 1} to {row.sequence - 1}"
        text = f"{row.producer}'s events {gap} are missing before it" if row.sequence > number else "stands behind a later one"
        yield Problem(sequence, row.producer, row.sequence, text)
        return
    if row.hash != link(before, producer=row.producer, epoch=row.epoch, sequence=row.sequence, canonical=row.canonical):
        yield Problem(sequence, row.producer, row.sequence, "does not fit its chain: it, or the one before it, was changed")


def _of_cursors(connection: sqlite3.Connection, known: dict[str, tuple[int, int, bytes]]) -> Iterator[Problem]:
    """The log's own notes on how far it is: they show a cut end."""
    for (name,) in connection.execute("SELECT CAST(name AS TEXT) FROM producer ORDER BY name"):
        cursor = cursor_of(connection, name)
        if cursor.stopped:
            yield Problem(None, name, cursor.sequence, f"stopped behind this event: {cursor.stopped}")
        end = known.get(name)
        if cursor.sequence and (end is None or end[0] < cursor.sequence):
            yield Problem(None, name, (end[0] if end else 0) + 1, f"missing: the log has taken events up to {cursor.sequence}")
        elif end is not None and end != (cursor.sequence, cursor.epoch, cursor.hash):
            yield Problem(None, name, cursor.sequence, "the log's note of its last event is another one")
    for name in sorted(known):
        if connection.execute("SELECT 1 FROM producer WHERE name = ?", (name,)).fetchone() is None:
            yield Problem(None, name, None, "has events in the log but no note of how far")


def _of_spool(connection: sqlite3.Connection, spool: Source) -> Iterator[Problem]:
    """The producer's own copy against the log's. What the log has not taken yet is no problem."""
    cursor = cursor_of(connection, spool.producer)
    if cursor.stopped:
        return  # named already, with its place
    entries = connection.execute(
        "SELECT CAST(epoch AS INTEGER), CAST(producer_sequence AS INTEGER), CAST(hash AS BLOB) FROM entry WHERE producer = ?",
        (spool.producer,),
    )
    in_log = {(epoch, number): digest for epoch, number, digest in entries}
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
