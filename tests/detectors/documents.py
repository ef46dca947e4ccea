"""Documents for the tests of the content scan, written byte by byte: nothing here reads what it writes."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from functools import partial
from hashlib import md5 as _md5

md5 = partial(_md5, usedforsecurity=False)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def zipped(files: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def nested(content: bytes, times: int) -> bytes:
    for number in range(times):
        content = zipped({f"{number}.dat": content})
    return content


def package(parts: Mapping[str, bytes | str]) -> bytes:
    return zipped({"[Content_Types].xml": "<Types/>", "_rels/.rels": "<Relationships/>", **parts})


def xlsx(parts: Mapping[str, bytes | str]) -> bytes:
    return package({"xl/workbook.xml": f'<workbook xmlns="{MAIN}"/>', **{f"xl/{name}": part for name, part in parts.items()}})


def sheet(rows: str, more: str = "") -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{more}</worksheet>'


def table(values: list[list[str]]) -> bytes:
    """A workbook as programs write it: numbers as numbers, texts shared."""
    texts = list(dict.fromkeys(value for row in values for value in row if not value.isdecimal()))
    place = {text: number for number, text in enumerate(texts)}
    cells = (
        "".join(f"<c><v>{value}</v></c>" if value.isdecimal() else f'<c t="s"><v>{place[value]}</v></c>' for value in row) for row in values
    )
    strings = "".join(f"<si><t>{text}</t></si>" for text in texts)
    return xlsx(
        {
            "worksheets/sheet1.xml": sheet("".join(f"<row>{row}</row>" for row in cells)),
            "sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        }
    )


def docx(body: str, parts: Mapping[str, bytes | str] | None = None) -> bytes:
    document = f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return package({"word/document.xml": document, **{f"word/{name}": part for name, part in (parts or {}).items()}})


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf(lines: list[str], *, mode: int = 0, password: str | None = None, attached: bytes | None = None, picture: bool = False) -> bytes:
    """One page. `mode` 3 draws nothing (ISO 32000-1 table 106); `password` is the user's (security handler of revision 2)."""
    text = "\n".join(f"({line}) Tj 0 -12 Td" for line in lines)
    stream = f"BT {mode} Tr /F1 10 Tf 40 800 Td\n{text}\nET\n".encode("latin-1") if lines else b""
    if picture:
        stream += b"q 500 0 0 700 40 40 cm /Im1 Do Q\n"
    catalog = "<</Type/Catalog/Pages 2 0 R" + ("/Names<</EmbeddedFiles<</Names[(a.bin) 7 0 R]>>>>" if attached is not None else "") + ">>"
    resources = "/Font<</F1 5 0 R>>" + ("/XObject<</Im1 6 0 R>>" if picture else "")
    objects: dict[int, bytes] = {
        1: catalog.encode(),
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<{resources}>>>>".encode(),
        5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    }
    trailer = ""
    if password is not None:
        owner, user, key = _security(password)
        objects[9] = f"<</Filter/Standard/V 1/R 2/O<{owner.hex()}>/U<{user.hex()}>/P -4>>".encode()
        stream = _rc4(md5(key + struct.pack("<I", 4)[:3] + b"\0\0").digest()[:10], stream)
        trailer = f"/Encrypt 9 0 R/ID[<{'00' * 16}><{'00' * 16}>]"
    objects[4] = _stream("", stream)
    if picture:
        objects[6] = _stream("/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8", b"\x80")
    if attached is not None:
        objects[7] = b"<</Type/Filespec/F(a.bin)/UF(a.bin)/EF<</F 8 0 R>>>>"
        objects[8] = _stream("/Type/EmbeddedFile", attached)
    return _file(objects, trailer)


def updated(old: bytes, lines: list[str]) -> bytes:
    """The file with its page's text replaced by an incremental update (ISO 32000-1, 7.5.6): the old text stays in the bytes."""
    text = "\n".join(f"({line}) Tj 0 -12 Td" for line in lines)
    body = _stream("", f"BT /F1 10 Tf 40 800 Td\n{text}\nET\n".encode("latin-1"))
    at = len(old)
    added = b"4 0 obj\n" + body + b"\nendobj\n"
    previous = int(old.rpartition(b"startxref\n")[2].split()[0])
    table = f"xref\n4 1\n{at:010} 00000 n \ntrailer\n<</Size 10/Root 1 0 R/Prev {previous}>>\nstartxref\n{at + len(added)}\n%%EOF\n"
    return old + added + table.encode()


def _stream(head: str, content: bytes) -> bytes:
    return f"<<{head}/Length {len(content)}>>\nstream\n".encode() + content + b"\nendstream"


def _file(objects: Mapping[int, bytes], trailer: str) -> bytes:
    out = b"%PDF-1.7\n"
    places = {}
    for number in sorted(objects):
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + objects[number] + b"\nendobj\n"
    size = max(objects) + 1
    rows = "".join(f"{places[n]:010} 00000 n \n" if n in places else "0000000000 65535 f \n" for n in range(size))
    return out + f"xref\n0 {size}\n{rows}trailer\n<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{len(out)}\n%%EOF\n".encode()


def _security(password: str) -> tuple[bytes, bytes, bytes]:
    padded = (password.encode() + _PAD)[:32]
    owner = _rc4(md5(padded).digest()[:5], padded)
    key = md5(padded + owner + struct.pack("<i", -4) + b"\0" * 16).digest()[:5]
    return owner, _rc4(key, _PAD), key


def _rc4(key: bytes, content: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in content:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file ([MS-CFB]) of 512-byte sectors; streams are padded to 4,096 bytes, so that none is a small one."""
    padded = {name: content.ljust(4_096, b"\0") for name, content in streams.items()}
    directory_sectors = (len(padded) + 1 + 3) // 4
    chains: list[list[int]] = [list(range(1, 1 + directory_sectors))]
    at = 1 + directory_sectors
    for content in padded.values():
        count = (len(content) + 511) // 512
        chains.append(list(range(at, at + count)))
        at += count
    assert at <= 128, "one sector of the table is enough for a test"
    table = [0xFFFFFFFF] * 128
    table[0] = 0xFFFFFFFD
    for chain in chains:
        for here, after in zip(chain, [*chain[1:], 0xFFFFFFFE], strict=True):
            table[here] = after
    entries = [_entry("Root Entry", 5, 0xFFFFFFFE, 0)]
    entries += [_entry(name, 2, chain[0], len(padded[name])) for name, chain in zip(padded, chains[1:], strict=True)]
    directory = b"".join(entries).ljust(directory_sectors * 512, b"\0")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    body = b"".join(content.ljust((len(content) + 511) // 512 * 512, b"\0") for content in padded.values())
    return head + struct.pack("<128I", *table) + directory + body


def _entry(name: str, kind: int, start: int, size: int) -> bytes:
    letters = name.encode("utf-16-le") + b"\0\0"
    head = letters.ljust(64, b"\0") + struct.pack("<HBB", len(letters), kind, 1) + struct.pack("<III", *[0xFFFFFFFF] * 3)
    return (head + b"\0" * 36 + struct.pack("<IQ", start, size)).ljust(128, b"\0")


def form(parts: list[tuple[str, bytes]], boundary: str = "----b0undary", *, end: bool = True) -> bytes:
    """A body of several parts: heads and contents."""
    out = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts)
    return out + (f"--{boundary}--\r\n".encode() if end else b"")
