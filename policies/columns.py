"""Asks conditions of all records of an act at once: column by column, no object per record.

A column is kept as its distinct values and, for each record, which of them it has. A leaf is asked once for each distinct value. What
comes out is a set of records as one integer with a byte for each record, 1 or 0: sets are joined and cut by single operations on it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import compress, repeat
from types import NoneType, SimpleNamespace
from typing import Any, NamedTuple

from policies.attributes import Attributes, Facts, Member
from policies.operators import EVALUATION_ERRORS
from policies.program import Program, Steps
from policies.request import ClientId, Value
from policies.shapes import Comparison
from policies.tree import Op
from policies.where import OWN, Leaf, Where

type Records = int
"""A set of records: byte n is 1 if the n-th record is in it."""


class Verdict(NamedTuple):
    """Of which records a condition is true, and for which it failed; of the others it is false."""

    true: Records
    failed: Records


class Judged(NamedTuple):
    """What several conditions say of the records."""

    sets: Sequence[Records]
    places: Mapping[Where, int]
    """For each condition where in `sets` the records stand that it is true of."""
    failed: Mapping[Where, Records]
    """For which records those failed that failed for any."""


_BAD = object()
"""Stands for a value that is none of the attribute's type: whatever asks for it fails."""
_TRUE, _FALSE, _FAILED = 1, 0, 2
_FEW = 256
"""Up to so many distinct values, a record's value is one byte, and a whole column is looked up in one step."""
_JOINED = 16
"""Up to so many distinct values, the records that have one are kept as a set: to join some is less than to look the column up."""
_ONLY = tuple([bytes(place) + b"\1" + bytes(_FEW - 1 - place) for place in range(_JOINED)])
"""For a place the table that leaves 1 of it and 0 of any other."""
_KINDS: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "double": (float, int),
    "string": (str,),
    "timestamp": (datetime,),
}
_PLAIN = frozenset({bool, int, float, str, datetime})
_OPERATORS: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
}


@dataclass(slots=True)
class _Column:
    values: tuple[Any, ...]
    """The distinct ones."""
    codes: bytes | None
    """For each record the place of its value in `values`; None: there are too many."""
    cells: Sequence[Any]
    """For each record its value."""
    kind: type | None
    """Of all values, if they are of one type and none is missing: then they compare with each other and with another of that type."""
    _sets: dict[int, Records] = field(default_factory=dict)
    """The records that have the value of a place, for places that were asked for."""

    def verdict(self, found: Sequence[int]) -> Verdict:
        """What was found for each of the values, for the records."""
        if self.codes is None:
            return _verdict(bytes(map(dict(zip(self.values, found, strict=True)).__getitem__, self.cells)))
        if len(found) > _JOINED:
            return _verdict(self.codes.translate(bytes(found).ljust(_FEW)))
        true = failed = 0
        for place, outcome in enumerate(found):
            if outcome == _TRUE:
                true |= self._having(place)
            elif outcome == _FAILED:
                failed |= self._having(place)
        return Verdict(true, failed)

    def _having(self, place: int) -> Records:
        """The records with the value of this place."""
        known = self._sets.get(place)
        if known is None:
            known = self._sets[place] = int.from_bytes((self.codes or b"").translate(_ONLY[place]), "little")
        return known


class Columns:
    """The records of one act."""

    def __init__(self, facts: Facts, record: Attributes) -> None:
        self.ids: tuple[ClientId, ...] = facts.resource.ids or ()
        self.all: Records = int.from_bytes(b"\1" * len(self.ids), "little")
        self._facts = facts
        self._record = record
        self._columns: dict[str, _Column | None] = {}
        self._sets: dict[Records, frozenset[ClientId]] = {}

    @cached_property
    def own(self) -> Records:
        """The records of the person's own book."""
        return int.from_bytes(self._owned, "little")

    @cached_property
    def _owned(self) -> bytes:
        return bytes(map(self._facts.resource.own.__contains__, self.ids))

    def judge(self, asked: Program) -> Judged:
        """Ask conditions of all records."""
        sets: list[Records] = []
        broken = []
        for number, leaf in enumerate(asked.leaves):
            true, failed = self._leaf(leaf)
            sets.append(true)
            sets.append(self.all ^ true ^ failed)
            if failed:
                broken.append(number)
        found = _taken(asked.true, sets)
        return Judged(found, asked.true.places, self._failed(asked, sets, found, frozenset(broken)) if broken else {})

    def listed(self, records: Records) -> tuple[ClientId, ...]:
        """The clients of a set, in the order of the answer."""
        return self.ids if records == self.all else tuple(compress(self.ids, self.flags(records)))

    def clients(self, records: Records) -> frozenset[ClientId]:
        """The clients of a set."""
        found = self._sets.get(records)
        if found is None:
            found = self._sets[records] = frozenset(self.listed(records))
        return found

    def flags(self, records: Records) -> bytes:
        """1 or 0 for each record."""
        return records.to_bytes(len(self.ids), "little")

    def _failed(self, asked: Program, sets: list[Records], true: list[Records], broken: frozenset[int]) -> dict[Where, Records]:
        """Those records of which a condition is neither true nor false."""
        doubts, places = asked.doubts(broken), asked.true.places
        false = _taken(doubts, sets)
        failed = {where: self.all ^ true[places[where]] ^ false[place] for where, place in doubts.places.items()}
        return {where: records for where, records in failed.items() if records}

    def _leaf(self, leaf: Leaf) -> Verdict:
        if not leaf.attributes:
            found = self._ask(leaf)
            return Verdict(self.all if found == _TRUE else 0, self.all if found == _FAILED else 0)
        columns = [self._column(name) for name in leaf.attributes]
        if None in columns:
            return Verdict(0, self.all)
        given = [column for column in columns if column is not None]
        return self._one(leaf, given[0]) if len(given) == 1 else self._several(leaf, given)

    def _one(self, leaf: Leaf, column: _Column) -> Verdict:
        if leaf.comparison is not None and (quick := self._compared(leaf.comparison, column)) is not None:
            return quick
        name = leaf.attributes[0]
        found = []
        self._facts.record = record = SimpleNamespace()
        for value in column.values:
            setattr(record, name, value)
            found.append(_FAILED if value is _BAD else self._ask(leaf))
        self._facts.record = None
        return column.verdict(found)

    def _several(self, leaf: Leaf, columns: Sequence[_Column]) -> Verdict:
        rows = list(zip(*[column.codes or column.cells for column in columns], strict=True))
        found: dict[tuple[Any, ...], int] = {}
        self._facts.record = record = SimpleNamespace()
        for row in dict.fromkeys(rows):
            bad = False
            for name, column, cell in zip(leaf.attributes, columns, row, strict=True):
                value = cell if column.codes is None else column.values[cell]
                setattr(record, name, value)
                bad = bad or value is _BAD
            found[row] = _FAILED if bad else self._ask(leaf)
        self._facts.record = None
        return _verdict(bytes(map(found.__getitem__, rows)))

    def _ask(self, leaf: Leaf) -> int:
        try:
            found = leaf.run(self._facts, ())
        except EVALUATION_ERRORS:
            return _FAILED
        return _TRUE if found is True else _FALSE if found is False else _FAILED

    def _compared(self, comparison: Comparison, column: _Column) -> Verdict | None:
        """A plain comparison without a call for each value; None: it has to be asked one by one."""
        try:
            other = comparison.other(self._facts, ())
        except EVALUATION_ERRORS:
            return Verdict(0, self.all)
        if column.kind is None or type(other) is not column.kind:
            return None
        compare = _OPERATORS[comparison.op]
        if column.codes is None:
            return _verdict(bytes(map(compare, column.cells, repeat(other))))
        return column.verdict(bytes(map(compare, column.values, repeat(other))))

    def _column(self, name: str) -> _Column | None:
        """A column of the answer; None: it is not there, or is not as long as the answer."""
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    def _read(self, name: str) -> _Column | None:
        if name == OWN:
            return _Column((False, True), self._owned, (), bool)
        given = self._facts.resource.records.get(name)
        if given is None or len(given) != len(self.ids):
            return None
        cells, values = _checked(given, self._record[name])
        codes = None
        if len(values) <= _FEW:
            codes = bytes(map({value: place for place, value in enumerate(values)}.__getitem__, cells))
        kinds = set(map(type, values))
        plain = len(kinds) == 1 and not kinds.isdisjoint(_PLAIN)
        return _Column(values, codes, cells, kinds.pop() if plain else None)


def _verdict(found: bytes) -> Verdict:
    """Of what was found for each record."""
    if _FAILED not in found:
        return Verdict(int.from_bytes(found, "little"), 0)
    return Verdict(int.from_bytes(found.translate(_ONLY[_TRUE]), "little"), int.from_bytes(found.translate(_ONLY[_FAILED]), "little"))


def _taken(asked: Steps, sets: Sequence[Records]) -> list[Records]:
    """The sets of the leaves and those of all steps."""
    found = list(sets)
    add = found.append
    for join, one, other in asked.steps:
        add(join(found[one], found[other]))
    return found


def _checked(given: Sequence[Value], member: Member) -> tuple[Sequence[Any], tuple[Any, ...]]:
    """The values of a column and the distinct ones among them; what is none of its type is `_BAD`, a list is a tuple."""
    listed = member.type.element is not None
    expected = (list, tuple) if listed else _KINDS.get(member.type.name, ())
    fits = _items_fit if listed else _fits
    cells: Sequence[Any] = given
    if not {*expected, NoneType}.issuperset(map(type, given)):
        cells = [value if isinstance(value, expected) and fits(value, expected) else None if value is None else _BAD for value in given]
    if listed:
        cells = [tuple(value) if isinstance(value, list) else value for value in cells]
    try:
        values = tuple(dict.fromkeys(cells))
    except TypeError:  # a list inside a list
        cells = [value if value is None or fits(value, expected) else _BAD for value in cells]
        values = tuple(dict.fromkeys(cells))
    bad = {value for value in values if (not member.optional if value is None else value is not _BAD and not fits(value, expected))}
    if bad:
        cells = [_BAD if value in bad else value for value in cells]
        values = tuple(dict.fromkeys(cells))
    return cells, values


def _items_fit(value: Any, _expected: tuple[type, ...]) -> bool:
    return all(isinstance(item, str) for item in value)


def _fits(value: Any, expected: tuple[type, ...]) -> bool:
    match value:
        case bool():
            return bool in expected
        case float():
            return not math.isnan(value)
        case datetime():
            return value.tzinfo is not None
    return True
