"""What a Content-Encoding header says about a body (RFC 9110 section 8.4.1), undone. The header is not believed: a lie is `damaged`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from detectors.budget import Budget, SpentError
from detectors.inflate import unpack
from detectors.verdict import Unread

MOST = 4
"""Encodings on one another that are undone."""
_NOTHING = frozenset({"", "identity", "none"})
_GZIP, _DEFLATE = frozenset({"gzip", "x-gzip"}), "deflate"


def without_encoding(content: bytes, encoding: str | None, budget: Budget) -> Iterator[bytes | Unread]:
    """The body without its encodings, the last named undone first, and the causes of what could not be undone.

    Where an encoding cannot be undone, the body is given as it is: what can be read in it is read.
    """
    named = [word for word in (part.strip().lower() for part in (encoding or "").split(",")) if word not in _NOTHING]
    if len(named) > MOST:
        yield Unread.TOO_DEEP
        yield content
        return
    for word in reversed(named):
        if word not in _GZIP and word != _DEFLATE:
            yield Unread.UNKNOWN_FORMAT
            break
        try:
            result = unpack(_tool(word, content), memoryview(content), budget)
        except SpentError as spent:
            yield spent.cause
            return
        yield from result.causes
        if not result.content and result.causes:
            break
        rest = content[result.used :]
        content = result.content
        if rest.strip(b"\0"):
            yield Unread.DAMAGED
            yield rest
    yield content


def _tool(word: str, content: bytes) -> zlib._Decompress:
    """`deflate` means zlib's format; some senders write the bare stream (RFC 9110 section 8.4.1.2)."""
    if word in _GZIP:
        return zlib.decompressobj(31)
    zlib_head = len(content) > 1 and content[0] & 0x0F == 8 and int.from_bytes(content[:2], "big") % 31 == 0
    return zlib.decompressobj(15 if zlib_head else -15)
