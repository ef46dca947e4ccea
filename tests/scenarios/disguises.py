"""What somebody does to an exported table before it is to leave the house."""

from __future__ import annotations

import io
import random
import zipfile

WITHIN = "urlaub.txt"
"""Name of the table in its archive."""


def packed(content: bytes) -> bytes:
    """A ZIP archive with it."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WITHIN, content)
    return found.getvalue()


def with_password(content: bytes) -> bytes:
    """The same archive as programs write it with a password: the bit of the general flags is set, and the data is noise (APPNOTE 4.4.4)."""
    plain = bytearray(packed(content))
    size = int.from_bytes(plain[18:22], "little")
    start = 30 + int.from_bytes(plain[26:28], "little") + int.from_bytes(plain[28:30], "little")
    plain[start : start + size] = random.Random(9).randbytes(size)  # noqa: S311 -- noise, not a secret
    plain[6] |= 1
    central = plain.index(b"PK\x01\x02")
    plain[central + 8] |= 1
    return bytes(plain)
