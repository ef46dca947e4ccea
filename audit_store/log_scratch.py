"""Answers a condition over the columns of the log where no table has them: for packed entries, and for a log that is not in SQLite.

The entries are put into a table of SQLite in memory, batch by batch, and the condition is asked there. Slow by nature: whoever asks often
has an index of its own (`audit_store.search`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from audit_store.log_file import Entry, columns_of, parsed
from audit_store.log_tables import COLUMNS

_NAMES = ("sequence", "received", "producer", "epoch", "producer_sequence", *COLUMNS, "canonical")
_MARKS = ", ".join("?" * len(_NAMES))


def matching(batches: Iterable[Sequence[Entry]], condition: str, values: Sequence[object], *, newest_first: bool) -> Iterator[Entry]:
    """Entries of the batches that meet the condition, each batch in its order. Raises sqlite3.Error for a condition that is none."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        scratch.execute(f"CREATE TABLE entry ({', '.join(_NAMES)})")
        question = f"SELECT sequence FROM entry WHERE {condition} ORDER BY sequence {'DESC' if newest_first else 'ASC'}"  # noqa: S608 -- ours
        for batch in batches:
            by_number = {one.sequence: one for one in batch}
            scratch.execute("DELETE FROM entry")
            scratch.executemany(f"INSERT INTO entry VALUES ({_MARKS})", map(_row, batch))  # noqa: S608 -- question marks only
            for (sequence,) in scratch.execute(question, values).fetchall():
                yield by_number[sequence]


def _row(one: Entry) -> tuple[object, ...]:
    place = (one.sequence, one.received, one.producer, one.epoch, one.producer_sequence)
    return (*place, *columns_of(parsed(one.canonical)), one.canonical)
