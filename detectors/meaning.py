"""Whether decoded bytes say something: text, or a container that is known. Any word decodes to some bytes; almost none means something."""

from __future__ import annotations

from detectors.plain import wide

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
_PLAIN = bytes(range(32, 127)) + b"\t\r\n"
_CONTROLS = bytes(n for n in range(32) if n not in b"\t\r\n") + b"\x7f"
LONG = 4_096
"""Bytes from which on a decoded run is looked at whatever it is: nobody writes words of this length."""


def means_something(content: bytes) -> bool:
    """True for text and known containers. Asked for every long word of a text: the usual answer, no, must cost little."""
    if content.startswith(_MAGICS):
        return True
    strange = len(content.translate(None, _PLAIN))
    if not strange:
        return True
    if strange * 5 <= len(content):
        return len(content.translate(None, _CONTROLS)) == len(content)
    if content.count(0) * 3 >= len(content) or content.count(4) * 4 >= len(content):
        return wide(content) is not None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return sum(map(str.isalnum, text)) * 2 > len(text) and "\x00" not in text
