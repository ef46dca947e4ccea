"""Files as people send them: an invoice, a photograph, a card of one client; and an export that somebody has dressed up as a photograph."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Sequence

from deploy.demo.clients import Draws


def disguised(rows: Sequence[Sequence[str]], seed: int = 7) -> bytes:
    """Exported rows (name, phone, e-mail) as a thief would carry them: shuffled, other columns, a CSV in an archive."""
    mixed = Draws(seed).shuffled([list(row) for row in rows])
    table = io.StringIO()
    writer = csv.writer(table, delimiter="\t")
    writer.writerow(("ort", "adresse", "nummer", "motiv"))
    writer.writerows(("", row[2], row[1].replace(" ", "").replace("+49", "0"), row[0]) for row in mixed)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("strand.txt", table.getvalue())
    return packed.getvalue()


def invoice(number: int) -> bytes:
    """A PDF of one page with plain text (ISO 32000-1, section 7.5): an invoice that names no client of the firm."""
    lines = (
        f"Rechnung {number}",
        "Beratung im Mai, 3 Tage zu 800,00 EUR",
        "Summe 2.400,00 EUR, zahlbar in 14 Tagen",
        "IBAN DE02 1203 0000 0000 2020 51",
    )
    text = "BT /F1 12 Tf 72 720 Td 16 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, places = b"%PDF-1.4\n", []
    for place, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{place} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    return (
        out
        + f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n".encode()
    )


def photograph(width: int = 640, height: int = 400) -> bytes:
    """A PNG (W3C PNG specification, section 5) of a sky over a sea."""
    sea = bytes.fromhex("1d5f8a")
    rows = b"".join(b"\0" + (bytes((120 + y // 4, 170 + y // 6, 230)) if y < height * 3 // 5 else sea) * width for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")))


def card(name: str, phone: str, email: str) -> bytes:
    """One person's card (vCard 4.0, RFC 6350)."""
    return (
        f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{name}\r\nTEL;VALUE=uri:tel:{phone.replace(' ', '-')}\r\nEMAIL:{email}\r\nEND:VCARD\r\n".encode()
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
