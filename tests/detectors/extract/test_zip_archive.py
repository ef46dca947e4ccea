"""ZIP archives, by their list and by their heads."""

import zipfile

import pytest

from detectors.budget import Budget, Limits
from detectors.extract.zip_archive import FORMAT
from detectors.verdict import Unread
from tests.detectors.documents import zipped


def parts(content: bytes) -> list[object]:
    return list(FORMAT.open(content, None, Budget(Limits(), len(content))))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_usual_method_is_unpacked(method: int) -> None:
    found = parts(zipped({"a.txt": b"alpha" * 99, "b.txt": b"beta" * 99}, method))
    assert found[0] == "a.txt\n\nb.txt\n"
    assert {b"alpha" * 99, b"beta" * 99} <= {part for part in found if isinstance(part, bytes)}


def test_a_method_that_is_not_known_is_a_cause() -> None:
    content = bytearray(zipped({"a": b"x" * 99}))
    content[8] = 9
    content[content.find(b"PK\x01\x02") + 10] = 9
    assert Unread.UNKNOWN_FORMAT in parts(bytes(content))


def test_letters_that_look_like_a_head_are_none() -> None:
    assert not FORMAT.recognises(b"a story of PK\x03\x04 and what came of it, told at length to anyone who asks", None)
    assert not FORMAT.recognises(b"no archive", "application/zip")
    assert FORMAT.recognises(b"first something else " + zipped({"a": b"x"}), None)


def test_a_comment_and_the_bytes_before_the_first_entry_are_read() -> None:
    content = zipped({"a": b"x"})
    commented = content[:-2] + b"\x0b\x00a wondrous!"
    assert any("a wondrous" in getattr(part, "text", "") for part in parts(commented))
