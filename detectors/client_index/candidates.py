"""What in a text could be a client's phone number, e-mail address or official number. Every candidate is hashed once.

All spellings of a number were made when it was indexed (`variants`), so that here only digits are joined: groups of digits with separators
between them, in every window of neighbouring groups, for two numbers may stand side by side with one blank between.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.bits import Bytes, Places
from detectors.client_index.folding import address, visible
from detectors.client_index.hashes import MOST_DIGITS, Numbers
from detectors.client_index.officials import Officials

PIECE = 1 << 17
"""Characters that are worked on at once: bounds the memory for a text that is nothing but digits (attacks X13)."""
OVERLAP = 384
"""Characters of the next piece that are looked at with this one: more than the longest address (RFC 5321) or number has."""
SHORTEST = 7
"""Digits of the shortest number that is a candidate, unless the index holds shorter ones."""
LONGEST_LOCAL, LONGEST_DOMAIN = 64, 253
"""Of an e-mail address (RFC 5321, section 4.5.3.1)."""
GAP = 4
"""Most separators between two groups of digits."""
SEPARATORS = b" ().-/+_~*'"
_OTHER, _SEPARATOR, _DIGIT = 0, 1, 2
_CLASSES = bytes(_DIGIT if c in b"0123456789" else _SEPARATOR if c in SEPARATORS else _OTHER for c in range(256))
_POWERS = np.array([10**k for k in range(MOST_DIGITS + 2)], np.uint64)
_READ = 24
"""Bytes before the end of a group that are read, three times eight: 17 digits (`MOST_DIGITS`) are within them."""
_ZEROS = np.uint64(0x3030303030303030)
"""Eight times the digit 0."""
_PAIRS = tuple(np.uint64(10 ** (1 << k) << (8 << k) | 1) for k in range(3))
_WIDTHS = tuple(np.uint64(8 << k) for k in range(3))
_MASKS = (np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF), np.uint64(0xFFFFFFFF))

_MORE_LOCAL = "!#$%&'*/=?^`{|}~"
_PLAIN_LOCAL = re.compile(rf"[\w.+-]{{1,{LONGEST_LOCAL}}}")
_LOCAL = re.compile(rf"[\w.+{_MORE_LOCAL}-]{{1,{LONGEST_LOCAL}}}")
"""Both for the reversed text before an `@` (RFC 5321, sections 4.1.2 and 4.5.3.1.1)."""
_DOMAIN = re.compile(rf"@([^\W_](?:[^\W_]|[.-]){{1,{LONGEST_DOMAIN - 1}}})")
_ASCII = re.compile(r"[A-Za-z0-9_.+-]+")
"""The part of an address that ends where another script goes on without a blank (Chinese, Japanese)."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What was found in one piece of text; `number_places` and `text_places` are where in `piece` each begins."""

    piece: str
    numbers: Numbers
    number_places: Places
    texts: list[str]
    text_places: list[int]

    def begin(self, place: int) -> int:
        """Where a candidate begins; numbers are counted first, then texts."""
        count = len(self.numbers)
        return int(self.number_places[place]) if place < count else self.text_places[place - count]


def candidates(text: str, *, shortest: int, officials: Officials) -> Iterator[Candidates]:
    """All candidates of a text, piece by piece: numbers of at least so many digits, addresses, official numbers of some shapes."""
    text = visible(text)
    for start in range(0, max(len(text) - OVERLAP, 1), PIECE):
        piece = text[start : start + PIECE + OVERLAP]
        plain = piece.encode("ascii", "replace")
        numbers, places = windows(_groups(plain, cut_before=start > 0, cut_after=start + len(piece) < len(text)), shortest)
        texts: list[str] = []
        text_places: list[int] = []
        for value, place in itertools.chain(_addresses(piece), officials.find(plain)):
            texts.append(value)
            text_places.append(place)
        yield Candidates(piece, numbers, places, texts, text_places)


def addresses(text: str) -> list[str]:
    """Canonical forms of all e-mail addresses in a text that is `visible`."""
    return [value for value, _ in _addresses(text)]


# numbers


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of digits, in order. `joined`: only separators, and few, stand between a group and the next one."""

    data: Bytes
    """The bytes in which they stand."""
    starts: Places
    ends: Places
    joined: NDArray[np.bool_]


def _groups(plain: bytes, *, cut_before: bool, cut_after: bool) -> Groups:
    classes = np.frombuffer(plain.translate(_CLASSES), np.uint8)
    is_digit = np.zeros(len(classes) + 2, np.bool_)
    np.equal(classes, _DIGIT, out=is_digit[1:-1])
    edges = np.flatnonzero(is_digit[1:] != is_digit[:-1])
    starts, ends = edges[::2], edges[1::2]
    # A group that touches a cut may be half of one: the piece on the other side has it whole.
    first = 1 if cut_before and len(starts) and starts[0] == 0 else 0
    last = len(starts) - 1 if cut_after and len(starts) and ends[-1] == len(classes) else len(starts)
    starts, ends = starts[first:last], ends[first:last]
    joined = np.zeros(len(starts), np.bool_)
    joined[:-1] = ~apart(starts, ends, lambda places: classes.take(places) == _SEPARATOR, GAP)
    return Groups(np.frombuffer(plain, np.uint8), starts, ends, joined)


def apart(starts: Places, ends: Places, separates: Callable[[Places], NDArray[np.bool_]], gap: int) -> NDArray[np.bool_]:
    """Between which groups of digits, told by where each begins and ends, stands anything but so many separators at most."""
    between = starts[1:] - ends[:-1]
    found = between > gap
    left = np.flatnonzero(~found)  # gaps that are separators so far, and go on
    for step in range(gap):
        separated = separates(ends.take(left) + step)
        found[left[~separated]] = True
        left = left[separated]
        left = left[between.take(left) > step + 1]
        if not len(left):
            break
    return found


def enough(groups: Groups, shortest: int) -> tuple[Places, Places]:
    """The first and the last of all groups that are joined to each other and have enough digits together."""
    last = np.flatnonzero(~groups.joined)
    behind = np.cumsum(groups.ends - groups.starts).take(last)  # digits up to each last one
    digits = behind.copy()
    digits[1:] -= behind[:-1]
    long = np.flatnonzero(digits >= shortest)
    first = np.zeros(len(last), np.int64)
    np.add(last[:-1], 1, out=first[1:])
    return first.take(long), last.take(long)


def windows(groups: Groups, shortest: int) -> tuple[Numbers, Places]:
    """Every window of joined groups with `shortest` to 17 digits, and the same without `00` in front; and where each begins."""
    starts, joined = groups.starts, groups.joined
    lengths = groups.ends - starts
    numbers = _values(groups.data, groups.ends, lengths)
    begin = np.flatnonzero((lengths <= MOST_DIGITS) & (joined | (lengths >= shortest)))
    last, size, value = begin, lengths.take(begin), numbers.take(begin)
    found = []
    while len(begin):
        long = np.flatnonzero(size >= shortest)
        found.append((begin.take(long), size.take(long), value.take(long)))
        after = np.flatnonzero(joined.take(last))
        last = last.take(after) + 1
        more = lengths.take(last)
        longer = size.take(after) + more
        fits = np.flatnonzero(longer <= MOST_DIGITS)
        after = after.take(fits)
        begin, last, size = begin.take(after), last.take(fits), longer.take(fits)
        value = value.take(after) * _POWERS.take(more.take(fits)) + numbers.take(last)
    if not found:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    begin, size, value = (np.concatenate(ones) for ones in zip(*found, strict=True))
    return _without_zeros(value, size, starts.take(begin), shortest)


def _values(data: Bytes, ends: Places, lengths: Places) -> Numbers:
    """The numbers that groups of digits are: of longer ones their last 17 digits (`MOST_DIGITS`)."""
    if len(ends) and ends[0] < _READ:
        data, ends = np.concatenate((np.zeros(_READ, np.uint8), data)), ends + _READ
    values = _eight(data, ends, lengths)
    for behind in (8, 16):
        long = np.flatnonzero(lengths > behind)
        if not len(long):
            break
        values[long] += _eight(data, ends.take(long) - behind, lengths.take(long) - behind) * _POWERS[behind]
    return values


def _eight(data: Bytes, ends: Places, lengths: Places) -> Numbers:
    """The numbers of the last eight digits, or as many as there are: two digits of each at once, then four, then eight."""
    words: Numbers = np.ndarray((max(len(data) - 7, 0),), "<u8", data, 0, (1,))[ends - 8]
    foreign = ((8 - np.minimum(lengths, 8)) * 8).astype(np.uint64)  # bits of bytes before the group
    digits = ((words ^ _ZEROS) >> foreign) << foreign
    for width, power in enumerate(_PAIRS):
        digits = (digits * power >> _WIDTHS[width]) & _MASKS[width]
    return digits


def _without_zeros(values: Numbers, size: Places, places: Places, shortest: int) -> tuple[Numbers, Places]:
    """As `hashes.number`. The `00` before a country's code is an international prefix (ITU-T E.123): the number without it is one too."""
    numbers = values + _POWERS.take(size)
    zeros = np.flatnonzero((size >= shortest + 2) & (values < _POWERS.take(size - 2, mode="clip")))
    if not len(zeros):
        return numbers, places
    bare = values.take(zeros) + _POWERS.take(size.take(zeros) - 2)
    return np.concatenate((numbers, bare)), np.concatenate((places, places.take(zeros)))


# e-mail addresses


def _addresses(piece: str) -> Iterator[tuple[str, int]]:
    """The address around each `@`: as long as it can be, and as it is where punctuation of the text was taken for a part of it."""
    for after in _DOMAIN.finditer(piece):
        place = after.start()
        domain = after[1].rstrip(".-")
        domains = [domain, domain.rpartition(".")[0]] if domain.count(".") > 1 else [domain]
        if not domain.isascii() and (ascii_part := _ASCII.match(domain)) is not None:
            domains.append(ascii_part[0].rstrip(".-"))
        for local in _locals(piece[max(place - LONGEST_LOCAL - 1, 0) : place][::-1]):
            for host in domains:
                value = address(local, host)
                if value is not None:
                    yield value, place


def _locals(reversed_before: str) -> list[str]:
    """What can be the part before an `@`, from the reversed text before it."""
    found = []
    plain = _PLAIN_LOCAL.match(reversed_before)
    if plain is not None:
        local = plain[0][::-1]
        found.append(local)
        if local[0] in ".+-_":
            found.append(local.lstrip(".+-_"))
        if not local.isascii() and (ascii_part := _ASCII.match(plain[0])) is not None:
            found.append(ascii_part[0][::-1])
        if plain.end() == len(reversed_before) or reversed_before[plain.end()] not in _MORE_LOCAL:
            return found
    wide = _LOCAL.match(reversed_before)
    if wide is not None:
        found.append(wide[0][::-1])
    return found
