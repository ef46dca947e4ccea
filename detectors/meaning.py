"""Whether decoded bytes say something: text, or a container that is known. Any word decodes to some bytes; almost none means something."""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from detectors.bits import Bytes, Places
from detectors.glance import BLOCK, among
from detectors.plain import wide

_PDF = b"%PDF-"
_MAGICS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    _PDF,
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"\x28\xb5\x2f\xfd",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
    b"MZ",
)
_PLAIN = bytes(range(32, 127)) + b"\t\r\n"
_CONTROLS = bytes(n for n in range(32) if n not in b"\t\r\n") + b"\x7f"
_IS_STRANGE, _BEGINS_MAGIC = ~among(_PLAIN), among(bytes(magic[0] for magic in _MAGICS))
LONG = 4_096
"""Bytes from which on a decoded run is looked at whatever it is: nobody writes words of this length."""


def means_something(content: bytes) -> bool:
    """True for text and known containers. Asked for every long word of a text: the usual answer, no, must cost little."""
    if content.startswith(_MAGICS):
        return True
    strange = len(content.translate(None, _PLAIN))
    if not strange:
        return True
    if strange * 5 <= len(content):
        return len(content.translate(None, _CONTROLS)) == len(content)
    if content.count(0) * 3 >= len(content) or content.count(4) * 4 >= len(content):
        return wide(content) is not None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return sum(map(str.isalnum, text)) * 2 > len(text) and "\x00" not in text


def is_container(content: bytes) -> bool:
    """True for a known container; text that begins as one does is text, but for a PDF, which may begin with text."""
    return content.startswith(_MAGICS) and (content.startswith(_PDF) or bool(content.translate(None, _PLAIN)))


def may_mean_something(rows: Bytes, lengths: Places) -> NDArray[np.bool_]:
    """For many short contents at once, a row each: False where `means_something` is certain to be, of so many bytes of the row."""
    count, width = rows.shape
    padded = np.full((count, (width // BLOCK + 1) * BLOCK), ord(" "), np.uint8)  # a blank behind each row, at least
    np.copyto(padded[:, :width], rows, where=np.arange(width) < lengths[:, None])
    flat = padded.reshape(-1)
    follows = flat.view(np.int8) < -0x40
    broken = follows.copy()  # what goes on with no letter, and a letter that nothing goes on with
    broken[1:] = np.where(follows[1:], flat[:-1] < 0x80, flat[:-1] >= 0xC0)
    utf8 = reduce(np.bitwise_or, broken.reshape(padded.shape).view(np.uint64).T) == 0  # column by column: rows are too short
    strange, wide_ones = _count(_IS_STRANGE.take(padded)), _count(padded & 0xFB == 0)  # zeros and fours
    words = (strange * 5 <= lengths) | (wide_ones * 4 >= lengths)
    found: NDArray[np.bool_] = utf8 | words | _BEGINS_MAGIC.take(padded[:, 0])
    return found


def _count(marked: NDArray[np.bool_]) -> Places:
    """How many of each row."""
    counts: Places = reduce(np.add, np.bitwise_count(marked.view(np.uint64)).T.astype(np.int64))
    return counts
