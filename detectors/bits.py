"""A fact of every byte of a text as one bit: 64 of them are compared at once, and what stands beside what is a shift."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

type Bits = NDArray[np.uint64]
"""A bit a byte of a text, in order, the lowest of a word first. Behind the last byte there are 64 more at least, and all are 0."""
type Places = NDArray[np.int64]
type Bytes = NDArray[np.uint8]

BEFORE, BEHIND = 24, 40
"""Bits that are seen before and behind a place."""
_WORD = 64
_STEP = 1 << 18
"""Bytes that are looked at at once: with what is made of them they stay in the processor's cache. A multiple of `_WORD`."""
_ONE, _LAST = np.uint64(1), np.uint64(_WORD - 1)
_BEFORE = np.uint64(BEFORE)


def marked(data: Bytes, facts: Sequence[Callable[[Bytes], NDArray[np.bool_ | np.uint8]]]) -> list[Bits]:
    """For each fact where it is one: what it gives for a byte is not 0. It is asked piece by piece."""
    found = np.zeros((len(facts), len(data) // _WORD + 2), "<u8")
    eights = found.view(np.uint8)
    for begin in range(0, len(data), _STEP):
        piece = data[begin : begin + _STEP]
        for fact, own in zip(facts, eights, strict=True):
            own[begin // 8 : (begin + len(piece) + 7) // 8] = np.packbits(fact(piece), bitorder="little")
    return list(found)


def count(bits: Bits) -> int:
    """How many are set."""
    return int(np.bitwise_count(bits).sum())


def after(bits: Bits) -> Bits:
    """The places behind those that are set."""
    found = bits << _ONE
    found[1:] |= bits[:-1] >> _LAST
    return found


def before(bits: Bits) -> Bits:
    """The places before those that are set; before the first there is none."""
    found = bits >> _ONE
    found[:-1] |= bits[1:] << _LAST
    return found


def full(bits: Bits) -> Places:
    """Numbers of the blocks of eight of which all are set, in order."""
    return np.flatnonzero(bits.view(np.uint8) == 0xFF)


def places(bits: Bits) -> Places:
    """Which are set, in order. First the words, then the bytes of these, then the bits of those that have any: most have none."""
    words = np.flatnonzero(bits != 0)
    eights = bits.take(words).view(np.uint8)
    rows = np.flatnonzero(eights != 0)
    begins = (words.take(rows >> 3) << 6) + ((rows & 7) << 3)
    begins -= np.arange(0, 8 * len(rows), 8)
    found = np.flatnonzero(np.unpackbits(eights.take(rows), bitorder="little").view(np.bool_))
    found += begins.take(found >> 3)
    return found


def around(bits: Bits, places: Places) -> tuple[Places, Places]:
    """How many are set in a row before each place, and how many from it on: at most `BEFORE` and `BEHIND`. No place is below `BEFORE`."""
    begins = places - BEFORE
    words, skipped = begins >> 6, (begins & 63).astype(np.uint64)
    seen = bits.take(words) >> skipped
    seen |= bits.take(words + 1) << (_LAST - skipped) << _ONE
    missing = ~seen & ((_ONE << _BEFORE) - _ONE)
    seen >>= _BEFORE
    before: Places = BEFORE - np.frexp(missing.astype(np.float64))[1].astype(np.int64)  # the highest one that is not set
    return before, np.bitwise_count(seen ^ (seen + _ONE)).astype(np.int64) - 1  # the lowest one that is not set
