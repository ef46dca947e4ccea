"""SQLite databases (https://www.sqlite.org/fileformat2.html): the rows of all tables and indexes, and those of pages given back.

In the bytes the values of a row stand side by side, with nothing between that would end a number; here each stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.budget import Budget
from detectors.formats import Format, Layer, Part
from detectors.meaning import means_something
from detectors.sqlite_file import MAGIC, PageError, SqliteFile, Value
from detectors.verdict import Unread

_ROOT = 3
"""The column of the schema's table that says where a tree begins."""
_DIGITS_OF_A_FLOAT = 17
_LARGE, _SMALL = 512, 24
"""Bytes from which on a blob is looked at whatever it is; and below which it is text or nothing."""
_GIVEN = 1 << 18
"""Letters of rows that are given together."""


def recognises(content: bytes, _media_type: str | None) -> bool:
    """By the first bytes."""
    return content.startswith(MAGIC)


def open_sqlite(content: bytes, _media_type: str | None, budget: Budget) -> Iterator[Part]:
    """The rows of all trees, then those of all other pages, of which nothing is missed: they were given back, and may be anything."""
    try:
        file = SqliteFile(content)
    except PageError:
        yield Unread.DAMAGED
        return
    rows = _Rows(file, budget)
    yield from rows.of_trees()
    if file.is_cut or not rows.whole:
        yield Unread.DAMAGED
    yield from rows.of_the_rest()


class _Rows:
    def __init__(self, file: SqliteFile, budget: Budget) -> None:
        self._file, self._budget = file, budget
        self._seen: set[int] = set()
        """Pages that were read, in whatever tree."""
        self._spent: set[int] = set()
        """Pages that records go on in."""
        self._lines: list[str] = []
        self._letters = 0
        self.whole = True
        """False if something in a tree could not be read."""

    def of_trees(self) -> Iterator[Part]:
        """The schema's table, and whatever it names."""
        roots: list[int] = []
        for values, blobs in self._tree(1):
            yield from blobs
            if len(values) > _ROOT and isinstance(root := values[_ROOT], int) and root:
                roots.append(root)
        for root in roots:
            for _, blobs in self._tree(root):
                yield from blobs
                yield from self._given(_GIVEN)
        yield from self._given(0)

    def of_the_rest(self) -> Iterator[Part]:
        """Rows of pages that were given back, as far as they can be read."""
        spent = set(self._spent)
        for number in range(1, self._file.count + 1):
            if number in self._seen or number in self._spent:
                continue
            self._budget.check()
            try:
                page = self._file.page(number, spent)
            except PageError:
                continue
            for row, record in page.cells:
                try:
                    _, blobs = self._row(row, record)
                except (PageError, IndexError):
                    continue
                yield from blobs
            yield from self._given(_GIVEN)
        yield from self._given(0)

    def _tree(self, root: int) -> Iterator[tuple[list[Value], list[bytes]]]:
        """The rows of one tree, each with its blobs."""
        waiting = [root]
        while waiting:
            number = waiting.pop()
            self._budget.check()
            if number in self._seen:
                self.whole = False  # a page has one place in one tree
                continue
            self._seen.add(number)
            try:
                page = self._file.page(number, self._spent)
            except PageError:
                self.whole = False
                continue
            self.whole &= page.whole
            waiting += reversed(page.children)
            for row, record in page.cells:
                try:
                    yield self._row(row, record)
                except (PageError, IndexError):
                    self.whole = False

    def _row(self, row: int | None, record: bytes) -> tuple[list[Value], list[bytes]]:
        """Its values, put among the lines as a line, and the blobs that stand for themselves. The number of a row may be a value."""
        self._budget.take(len(record))
        values = self._file.values(record)
        cells = [] if row is None else [str(row)]
        blobs: list[bytes] = []
        for value in values:
            if isinstance(value, str):
                cells.append(value)
            elif isinstance(value, bytes):
                if len(value) >= _LARGE or (len(value) >= _SMALL and means_something(value)):
                    blobs.append(value)
                elif (text := value.decode("utf-8", "replace")).isprintable():
                    cells.append(text)
            elif value is not None:
                cells.append(_number(value))
        self._lines.append("\t".join(cells))
        self._letters += len(self._lines[-1])
        return values, blobs

    def _given(self, least: int) -> Iterator[Part]:
        if self._lines and self._letters >= least:
            yield "\n".join(self._lines)
            self._lines, self._letters = [], 0


def _number(value: float) -> str:
    """A whole number as it is shown, also where it is stored as a float: a telephone number may be."""
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 10**_DIGITS_OF_A_FLOAT)
    return str(int(value)) if whole else str(value)


FORMAT = Format("sqlite", Layer.ARCHIVE, recognises, open_sqlite)
