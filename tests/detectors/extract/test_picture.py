"""Pictures: what they say about themselves, and what hangs behind."""

import struct
import zlib

from detectors.budget import Budget, Limits
from detectors.extract.picture import FORMAT
from detectors.formats import Readable


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    head = b"".join(b"\xff" + bytes([kind]) + struct.pack(">H", len(body) + 2) + body for kind, body in segments)
    return b"\xff\xd8" + head + b"\xff\xda\x00\x02" + b"\x11\xff\x00\xff\xd0" * 500 + b"\xff\xd9"


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    whole = (*chunks, (b"IDAT", b"a row of pixels that reads like text"), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(body)) + kind + body + b"\0\0\0\0" for kind, body in whole)


def texts(content: bytes) -> str:
    assert FORMAT.recognises(content, None)
    found = FORMAT.open(content, None, Budget(Limits(), len(content)))
    return "|".join(part.text if isinstance(part, Readable) else repr(part) for part in found)


def test_exif_xmp_and_comments_are_read() -> None:
    assert "written by hand" in texts(jpeg((0xE1, b"Exif\0\0MM written by hand"), (0xDB, b"\x01" * 64)))
    assert "a comment" in texts(jpeg((0xFE, b"a comment")))
    assert "a caption" in texts(png((b"tEXt", b"Title\0a caption")))
    assert "packed caption" in texts(png((b"zTXt", b"Title\0\0" + zlib.compress(b"a packed caption"))))
    assert "international" in texts(png((b"iTXt", b"Title\0\1\0de\0\0" + zlib.compress(b"an international one"))))


def test_a_picture_that_is_not_quite_right_passes_and_nothing_in_it_is_skipped() -> None:
    assert "not a segment" in texts(jpeg()[:-2] + b"\xff\xe0\x00\x04ab" + b"not a segment")


def test_pixels_are_not_read_and_what_hangs_behind_is_given() -> None:
    assert "pixels" not in texts(png())
    assert texts(png() + b"behind it") == "b'behind it'"
    assert texts(jpeg((0xE0, b"JFIF\0")) + b"behind it").endswith("b'behind it'")
    assert texts(jpeg() + jpeg() + b"behind two").endswith("b'behind two'")
