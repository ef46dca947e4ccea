"""What of a text could hold a client: its numbers, and the parts around its `@` and official numbers. Of an ordinary letter, a hundredth.

What `candidates` finds in the text is among these numbers or is found in these parts. The converse need not hold: a part may cut a number
into one that is nobody's in the text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from detectors import bits
from detectors.bits import Places
from detectors.client_index.candidates import GAP, LONGEST_DOMAIN, LONGEST_LOCAL, SEPARATORS, Groups, apart, enough, windows
from detectors.client_index.folding import visible
from detectors.client_index.hashes import Numbers
from detectors.client_index.officials import LEAST_DIGITS
from detectors.glance import Glance, among
from detectors.knowledge import Matches
from detectors.text import Text

_MOST_BYTES = 3
"""Of a calm letter in UTF-8."""
_BYTES_PER_ADDRESS = 2_048
"""With more addresses, looking at each costs as much as reading the text."""
_MOST_DIGITS = 1 << 17
"""Digits whose numbers are made at once; with more of them, what the numbers take is bounded where the parts are read."""
_CALM_BLOCKS = (range(0x80, 0x530), range(0x2000, 0x2C00))
"""Latin, Greek, Cyrillic; punctuation, currencies, signs: where no letter joins the one before it, but marks (Unicode, UAX 15)."""
_DIGITS = b"0123456789"
_SMALL = 1 << 14
"""Bytes of a text that is not looked over (`detectors.glance`): of these it is told by counting whether there is anything to find."""
_SEPARATES = among(SEPARATORS)
_MAY_SEPARATE = among(SEPARATORS + bytes(range(128, 256)))
"""Where a letter beyond ASCII is seen as a separator: any byte of it, or of another one."""


def adds_nothing(text: Text, find: Callable[[str, Matches], None], known: Callable[[Numbers], bool], *, shortest: int, reach: int) -> bool:
    """True if `find` is certain to add nothing of this text, told by its parts. Meaning of `known` and the numbers: `telling`."""
    parts = telling(text, known, shortest=shortest, reach=reach)
    if parts is None:
        return len(text.encoded) <= _SMALL and is_bare(text, shortest=shortest, reach=reach)
    found = Matches()
    if parts:
        find(parts, found)
    return not (found.clients or found.keys or found.suspected)


def is_bare(text: Text, *, shortest: int, reach: int) -> bool:
    """True if it has no `@` and fewer digits than anything that is looked for: a name, an attribute, most answers in a form.

    Meaning of the numbers: `telling`.
    """
    data, beyond = text.encoded, text.beyond_ascii
    least = min(shortest, LEAST_DIGITS) if reach else shortest
    return b"@" not in data and len(data) - len(data.translate(None, _DIGITS)) < least and beyond is not None and all(map(_calm, beyond))


def telling(text: Text, known: Callable[[Numbers], bool], *, shortest: int, reach: int) -> str | None:
    """The parts, a line each; None if they cannot be told or are most of the text.

    `known`: whether any of these numbers may be a client's; if so, the parts around all numbers are given, too. `shortest`: digits of the
    shortest number that is looked for. `reach`: characters of the longest official number, with what may stand between them; 0 if there
    are none.
    """
    beyond, glance = text.beyond_ascii, text.glance
    if beyond is None or glance.dense or not all(map(_calm, beyond)):
        return None
    signs = _signs(glance)
    if signs is None:
        return None
    width = _MOST_BYTES if beyond else 1
    bridged = any(_bridges(letter) for letter in beyond)
    spans = []
    if bits.count(glance.digits) >= shortest:
        groups = _groups(glance, shortest, *((GAP * _MOST_BYTES, _MAY_SEPARATE) if bridged else (GAP, _SEPARATES)))
        if int((groups.ends - groups.starts).sum()) > _MOST_DIGITS or known(windows(groups, shortest)[0]):
            first, last = enough(groups, shortest)
            spans.append((groups.starts.take(first), groups.ends.take(last)))
    if reach:
        spans.append(_officials(glance, reach * width))
    if len(signs):
        spans.append((signs - (LONGEST_LOCAL + 1) * width, signs + (LONGEST_DOMAIN + 1) * width))
    if not spans:
        return ""
    begins, ends = (np.concatenate(ones) for ones in zip(*spans, strict=True))
    return _lines(glance, begins.clip(0), ends.clip(None, len(glance.data)))


@cache
def _calm(letter: str) -> bool:
    """Whether a letter is seen as something that is no digit and no `@`, wherever it stands."""
    if not any(ord(letter) in block for block in _CALM_BLOCKS) or unicodedata.category(letter).startswith("M"):
        return False
    seen = visible(letter)
    return bool(seen) and seen == visible(letter + "€")[:-1] and not any(c == "@" or c.isdigit() for c in seen)


@cache
def _bridges(letter: str) -> bool:
    """Whether a calm letter can be seen as something that stands between two digits of a number."""
    return not set(visible(letter).encode("ascii", "ignore")).isdisjoint(SEPARATORS)


def _signs(glance: Glance) -> Places | None:
    """Where each `@` stands; None if there are many."""
    if b"@" not in glance.data:
        return np.zeros(0, np.int64)
    signs = np.flatnonzero(glance.array == ord("@"))
    return signs if len(signs) * _BYTES_PER_ADDRESS <= len(glance.data) + 4 * _BYTES_PER_ADDRESS else None


def _groups(glance: Glance, shortest: int, gap: int, separates: NDArray[np.bool_]) -> Groups:
    """Groups of digits, joined where nothing but so many separators (`gap`, in bytes) stands between two; without those that are in no
    number of enough digits."""
    edges = bits.places(glance.digits ^ bits.after(glance.digits))
    starts, ends = edges[::2], edges[1::2]
    near = starts[1:] - ends[:-1] <= gap
    for beside in (ends[:-1], starts[1:] - 1):
        near &= separates.take(glance.array.take(beside))
    kept = ends - starts >= shortest
    kept[1:] |= near
    kept[:-1] |= near
    some = np.flatnonzero(kept)
    starts, ends = starts.take(some), ends.take(some)
    joined = np.zeros(len(starts), np.bool_)
    joined[:-1] = ~apart(starts, ends, lambda places: separates.take(glance.array.take(places)), gap)
    first, last = enough(Groups(glance.array, starts, ends, joined), shortest)
    within = np.zeros(len(starts) + 1, np.int8)
    within[first] = 1
    within[last + 1] -= 1
    some = np.flatnonzero(np.cumsum(within[:-1], dtype=np.int8).view(np.bool_))
    return Groups(glance.array, starts.take(some), ends.take(some), joined.take(some))


def _officials(glance: Glance, reach: int) -> tuple[Places, Places]:
    """Begin and end of all that stands around digits of which there are enough within so many bytes."""
    digits = bits.places(glance.digits)
    kept = np.zeros(len(digits), np.bool_)
    close = digits[LEAST_DIGITS - 1 :] - digits[: 1 - LEAST_DIGITS] < reach
    for step in range(LEAST_DIGITS):
        kept[step : step + len(close)] |= close
    digits = digits[kept]
    cuts = np.flatnonzero(np.diff(digits) > 2 * reach)
    return np.concatenate((digits[:1], digits[cuts + 1])) - reach, np.concatenate((digits[cuts], digits[-1:])) + 1 + reach


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
