"""The pure pipeline: what it does when something in it fails, and at the edges of its windows and limits."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import scan as pipeline
from detectors.budget import Budget, Limits, SpentError
from detectors.client_index.identifier import Kind
from detectors.formats import Format, Layer, formats
from detectors.knowledge import Matches
from detectors.plain import as_text
from detectors.scan import OVERLAP, WINDOW, scan
from detectors.text import Text
from detectors.verdict import Unread
from tests.detectors.documents import compound, form, pdf, table, zipped


class Words:
    """Recognises clients that are written `client-N`; says what it was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def find(self, text: str, into: Matches) -> None:
        self.shown.append(text)
        if "too much" in text:
            raise MemoryError
        if "fault" in text:
            raise ValueError(text)
        for word in text.split():
            if word.startswith("client-"):
                into.clients.setdefault(word, set()).add(Kind.EMAIL)

    def passes_over(self, text: Text) -> bool:
        """Never: it wants to see everything."""
        return False

    def add(self, news: bytes) -> None:
        """Nothing."""


def letters(content: bytes) -> str | None:
    text = as_text(content)
    return None if text is None else text.letters


def test_a_value_across_two_windows_is_seen_whole() -> None:
    for shift in (0, 3, 9, OVERLAP, OVERLAP + 5):
        assert set(scan(b"x" * (WINDOW - shift) + b" client-7 " + b"y" * WINDOW, Words(), Limits()).clients) == {"client-7"}


def test_a_matcher_that_fails_is_crashed_and_what_comes_after_is_still_read() -> None:
    for content in (zipped({"a": "fault", "b": "client-1"}), zipped({"a": "too much", "b": "client-1"})):
        verdict = scan(content, Words(), Limits())
        assert (verdict.unread, set(verdict.clients)) == ((Unread.CRASHED,), {"client-1"})


@pytest.mark.parametrize(
    ("error", "cause"), [(ValueError("secret value"), Unread.DAMAGED), (RecursionError(), Unread.DAMAGED), (MemoryError(), Unread.CRASHED)]
)
def test_a_format_that_fails_is_a_cause_and_the_rest_is_read(error: Exception, cause: Unread, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> object:
        raise error

    broken = Format("broken", Layer.ARCHIVE, lambda content, _: b"client-2" in content, fails)  # type: ignore[arg-type]
    unreadable = replace(broken, name="unreadable", recognises=fails)  # type: ignore[arg-type]
    monkeypatch.setattr(pipeline, "formats", lambda: (*formats(), broken))
    verdict = scan(zipped({"a": "client-1", "b": "client-2", "c": "client-3"}), Words(), Limits())
    assert (verdict.unread, set(verdict.clients)) == ((cause,), {"client-1", "client-2", "client-3"})
    monkeypatch.setattr(pipeline, "formats", lambda: (*formats(), unreadable))
    assert scan(b"client-1", Words(), Limits()).unread == (Unread.DAMAGED,)


def test_causes_come_once_and_in_order() -> None:
    content = zipped({"a": b"Rar!\x1a\x07\x01", "b": b"7z\xbc\xaf\x27\x1c", "c": compound({"EncryptedPackage": b"x"})})
    assert scan(content, Words(), Limits()).unread == (Unread.ENCRYPTED, Unread.UNKNOWN_FORMAT)


def test_a_budget_is_spent_by_bytes_entries_and_time() -> None:
    now = [0.0]
    budget = Budget(Limits(unpacked=100, entries=2, seconds=5), 1_000, clock=lambda: now[0])
    budget.take(60)
    assert budget.room == 40
    for spend, cause in ((lambda: budget.take(41), Unread.TOO_LARGE), (lambda: budget.take(1), Unread.TOO_LARGE)):
        with pytest.raises(SpentError) as spent:
            spend()
        assert spent.value.cause is cause
    budget.enter()
    budget.enter()
    with pytest.raises(SpentError, match="too_many"):
        budget.enter()
    now[0] = 5.1
    with pytest.raises(SpentError, match="timed_out"):
        budget.check()


def test_a_small_content_may_unpack_to_its_free_share_and_a_larger_one_by_ratio() -> None:
    assert Budget(Limits(free=1_000, ratio=10), 5).room == 1_050
    assert Budget(Limits(), 1 << 30).room == Limits().part


def test_an_encoding_that_wraps_one_word_a_line_is_not_taken_for_text() -> None:
    words = ["Zusammenarbeit", "Datenschutzgrundverordnung", "Kraftfahrzeughaftpflicht", "Internationalization"]
    seen = Words()
    assert scan("\n".join(words * 50).encode(), seen, Limits()).clean
    assert len(seen.shown) <= 2


@pytest.mark.parametrize("text", ["Grüße aus Köln", "Привет из Москвы", "Χαιρετίσματα", "שלום לכולם היום", "naïve café – „gut“ 5 €"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_text_is_told_from_its_bytes(text: str, encoding: str) -> None:
    content = (text + " client-1, 0123456789\n") * 3
    assert letters(content.encode(encoding)) == content


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_letters_of_the_far_east_are_told_by_a_mark(encoding: str) -> None:
    assert letters("日本語のテキストです".encode(encoding)) == "日本語のテキストです"


def test_old_encodings_cost_no_letter_of_a_western_text() -> None:
    assert letters("Müller & Söhne, Köln – 5 €".encode("cp1252")) == "Müller & Söhne, Köln – 5 €"
    assert letters(b"\x00\x01\x02\x03\x04" * 20) is None


SEEDS = (
    zipped({"a": "client-1", "b/c.txt": b"x" * 900}),
    pdf(["client-1"]),
    table([["client-1", "4917"]]),
    compound({"Package": b"client-1"}),
    form([("Content-Type: text/plain", b"client-1")]),
)
HEADS = (b"PK\x03\x04", b"%PDF-1.4\n", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xd8\xff", b"--x\r\nA:", b"BZh9", b"")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False), st.integers(1, 30))
def test_damaged_documents_never_raise(seed: bytes, dice: random.Random, changes: int) -> None:
    content = bytearray(seed)
    for _ in range(changes):
        match dice.randrange(3):
            case 0:
                content[dice.randrange(len(content))] = dice.randrange(256)
            case 1 if len(content) > 50:
                del content[dice.randrange(len(content) - 20) :][:20]
            case _:
                at = dice.randrange(len(content))
                content[at:at] = bytes(dice.randrange(256) for _ in range(4))
    verdict = scan(bytes(content), Words(), Limits(seconds=5))
    assert verdict.size == len(content)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=400))
def test_noise_behind_any_beginning_never_raises(head: bytes, noise: bytes) -> None:
    assert scan(head + noise, Words(), Limits(seconds=5), media_type="multipart/form-data", encoding="gzip").clients == {}


def _office(rows: int, word: str) -> bytes:
    rng = random.Random(rows)  # noqa: S311 # content
    return table([[f"{word} {rng.random()}"] for _ in range(rows)])


@pytest.mark.parametrize("seed", range(6))
def test_a_whole_file_is_read_in_whatever_way_a_program_sends_it_in_text(seed: int) -> None:
    for word in ("nobody", "client-1"):
        letters64 = base64.b64encode(_office(20 + seed, word)).decode()
        for sent in (
            json.dumps({"name": "a", "file": letters64}).replace("/", "\\/").encode(),
            b"name=a&file=" + quote_plus(letters64).encode(),
        ):
            verdict = scan(sent, Words(), Limits())
            assert verdict.unread == ()
            assert set(verdict.clients) == ({word} - {"nobody"})


def test_a_damaged_file_beside_a_whole_one_is_still_damaged() -> None:
    whole, other = _office(20, "nobody"), _office(400, "nobody")
    for damaged in (other[: len(other) // 2], whole[:400] + b"\xff" * 200):
        for both in ((whole, damaged), (damaged, whole)):
            sent = json.dumps([base64.b64encode(one).decode() for one in both]).encode()
            assert Unread.DAMAGED in scan(sent, Words(), Limits()).unread
    assert Unread.DAMAGED in scan(json.dumps(base64.b64encode(other[:900]).decode()).encode(), Words(), Limits()).unread


@pytest.mark.parametrize("seed", range(6))
def test_a_pdf_with_streams_in_ascii85_and_a_link_is_read(seed: int) -> None:
    """ReportLab writes all its streams so, in letters that look like percent signs, tags and soft line breaks."""
    rng = random.Random(seed)  # noqa: S311 # content
    noise = b"".join(base64.a85encode(rng.randbytes(3_000), wrapcol=0) for _ in range(2)) + b"~>"
    stream = b"<</Filter[/ASCII85Decode]/Length %d>>stream\n%s\nendstream" % (len(noise), noise)
    for word in ("nobody", "client-1"):
        file = pdf([word]).replace(b"%%EOF", b"9 0 obj\n" + stream + b"\nendobj\n% /URI(https://example.org/?q=%20%20)\n%%EOF")
        verdict = scan(file, Words(), Limits())
        assert verdict.unread == ()
        assert set(verdict.clients) == ({word} - {"nobody"})


SCRIPT = (
    "var r=/^[\\w.!#$%&'*+\\/=?^`{|}~-]+$/i,o=\"\\u2028\\n\\t\\x1b[0m\",i=decodeURIComponent('%E2%9C%93');"
    'a="<div class=\\"a\\">&nbsp;&amp;lt;</div>";'
    "function e(t){return t.replace(/[&<>\"']/g,function(e){return{'&':'&amp;','<':'&lt;','>':'&gt;'}[e]})}"
    'if(a<=b&&c>=d)x+="<a href=\\"/x?y=%20\\">"+y;'
)
PIXELS = b"\x89PNG\r\n\x1a\n" + b"".join(
    len(body).to_bytes(4, "big") + kind + body + b"\0\0\0\0"
    for kind, body in ((b"IHDR", b"\0" * 13), (b"IDAT", random.Random(1).randbytes(400)), (b"IEND", b""))  # noqa: S311 # content
)


def _page(word: str) -> str:
    image = base64.b64encode(PIXELS * 30).decode()
    return (
        f"<html><style>.a{{b:url('data:image/png;base64,{image}')}}</style><script>{SCRIPT * 20}</script>"
        f"<p style='a:b'>für {word} &nbsp;&euro; <a href='/a?b=%20&amp;c=%C3%BC'>x</a><img src='data:image/png;base64,{image}'></p></html>"
    )


def _mail(content: bytes, word: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "Angebot für Müller & Söhne"
    mail.set_content(f"Guten Tag für Sie {word}")
    mail.add_alternative(_page(word), subtype="html")
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename="a.bin")
    return mail.as_bytes()


def _letters_of_streams(word: str) -> bytes:
    """As ReportLab writes a PDF."""
    noise = base64.a85encode(random.Random(3).randbytes(6_000), wrapcol=60) + b"~>"  # noqa: S311 # content
    stream = b"<</Filter[/ASCII85Decode]/Length %d>>stream\n%s\nendstream" % (len(noise), noise)
    return pdf([word]).replace(b"%%EOF", b"9 0 obj\n" + stream + b"\nendobj\n%%EOF")


ORDINARY: dict[str, Callable[[str], bytes]] = {
    "a page with scripts and pictures": lambda word: _page(word).encode(),
    "a mail with such a page": lambda word: _mail(b"x" * 5_000, word),
    "a map of sources": lambda word: json.dumps({"mappings": "AAAA,CAAC" * 300, "sourcesContent": [SCRIPT * 40, f" {word} "]}).encode(),
    "a notebook": lambda word: json.dumps(
        {"a": [{"image/png": base64.encodebytes(PIXELS * 40).decode(), "text/html": [_page(word)]}]}
    ).encode(),
    "a PDF with streams in ASCII85": _letters_of_streams,
    "a text with a signature": lambda word: (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nText {word} \n"
        "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
    ).encode(),
}
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda content: content,
    "JSON": lambda content: json.dumps({"data": base64.b64encode(content).decode()}).encode(),
    "JSON with escaped slashes": lambda content: json.dumps({"data": base64.b64encode(content).decode()}).replace("/", "\\/").encode(),
    "a form": lambda content: b"name=a&data=" + quote_plus(base64.b64encode(content)).encode(),
    "a mail": lambda content: _mail(content, "nobody"),
    "a form with a file": lambda content: form([('Content-Disposition: form-data; name="a"; filename="a"', content)]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_files_are_read_to_their_end_in_whatever_way_they_are_sent(name: str, way: str) -> None:
    for word in ("nobody", "client-1"):
        verdict = scan(WAYS[way](ORDINARY[name](word)), Words(), Limits())
        assert verdict.unread == ()
        assert set(verdict.clients) == ({word} - {"nobody"})


def test_a_multipart_too_many_is_still_too_deep() -> None:
    content = b"client-1"
    for number in range(6):
        content = form([(f"Content-Type: multipart/mixed; boundary=b{number - 1}", content)], f"b{number}")
    assert Unread.TOO_DEEP in scan(content, Words(), Limits()).unread


def test_pictures_behind_one_another_are_no_depth() -> None:
    jpeg = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xda\x00\x02" + b"\x12\xff\x00" * 50 + b"\xff\xd9"
    verdict = scan((jpeg + PIXELS) * 400 + b" client-1 ", Words(), Limits())
    assert (set(verdict.clients), verdict.unread) == ({"client-1"}, ())
