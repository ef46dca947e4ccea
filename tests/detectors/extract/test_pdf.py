"""PDF."""

import pytest

from detectors.budget import Budget, Limits
from detectors.extract.pdf import FORMAT
from detectors.verdict import Unread
from tests.detectors.documents import pdf, updated


def parts(content: bytes) -> list[object]:
    assert FORMAT.recognises(content, None)
    return list(FORMAT.open(content, None, Budget(Limits(), len(content))))


def text(content: bytes) -> str:
    return "\n".join(part for part in parts(content) if isinstance(part, str))


def test_text_is_read_also_where_nothing_is_drawn() -> None:
    assert "alpha beta" in text(pdf(["alpha beta"]))
    assert "alpha beta" in text(pdf(["alpha beta"], mode=3))


def test_earlier_states_attachments_and_what_hangs_behind_are_given() -> None:
    both = text(updated(pdf(["the old text"]), ["the new text"]))
    assert "the old text" in both
    assert "the new text" in both
    assert b"inside" in parts(pdf(["x"], attached=b"inside"))
    assert parts(pdf(["x"]) + b"behind")[-1] == b"behind"
    assert "alpha" in text(b"something before\n" + pdf(["alpha"]))


def test_notes_and_fields_are_read() -> None:
    note = pdf(["x"]).replace(b"/MediaBox[0 0 595 842]", b"/MediaBox[0 0 595 842]/Annots[<</Subtype/Text/Rect[0 0 9 9]/Contents(a note)>>]")
    assert "a note" in text(note)


def test_what_cannot_be_read_is_a_cause() -> None:
    assert parts(pdf(["x"], password="geheim")) == [Unread.ENCRYPTED]
    assert parts(b"%PDF-1.7\nnothing of it") == [Unread.DAMAGED]
    assert Unread.IMAGES_ONLY in parts(pdf([], picture=True))
    assert Unread.IMAGES_ONLY not in parts(pdf(["a caption"], picture=True))
    assert Unread.IMAGES_ONLY not in parts(pdf([]))


@pytest.mark.parametrize("name", [b"/Encrypt", b"/E#6ecrypt", b"/#45n#63rypt"])
def test_a_password_is_seen_also_where_the_table_of_references_is_broken(name: bytes) -> None:
    """Too far behind `startxref` the end is not found, and the file is mended without its trailer: as one without a password, and empty."""
    sealed = pdf(["alpha beta"], password="geheim").replace(b"/Encrypt", name)
    broken = sealed.replace(b"%%EOF", b"%" + b"A" * 6_000 + b"\n%%EOF")
    assert Unread.ENCRYPTED in parts(broken)
    assert "alpha" not in text(broken)
    assert Unread.ENCRYPTED not in parts(pdf(["x /Encrypt y", "/EncryptMetadata 9 0 R"]))
