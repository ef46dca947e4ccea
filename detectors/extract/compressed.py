"""Streams of one packed content: gzip (RFC 1952), zlib (RFC 1950), bare deflate (RFC 1951), bzip2, xz.

Several in a row are read, and what stands behind them.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator

from detectors.budget import Budget
from detectors.formats import Format, Layer, Part, whole
from detectors.inflate import Decompressor, unpack

_GZIP, _BZIP2, _XZ = b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00"
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_ZLIB_PROBE = 512
_PRINTABLE = bytes([9, 10, 13, *range(32, 127)])


def recognises(content: bytes, _media_type: str | None) -> bool:
    """By the first bytes."""
    return _tool(content) is not None


def open_stream(content: bytes, _media_type: str | None, budget: Budget) -> Iterator[Part]:
    """What is packed, streams in a row joined as every program joins them; then the rest."""
    rest = memoryview(content)
    joined: list[bytes] = []
    while rest and (tool := _tool(bytes(rest[:_ZLIB_PROBE]))) is not None:
        budget.enter()
        if bytes(rest[:3]) == _GZIP and rest[3] & 0x08:
            yield bytes(rest[10 : 10 + 256]).partition(b"\0")[0].decode("latin-1")
        result = unpack(tool(), rest, budget)
        joined.append(result.content)
        yield from result.causes
        if result.causes or not result.used:
            rest = rest[len(rest) :]
            break
        rest = rest[result.used :]
        while rest and rest[0] == 0:
            rest = rest[1:] if bytes(rest[:512]).strip(b"\0") else rest[512:]
    yield b"".join(joined)
    if rest:
        yield bytes(rest)


def _tool(head: bytes) -> Callable[[], Decompressor] | None:
    if head.startswith(_GZIP):
        return lambda: zlib.decompressobj(31)
    if head.startswith(_BZIP2) and head[4:10] in _BZIP2_BLOCKS:
        return bz2.BZ2Decompressor
    if head.startswith(_XZ):
        return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ)
    if len(head) > 8 and head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0:
        try:
            zlib.decompressobj().decompress(head[:_ZLIB_PROBE])
        except zlib.error:
            return None
        return zlib.decompressobj
    return (lambda: zlib.decompressobj(-15)) if _is_raw_deflate(head) else None


def _is_raw_deflate(head: bytes) -> bool:
    """Deflate without any head (RFC 1951): a first block that unpacks without a fault, and to more than it was. Noise hardly ever does."""
    sample = head[:_ZLIB_PROBE]
    if len(sample) < 32 or head[0] & 0x06 in (0x00, 0x06):  # stored blocks hold the bytes as they are: they are read as such
        return False
    if len(sample.translate(None, _PRINTABLE)) < len(sample) // 3:  # text, which can be packed to look like many things
        return False
    try:
        return len(zlib.decompressobj(-15).decompress(sample, 4 * _ZLIB_PROBE)) > len(sample)
    except zlib.error:
        return False


FORMAT = Format("compressed", Layer.ARCHIVE, recognises, open_stream, covers=whole)
