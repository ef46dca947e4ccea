"""Pictures: their own texts (Exif, XMP, comments) and whatever hangs behind them. What a picture shows is not read and is not `unread`."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Generator, Iterator

from detectors.budget import Budget
from detectors.formats import Format, Layer, Part, whole
from detectors.inflate import unpack
from detectors.plain import runs

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_START_OF_SCAN, _END, _START = 0xDA, 0xD9, 0xD8
_PIXELS = frozenset({b"IDAT", b"fdAT", b"PLTE", b"IHDR", b"IEND", b"tRNS", b"iCCP"})
_FORMATTED = frozenset(range(0xE0, 0xF0)) | {0xFE}


def recognises(content: bytes, _media_type: str | None) -> bool:
    """JPEG and PNG; other pictures are read as bytes that are no text."""
    return content.startswith((_JPEG, _PNG))


def open_picture(content: bytes, _media_type: str | None, budget: Budget) -> Iterator[Part]:
    """Texts, then what hangs behind the picture."""
    rest = content
    while rest.startswith((_JPEG, _PNG)):
        rest = yield from _jpeg(rest) if rest.startswith(_JPEG) else _png(rest, budget)
        budget.check()
    if rest.strip(b"\0"):
        yield rest


def _jpeg(content: bytes) -> Generator[Part, None, bytes]:
    """Segments (ITU-T T.81 annex B); returns what stands behind the end of the picture."""
    position = 2
    while position + 4 <= len(content):
        if content[position] != 0xFF:
            return content[position:]  # no segment: whatever it is, it is looked at
        marker = content[position + 1]
        if marker == _END:
            return content[position + 2 :]
        if marker in (_START, 0x01, 0xFF) or 0xD0 <= marker <= 0xD7:
            position += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(content[position + 2 : position + 4], "big")
        if marker in _FORMATTED:
            yield from runs(content[position + 4 : position + 2 + length])
        position += 2 + length
        if marker == _START_OF_SCAN:
            found = _NEXT_MARKER.search(content, position)
            position = found.start() if found else len(content)
    return content[position + 2 :] if content[position : position + 2] == b"\xff\xd9" else b""


def _png(content: bytes, budget: Budget) -> Generator[Part, None, bytes]:
    """Chunks (PNG specification, section 5); returns what stands behind the last."""
    position = len(_PNG)
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        body = content[position + 8 : position + 8 + length]
        position += 12 + length
        if kind == b"IEND":
            return content[position:]
        if kind == b"zTXt" or (kind == b"iTXt" and b"\0\1\0" in body):
            packed = body.partition(b"\0")[2].lstrip(b"\0\1")
            at = max(packed.find(b"\x78"), 0)
            yield unpack(zlib.decompressobj(), memoryview(packed)[at:], budget).content
        if kind not in _PIXELS:
            yield from runs(body)
    return b""


FORMAT = Format("picture", Layer.NONE, recognises, open_picture, covers=whole)
