"""Tar archives (POSIX pax and GNU): heads of 512 bytes and the bytes behind them. Links and holes are not followed."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.budget import Budget
from detectors.formats import Format, Layer, Part, whole
from detectors.verdict import Unread

_BLOCK = 512


def recognises(content: bytes, _media_type: str | None) -> bool:
    """By the mark in the first head."""
    return content[257:262] == b"ustar" and _size(content[124:136]) is not None


def open_tar(content: bytes, _media_type: str | None, budget: Budget) -> Iterator[Part]:
    """Names and link targets as text, files as bytes, and what stands behind the last."""
    position = 0
    while position + _BLOCK <= len(content):
        head = content[position : position + _BLOCK]
        if not head.strip(b"\0"):
            break
        size = _size(head[124:136])
        if size is None or head[257:262] != b"ustar":
            yield Unread.DAMAGED
            break
        budget.enter()
        yield "\n".join(part.partition(b"\0")[0].decode("utf-8", "replace") for part in (head[345:500], head[:100], head[157:257]))
        begin = position + _BLOCK
        file = content[begin : begin + size]
        if len(file) < size:
            yield Unread.DAMAGED
        budget.take(len(file))
        yield file
        position = begin + (size + _BLOCK - 1) // _BLOCK * _BLOCK
    rest = content[position:].strip(b"\0")
    if rest:
        yield rest


def _size(field: bytes) -> int | None:
    """The size in octal digits, or in binary behind the byte 0x80 (GNU)."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b"\0 ")
    try:
        return int(digits or b"0", 8)
    except ValueError:
        return None


FORMAT = Format("tar", Layer.ARCHIVE, recognises, open_tar, covers=whole)
