"""Compound files ([MS-CFB]): wrappers of embedded files, Outlook messages, encrypted and old Office documents.

Streams are read; an old Word, Excel or PowerPoint document is `unknown_format` beside what can be read in it, an encrypted one `encrypted`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from detectors.budget import Budget
from detectors.formats import Format, Layer, Part, whole
from detectors.verdict import Unread

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END, _LARGEST = 0xFFFFFFFE, 0xFFFFFFFA
_SMALL = 4_096
"""Streams below this size lie in small sectors."""
_STREAM, _ROOT = 2, 5
_ENCRYPTED = frozenset({"EncryptedPackage", "EncryptionInfo"})
_OLD = frozenset({"WordDocument", "Workbook", "Book", "PowerPoint Document", "Current User", "Quill"})
_NATIVE = "\x01Ole10Native"


@dataclass(frozen=True, slots=True)
class _Stream:
    name: str
    kind: int
    start: int
    size: int


def recognises(content: bytes, _media_type: str | None) -> bool:
    """By the first bytes."""
    return content.startswith(_MAGIC)


def open_ole(content: bytes, _media_type: str | None, budget: Budget) -> Iterator[Part]:
    """Names of streams, then streams."""
    file = _File(content)
    streams = file.streams()
    names = {stream.name for stream in streams}
    if names & _ENCRYPTED:
        yield Unread.ENCRYPTED
    elif names & _OLD:
        yield Unread.UNKNOWN_FORMAT
    yield "\n".join(names)
    for stream in streams:
        if stream.kind != _STREAM or not stream.size or stream.name == "EncryptedPackage":
            continue
        budget.enter()
        body = file.read(stream)
        budget.take(len(body))
        if len(body) < stream.size:
            yield Unread.DAMAGED
        yield from _native(body) if stream.name == _NATIVE else (body,)


def _native(body: bytes) -> Iterator[Part]:
    """An embedded file behind its names ([MS-OLEDS] 2.3.6, as written by packagers): both are looked at."""
    yield body[:1_024]
    position = 6
    for _ in range(2):
        position = body.find(b"\0", position) + 1
    position += 8
    position = body.find(b"\0", position) + 1
    yield body[position + 4 :] if position > 0 else body


class _File:
    def __init__(self, content: bytes) -> None:
        """Raises struct.error and ValueError for a head that is none."""
        shift, small_shift = struct.unpack_from("<HH", content, 30)
        if shift not in (9, 12) or small_shift != 6:
            raise ValueError("sector sizes")
        self._content, self._size, self._small_size = content, 1 << shift, 1 << small_shift
        table_count, directory, _, _, small_table, _, more, _ = struct.unpack_from("<IIIIIIII", content, 44)
        tables = list(struct.unpack_from("<109I", content, 76))
        per_sector = self._size // 4
        seen = 0
        while more < _LARGEST and seen * self._size < len(content):
            entries = struct.unpack(f"<{per_sector}I", self._sector(more))
            tables += entries[:-1]
            more, seen = entries[-1], seen + 1
        self._table: list[int] = []
        for sector in tables[:table_count]:
            if sector < _LARGEST:
                self._table += struct.unpack(f"<{per_sector}I", self._sector(sector))
        self._directory = self._chain(directory, len(content))
        small = self._chain(small_table, len(content))
        self._small_table = list(struct.unpack(f"<{len(small) // 4}I", small[: len(small) // 4 * 4]))
        root = next((stream for stream in self.streams() if stream.kind == _ROOT), None)
        self._small = self._chain(root.start, root.size) if root else b""

    def streams(self) -> list[_Stream]:
        """The entries of the directory."""
        found = []
        for at in range(0, len(self._directory) - 127, 128):
            length, kind = struct.unpack_from("<HB", self._directory, at + 64)
            start, size = struct.unpack_from("<IQ", self._directory, at + 116)
            if kind in (1, _STREAM, _ROOT) and length <= 64:
                size &= 0xFFFFFFFF if self._size == 512 else (1 << 63) - 1
                found.append(_Stream(self._directory[at : at + max(length - 2, 0)].decode("utf-16-le", "replace"), kind, start, size))
        return found

    def read(self, stream: _Stream) -> bytes:
        """Its bytes; fewer than it says where the chain ends early."""
        if stream.size >= _SMALL:
            return self._chain(stream.start, stream.size)
        pieces: list[bytes] = []
        sector = stream.start
        while sector < len(self._small_table) and len(pieces) * self._small_size < stream.size:
            pieces.append(self._small[sector * self._small_size : (sector + 1) * self._small_size])
            sector = self._small_table[sector]
        return b"".join(pieces)[: stream.size]

    def _sector(self, number: int) -> bytes:
        begin = (number + 1) * self._size
        return self._content[begin : begin + self._size].ljust(self._size, b"\0") if begin < len(self._content) else b"\xff" * self._size

    def _chain(self, sector: int, size: int) -> bytes:
        """Follow the table; a chain in a ring ends with the size."""
        pieces: list[bytes] = []
        length = min(size, len(self._content))
        while sector < len(self._table) and len(pieces) * self._size < length:
            begin = (sector + 1) * self._size
            pieces.append(self._content[begin : begin + self._size])
            sector = self._table[sector]
        return b"".join(pieces)[:length]


FORMAT = Format("ole", Layer.ARCHIVE, recognises, open_ole, covers=whole)
