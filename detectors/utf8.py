"""Which letters beyond ASCII stand in UTF-8, and whether it is any: told from those bytes alone, which are few in a western text."""

from __future__ import annotations

import numpy as np

_STEP = 1 << 18
"""Bytes that are looked at at once: they stay in the processor's cache."""
_MOST = 64
"""Different letters that are counted: German, French and Polish texts with their quotes and dashes have 40."""
_FEW = 4
"""One byte in so many may lie beyond ASCII; where more do, reading the text as a whole is cheaper."""


def beyond_ascii(content: bytes) -> frozenset[str] | None:
    """The different letters beyond ASCII; None where they are many, and where the bytes are no UTF-8."""
    found: set[str] = set()
    if content.isascii():
        return frozenset()
    data = np.frombuffer(content, np.uint8)
    begin = 0
    while begin < len(content):
        end = begin + _STEP
        for _ in range(3):  # no letter is cut
            end -= end < len(content) and content[end] & 0xC0 == 0x80
        piece = data[begin:end]
        at = np.flatnonzero(piece > 0x7F)
        if len(at) * _FEW > len(piece) + _STEP // 16:
            return None
        high = piece[at]
        following = np.flatnonzero(high & 0xC0 == 0x80)
        # A byte that goes on with a letter stands right behind one of that letter; then what lies between can be left out.
        if len(following) and (following[0] == 0 or np.any(at[following] - at[following - 1] != 1)):
            return None
        try:
            letters = high.tobytes().decode("utf-8")
        except UnicodeDecodeError:
            return None
        found.update(_different(letters))
        if len(found) > _MOST:
            return None
        begin = end
    return frozenset(found)


def _different(letters: str) -> str:
    units = np.frombuffer(letters.encode("utf-16-le"), np.uint16)
    there = np.zeros(1 << 16, np.bool_)
    there[units] = True
    different = np.flatnonzero(there).astype(np.uint16)
    return different.tobytes().decode("utf-16-le", "replace")
