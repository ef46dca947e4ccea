"""The file of an SQLite database (https://www.sqlite.org/fileformat2.html): its pages, the cells in them, the values in a record.

Read byte by byte and not by SQLite, whose parser of statements and whose memory nobody bounds here. Nothing that the file says about itself
is believed: a number that leads out of the file is a `PageError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MAGIC = b"SQLite format 3\0"
HEAD = 100
"""Bytes before the first page's own head."""
_ENCODINGS = {0: "utf-8", 1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}
_INDEX_INNER, _TABLE_INNER, _INDEX_LEAF, _TABLE_LEAF = 2, 5, 10, 13
_KINDS = frozenset({_INDEX_INNER, _TABLE_INNER, _INDEX_LEAF, _TABLE_LEAF})
_INTEGERS = (0, 1, 2, 3, 4, 6, 8)
"""Bytes of the serial types 0 (NULL) to 6."""
_REAL, _ZERO, _ONE, _BLOB, _TEXT = 7, 8, 9, 12, 13
_FEW_SHAPES = 4_096
"""Different heads of records that are remembered: rows of a table have few."""

type Value = int | float | str | bytes | None
type Cell = tuple[int | None, bytes]
"""The number of a row, where it has one, and its record."""


class PageError(Exception):
    """It is no page of such a file, or something in it leads nowhere."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a tree."""

    cells: list[Cell]
    children: list[int]
    """Numbers of the pages below it."""
    whole: bool
    """False if a cell could not be read."""


@dataclass(slots=True)
class SqliteFile:
    """The pages of a database."""

    content: bytes
    size: int = field(init=False)
    """Bytes of a page."""
    count: int = field(init=False)
    """Pages, the last perhaps cut off."""
    encoding: str = field(init=False)
    _usable: int = field(init=False)
    _shapes: dict[bytes, list[tuple[int, int]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Raises PageError for a head that no such file has."""
        if len(self.content) < HEAD:
            raise PageError
        (said,) = struct.unpack_from(">H", self.content, 16)
        self.size = 65_536 if said == 1 else said
        self._usable = self.size - self.content[20]
        self.encoding = _ENCODINGS.get(int.from_bytes(self.content[56:60], "big"), "")
        if self.size < 512 or self.size & (self.size - 1) or self._usable < 480 or not self.encoding:
            raise PageError
        self.count = -(-len(self.content) // self.size)

    @property
    def is_cut(self) -> bool:
        """True if the file says that it has more pages than there are, or ends within one."""
        said, changed, checked = (int.from_bytes(self.content[at : at + 4], "big") for at in (28, 24, 92))
        return len(self.content) % self.size > 0 or (changed == checked and said > self.count)

    def page(self, number: int, spent: set[int]) -> Page:
        """One page of a tree, and the pages that its records go on in; those are added to `spent`, and none is read twice.

        Raises PageError for a number that is none, and for a page that is none of a tree.
        """
        page = self._bytes(number)
        begin = HEAD if number == 1 else 0
        if len(page) < begin + 12 or page[begin] not in _KINDS:
            raise PageError
        kind = page[begin]
        count = int.from_bytes(page[begin + 3 : begin + 5], "big")
        inner = kind in (_INDEX_INNER, _TABLE_INNER)
        at = begin + (12 if inner else 8)
        places = struct.unpack_from(f">{count}H", page, at) if at + 2 * count <= len(page) else ()
        cells: list[Cell] = []
        children = [int.from_bytes(page[begin + 8 : begin + 12], "big")] if inner else []
        whole = len(places) == count
        for place in places:
            try:
                if inner:
                    children.append(int.from_bytes(page[place : place + 4], "big"))
                    place += 4
                if kind != _TABLE_INNER:
                    cells.append(self._cell(page, place, kind, spent))
            except (PageError, IndexError):
                whole = False
        return Page(cells, children, whole)

    def values(self, record: bytes) -> list[Value]:
        """The values of a record. Raises PageError for one that is none."""
        length, at = _varint(record, 0) if record else (0, 0)
        if not at <= length <= len(record):
            raise PageError
        head = record[at:length]
        shape = self._shapes.get(head)
        if shape is None:
            shape = list(_shape(head))
            if len(self._shapes) < _FEW_SHAPES:
                self._shapes[head] = shape
        values: list[Value] = []
        at = length
        for kind, size in shape:
            piece = record[at : at + size]
            if len(piece) < size:
                raise PageError
            at += size
            if kind >= _BLOB:
                values.append(piece.decode(self.encoding, "replace") if kind % 2 else piece)
            elif kind == _REAL:
                values.append(struct.unpack(">d", piece)[0])
            elif size:
                values.append(int.from_bytes(piece, "big", signed=True))
            else:
                values.append(None if kind == 0 else kind - _ZERO)
        return values

    def _bytes(self, number: int) -> bytes:
        if not 1 <= number <= self.count:
            raise PageError
        begin = (number - 1) * self.size
        return self.content[begin : begin + self.size]

    def _cell(self, page: bytes, at: int, kind: int, spent: set[int]) -> Cell:
        length, at = _varint(page, at)
        row = None
        if kind == _TABLE_LEAF:
            row, at = _varint(page, at)
            row -= (row >> 63) << 64
        most = self._usable - 35 if kind == _TABLE_LEAF else (self._usable - 12) * 64 // 255 - 23
        if length <= most:
            record = page[at : at + length]
            if len(record) < length:
                raise PageError
            return row, record
        least = (self._usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (self._usable - 4)
        local = local if local <= most else least
        return row, self._going_on(page, at, local, length, spent)

    def _going_on(self, page: bytes, at: int, local: int, length: int, spent: set[int]) -> bytes:
        """A record that goes on in other pages."""
        if length > len(self.content):
            raise PageError
        pieces = [page[at : at + local]]
        following = int.from_bytes(page[at + local : at + local + 4], "big")
        missing = length - local
        while missing > 0:
            if following in spent:
                raise PageError
            spent.add(following)
            more = self._bytes(following)
            pieces.append(more[4 : 4 + min(missing, self._usable - 4)])
            missing -= self._usable - 4
            following = int.from_bytes(more[:4], "big")
        return b"".join(pieces)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next begins. Raises IndexError behind the end."""
    byte = content[at]
    if byte < 0x80:
        return byte, at + 1
    value = 0
    for step in range(8):
        byte = content[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    return value << 8 | content[at + 8], at + 9


def _shape(head: bytes) -> Iterator[tuple[int, int]]:
    """Serial types of a record and the bytes of each. Raises PageError."""
    at = 0
    while at < len(head):
        try:
            kind, at = _varint(head, at)
        except IndexError:
            raise PageError from None
        if kind >= _BLOB:
            yield kind, (kind - _BLOB) // 2
        elif kind < len(_INTEGERS):
            yield kind, _INTEGERS[kind]
        elif kind in (_REAL, _ZERO, _ONE):
            yield kind, 8 if kind == _REAL else 0
        else:
            raise PageError
