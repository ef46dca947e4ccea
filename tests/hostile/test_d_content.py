"""Hostile inputs D: what is packed, encoded or hidden is found, or the verdict says that it could not be read; nothing passes silently."""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import gzip
import io
import lzma
import quopri
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote, urlencode

import orjson
import pytest

from detectors.budget import Limits
from detectors.verdict import Unread
from tests.detectors.documents import MAIN, compound, docx, form, nested, package, paragraph, pdf, sheet, table, updated, xlsx, zipped
from tests.services.firm_base import CLIENTS, MAILS, NAMES, PHONES, Firm

LIST = "\n".join(MAILS)
PLAIN = LIST.encode()
ROWS = [[name, phone[1:], mail] for name, phone, mail in zip(NAMES, PHONES, MAILS, strict=True)]
MIME = "application/octet-stream"
HIDDEN = MAILS[7]
BINARY = bytes(range(256)) * 64

WRITTEN: dict[str, bytes] = {
    "plain": PLAIN,
    "with a mark": codecs.BOM_UTF8 + PLAIN,
    "CSV": "\n".join(";".join(row) for row in ROWS).encode("cp1252"),
    "TSV": "\n".join("\t".join(row) for row in ROWS).encode(),
    "JSON": orjson.dumps([{"name": row[0], "mail": row[2]} for row in ROWS]),
    "JSON in escapes": ('["' + '","'.join("".join(f"\\u{ord(letter):04x}" for letter in mail) for mail in MAILS) + '"]').encode(),
    "JSON in JSON": orjson.dumps({"body": orjson.dumps({"text": LIST, "path": "a/b"}).decode()}),
    "JSON that ends early": orjson.dumps({"text": LIST})[:-2],
    "JSON with members of one name": ("{" + ",".join(f'"a":"\\u006b{mail[1:]}"' for mail in MAILS) + "}").encode(),
    "base64": base64.b64encode(PLAIN),
    "base64 of addresses": base64.urlsafe_b64encode(PLAIN).rstrip(b"="),
    "base64 in lines": base64.encodebytes(PLAIN),
    "base64 behind a path": b"/upload/" + base64.b64encode(PLAIN),
    "base64 of each": b"\n".join(base64.b64encode(mail.encode()) for mail in MAILS),
    "base64 three times": base64.b64encode(base64.b64encode(base64.b64encode(PLAIN))),
    "base64 of UTF-16": base64.b64encode(LIST.encode("utf-16-le")),
    "base64 in a data address": b'<a href="data:text/plain;base64,' + base64.b64encode(PLAIN) + b'">x</a>',
    "base32": base64.b32encode(PLAIN),
    "base32 in small letters": base64.b32encode(PLAIN).lower(),
    "hexadecimal": PLAIN.hex().encode(),
    "hexadecimal with blanks": PLAIN.hex(" ").upper().encode(),
    "hexadecimal as a program writes it": "".join(f"\\x{byte:02x}" for byte in PLAIN).encode(),
    "gzip": gzip.compress(PLAIN),
    "gzip in base64": base64.b64encode(gzip.compress(PLAIN)),
    "bzip2": bz2.compress(PLAIN),
    "xz": lzma.compress(PLAIN),
    "two gzips in a row": gzip.compress(PLAIN[: len(PLAIN) // 2]) + gzip.compress(PLAIN[len(PLAIN) // 2 :]),
    "bare deflate": zlib.compress(PLAIN, 9)[2:-4],
    "uuencode": b"begin 644 a.txt\n" + b"".join(binascii.b2a_uu(PLAIN[n : n + 45]) for n in range(0, len(PLAIN), 45)) + b"`\nend\n",
    "EBCDIC": "\n".join(";".join(row) for row in ROWS).encode("cp037", "replace"),
    "EBCDIC, German": "\n".join(";".join(row) for row in ROWS).encode("cp273", "replace"),
    "UTF-16LE": LIST.encode("utf-16-le"),
    "UTF-16BE": LIST.encode("utf-16-be"),
    "UTF-16 with a mark": LIST.encode("utf-16"),
    "UTF-32": LIST.encode("utf-32"),
    "UTF-7": "\n".join(mail.replace("@", "+AEA-") for mail in MAILS).encode(),
    "quoted-printable": quopri.encodestring("\n".join(f"Grüße an {mail}" * 3 for mail in MAILS).encode()),
    "quoted-printable, every letter": "".join(f"={byte:02X}" + ("=\n" if n % 20 == 19 else "") for n, byte in enumerate(PLAIN)).encode(),
    "URL-encoded": quote(LIST, safe="").encode(),
    "URL-encoded, every letter": "".join(f"%{byte:02x}" for byte in PLAIN).encode(),
    "a form": urlencode([("to", mail) for mail in MAILS]).encode(),
    "HTML": ("<table>" + "".join(f"<tr><td>{mail.replace('@', '<b>@</b>')}</td></tr>" for mail in MAILS) + "</table>").encode(),
    "HTML in entities": ("<p>" + "".join(f"&#{ord(letter)};" for letter in LIST) + "</p>").encode(),
    "in bytes that are no text": BINARY + PLAIN + BINARY,
    "UTF-16 in bytes that are no text": BINARY + LIST.encode("utf-16-le") + BINARY,
    "a byte that is no UTF-8": b"\xff\xfa " + PLAIN,
}


@pytest.mark.parametrize("content", WRITTEN.values(), ids=list(WRITTEN))
def test_d54_500_mail_addresses_are_found_however_they_are_written(content: bytes, client_base: Firm) -> None:
    verdict = client_base.scan(content)
    assert (len(verdict.clients), verdict.unread) == (CLIENTS, ())


@pytest.mark.parametrize("text", [codecs.encode(LIST, "rot13"), LIST[::-1]], ids=["rot13", "reversed"])
def test_d54_what_is_documented_as_not_found_is_not_claimed(text: str, client_base: Firm) -> None:
    verdict = client_base.scan(text.encode())
    assert not verdict.clients
    assert verdict.unread == ()


def test_d54_a_row_stays_a_row(client_base: Firm) -> None:
    kinds = {kind.value for kind in client_base.scan(table(ROWS)).clients["1007"]}
    assert kinds == {"name", "phone", "email"}


def test_d55_five_zips_in_one_another_are_opened_and_six_are_too_deep(client_base: Firm) -> None:
    assert client_base.found(nested(PLAIN, 5)) == CLIENTS
    assert client_base.scan(nested(PLAIN, 5)).unread == ()
    assert client_base.scan(nested(PLAIN, 6)).unread == (Unread.TOO_DEEP,)


def test_d55_an_encoding_too_many_is_too_deep(client_base: Firm) -> None:
    content = PLAIN
    for _ in range(4):
        content = base64.b64encode(content)
    assert client_base.scan(content).unread == (Unread.TOO_DEEP,)


def _encrypted_zip(aes: bool = False) -> bytes:
    """A zip whose heads say that the entry is encrypted; its bytes are noise, as they would be."""
    content = bytearray(zipped({f"{HIDDEN}.csv": BINARY}))
    central = content.find(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    if aes:
        struct.pack_into("<H", content, 8, 99)
        struct.pack_into("<H", content, central + 10, 99)
    return bytes(content)


@pytest.mark.parametrize("aes", [False, True], ids=["ZipCrypto", "AES"])
def test_d56_an_encrypted_zip_is_encrypted_and_its_names_are_read(aes: bool, client_base: Firm) -> None:
    verdict = client_base.scan(_encrypted_zip(aes))
    assert (verdict.unread, set(verdict.clients)) == ((Unread.ENCRYPTED,), {"1007"})


SEALED: dict[str, tuple[bytes, Unread]] = {
    "7-Zip": (b"7z\xbc\xaf\x27\x1c\x00\x04" + BINARY, Unread.UNKNOWN_FORMAT),
    "RAR": (b"Rar!\x1a\x07\x01\x00" + BINARY, Unread.UNKNOWN_FORMAT),
    "Zstandard": (b"\x28\xb5\x2f\xfd" + BINARY, Unread.UNKNOWN_FORMAT),
    "cabinet": (b"MSCF" + BINARY, Unread.UNKNOWN_FORMAT),
    "old Word": (compound({"WordDocument": BINARY}), Unread.UNKNOWN_FORMAT),
    "password on an Office file": (compound({"EncryptionInfo": b"x", "EncryptedPackage": BINARY}), Unread.ENCRYPTED),
    "password on a PDF": (pdf(list(MAILS[:9]), password="geheim"), Unread.ENCRYPTED),
    "OpenPGP": (b"-----BEGIN PGP MESSAGE-----\n\n" + base64.encodebytes(BINARY), Unread.ENCRYPTED),
    "openssl": (b"Salted__" + BINARY, Unread.ENCRYPTED),
    "OpenDocument with a password": (
        zipped({"META-INF/manifest.xml": "<manifest:encryption-data/>", "content.xml": BINARY}),
        Unread.ENCRYPTED,
    ),
}


@pytest.mark.parametrize(("content", "cause"), SEALED.values(), ids=list(SEALED))
def test_d56_what_cannot_be_opened_is_a_cause(content: bytes, cause: Unread, client_base: Firm) -> None:
    assert client_base.scan(content).unread == (cause,)
    assert cause in client_base.scan(zipped({"a": content})).unread


def test_d57_a_bomb_ends_with_the_budget(client_base: Firm) -> None:
    packed = zipped({"zeros": b"\0" * 60_000_000, "list": PLAIN})
    verdict = client_base.scan(packed)
    assert Unread.TOO_LARGE in verdict.unread
    layered = zipped({f"{n}": zipped({"a": b"\0" * 20_000_000}) for n in range(16)})
    assert Unread.TOO_LARGE in client_base.scan(layered).unread


def test_d57_a_bomb_that_unpacks_without_end_is_bounded(client_base: Firm) -> None:
    quine = gzip.compress(gzip.compress(gzip.compress(b"\0" * 100_000_000)))
    assert Unread.TOO_LARGE in client_base.scan(quine).unread


def test_d57_overlapping_entries_are_unpacked_once(client_base: Firm) -> None:
    one = zipped({"a": PLAIN})
    central, end = one.find(b"PK\x01\x02"), one.find(b"PK\x05\x06")
    many = 1_000
    listed = one[central:end] * many
    bomb = one[:central] + listed + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, many, many, len(listed), central, 0)
    verdict = client_base.scan(bomb)
    assert verdict.unread == (Unread.DAMAGED,)
    assert (len(verdict.clients), verdict.parts < 20) == (CLIENTS, True)


@pytest.mark.parametrize("size", [0, 5, 1 << 31])
def test_d57_forged_sizes_are_not_believed(size: int, client_base: Firm) -> None:
    content = bytearray(zipped({"a": PLAIN}))
    struct.pack_into("<I", content, content.find(b"PK\x01\x02") + 24, size)
    struct.pack_into("<I", content, 22, size)
    verdict = client_base.scan(bytes(content))
    assert (len(verdict.clients), verdict.unread) == (CLIENTS, (Unread.DAMAGED,))


def test_d57_names_are_no_paths_and_links_are_not_followed(client_base: Firm, tmp_path: Path) -> None:
    target = tmp_path / "secret.txt"
    target.write_text(LIST, encoding="utf-8")
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, str(target))
        archive.writestr(f"../../{tmp_path}/out.txt", HIDDEN)
    packed = tarfile.TarInfo("link")
    packed.type, packed.linkname = tarfile.SYMTYPE, str(target)
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as archive:
        archive.addfile(packed)
    before = set(tmp_path.iterdir())
    assert set(client_base.scan(buffer.getvalue()).clients) == {"1007"}
    assert client_base.scan(tape.getvalue()).clients == {}
    assert set(tmp_path.iterdir()) == before


def test_d57_70_000_entries_are_too_many(client_base: Firm) -> None:
    verdict = client_base.scan(zipped({f"{n}": b"" for n in range(70_000)}, zipfile.ZIP_STORED))
    assert verdict.unread == (Unread.TOO_MANY,)


def test_d57_an_entry_that_no_list_names_is_read(client_base: Firm) -> None:
    hidden, shown = zipped({"hidden": PLAIN}), zipped({"shown": b"nothing"})
    assert client_base.found(hidden[: hidden.find(b"PK\x01\x02")] + shown) == CLIENTS
    assert client_base.found(hidden + shown) == CLIENTS
    assert client_base.found(hidden[: hidden.find(b"PK\x01\x02")]) == CLIENTS


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xda\x00\x02" + b"\x12\xff\x00" * 5_000 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(body)) + kind + body + b"\0\0\0\0" for kind, body in ((b"IHDR", b"\0" * 13), (b"IDAT", BINARY), (b"IEND", b""))
)
PHOTOS = {
    "JPEG": JPEG,
    "PNG": PNG,
    "GIF": b"GIF89a" + BINARY,
    "WebP": b"RIFF\0\0\0\0WEBPVP8 " + BINARY,
    "MP4": b"\0\0\0\x18ftypmp42" + BINARY,
}


@pytest.mark.parametrize("photo", PHOTOS.values(), ids=list(PHOTOS))
def test_d58_a_photo_passes_and_what_hangs_behind_it_is_read(photo: bytes, client_base: Firm) -> None:
    assert client_base.scan(photo, name="photo.jpg", media_type="image/jpeg").clean
    for behind in (zipped({"a": PLAIN}), pdf(list(MAILS[:50])), PLAIN, table(ROWS)):
        assert client_base.found(photo + behind, media_type="image/jpeg") >= 50


def test_d58_content_is_judged_and_not_names(client_base: Firm) -> None:
    assert client_base.found(table(ROWS), name="photo.jpg", media_type="image/jpeg") == CLIENTS
    assert client_base.found(b"MZ\x90\x00\x03\0\0\0" + PLAIN, name="list.txt", media_type="text/plain") == CLIENTS
    assert client_base.found(pdf(list(MAILS[:50])) + zipped({"a": PLAIN})) == CLIENTS
    assert client_base.found(zipped({"a": b"nothing"}) + pdf(list(MAILS[:50]))) == 50
    assert client_base.found(b"#!/bin/sh\n" + zipped({"a": PLAIN})) == CLIENTS


def test_d58_the_name_of_a_file_is_read_too(client_base: Firm) -> None:
    assert set(client_base.scan(b"x", name=f"Liste {HIDDEN}.txt").clients) == {"1007"}


_CELL = f'<row><c t="inlineStr"><is><t>{HIDDEN}</t></is></c></row>'
SHEETS: dict[str, bytes] = {
    "hidden sheet": xlsx(
        {
            "workbook.xml": f'<workbook xmlns="{MAIN}"><sheets><sheet name="a" state="veryHidden"/></sheets></workbook>',
            "worksheets/sheet9.xml": sheet(_CELL),
        }
    ),
    "hidden column": xlsx({"worksheets/sheet1.xml": sheet(_CELL, '<cols><col min="1" max="1" hidden="1"/></cols>')}),
    "comment": xlsx(
        {
            "comments1.xml": f'<comments xmlns="{MAIN}"><comment><text><r><t>kontakt7@</t></r><r><t>kunde7.example</t></r></text>'
            "</comment></comments>"
        }
    ),
    "defined name": xlsx(
        {"workbook.xml": f'<workbook xmlns="{MAIN}"><definedNames><definedName name="a">"{HIDDEN}"</definedName></definedNames></workbook>'}
    ),
    "pivot cache": xlsx({"pivotCache/pivotCacheDefinition1.xml": f'<a xmlns="{MAIN}"><sharedItems><s v="{HIDDEN}"/></sharedItems></a>'}),
    "shared strings only": xlsx(
        {"sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><r><t>kontakt7</t></r><r><t>@kunde7.example</t></r></si></sst>'}
    ),
    "external link": xlsx({"externalLinks/_rels/a.rels": f'<Relationships><Relationship Target="mailto:{HIDDEN}"/></Relationships>'}),
    "custom XML": package({"customXml/item1.xml": f"<list><who>x</who><mail>{HIDDEN}</mail></list>"}),
    "properties": package({"docProps/core.xml": f"<cp><creator>{HIDDEN}</creator></cp>"}),
    "header of the print": xlsx(
        {"worksheets/sheet1.xml": sheet("", f"<headerFooter><oddHeader>&amp;L{HIDDEN}</oddHeader></headerFooter>")}
    ),
    "formula": xlsx({"worksheets/sheet1.xml": sheet(f'<row><c><f>HYPERLINK("mailto:{HIDDEN}")</f><v>0</v></c></row>')}),
    "number in the writing of machines": xlsx({"worksheets/sheet1.xml": sheet(f"<row><c><v>{float(PHONES[7]):.11E}</v></c></row>")}),
    "UTF-16": xlsx({"worksheets/sheet1.xml": ('<?xml version="1.0" encoding="UTF-16"?>' + sheet(_CELL)).encode("utf-16")}),
}


@pytest.mark.parametrize("content", SHEETS.values(), ids=list(SHEETS))
def test_d59_no_corner_of_a_workbook_is_left_out(content: bytes, client_base: Firm) -> None:
    verdict = client_base.scan(content)
    assert (set(verdict.clients), verdict.unread) == ({"1007"}, ())


WORDS: dict[str, bytes] = {
    "white text of one point": docx(f'<w:p><w:r><w:rPr><w:color w:val="FFFFFF"/><w:sz w:val="2"/></w:rPr><w:t>{HIDDEN}</w:t></w:r></w:p>'),
    "runs of one word": docx("<w:p>" + "".join(f"<w:r><w:t>{letter}</w:t></w:r>" for letter in HIDDEN) + "</w:p>"),
    "tracked deletion": docx(f"<w:p><w:del><w:r><w:delText>{HIDDEN}</w:delText></w:r></w:del></w:p>"),
    "embedded workbook": docx(paragraph("x"), {"embeddings/a.xlsx": table([ROWS[7]])}),
    "workbook in a wrapper": docx(paragraph("x"), {"embeddings/oleObject1.bin": compound({"Package": table([ROWS[7]])})}),
    "file in a packager": docx(
        paragraph("x"),
        {
            "embeddings/oleObject2.bin": compound(
                {"\x01Ole10Native": b"\0\0\0\0\x02\0a.csv\0C:\\a.csv\0\0\0\3\0\x06\0\0\0a.csv\0\0\0\0\0" + HIDDEN.encode()}
            )
        },
    ),
    "alternative text": docx(f'<w:p><w:drawing><a:docPr xmlns:a="a" descr="{HIDDEN}"/></w:drawing></w:p>'),
    "header": docx(
        paragraph("x"),
        {"header1.xml": f"<w:hdr xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'>{paragraph(HIDDEN)}</w:hdr>"},
    ),
    "slide": package(
        {"ppt/slides/slide1.xml": f"<p><a:t xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'>{HIDDEN}</a:t></p>"}
    ),
}


@pytest.mark.parametrize("content", WORDS.values(), ids=list(WORDS))
def test_d60_no_corner_of_a_document_is_left_out(content: bytes, client_base: Firm) -> None:
    verdict = client_base.scan(content)
    assert (set(verdict.clients), verdict.unread) == ({"1007"}, ())


@pytest.mark.parametrize(
    "part",
    [
        f'<!DOCTYPE a [<!ENTITY b "{HIDDEN}">]><a>&b; {MAILS[8]}</a>',
        '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;' + MAILS[8] + "</a>",
        f'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a>{MAILS[8]}</a>',
        f"<a>{MAILS[8]}<b></a>",
        "<a>" * 5_000 + MAILS[8],
    ],
    ids=["entity", "many laughs", "file", "not closed", "very deep"],
)
def test_d60_xml_that_no_office_writes_is_damaged_and_read_as_text(part: str, client_base: Firm) -> None:
    verdict = client_base.scan(package({"word/document.xml": part}))
    assert verdict.unread == (Unread.DAMAGED,)
    assert "1008" in verdict.clients


def test_d61_pdf_is_read_however_it_is_drawn(client_base: Firm) -> None:
    lines = list(MAILS[:50])
    assert client_base.found(pdf(lines)) == 50
    assert client_base.found(pdf(lines, mode=3)) == 50
    assert client_base.found(pdf(["nothing"], attached=table(ROWS))) == CLIENTS
    assert client_base.found(updated(pdf(lines), ["nothing"])) == 50
    assert client_base.scan(pdf([], picture=True)).unread == (Unread.IMAGES_ONLY,)
    assert client_base.scan(pdf(["nothing"], picture=True)).clean
    assert client_base.scan(pdf(lines)[:400]).unread == (Unread.DAMAGED,)


_FILE = f'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: {MIME}'
_SAID = "multipart/form-data; boundary=----b0undary"
FORMS: dict[str, tuple[bytes, str | None]] = {
    "usual": (form([(_FILE, zipped({"a": PLAIN}))]), _SAID),
    "wrong boundary": (form([(_FILE, zipped({"a": PLAIN}))]), "multipart/form-data; boundary=other"),
    "no boundary said": (form([(_FILE, zipped({"a": PLAIN}))]), "multipart/form-data"),
    "not said at all": (form([(_FILE, zipped({"a": PLAIN}))]), None),
    "boundary with capitals": (form([(_FILE, PLAIN)], "AbC"), 'Multipart/Form-Data; Boundary="AbC"'),
    "missing end": (form([(_FILE, zipped({"a": PLAIN}))], end=False), _SAID),
    "one name twice": (form([(_FILE, b"nothing"), (_FILE, PLAIN)]), _SAID),
    "behind the end": (form([(_FILE, b"nothing")]) + PLAIN, _SAID),
    "before the first": (PLAIN + b"\r\n" + form([(_FILE, b"nothing")]), _SAID),
    "no head": (b"------b0undary\r\n\r\n" + PLAIN + b"\r\n------b0undary--\r\n", _SAID),
    "head after the body": (b"------b0undary\r\n" + PLAIN + b"\r\n\r\nContent-Type: text/plain\r\n------b0undary--\r\n", _SAID),
    "nested": (form([('Content-Type: multipart/mixed; boundary="in"', form([(_FILE, table(ROWS))], "in"))]), _SAID),
    "base64": (form([(_FILE + "\r\nContent-Transfer-Encoding: base64", base64.encodebytes(table(ROWS)))]), _SAID),
    "base64 with junk": (
        form([(_FILE + "\r\nContent-Transfer-Encoding: base64", base64.encodebytes(PLAIN).replace(b"\n", b"!\n *"))]),
        _SAID,
    ),
    "quoted-printable": (
        form([(_FILE + "\r\nContent-Transfer-Encoding: quoted-printable", quopri.encodestring(PLAIN.replace(b"@", b"=40")))]),
        _SAID,
    ),
    "JSON with base64": (orjson.dumps({"name": "a", "data": base64.b64encode(table(ROWS)).decode()}), "application/json"),
    "gone wrong": (zipped({"a": PLAIN}), _SAID),
}


@pytest.mark.parametrize(("content", "said"), FORMS.values(), ids=list(FORMS))
def test_d69_a_form_is_read_however_it_is_built(content: bytes, said: str | None, client_base: Firm) -> None:
    assert client_base.found(content, media_type=said) == CLIENTS


def test_d69_a_file_name_is_read_in_its_long_form(client_base: Firm) -> None:
    head = f"Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''{quote(HIDDEN, safe='')}.csv"
    assert set(client_base.scan(form([(head, b"nothing")]), media_type=_SAID).clients) == {"1007"}


def test_d69_what_lies_about_its_parts_is_damaged(client_base: Firm) -> None:
    assert client_base.scan(form([(_FILE, b"x")], end=False), media_type=_SAID).unread == (Unread.DAMAGED,)
    assert client_base.scan(b"no part", media_type=_SAID).unread == (Unread.DAMAGED,)
    assert client_base.scan(form([(_FILE, b"x")]), media_type=_SAID).clean


@pytest.mark.parametrize(
    ("content", "encoding", "unread"),
    [
        (gzip.compress(PLAIN), "gzip", ()),
        (gzip.compress(gzip.compress(PLAIN)), "gzip, gzip", ()),
        (gzip.compress(PLAIN)[10:-8], "deflate", ()),
        (PLAIN, "gzip", (Unread.DAMAGED,)),
        (PLAIN, "br", (Unread.UNKNOWN_FORMAT,)),
        (PLAIN, "identity", ()),
        (gzip.compress(b"x") + PLAIN, "gzip", (Unread.DAMAGED,)),
        (gzip.compress(PLAIN)[:-9], "gzip", (Unread.DAMAGED,)),
        (PLAIN, "gzip, gzip, gzip, gzip, gzip", (Unread.TOO_DEEP,)),
    ],
    ids=["gzip", "twice", "bare deflate", "a lie", "unknown", "none", "more behind", "cut off", "five"],
)
def test_d69_the_encoding_of_a_body_is_undone_and_not_believed(
    content: bytes, encoding: str, unread: tuple[Unread, ...], client_base: Firm
) -> None:
    verdict = client_base.scan(content, encoding=encoding)
    assert verdict.unread == unread
    assert len(verdict.clients) >= CLIENTS - 1


def test_d71_of_what_is_too_large_the_beginning_is_read(client_base: Firm) -> None:
    verdict = client_base.scan(PLAIN + b" " * 1_000_000, Limits(size=500_000))
    assert (len(verdict.clients), verdict.unread) == (CLIENTS, (Unread.TOO_LARGE,))
    assert client_base.scan(b"").clean
