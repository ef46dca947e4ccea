"""Base64 (RFC 4648) within text: both alphabets, padded or not, wrapped as in MIME, also behind letters that shift it (a path, a key)."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

import re2

from detectors.formats import Decoder, Layer
from detectors.meaning import LONG, means_something

SHORTEST = 12
"""Letters: nine bytes, the shortest e-mail address of a firm."""
_LONG = 96
"""Letters from which on a run stands for itself; shorter ones are read together."""
_SHIFTED = 24
"""Letters from which on a run is also tried from the letters behind its first."""
_LETTER = "[A-Za-z0-9+/_-]"
_RUN = re2.compile(
    f"{_LETTER}*(?:[a-z][A-Z0-9+/_-]|[A-Z][0-9+/_-]|[0-9+/_-][A-Za-z]){_LETTER}*(?:\r?\n[ \t]*{_LETTER}{{2,}})*={{0,2}}".encode()
)
"""Letters of several kinds beside each other: words and numbers, which encoded text never looks like, are passed over at full speed."""
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def decode(text: str) -> Iterator[str | bytes]:
    """The long runs one by one, the short ones together."""
    short: list[bytes] = []
    for match in _RUN.finditer(text.encode("utf-8", "replace")):
        if match.end() - match.start() < SHORTEST:
            continue
        lines = match.group().split()
        for letters in [b"".join(lines), *(lines if _is_list(lines) else ())]:
            decoded = _decoded(letters.translate(_TO_STANDARD).rstrip(b"="))
            if decoded is None:
                continue
            if len(letters) < _LONG:
                short.append(decoded)
            else:
                yield decoded
    if short:
        yield b"\n".join(short)


def _is_list(lines: list[bytes]) -> bool:
    """True if the lines may each be a value of their own: wrapped text has lines of one length, at least 60 letters."""
    return len(lines) > 1 and (len(lines[0]) < 60 or any(len(line) != len(lines[0]) for line in lines[:-1]))


def _decoded(letters: bytes) -> bytes | None:
    """The first reading that says something: from the first letter, or from one of the three behind it."""
    for shift in range(4 if len(letters) >= _SHIFTED else 1):
        part = letters[shift:]
        if len(part) < SHORTEST:
            return None
        usable = part[: len(part) - (len(part) % 4 == 1)]
        try:
            found = binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))
        except binascii.Error:
            continue
        if means_something(found) or (len(found) >= LONG and shift == 0):
            return found
    return None


DECODER = Decoder("base64", Layer.DECODED, decode)
