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
_DIGITS = b"0123456789+/-_\r\n"
_RUN = re2.compile(rb"[A-Za-z0-9+/_-]{12,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{2,})*={0,2}")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def decode(text: str) -> Iterator[str | bytes]:
    """The long runs one by one, the short ones together."""
    short: list[bytes] = []
    for match in _RUN.finditer(text.encode("utf-8", "replace")):
        run = match.group()
        if _is_word_or_number(run):
            continue
        lines = run.split()
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


def _is_word_or_number(run: bytes) -> bool:
    """What encoded text never is: small letters after the first, or digits alone."""
    if run.isalpha():
        return run[1:].islower() or run.isupper()
    return not run.strip(_DIGITS)


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
