"""What the bytes of a text show at a glance, at the speed of memory: where something stands that is not a word.

Ordinary text holds nothing that could be a value or an encoding. Whoever looks for one asks here first, and reads the rest only where there
is something. Nothing here decides: what is not seen here is proven not to be there, everything else is read as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detectors import bits
from detectors.bits import Bits, Bytes, Places

BLOCK = 8
"""Bytes of a block. Blocks lie at multiples of it, so a run of at least 15 bytes has a whole one in it."""
_LEAST, _MOST = 1 << 14, 16 << 20
"""Bytes of a text that is looked over: reading all of a smaller one is as quick, and what is seen of a larger one takes too much memory."""
_DENSE = 8
"""One digit or sign in so many bytes: more of them, and looking closer costs more than reading."""


def among(letters: bytes) -> NDArray[np.bool_]:
    """For every byte whether it is one of these."""
    return np.isin(np.arange(256), list(letters))


@dataclass(frozen=True)
class Glance:
    """Facts of one text, in places of its bytes."""

    data: bytes
    digits: Bits
    """Every digit."""
    signs: Bits
    """Every `+`, `-`, `/` and `_`."""
    upper: Bits
    """Every capital letter, and what else stands there in ASCII: from `@` to `_`."""
    lower: Bits
    """Every small letter, and what else stands there in ASCII: all behind `_`."""
    low: Bits
    """Every byte of ASCII up to the letter f."""
    dense: bool
    """There are so many digits and signs that looking closer is dear, or the text is small or large: then nothing is known, and all is
    read."""

    @cached_property
    def array(self) -> Bytes:
        """The bytes."""
        return np.frombuffer(self.data, np.uint8)

    @cached_property
    def letters(self) -> Bits:
        """Every letter of ASCII, and the signs beside them."""
        return self.upper | self.lower

    @cached_property
    def runs(self) -> Bits:
        """Letters (and the signs beside them), digits and `+-/_`."""
        return self.letters | self.digits | self.signs

    @cached_property
    def mixed(self) -> Places:
        """A place in every run of letters, digits and `+-/_` with a letter beside a digit or sign (that is the place), or a small one
        before a capital; and some more, where a sign stands for a letter."""
        beside = (self.digits | self.signs) & (bits.after(self.letters) | bits.before(self.letters))
        return bits.places(beside | self.lower & bits.before(self.upper))

    @cached_property
    def mixed_digits(self) -> Places:
        """Every digit that a letter stands beside."""
        found: Places = self.mixed[self.array.take(self.mixed) - 48 <= 9]
        return found

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

    def rows(self, blocks: Places) -> Bytes:
        """The bytes of these blocks, a block a row."""
        whole = len(self.array) // BLOCK * BLOCK
        return self.array[:whole].view(np.uint64).take(blocks).view(np.uint8).reshape(-1, BLOCK)


def is_full(rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows of `BLOCK` are nothing but true."""
    full: NDArray[np.bool_] = rows.view(np.uint64)[:, 0] == _ALL
    return full


def look(data: bytes) -> Glance:
    """Look over a text."""
    if not _LEAST <= len(data) <= _MOST:
        return _NOTHING
    array = np.frombuffer(data, np.uint8)
    plus, underscore = b"+" in data, b"_" in data

    def signs(piece: Bytes) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (piece | 2) == 47  # 45 and 47
        if plus:
            found |= piece == 43
        if underscore:
            found |= piece == 95
        return found

    digits, those, letters, small, low = bits.marked(array, (_digits, signs, _letters, _small, _low))
    dense = (bits.count(digits) + bits.count(those)) * _DENSE > len(data)
    return Glance(data, digits, those, letters & ~small, letters & small, low, dense)


def _digits(piece: Bytes) -> NDArray[np.bool_]:
    return piece - 48 <= 9  # of all comparisons of bytes, numpy's `<` is the slow one


def _letters(piece: Bytes) -> NDArray[np.bool_]:
    return piece.view(np.int8) >= 64


def _small(piece: Bytes) -> Bytes:
    return piece & np.uint8(32)


def _low(piece: Bytes) -> NDArray[np.bool_]:
    return piece <= 102


_NO_BITS: Bits = np.zeros(0, np.uint64)
_NOTHING = Glance(b"", digits=_NO_BITS, signs=_NO_BITS, upper=_NO_BITS, lower=_NO_BITS, low=_NO_BITS, dense=True)
"""Of a text that is not looked over."""
_ALL = np.uint64(0x0101010101010101)
"""Eight times true."""
