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
        proven, used = _packs(stream[1], room)
        room -= used
        if room < 0:
            break
        if proven:
            pieces.append(content[at : stream.start(1)])
            at = stream.end(1)
    return b"".join((*pieces, content[at:])) if at else content


def _packs(letters: bytes, most: int) -> tuple[bool, int]:
    """Whether they are such a stream, and how many bytes came out of it; no more than some behind `most` are unpacked."""
    try:
        packed = a85decode(letters)
    except ValueError:
        return False, 0
    if packed.startswith(_JPEG):
        return packed.rstrip().endswith(_JPEG_END), len(packed)
    stream, used = zlib.decompressobj(), 0
    try:
        while not stream.eof and used <= most:
            piece = stream.decompress(packed, _STEP)
            packed = stream.unconsumed_tail
            used += len(piece)
            if not (piece or packed or stream.eof):
                return False, used
    except zlib.error:
        return False, used + _STEP  # at most so many came out before it
    return stream.eof and not stream.unused_data.strip(), used
