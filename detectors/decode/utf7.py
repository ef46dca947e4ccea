"""UTF-7 (RFC 2152): some programs still read it."""

from __future__ import annotations

from collections.abc import Iterator

import re2

from detectors.formats import Decoder, Layer
from detectors.text import Text

_SHIFTED = re2.compile(r"\+[A-Za-z0-9/]{2,}-")
_UNIT = re2.compile(rb"\+A[A-P][A-Za-z0-9/]{1,}-")


def decode(text: Text) -> Iterator[str | bytes]:
    """The lines with shifted letters, where at least one is a letter of Latin-1."""
    if not _UNIT.search(text.encoded):
        return
    lines = [line for line in text.letters.split("\n") if _SHIFTED.search(line)]
    yield "\n".join(line.encode("ascii", "replace").decode("utf-7", "replace") for line in lines)


DECODER = Decoder("utf7", Layer.WRITING, decode)
