"""uuencode (POSIX.1-2017, `uuencode`): lines that begin with their own length, between `begin` and `end`."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

import re2

from detectors.formats import Decoder, Layer
from detectors.text import Text

_BEGIN = b"begin "
_BEGINS_LATER = re2.compile(b"\n" + _BEGIN)
_BLOCK = re2.compile(r"(?m)^begin [0-7]{3,4} [^\r\n]{0,255}\r?\n((?:[ -`][ -`]{0,90}\r?\n)+)")


def decode(text: Text) -> Iterator[str | bytes]:
    """Each block as bytes; a line that is none ends it, and what came before it counts."""
    if not text.encoded.startswith(_BEGIN) and not _BEGINS_LATER.search(text.encoded):
        return
    for match in _BLOCK.finditer(text.letters):
        yield b"".join(_lines(match.group(1)))


def _lines(block: str) -> Iterator[bytes]:
    for line in block.splitlines():
        try:
            found = binascii.a2b_uu(line)
        except binascii.Error:
            return
        if not found:
            return
        yield found


DECODER = Decoder("uuencode", Layer.DECODED, decode)
