"""Packed streams."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

import pytest

from detectors.budget import Budget, Limits
from detectors.extract.compressed import FORMAT
from detectors.inflate import Decompressor, unpack
from detectors.verdict import Unread

TEXT = b"a line of text\n" * 50


def parts(content: bytes, limits: Limits | None = None) -> list[object]:
    assert FORMAT.recognises(content, None)
    return list(FORMAT.open(content, None, Budget(limits or Limits(), len(content))))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_each_kind_is_unpacked_and_what_stands_behind_is_given(pack: object) -> None:
    packed = pack(TEXT)  # type: ignore[operator]
    assert parts(packed) == [TEXT]
    assert parts(packed + b"\0\0") == [TEXT]
    assert parts(packed + packed) == [TEXT + TEXT]
    assert parts(packed + b"more") == [TEXT, b"more"]


def test_the_name_within_a_gzip_is_read() -> None:
    packed = gzip.compress(TEXT)
    assert parts(packed[:3] + b"\x08" + packed[4:10] + b"clients.csv\0" + packed[10:]) == ["clients.csv", TEXT]


def test_what_is_cut_off_is_damaged_and_what_came_before_is_given() -> None:
    noise = bytes(range(256)) * 200
    found = parts(gzip.compress(noise)[:-20])
    assert found[0] is Unread.DAMAGED
    assert isinstance(found[1], bytes)
    assert noise.startswith(found[1])


def test_a_limit_ends_it() -> None:
    found = parts(gzip.compress(bytes(5_000_000)), Limits(part=1_000_000))
    assert found[0] is Unread.TOO_LARGE
    assert found[1] == bytes(1_000_000)


@pytest.mark.parametrize("tool", [zlib.decompressobj, bz2.BZ2Decompressor, lzma.LZMADecompressor])
@pytest.mark.parametrize("size", [0, 1, 300_000, 3_000_001])
def test_the_end_of_a_stream_is_known_to_the_byte(size: int, tool: Callable[[], Decompressor]) -> None:
    content = b"".join(b"%d;" % (n * n) for n in range(size // 12)).ljust(size, b"x")
    fast = {zlib.decompressobj: zlib.compress, bz2.BZ2Decompressor: bz2.compress}.get(tool)  # type: ignore[call-overload]
    packed = fast(content, 1) if fast else lzma.compress(content, preset=0)
    result = unpack(tool(), memoryview(packed + b"behind" * 9), Budget(Limits(ratio=10_000), size))
    assert (result.content == content, result.used, result.causes) == (True, len(packed), ())


@pytest.mark.parametrize("content", [b"", b"BZhello", b"x\x9c", b"x is a letter", b"\x1f\x8b"])
def test_other_content_is_not_taken_for_one(content: bytes) -> None:
    assert not FORMAT.recognises(content, "application/gzip")
