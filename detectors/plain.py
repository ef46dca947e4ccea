"""Bytes as text: which encoding they are in, and what can be read in bytes that are no text."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import numpy as np
import re2

from detectors.ebcdic import decoded, is_ebcdic
from detectors.formats import Readable
from detectors.text import Text

SAMPLE = 1 << 16
"""Bytes by which text is told from other bytes."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(n for n in range(32) if n not in b"\t\n\r\f\x1b\x08") + b"\x7f"
_LOW = bytes(range(7))
"""High bytes of Latin, Greek, Cyrillic, Hebrew and Arabic letters in UTF-16 (U+0000 to U+06FF)."""
_STEP, _SHARED = 4 << 20, 512
"""Bytes that are searched for runs at once, and bytes that two steps share."""
_BYTES = re2.Options()
_BYTES.encoding = re2.Options.Encoding.LATIN1
_RUNS = (
    ("utf-8", re2.compile(rb"(?:[\t\n\r\x20-\x7e]|[\xc3-\xd1][\x80-\xbf]){6,}", _BYTES)),
    ("utf-16-le", re2.compile(rb"(?:[\t\n\r\x20-\x7e\xa0-\xff]\x00|[\x10-\x4f]\x04){6,}", _BYTES)),
    ("utf-16-be", re2.compile(rb"(?:\x00[\t\n\r\x20-\x7e\xa0-\xff]|\x04[\x10-\x4f]){6,}", _BYTES)),
)
"""Latin and Cyrillic letters, digits and signs."""


def as_text(content: bytes) -> Text | None:
    """The content as text; None if it is none. UTF-8, UTF-16 and UTF-32 with and without a mark at the beginning, EBCDIC, else
    Windows-1252.

    A wrong byte costs one letter: what stands around it is read.
    """
    for mark, marked in _BOMS:
        if content.startswith(mark):
            text = Text(encoded=content[len(mark) :])
            return text if marked == "utf-8" and text.beyond_ascii is not None else Text(text.encoded.decode(marked, "replace"))
    sample = content[:SAMPLE]
    if not _is_simple(sample):
        if encoding := wide(sample):
            return Text(content.decode(encoding, "replace"))
        if is_ebcdic(sample):
            return Text(decoded(content))
        if len(sample.translate(None, _CONTROLS)) < 0.98 * len(sample):
            return None
    if (text := Text(encoded=content)).beyond_ascii is not None:
        return text
    try:
        return Text(content.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    letters = content.decode("utf-8", "replace")
    strange = len(content) - len(content.translate(None, bytes(range(128, 256)))) if content else 0
    return Text(letters if letters.count("\ufffd") * 4 < strange else content.decode("cp1252", "replace"))


def _is_simple(sample: bytes) -> bool:
    """True for most text in one byte a letter, told quickly: without control characters, and with a blank of ASCII for every 20 bytes.

    Text in wider letters has bytes below 7, or every other byte is a low one; blanks of ASCII are rare in EBCDIC.
    """
    letters = np.frombuffer(sample, np.uint8)
    low = letters < 32
    controls = low & (letters != 10) & (letters != 13) & (letters != 9) & (letters != 12)
    if controls.any() or int(np.count_nonzero(low)) * 8 > len(letters):
        return False
    return int(np.count_nonzero(letters == 32)) * 20 > len(letters) and 127 not in sample


def runs(content: bytes) -> Iterator[Readable]:
    """What is readable in bytes that are no text: runs of at least six letters, in one byte a letter and in UTF-16, one a line.

    Given in steps, so that whoever reads can stop between two.
    """
    for begin in range(0, len(content), _STEP):
        step = content[begin : begin + _STEP + _SHARED]
        found: list[str] = []
        for encoding, pattern in _RUNS if b"\x00" in step else _RUNS[:1]:
            found += [run.decode(encoding, "replace") for run in pattern.findall(step)]
        yield Readable("\n".join(found))


def wide(sample: bytes) -> str | None:
    """The encoding of text with two or four bytes a letter and no mark."""
    even = sample[: len(sample) // 4 * 4]
    if len(even) < 8:
        return None
    quarter = len(even) // 4
    if even[2::4].count(0) + even[3::4].count(0) > 1.9 * quarter and even[0::4].count(0) < quarter // 8:
        return "utf-32-le"
    if even[0::4].count(0) + even[1::4].count(0) > 1.9 * quarter and even[3::4].count(0) < quarter // 8:
        return "utf-32-be"
    half = len(even) // 2
    first, second = (half - len(even[n::2].translate(None, _LOW)) for n in (0, 1))
    if second > 0.9 * half and first < 0.3 * half:
        return "utf-16-le"
    if first > 0.9 * half and second < 0.3 * half:
        return "utf-16-be"
    return None
