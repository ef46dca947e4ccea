"""Base32 (RFC 4648 section 6) within text, in capital or small letters, also wrapped."""

from __future__ import annotations

import binascii
from base64 import b32decode
from collections.abc import Iterator

import numpy as np
import re2
from numpy.typing import NDArray

from detectors import bits
from detectors.bits import Bytes
from detectors.formats import Decoder, Layer
from detectors.glance import Glance, among, is_full
from detectors.meaning import LONG, means_something
from detectors.text import Text

_RUN = re2.compile(rb"(?:[A-Z2-7]{16,}(?:\r?\n[A-Z2-7]+)*|[a-z]+[2-7][a-z2-7]{8,}(?:\r?\n[a-z2-7]+)*)={0,6}")
"""Small letters with a figure among them: words are passed over at full speed."""
_SHORTEST = 16
_LONG = 96


def decode(text: Text) -> Iterator[str | bytes]:
    """The long runs one by one, the short ones together."""
    short: list[bytes] = []
    if not _possible(text.glance):
        return
    for match in _RUN.finditer(text.encoded):
        if match.end() - match.start() < _SHORTEST:
            continue
        lines = match.group().rstrip(b"=").upper().split()
        for letters in [b"".join(lines), *(lines if len(lines) > 1 else ())]:
            usable = letters[: len(letters) - _SPARE[len(letters) % 8]]
            try:
                found = b32decode(usable + b"=" * (-len(usable) % 8))
            except (binascii.Error, ValueError):
                continue
            if not (means_something(found) or len(found) >= LONG):
                continue
            if len(letters) < _LONG:
                short.append(found)
            else:
                yield found
    if short:
        yield b"\n".join(short)


def _possible(glance: Glance) -> bool:
    """Whether a glance leaves a place for what `_RUN` finds: a block of capital letters, or a figure among small ones."""
    if glance.dense or bool(np.any(is_full(_CAPITAL.take(glance.rows(bits.full(glance.upper | glance.digits)))))):
        return True
    figures = glance.mixed_digits
    figures = figures[(figures > 0) & (figures < len(glance.data) - _BEHIND)]
    figures = figures[_is_small(glance.array.take(figures - 1))]
    for step in range(_BEHIND + 1):
        figures = figures[_SMALL.take(glance.array.take(figures + step))]
    return len(figures) > 0


def _is_small(letters: Bytes) -> NDArray[np.bool_]:
    return letters - 97 <= 25


_CAPITAL = among(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_SMALL = among(b"abcdefghijklmnopqrstuvwxyz234567")
_BEHIND = 8
"""Letters behind the first figure."""
_SPARE = (0, 1, 0, 1, 0, 0, 1, 0)
"""Letters at the end that hold no whole byte, by the number of letters modulo eight."""

DECODER = Decoder("base32", Layer.DECODED, decode)
