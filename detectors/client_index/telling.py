"""The parts of a text in which a client could be recognised: around its digits and its `@`. Of an ordinary letter, a hundredth.

What `candidates` finds in the text it finds in these parts too. The converse need not hold: a part may cut a number into one that is
nobody's in the text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np

from detectors.client_index.candidates import GAP, LONGEST_DOMAIN, LONGEST_LOCAL, SEPARATORS
from detectors.client_index.folding import visible
from detectors.client_index.officials import LEAST_DIGITS
from detectors.glance import Glance, Places, table
from detectors.knowledge import Matches
from detectors.text import Text

_MOST_BYTES = 3
"""Of a calm letter in UTF-8."""
_BYTES_PER_ADDRESS = 2_048
"""With more addresses, looking at each costs as much as reading the text."""
_CALM_BLOCKS = (range(0x80, 0x530), range(0x2000, 0x2C00))
"""Latin, Greek, Cyrillic; punctuation, currencies, signs: where no letter joins the one before it, but marks (Unicode, UAX 15)."""
_MAY_SEPARATE = table({SEPARATORS: 1, bytes(range(128, 256)): 1}).astype(np.bool_)


def adds_nothing(text: Text, find: Callable[[str, Matches], None], *, shortest: int, reach: int) -> bool:
    """True if `find` is certain to add nothing of this text, told by its parts. Meaning of the numbers: `telling`."""
    parts = telling(text, shortest=shortest, reach=reach)
    if parts is None:
        return False
    found = Matches()
    if parts:
        find(parts, found)
    return not (found.clients or found.keys or found.suspected)


def telling(text: Text, *, shortest: int, reach: int) -> str | None:
    """The parts, a line each; None if they cannot be told or are most of the text.

    `shortest`: digits of the shortest number that is looked for. `reach`: characters of the longest official number, with what may stand
    between them; 0 if there are none.
    """
    beyond, glance = text.beyond_ascii, text.glance
    if beyond is None or glance.dense or not all(map(_calm, beyond)):
        return None
    signs = _signs(glance)
    if signs is None:
        return None
    width = _MOST_BYTES if beyond else 1
    gap, reach = GAP * width, reach * width
    places = _kept(glance, shortest, gap, reach)
    apart = np.flatnonzero(np.diff(places) > max(gap, 2 * reach) + 1)
    begins = np.concatenate((places[:1], places[apart + 1])) - reach
    ends = np.concatenate((places[apart], places[-1:])) + reach + 1
    begins = np.concatenate((begins, signs - (LONGEST_LOCAL + 1) * width))
    ends = np.concatenate((ends, signs + (LONGEST_DOMAIN + 1) * width))
    return _lines(glance, begins.clip(0), ends.clip(None, len(glance.data)))


@cache
def _calm(letter: str) -> bool:
    """Whether a letter is seen as something that is no digit and no `@`, wherever it stands."""
    if not any(ord(letter) in block for block in _CALM_BLOCKS) or unicodedata.category(letter).startswith("M"):
        return False
    seen = visible(letter)
    return bool(seen) and seen == visible(letter + "€")[:-1] and not any(c == "@" or c.isdigit() for c in seen)


def _signs(glance: Glance) -> Places | None:
    """Where each `@` stands; None if there are many."""
    if b"@" not in glance.data:
        return np.zeros(0, np.int64)
    signs = np.flatnonzero(glance.array == ord("@"))
    return signs if len(signs) * _BYTES_PER_ADDRESS <= len(glance.data) + 4 * _BYTES_PER_ADDRESS else None


def _kept(glance: Glance, shortest: int, gap: int, reach: int) -> Places:
    """The digits that can belong to a number or to an official number. `gap` and `reach` are bytes."""
    digits = glance.digits
    between = np.diff(digits) - 1
    joined = between == 0
    near = np.flatnonzero((between > 0) & (between <= gap))
    for step in range(gap):
        near = near[(between[near] <= step) | _MAY_SEPARATE[glance.array[digits[near] + np.minimum(step, between[near]) + 1]]]
    joined[near] = True
    begins = np.concatenate((np.zeros(1, np.int64), np.flatnonzero(~joined) + 1))
    counts = np.diff(np.append(begins, len(digits)))
    kept = np.repeat(counts >= shortest, counts)
    if reach:
        close = digits[LEAST_DIGITS - 1 :] - digits[: 1 - LEAST_DIGITS] < reach
        for step in range(LEAST_DIGITS):
            kept[step : step + len(close)] |= close
    return digits[kept]


def _lines(glance: Glance, begins: Places, ends: Places) -> str | None:
    lengths = ends - begins + 1
    behind = np.cumsum(lengths)
    total = int(behind[-1]) if len(behind) else 0
    if total * 2 > len(glance.data) + _BYTES_PER_ADDRESS:
        return None
    at = np.arange(total) + np.repeat(begins - behind + lengths, lengths)
    letters = glance.array[np.minimum(at, len(glance.data) - 1)]
    letters[behind - 1] = ord("\n")
    return bytes(letters).decode("utf-8", "replace")
