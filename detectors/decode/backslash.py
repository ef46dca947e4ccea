r"""Escapes of JSON (RFC 8259 section 7) and of programs: \u0040, \x40, \/, \n.

Undone in the text as it stands, not by a parser: invalid JSON, members of one name, JSON lines, JSON in a string of JSON and nesting of any
depth are all read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from detectors.formats import Decoder, Layer
from detectors.text import Text

_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|(.))",
    re.DOTALL,
)
_SIGNS = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": "\n", "v": "\n"}


def decode(text: Text) -> Iterator[str | bytes]:
    """The lines that hold escapes, undone."""
    if b"\\" not in text.encoded:
        return
    lines = [line for line in text.letters.split("\n") if "\\" in line]
    yield undone("\n".join(lines))


def undone(letters: str) -> str:
    """The letters without escapes; a backslash before what is none goes too."""
    return _ESCAPE.sub(_letter, letters)


def _letter(match: re.Match[str]) -> str:
    high, low, unit, point, byte, sign = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    if unit or point or byte:
        number = int(unit or point or byte, 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    return _SIGNS.get(sign, sign)


DECODER = Decoder("backslash", Layer.WRITING, decode)
