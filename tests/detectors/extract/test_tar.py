"""Tar archives."""

import io
import tarfile

import pytest

from detectors.budget import Budget, Limits
from detectors.extract.tar import FORMAT
from detectors.verdict import Unread


def packed(kind: int, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def parts(content: bytes) -> list[object]:
    assert FORMAT.recognises(content, None)
    return list(FORMAT.open(content, None, Budget(Limits(), len(content))))


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_and_files_are_read(kind: int) -> None:
    found = parts(packed(kind, {"a.txt": b"alpha" * 300, "b.txt": b""}))
    assert b"alpha" * 300 in found
    assert any("a.txt" in part for part in found if isinstance(part, str))


def test_what_is_cut_off_is_damaged_and_what_hangs_behind_is_given() -> None:
    content = packed(tarfile.USTAR_FORMAT, {"a.txt": b"alpha" * 300})
    assert Unread.DAMAGED in parts(content[:1_000])
    assert parts(content + b"behind")[-1] == b"behind"


def test_a_size_that_lies_is_not_believed() -> None:
    content = bytearray(packed(tarfile.GNU_FORMAT, {"a.txt": b"alpha"}))
    content[124:136] = b"\x80" + (1 << 40).to_bytes(11, "big")
    found = parts(bytes(content))
    assert Unread.DAMAGED in found
    assert any(isinstance(part, bytes) and part.startswith(b"alpha") for part in found)
