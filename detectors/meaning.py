"""Whether decoded bytes say something: text, or a container that is known. Any word decodes to some bytes; almost none means something."""

from __future__ import annotations

from detectors.plain import as_text

_MAGICS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"%PDF-",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"\x28\xb5\x2f\xfd",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
    b"MZ",
)
LONG = 4_096
"""Bytes from which on a decoded run is looked at whatever it is: nobody writes words of this length."""


def means_something(content: bytes) -> bool:
    """True for text and known containers."""
    if content.startswith(_MAGICS):
        return True
    if content.isascii():
        return content.decode("ascii").isprintable() or as_text(content) is not None
    text = as_text(content)
    if text is None:
        return False
    odd = sum(1 for letter in text if not letter.isprintable() and letter not in "\t\r\n")
    strange = sum(1 for letter in text if "\x80" <= letter <= "\xbf" or letter > "\u06ff")
    return odd * 50 <= len(text) and strange * 10 <= len(text)
