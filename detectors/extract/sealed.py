"""Containers that are not opened: of a kind that is not known here, or encrypted. Not inspectable is a verdict (law 4)."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.budget import Budget
from detectors.formats import Format, Layer, Part
from detectors.verdict import Unread

_UNKNOWN = (
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"MSCF",
    b"ISc(",
    b"xar!",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"LZIP",
    b"\x1f\x9d",
    b"\x1f\xa0",
    b"\x60\xea",
    b"hsqs",
    b"!<arch>\n",
    b"!BDN",
    b"MSWIM\0\0\0",
    b"WARC/",
)
"""7-Zip, RAR, Cabinet, InstallShield, xar, Zstandard, LZ4, lzip, compress, pack, ARJ, SquashFS, ar, Outlook's PST, WIM, WARC."""
_ENCRYPTED = (
    b"Salted__",
    b"age-encryption.org/",
    b"LUKS\xba\xbe",
    b"\x03\xd9\xa2\x9a",
    b"-----BEGIN PGP MESSAGE",
    b"\x85\x01\x0c\x03",
    b"\x84\x5e\x03",
    b"\x85\x02\x0c\x03",
    b"\xc1\xc0\x4c\x03",
    b"\x8c\x0d\x04",
    b"AES\x02",
)
"""openssl enc, age, LUKS, KeePass, OpenPGP (armoured, and packets for usual keys and pass phrases), AES Crypt."""
_ACE, _LHA = b"**ACE**", (b"-lh", b"-lz")


def recognises(content: bytes, _media_type: str | None) -> bool:
    """By the first bytes."""
    head = content[:64].lstrip() if content[:1].isspace() else content
    return head.startswith(_UNKNOWN + _ENCRYPTED) or content[7:14] == _ACE or (content[2:5] in _LHA and content[6:7] == b"-")


def open_sealed(content: bytes, _media_type: str | None, _budget: Budget) -> Iterator[Part]:
    """Only the cause."""
    head = content[:64].lstrip() if content[:1].isspace() else content[:64]
    yield Unread.ENCRYPTED if head.startswith(_ENCRYPTED) else Unread.UNKNOWN_FORMAT


FORMAT = Format("sealed", Layer.ARCHIVE, recognises, open_sealed)
