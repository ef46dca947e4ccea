"""What the bytes of a text show at a glance, at the speed of memory: where something stands that is not a word.

Ordinary text holds nothing that could be a value or an encoding. Whoever looks for one asks here first, and reads the rest only where there
is something. Nothing here decides: what is not seen here is proven not to be there, everything else is read as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

type Places = NDArray[np.int64]
type Bytes = NDArray[np.uint8]

BLOCK = 8
"""Bytes of a block. Blocks lie at multiples of it, so a run of at least 15 bytes has a whole one in it."""
_STEP = 1 << 19
"""Bytes that are looked at at once: they stay in the processor's cache. A multiple of `BLOCK`."""
_LEAST, _MOST = 1 << 14, 16 << 20
"""Bytes of a text that is looked over: reading all of a smaller one is as quick, and what is seen of a larger one takes too much memory."""
_DENSE = 8
"""One mark in so many bytes: more of them, and looking closer costs more than reading."""


def among(letters: bytes) -> NDArray[np.bool_]:
    """For every byte whether it is one of these."""
    return np.isin(np.arange(256), list(letters))


@dataclass(frozen=True)
class Glance:
    """Facts of one text, in places of its bytes."""

    data: bytes
    marks: Places
    """Every digit, every `+`, `-`, `/` and `_`, and every small letter before a capital one, in order."""
    blocks: Places
    """Numbers of all blocks of nothing but ASCII up to `Z` and letters from a to f, in order: no word stands there."""
    dense: bool
    """There are so many that they were not counted, or the text is small or large: then nothing is known, and all is read."""

    @cached_property
    def array(self) -> Bytes:
        """The bytes."""
        return np.frombuffer(self.data, np.uint8)

    @cached_property
    def marked(self) -> Bytes:
        """The bytes of `marks`."""
        return self.array.take(self.marks)

    @cached_property
    def digits(self) -> Places:
        """Where digits stand."""
        found: Places = self.marks.take(np.flatnonzero(self.marked - 48 <= 9))
        return found

    @cached_property
    def before(self) -> Bytes:
        """The byte before each mark; where the text begins, the mark itself."""
        return self._beside(-1)

    @cached_property
    def behind(self) -> Bytes:
        """The byte behind each mark; where the text ends, the mark itself."""
        return self._beside(1)

    @cached_property
    def mixed(self) -> Places:
        """A place in every run of letters, digits and `+-/_` with a letter beside a digit or sign, or a small one before a capital."""
        near = _is_latin(self.before) | _is_latin(self.behind) | is_small(self.marked)
        found: Places = self.marks.take(np.flatnonzero(near))
        return found

    @cached_property
    def rows(self) -> Bytes:
        """The bytes of `blocks`, a block a row."""
        return _rows(self.array, self.blocks)

    def around(self, places: Places, before: int, behind: int) -> Bytes:
        """The bytes from so many before each place to so many behind it, a row each; beyond an end of the text its last byte again."""
        size, width = len(self.array), before + 1 + behind
        begins = places - before
        inside = begins.clip(0, max(size - width, 0))
        if size < width:
            rows = np.zeros((len(places), width), np.uint8)
        else:  # a row is one item of a view whose items overlap: taken as a whole, not byte by byte
            rows = np.ndarray((size - width + 1,), f"V{width}", self.data, 0, (1,))[inside].view(np.uint8).reshape(len(places), width)
        outside = np.flatnonzero((inside != begins) | (size < width))
        rows[outside] = self.array.take(begins[outside, None] + np.arange(width), mode="clip")
        return rows

    def full(self, letters: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rows hold nothing but these letters."""
        full: NDArray[np.bool_] = letters.take(self.rows).view(np.uint64)[:, 0] == _ALL
        return full

    def filled(self, letters: NDArray[np.bool_]) -> Bytes:
        """How many of these letters each row holds."""
        return np.bitwise_count(letters.take(self.rows).view(np.uint64))[:, 0]

    def _beside(self, by: int) -> Bytes:
        return self.array.take(self.marks + by, mode="clip") if len(self.marks) else self.array[:0]


def is_small(letters: Bytes) -> NDArray[np.bool_]:
    """Which of them are letters from a to z."""
    return letters - 97 <= 25


def _is_latin(letters: Bytes) -> NDArray[np.bool_]:
    return (letters | 32) - 97 <= 25


def look(data: bytes) -> Glance:
    """Look over a text."""
    array = np.frombuffer(data, np.uint8)
    plus, underscore = b"+" in data, b"_" in data
    nothing: list[Places] = [np.zeros(0, np.int64)]
    if not _LEAST <= len(data) <= _MOST:
        return Glance(data, nothing[0], nothing[0], dense=True)
    marks, blocks = nothing.copy(), nothing.copy()
    for begin in range(0, len(data), _STEP):
        piece = array[begin : begin + _STEP + 1]  # and the next letter, of which a pair may be made
        marked = piece - 47 <= 10  # of all comparisons of bytes, numpy's `<` is the slow one
        marked |= piece == 45
        if plus:
            marked |= piece == 43
        if underscore:
            marked |= piece == 95
        changes = piece[:-1] - 97 <= 25
        changes &= piece[1:] - 65 <= 25
        marked[:-1] |= changes
        at = where(marked[:_STEP])
        if len(at) * _DENSE > _STEP:
            return Glance(data, nothing[0], nothing[0], dense=True)
        marks.append(at + begin)
        low = piece[: min(len(piece), _STEP) // BLOCK * BLOCK] <= 102
        blocks.append(np.flatnonzero(low.view(np.uint64) == _ALL) + begin // BLOCK)
    low_blocks = np.concatenate(blocks)
    wordless = (_rows(array, low_blocks) - 91 < 6).view(np.uint64)[:, 0] == 0  # nor what stands between Z and a
    return Glance(data, np.concatenate(marks), low_blocks[wordless], dense=False)


def _rows(array: Bytes, blocks: Places) -> Bytes:
    whole = len(array) // BLOCK * BLOCK
    return array[:whole].view(np.uint64).take(blocks).view(np.uint8).reshape(-1, BLOCK)


def where(marked: NDArray[np.bool_]) -> Places:
    """As `np.flatnonzero`, which looks at every byte: here at those blocks alone that hold something."""
    whole = len(marked) // BLOCK * BLOCK
    blocks = marked[:whole].view(np.uint64)
    rows = np.flatnonzero(blocks != 0)
    at = np.flatnonzero(blocks.take(rows).view(np.bool_))
    at += (BLOCK * (rows - np.arange(len(rows)))).take(at >> 3)
    return np.concatenate((at, np.flatnonzero(marked[whole:]) + whole)) if whole < len(marked) else at


_ALL = np.uint64(0x0101010101010101)
"""Eight times true."""
