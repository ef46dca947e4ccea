"""Base64 (RFC 4648) within text: both alphabets, padded or not, wrapped as in MIME, also behind letters that shift it (a path, a key)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

import numpy as np
import re2
from numpy.typing import NDArray

from detectors import bits
from detectors.bits import Places
from detectors.formats import Decoder, Layer
from detectors.glance import Glance
from detectors.meaning import LONG, is_container, may_mean_something, means_something
from detectors.text import Text

SHORTEST = 12
"""Letters: nine bytes, the shortest e-mail address of a firm."""
_LONG = 96
"""Letters from which on a run stands for itself; shorter ones are read together."""
_SHIFTED = 24
"""Letters from which on a run is also tried from the letters behind its first."""
_LETTER = "[A-Za-z0-9+/_-]"
_RUN = re2.compile(
    f"{_LETTER}*(?:[a-z][A-Z0-9+/_-]|[A-Z][0-9+/_-]|[0-9+/_-][A-Za-z]){_LETTER}*(?:\r?\n[ \t]*{_LETTER}{{2,}})*={{0,2}}".encode()
)
"""Letters of several kinds beside each other: words and numbers, which encoded text never looks like, are passed over at full speed."""
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
"""In the order of their values, those of the second alphabet last."""
_NONE = 0xFF
_VALUES = np.full(256, _NONE, np.uint8)
_VALUES[list(_LETTERS)] = [*range(64), 62, 63]
_BYTES_PER_PLACE, _SMALL = 64, 4_096
"""One place in so many bytes of a text that is not small: more of them, and looking at each costs more than reading the text."""


def decode(text: Text) -> Iterator[str | bytes]:
    """The long runs one by one, and short ones that are a container; the other short ones together."""
    short: list[bytes] = []
    for match in _runs(text):
        if match.end() - match.start() < SHORTEST:
            continue
        lines = match.group().split()
        for letters in [b"".join(lines), *(lines if _is_list(lines) else ())]:
            decoded = _decoded(letters.translate(_TO_STANDARD).rstrip(b"="))
            if decoded is None:
                continue
            if len(letters) < _LONG and not is_container(decoded):
                short.append(decoded)
            else:
                yield decoded
    if short:
        yield b"\n".join(short)


def _runs(text: Text) -> Iterator[re.Match[bytes]]:
    """What `_RUN` finds in the text, without what is too short: read only where a glance shows that it can be."""
    places = _places(text.glance)
    if places is None:
        yield from _RUN.finditer(text.encoded)
        return
    end = 0
    for place in places:
        if place >= end and (match := _RUN.match(text.encoded, _begin(text.encoded, place))) is not None:
            yield match
            end = match.end()


def _places(glance: Glance) -> list[int] | None:
    """A place in every run of mixed letters that is long enough or goes on in the next line; None where they may be too many."""
    if glance.dense:
        return None
    places, data = glance.mixed, glance.array
    if len(places) * _BYTES_PER_PLACE > 4 * len(data) + _SMALL:
        return None
    first = np.ones(len(places), np.bool_)
    np.greater(places[1:] - places[:-1], 1, out=first[1:])
    places = places[first]  # of neighbours one is enough: they stand in one run
    edge = int(np.searchsorted(places, bits.BEFORE))
    at_the_begin, places = places[:edge], places[edge:]
    before, behind = bits.around(glance.runs, places)
    length, end = before + behind, data.take(places + behind, mode="clip")
    line = (end == 10) | (end == 13)
    long = np.flatnonzero((length >= SHORTEST) | line)
    if len(long) * _BYTES_PER_PLACE > len(data) + _SMALL:
        return None
    places, length, begins, line = places.take(long), length.take(long), (places - before).take(long), line.take(long)
    kept: list[int] = at_the_begin.tolist() + places[_may_mean(glance, places, length, begins, line)].tolist()
    return kept


def _may_mean(glance: Glance, places: Places, length: Places, begins: Places, line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """False for places in a run that is read in one way only, and then means nothing. Told for all of them at once."""
    possible = (length >= _SHIFTED) | line | (places >= len(glance.data) - _SHIFTED)
    asked = np.flatnonzero(~possible)
    begins, length = begins.take(asked), length.take(asked)
    rows = _VALUES.take(glance.around(begins, 0, _SHIFTED - 1))
    other = ((rows == _NONE) & (np.arange(_SHIFTED, dtype=np.uint8) < length.astype(np.uint8)[:, None])).any(axis=1)  # a sign cuts it
    values = rows.reshape(len(begins), _SHIFTED // 4, 4)
    first, second, third, fourth = (values[:, :, number] for number in range(4))
    decoded = np.empty((len(begins), _SHIFTED // 4, 3), np.uint8)
    decoded[:, :, 0] = first << 2 | second >> 4
    decoded[:, :, 1] = second << 4 | third >> 2
    decoded[:, :, 2] = third << 6 | fourth
    means = may_mean_something(decoded.reshape(len(begins), _SHIFTED // 4 * 3), length * 6 // 8)
    possible[asked] = means | other
    return possible


def _begin(data: bytes, place: int) -> int:
    """Where the run of letters begins that this place lies in."""
    step = 64
    while not (head := data[max(place - step, 0) : place].rstrip(_LETTERS)) and place > step:
        step *= 4
    return max(place - step, 0) + len(head)


def _is_list(lines: list[bytes]) -> bool:
    """True if the lines may each be a value of their own: wrapped text has lines of one length, at least 60 letters."""
    return len(lines) > 1 and (len(lines[0]) < 60 or any(len(line) != len(lines[0]) for line in lines[:-1]))


def _decoded(letters: bytes) -> bytes | None:
    """The first reading that says something: from the first letter, or from one of the three behind it."""
    for shift in range(4 if len(letters) >= _SHIFTED else 1):
        part = letters[shift:]
        if len(part) < SHORTEST:
            return None
        usable = part[: len(part) - (len(part) % 4 == 1)]
        try:
            found = binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))
        except binascii.Error:
            continue
        if means_something(found) or (len(found) >= LONG and shift == 0):
            return found
    return None


DECODER = Decoder("base64", Layer.DECODED, decode)
