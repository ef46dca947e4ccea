"""ZIP archives (PKWARE APPNOTE 6.3.10), read in both ways that programs read them: by the list at the end, and by the heads of the entries.

Nothing that an archive says about itself is believed: sizes are what comes out, an entry that lies in another is not unpacked twice, and
names are text to be scanned, never paths.
"""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from detectors.budget import Budget, SpentError
from detectors.formats import Format, Layer, Part
from detectors.inflate import Decompressor, unpack
from detectors.plain import runs
from detectors.verdict import Unread

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_STARTS = (LOCAL, END, b"PK\x07\x08")
_HEAD = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_KNOWN_METHODS = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 16, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99})
_ENCRYPTED_FLAG, _SIZES_FOLLOW_FLAG, _UTF8_FLAG, _MASKED_FLAG = 1, 8, 0x800, 0x2000
_AES = 99
_CANDIDATES = 50
_ODF_MANIFEST = "META-INF/manifest.xml"
_GAP = 16
"""Bytes between entries that nobody lists, from which on they are looked at."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the head before it says."""

    offset: int
    name: str
    flags: int
    method: int
    packed: int
    start: int
    """Where its bytes begin."""


def recognises(content: bytes, _media_type: str | None) -> bool:
    """An archive, also behind other content (self-extracting, or behind a picture)."""
    if _begins(content):
        return True
    if END[2:3] in content and content.rfind(END, max(0, len(content) - 65_600)) >= 0:
        return True
    # A control character first: text has none, and one letter is searched for at the speed of memory, several are not.
    return LOCAL[2:3] in content and _first(content) >= 0


def _begins(content: bytes) -> bool:
    """True if the archive is the content, and not something within other content."""
    return content.startswith(_STARTS)


def _listed(content: bytes) -> tuple[list[zipfile.ZipInfo], bool]:
    """What the list at the end names, and whether that list can be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.infolist(), True
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error, UnicodeError):
        return [], False


@dataclass(frozen=True, slots=True)
class Member:
    """An entry with its name."""

    name: str
    content: bytes


def open_zip(content: bytes, _media_type: str | None, budget: Budget) -> Iterator[Part]:
    """Names, then entries; then entries that the list does not name, and what lies between."""
    for one in members(content, budget):
        if not isinstance(one, Member):
            yield one
            continue
        if one.name == _ODF_MANIFEST and b"encryption-data" in one.content:
            yield Unread.ENCRYPTED
        yield one.content


def members(content: bytes, budget: Budget) -> Iterator[Member | Part]:
    """As `open_zip`, the entries with their names."""
    listed, readable = _listed(content)
    if not readable and _begins(content):
        yield Unread.DAMAGED
    if listed:
        yield "\n".join(f"{info.filename}\n{info.comment.decode('utf-8', 'replace')}" for info in listed)
    taken: list[tuple[int, int]] = []
    seen: dict[int, int] = {}
    for info in sorted(listed, key=lambda one: one.header_offset):
        budget.enter()
        if info.header_offset in seen or any(begin <= info.header_offset < end for begin, end in taken[-1:]):
            yield Unread.DAMAGED
            continue
        entry = _read_head(content, info.header_offset)
        if entry is None:
            yield Unread.DAMAGED
            continue
        seen[entry.offset] = info.file_size
        end = yield from _read_entry(content, entry, budget, listed=info)
        taken.append((entry.offset, end))
    yield from _unlisted(content, taken, budget)


def _read_head(content: bytes, offset: int) -> Entry | None:
    """The head of an entry; None if there is none."""
    if offset < 0 or offset + _HEAD.size > len(content):
        return None
    signature, version, flags, method, _, _, _, packed, _, name_length, extra = _HEAD.unpack_from(content, offset)
    if signature != LOCAL or (version & 0xFF) > 63 or method not in _KNOWN_METHODS:
        return None
    start = offset + _HEAD.size + name_length + extra
    name = content[offset + _HEAD.size : offset + _HEAD.size + name_length]
    if start > len(content) or b"\0" in name:
        return None
    return Entry(offset, name.decode("utf-8" if flags & _UTF8_FLAG else "cp437", "replace"), flags, method, packed, start)


def _read_entry(content: bytes, entry: Entry, budget: Budget, *, listed: zipfile.ZipInfo | None) -> Generator[Member | Part, None, int]:
    """Its bytes, or the cause why not; returns where it ends. Raises SpentError."""
    size = listed.compress_size if listed is not None else entry.packed
    flags = entry.flags | (listed.flag_bits if listed is not None else 0)
    if flags & (_ENCRYPTED_FLAG | _MASKED_FLAG) or _AES in (entry.method, listed.compress_type if listed else 0):
        yield Unread.ENCRYPTED
        return min(entry.start + size, len(content))
    packed = memoryview(content)[entry.start :]
    if entry.method == _STORED:
        if listed is None and entry.flags & _SIZES_FOLLOW_FLAG and not entry.packed:
            size = _until_next(content, entry.start) - entry.start
        stored = bytes(packed[:size])
        if len(stored) < size or (listed is not None and listed.file_size != size):
            yield Unread.DAMAGED
        budget.take(len(stored))
        yield Member(entry.name, stored)
        return entry.start + len(stored)
    decompressor = _decompressor(entry.method, packed)
    if decompressor is None:
        yield Unread.UNKNOWN_FORMAT
        return min(entry.start + size, len(content))
    tool, skip = decompressor
    result = unpack(tool, packed[skip:], budget)
    yield Member(entry.name, result.content)
    yield from result.causes
    if listed is not None and listed.file_size != len(result.content) and not result.causes:
        yield Unread.DAMAGED
    return min(max(entry.start + skip + result.used, entry.start + size if result.causes else 0), len(content))


def _decompressor(method: int, packed: memoryview) -> tuple[Decompressor, int] | None:
    """The decompressor and how many bytes before the stream are for it."""
    if method == _DEFLATED:
        return zlib.decompressobj(-15), 0
    if method == _BZIP2:
        return bz2.BZ2Decompressor(), 0
    if method == _LZMA and len(packed) > 9:
        length = int.from_bytes(packed[2:4], "little")
        filters = [lzma._decode_filter_properties(lzma.FILTER_LZMA1, bytes(packed[4 : 4 + length]))]  # type: ignore[attr-defined]
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters), 4 + length
    return None


def _unlisted(content: bytes, taken: list[tuple[int, int]], budget: Budget) -> Iterator[Member | Part]:
    """Entries that only their heads name, and what lies before, between and behind the entries."""
    position, gap = 0, 0
    ranges = iter(sorted(taken))
    whole = _begins(content)
    begin, end = next(ranges, (len(content), len(content)))
    while position < len(content):
        if position >= begin:
            yield from _between(content[gap:begin], whole)
            position = gap = max(position, end)
            begin, end = next(ranges, (len(content), len(content)))
            continue
        found = content.find(LOCAL, position, begin)
        if found < 0:
            position = begin
            continue
        entry = _read_head(content, found)
        position = found + 4
        if entry is None or not entry.name:
            continue
        budget.enter()
        yield from _between(content[gap:found], whole)
        yield entry.name
        try:
            gap = position = max(position, (yield from _read_entry(content, entry, budget, listed=None)))
        except SpentError as spent:
            yield spent.cause
            gap = position
    if gap < begin:
        yield from _between(content[gap:begin], whole)


def _between(stretch: bytes, whole: bool) -> Iterator[Part]:
    """What lies between entries; within other content that is read by whoever reads that."""
    if len(stretch) < _GAP or not whole:
        return
    if stretch.startswith((CENTRAL, END, b"PK\x07\x08")):
        yield from runs(stretch)
    else:
        yield stretch


def _until_next(content: bytes, start: int) -> int:
    found = [at for mark in (LOCAL, CENTRAL, b"PK\x07\x08") if (at := content.find(mark, start)) >= 0]
    return min(found, default=len(content))


def _first(content: bytes) -> int:
    """Where the first head of an entry is that looks like one; -1 if nowhere."""
    at = -1
    for _ in range(_CANDIDATES):
        at = content.find(LOCAL, at + 1)
        if at < 0:
            return -1
        entry = _read_head(content, at)
        if entry is not None and entry.name and entry.name.isprintable():
            return at
    return -1


FORMAT = Format("zip", Layer.ARCHIVE, recognises, open_zip, covers=_begins)
