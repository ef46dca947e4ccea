"""Bytes in hexadecimal within text: in one run, wrapped, with blanks, colons, commas or dashes between them, with `0x` or `\\x` before."""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from detectors.formats import Decoder, Layer
from detectors.meaning import LONG, means_something

_RUN = re2.compile(
    rb"(?i)(?:[0-9a-f]{2}){9,}(?:\r?\n(?:[0-9a-f]{2})+)*"
    rb"|\b[0-9a-f]{2}(?:(?:, |[ :,;-]|\r?\n)[0-9a-f]{2}){8,}\b"
    rb"|(?:(?:\\x|0x)[0-9a-f]{2}(?:, |[ ,;])?(?:\r?\n)?){9,}"
)
_PREFIX = re.compile(rb"(?i)\\x|0x")
_BETWEEN = b" :,;-\r"
_LONG = 128


def decode(text: str) -> Iterator[str | bytes]:
    """The long runs one by one, the short ones together."""
    short: list[bytes] = []
    for match in _RUN.finditer(text.encode("utf-8", "replace")):
        run = match.group()
        if run.isdigit() and len(run) < 24:
            continue
        if b"x" in run or b"X" in run:
            run = _PREFIX.sub(b"", run)
        lines = [line.translate(None, _BETWEEN) for line in run.split(b"\n")]
        for digits in [b"".join(lines), *(lines if len(lines) > 1 else ())]:
            found = bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
            if not (means_something(found) or (len(found) >= LONG and not digits.isdigit())):
                continue
            if len(digits) < _LONG:
                short.append(found)
            else:
                yield found
    if short:
        yield b"\n".join(short)


DECODER = Decoder("hexadecimal", Layer.DECODED, decode)
