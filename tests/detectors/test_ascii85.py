"""Letters of a PDF that are proven to be packed are no text with ways of writing in it; whatever else stands there is read as ever."""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import ascii85
from detectors.ascii85 import without_packed
from tests.detectors.documents import pdf
from tests.services.firm_base import MAILS, PHONES, Firm

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xda\x00\x02" + b"\x12\xff\x00" * 50 + b"\xff\xd9"


def stream(letters: bytes) -> bytes:
    return b"9 0 obj\n<</Filter[/ASCII85Decode/FlateDecode]/Length %d>>\nstream\n%s~>\nendstream\nendobj\n" % (len(letters), letters)


def letters_of(packed: bytes, wrap: int = 0) -> bytes:
    return base64.a85encode(packed, wrapcol=wrap)


def with_streams(*streams: bytes, lines: list[str] | None = None) -> bytes:
    return pdf(lines or ["Rechnung"]).replace(b"%%EOF", b"".join(streams) + b"%%EOF")


@pytest.mark.parametrize("wrap", [0, 60])
@pytest.mark.parametrize("packed", [zlib.compress(random.Random(1).randbytes(5_000)), zlib.compress(b"q 1 0 0 1 ET\n" * 900), JPEG])  # noqa: S311 # content
def test_what_is_proven_to_be_packed_is_left_out(packed: bytes, wrap: int) -> None:
    letters = letters_of(packed, wrap)
    content = with_streams(stream(letters), stream(letters))
    assert without_packed(content) == content.replace(letters, b"")


DOUBTFUL: dict[str, Callable[[bytes], bytes]] = {
    "no zlib": lambda packed: letters_of(random.Random(2).randbytes(len(packed))),  # noqa: S311 # content
    "a wrong checksum": lambda packed: letters_of(packed[:-1] + bytes([packed[-1] ^ 1])),
    "cut off": lambda packed: letters_of(packed[:-9]),
    "more behind it": lambda packed: letters_of(packed + b"kontakt7"),
    "letters of another alphabet": lambda packed: letters_of(packed) + b"vwxy",
    "a group that is too large": lambda packed: b"uuuuu" + letters_of(packed),
    "a JPEG without an end": lambda _: letters_of(JPEG[:-2]),
    "a deflate stream without a head": lambda packed: letters_of(packed[2:-4]),
}


@pytest.mark.parametrize("doubt", DOUBTFUL)
def test_what_is_not_proven_stays(doubt: str) -> None:
    content = with_streams(stream(DOUBTFUL[doubt](zlib.compress(b"abc" * 400))))
    assert without_packed(content) is content


def test_more_than_comes_out_of_honest_files_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ascii85, "_MOST", 3 << 20)
    one, bomb = letters_of(zlib.compress(bytes(2 << 20))), letters_of(zlib.compress(bytes(64 << 20)))
    assert without_packed(stream(bomb)) == stream(bomb)
    assert without_packed(stream(bomb) + stream(one)) == stream(bomb) + stream(one), "no more is unpacked behind it"
    broken = letters_of(zlib.compress(bytes(2 << 20))[:-1] + b"?")
    assert without_packed(stream(broken) + stream(one)) == stream(broken) + stream(one), "what is not proven has cost as much"
    assert without_packed(stream(one) * 2) == stream(one).replace(one, b"") + stream(one), "both together are too much"


PIECES = (b"stream\n", b"~>", b"endstream", letters_of(zlib.compress(b"a" * 300)))


@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from(PIECES))))
def test_nothing_else_goes(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    kept = without_packed(content)
    letters = iter(content)
    assert all(byte in letters for byte in kept), "what is kept is in its order"


def packed_around(letters: bytes) -> bytes:
    """A zlib stream, whole and with its checksum, whose ASCII85 has these letters in it: made by hand, no program writes it."""
    content = b"x" + base64.a85decode(letters)  # with the seven bytes of the heads before it, whole groups
    sizes = len(content).to_bytes(2, "little") + (0xFFFF - len(content)).to_bytes(2, "little")
    return b"\x78\x01\x01" + sizes + content + zlib.adler32(content).to_bytes(4, "big")


def test_what_stands_openly_in_packed_letters_is_found(client_base: Firm) -> None:
    line = PHONES[7].encode() + b"!" * (10 + -len(PHONES[7]) % 5)
    letters = letters_of(packed_around(line))
    assert PHONES[7].encode() in letters
    content = with_streams(stream(letters))
    assert letters not in without_packed(content), "it is proven to be packed"
    assert set(client_base.scan(content).clients) == {"1007"}


@pytest.mark.parametrize("line", [MAILS[7].encode().hex().encode(), b"".join(b"&#%d;" % byte for byte in MAILS[7].encode())])
def test_what_is_written_in_letters_that_are_not_packed_is_found(client_base: Firm, line: bytes) -> None:
    assert set(client_base.scan(with_streams(stream(line))).clients) == {"1007"}


def test_a_page_is_read_as_ever(client_base: Firm) -> None:
    noise = stream(letters_of(zlib.compress(random.Random(5).randbytes(60_000)), 60))  # noqa: S311 # content
    verdict = client_base.scan(with_streams(noise, lines=[MAILS[7]]))
    assert (set(verdict.clients), verdict.unread) == ({"1007"}, ())
