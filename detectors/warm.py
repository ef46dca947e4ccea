"""Loads in the worker, before its door is shut, what would otherwise be loaded with the first file: formats, decoders, codecs, tables."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile

import numpy as np

from detectors.budget import Limits
from detectors.ebcdic import CODE_PAGES
from detectors.formats import decoders, formats
from detectors.knowledge import Matcher, Matches
from detectors.scan import scan
from detectors.text import Text

_CODECS = (
    "utf-8",
    "utf-16-le",
    "utf-16-be",
    "utf-32-le",
    "utf-32-be",
    "utf-7",
    "cp1252",
    "cp437",
    "latin-1",
    "ascii",
    "idna",
    "punycode",
    *CODE_PAGES,
)
_TEXT = b"Max Muster\tmax.muster@example.com\t+49 30 901820\tDE136695976\n"
_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>'
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length 32>>stream\nBT /F 9 Tf 9 9 Td (Muster) Tj ET \nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
)


class _Nobody:
    """Recognises nobody: a warm-up leaves nothing behind."""

    def find(self, text: str, into: Matches) -> None:
        """Nothing."""

    def passes_over(self, text: Text) -> bool:
        """So that `find` is asked, too."""
        return False

    def add(self, news: bytes) -> None:
        """Nothing."""


def warm(matcher: Matcher, limits: Limits) -> None:
    """Run everything once."""
    for name in _CODECS:
        codecs.lookup(name)
    formats()
    decoders()
    np.union1d(np.zeros(1), np.ones(1))  # numpy loads `numpy.ma` with the first set
    matcher.find(_TEXT.decode(), Matches())
    for sample in samples():
        scan(sample, _Nobody(), limits)
    scan(gzip.compress(_TEXT), _Nobody(), limits, media_type="multipart/form-data; boundary=x", encoding="gzip", name="a.txt")


def samples() -> tuple[bytes, ...]:
    """One small content of each kind whose library loads something late."""
    packed = (gzip.compress(_TEXT), bz2.compress(_TEXT), lzma.compress(_TEXT))
    archives = (_zip({"a.txt": _TEXT}, method) for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    office = _zip({"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": _SHEET, "broken.xml": b"<a>"}, zipfile.ZIP_DEFLATED)
    return (_TEXT, *packed, *archives, office, _PDF)


def _zip(files: dict[str, bytes], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
