"""EBCDIC, as mainframes and the CRM's own CSV download can write it: told from other bytes by its blanks, digits and letters."""

from __future__ import annotations

CODE_PAGES = ("cp037", "cp273")
"""The American and the German page: letters and digits are the same in both, `@` is not."""
_USUAL = frozenset(
    {0x05, 0x0D, 0x15, 0x25, 0x40, 0x4B, 0x4D, 0x4E, 0x5D, 0x5E, 0x60, 0x61, 0x6B, 0x6D, 0x7A, 0x7C, 0x7D, 0x7F, 0xB5}
    | {*range(0x81, 0x8A), *range(0x91, 0x9A), *range(0xA2, 0xAA), *range(0xC1, 0xCA), *range(0xD1, 0xDA), *range(0xE2, 0xEA)}
    | {*range(0xF0, 0xFA)}
)
"""Line ends, blank, `. ( + ) ; - / , _ : @ ' "`, letters and digits."""
_RARE = bytes(code for code in range(256) if code not in _USUAL)
_MARKS = bytes([0x40, *range(0xF0, 0xFA)])
_SHORTEST = 24


def is_ebcdic(sample: bytes) -> bool:
    """Whether nearly all bytes are EBCDIC's usual ones, and enough are its blanks and digits. Cyrillic in one byte has others as blanks."""
    if len(sample) < _SHORTEST:
        return False
    marks = len(sample) - len(sample.translate(None, _MARKS))
    return len(sample.translate(None, _RARE)) > 0.95 * len(sample) and marks > 0.05 * len(sample)


def decoded(content: bytes) -> str:
    """The text in both code pages, one after the other."""
    return "\n".join(content.decode(page) for page in CODE_PAGES)
