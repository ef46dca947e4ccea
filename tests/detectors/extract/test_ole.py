"""Compound files."""

from detectors.budget import Budget, Limits
from detectors.extract.ole import FORMAT
from detectors.verdict import Unread
from tests.detectors.documents import compound


def parts(content: bytes) -> list[object]:
    assert FORMAT.recognises(content, None)
    return list(FORMAT.open(content, None, Budget(Limits(), len(content))))


def test_streams_are_read() -> None:
    found = parts(compound({"Package": b"alpha" * 2_000, "Other": b"beta" * 2_000}))
    assert b"alpha" * 2_000 in found
    assert b"beta" * 2_000 in found


def test_a_chain_in_a_ring_and_one_that_ends_early_are_bounded() -> None:
    content = bytearray(compound({"Package": b"x" * 9_000}))
    table = 512
    content[table + 4 * 5 : table + 4 * 6] = (2).to_bytes(4, "little")
    assert len(parts(bytes(content))) == 2
    content[table + 4 * 5 : table + 4 * 6] = b"\xfe\xff\xff\xff"
    assert Unread.DAMAGED in parts(bytes(content))


def test_an_encrypted_package_is_not_opened_and_an_old_document_is_named() -> None:
    assert Unread.ENCRYPTED in parts(compound({"EncryptedPackage": b"x" * 5_000, "EncryptionInfo": b"x"}))
    assert parts(compound({"Workbook": b"x" * 5_000}))[0] is Unread.UNKNOWN_FORMAT
