"""Containers that are not opened."""

import pytest

from detectors.budget import Budget, Limits
from detectors.extract.sealed import FORMAT
from detectors.verdict import Unread


@pytest.mark.parametrize(
    ("head", "cause"),
    [
        (b"7z\xbc\xaf\x27\x1c", Unread.UNKNOWN_FORMAT),
        (b"Rar!\x1a\x07\x00", Unread.UNKNOWN_FORMAT),
        (b"-----BEGIN PGP MESSAGE-----", Unread.ENCRYPTED),
        (b"\n\n-----BEGIN PGP MESSAGE-----", Unread.ENCRYPTED),
        (b"age-encryption.org/v1", Unread.ENCRYPTED),
        (b"\x00\x00-lh5-", Unread.UNKNOWN_FORMAT),
        (b"\0\0\0\0\0\0\0**ACE**", Unread.UNKNOWN_FORMAT),
    ],
)
def test_they_are_recognised_by_their_first_bytes(head: bytes, cause: Unread) -> None:
    assert FORMAT.recognises(head + bytes(99), "text/plain")
    assert list(FORMAT.open(head + bytes(99), None, Budget(Limits(), 99))) == [cause]


@pytest.mark.parametrize("content", [b"", b"a text", b"7z is a program", b"\0" * 64])
def test_other_content_is_none(content: bytes) -> None:
    assert not FORMAT.recognises(content, "application/x-7z-compressed")
