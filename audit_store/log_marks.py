"""Which packed blocks of the log can hold what a question wants, told without unpacking them.

A block keeps a short hash of every value that its entries are found by. A hash that is not there proves that the value is not; one that is
there may be another value's, so that the block is looked into for nothing once in some million times.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from audit_store.log_file import columns_of, parsed
from audit_store.log_tables import COLUMNS

type Value = tuple[str, str]
"""A column of `audit_store.log_tables.COLUMNS`, and its value."""
_TIME = COLUMNS[0]
_BYTES = 4


@dataclass(frozen=True, slots=True)
class Within:
    """What holds for every row of an answer in any case, so that whole blocks can be passed over."""

    above: int = 0
    """Its sequence is higher."""
    below: int = 1 << 62
    """Its sequence is lower."""
    since: str | None = None
    """Its time, as events write it, is this or later."""
    until: str | None = None
    """Its time is earlier."""
    groups: tuple[frozenset[Value], ...] = ()
    """Of each group it has at least one."""

    def may_be_in(self, marks: bytes | None) -> bool:
        """Whether a block with these marks can hold such a row; one that has none may hold everything."""
        if marks is None:
            return True
        known = array("I")
        known.frombytes(marks)
        return all(any(_has(known, _number(value)) for value in group) for group in self.groups)


EVERYTHING = Within()


def marks_of(contents: Iterable[bytes]) -> tuple[bytes, str | None, str | None]:
    """The marks of these events, and the earliest and latest of their times."""
    found: set[tuple[str, str | None]] = set()
    for canonical in contents:
        found.update(zip(COLUMNS, columns_of(parsed(canonical)), strict=True))
    times = [value for name, value in found if name == _TIME and value is not None]
    numbers = array("I", sorted({_number((name, value)) for name, value in found if name != _TIME and value is not None}))
    return numbers.tobytes(), min(times, default=None), max(times, default=None)


def _number(value: Value) -> int:
    return int.from_bytes(blake2b("\0".join(value).encode("utf-8", "replace"), digest_size=_BYTES).digest(), "little")


def _has(known: array[int], number: int) -> bool:
    place = bisect_left(known, number)
    return place < len(known) and known[place] == number
