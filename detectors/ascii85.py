"""Streams of a PDF in ASCII85 (ISO 32000-1, section 7.4.3): letters that look like every other way of writing by chance."""

from __future__ import annotations

import zlib
from base64 import a85decode

import re2

_STREAM = re2.compile(rb"stream\r?\n([!-uz\s]+)~>\s*endstream")
_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_MOST = 64 << 20
"""Bytes that come out of all streams of one content; what is behind that is taken for letters."""
_STEP = 1 << 20


def without_packed(content: bytes) -> bytes:
    """The content without the letters that are proven to be a packed stream (zlib, RFC 1950, with its checksum) or a JPEG."""
    pieces: list[bytes] = []
    at, room = 0, _MOST
    for stream in _STREAM.finditer(content):
        used = _packs(stream[1], room)
        if used is not None:
            pieces.append(content[at : stream.start(1)])
            at, room = stream.end(1), room - used
    return b"".join((*pieces, content[at:])) if at else content


def _packs(letters: bytes, most: int) -> int | None:
    """How many bytes come out of a stream; None if it is none, or more come out."""
    try:
        packed = a85decode(letters)
    except ValueError:
        return None
    if packed.startswith(_JPEG):
        return len(packed) if len(packed) <= most and packed.rstrip().endswith(_JPEG_END) else None
    stream, used = zlib.decompressobj(), 0
    try:
        while not stream.eof:
            piece = stream.decompress(packed, _STEP)
            packed = stream.unconsumed_tail
            used += len(piece)
            if used > most or not (piece or packed or stream.eof):
                return None
    except zlib.error:
        return None
    return None if stream.unused_data.strip() else used
