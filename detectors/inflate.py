"""Unpacks a stream within a budget: never more bytes than are left, whatever the stream says about itself."""

from __future__ import annotations

import bz2
import lzma
import zlib
from dataclasses import dataclass

from detectors.budget import Budget, SpentError
from detectors.verdict import Unread

STEP = 1 << 18
"""Packed bytes given to the decompressor at once; between two steps the time is looked at."""

type Decompressor = zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out."""

    content: bytes
    used: int
    """Packed bytes that the stream took."""
    causes: tuple[Unread, ...] = ()
    """Why something may be missing at the end."""


def unpack(decompressor: Decompressor, packed: memoryview, budget: Budget) -> Unpacked:
    """Unpack one stream. What was unpacked before a fault or a limit is given; SpentError is raised only when nothing was."""
    pieces: list[bytes] = []
    room = budget.room
    position = 0
    pending: bytes | memoryview = b""
    cause: Unread | None = None
    while not decompressor.eof:
        if not pending and not _holds_more(decompressor):
            pending = packed[position : position + STEP]
            position += len(pending)
        last = not pending
        try:
            budget.check()
            piece = decompressor.decompress(pending, min(room + 1, 4 * STEP))
        except SpentError as spent:
            cause = spent.cause
            break
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
            cause = Unread.DAMAGED
            break
        pending = b"" if decompressor.eof else getattr(decompressor, "unconsumed_tail", b"")
        if len(piece) > room:
            pieces.append(piece[:room])
            cause = Unread.TOO_LARGE
            break
        room -= len(piece)
        pieces.append(piece)
        if last and not piece and not decompressor.eof:
            cause = Unread.DAMAGED
            break
    content = b"".join(pieces)
    if not content and cause is not None and cause is not Unread.DAMAGED:
        raise SpentError(cause)
    budget.take(len(content))
    return Unpacked(content, position - len(decompressor.unused_data) - len(pending), (cause,) if cause else ())


def _holds_more(decompressor: Decompressor) -> bool:
    """True if more comes out without more going in (bzip2, xz)."""
    return not getattr(decompressor, "needs_input", True)
