"""Bodies of several parts."""

from detectors.budget import Budget, Limits
from detectors.extract.multipart import FORMAT
from detectors.formats import Nested
from detectors.verdict import Unread
from tests.detectors.documents import form

SAID = 'multipart/form-data; boundary="----b0undary"'


def parts(content: bytes, said: str | None = SAID) -> list[object]:
    assert FORMAT.recognises(content, said)
    return [part for part in FORMAT.open(content, said, Budget(Limits(), len(content))) if part not in (b"", "")]


def test_heads_are_text_and_bodies_are_bytes_with_their_type() -> None:
    assert parts(form([("Content-Type: text/csv", b"a;b\r\n")])) == ["Content-Type: text/csv", Nested(b"a;b\r\n", "text/csv")]


def test_base64_with_padding_in_the_middle_is_read_whole() -> None:
    found = parts(form([("Content-Transfer-Encoding: base64", b"YWxwaGE=\r\nYmV0YQ==")]))
    assert Nested(b"alphabeta") in found


def test_every_byte_is_given_to_somebody() -> None:
    body = form([("Content-Type: a/b", b"one"), ("Content-Type: a/b", b"two")])
    given = parts(b"before\r\n" + body + b"behind")
    assert {b"before", b"behind"} <= {part for part in given if isinstance(part, bytes)}
    assert [part.content for part in given if isinstance(part, Nested)] == [b"one", b"two"]


def test_without_its_boundary_it_is_damaged_and_read_as_a_whole() -> None:
    assert parts(b"no part at all") == [Unread.DAMAGED, b"no part at all"]
    assert not FORMAT.recognises(b"--nothing\r\nthat is a head\r\n", "text/plain")


def test_the_first_line_of_a_signed_text_is_no_boundary_unless_it_comes_again() -> None:
    signed = (
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nText\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
    )
    assert not FORMAT.recognises(signed, None)
    assert FORMAT.recognises(signed, "multipart/mixed; boundary=x")
    assert FORMAT.recognises(b"-----BEGIN X-----\nAb: c\n\ntext\n-----BEGIN X-------\n", None)
    assert FORMAT.recognises(b"-----BEGIN x-----\nAb: c\n\ntext\n", None)
