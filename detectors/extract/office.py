"""Office Open XML (ISO/IEC 29500): XLSX, DOCX, PPTX. The whole package is read, part by part, whatever a program would show of it.

So hidden sheets and columns, comments, defined names, pivot caches, properties, custom XML, external links, headers, deleted text,
alternative texts and embedded files are all read. A row of a sheet stays a row: its shared strings are put in their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from detectors.budget import Budget, SpentError
from detectors.extract.zip_archive import Member, members
from detectors.formats import Format, Layer, Part
from detectors.verdict import Unread
from detectors.xml_text import DoctypeError, xml_text

_TYPES = b"[Content_Types].xml"
_SHARED, _SHEETS = "sharedStrings.xml", ("/worksheets/", "/macrosheets/", "/dialogsheets/", "/chartsheets/")
_XML = (b"<?xml", b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\0", b"\xfe\xff\0<")
_DIGITS_OF_A_FLOAT = 17


def recognises(content: bytes, _media_type: str | None) -> bool:
    """A zip with the list of types that every package has."""
    return content.startswith(b"PK\x03\x04") and _TYPES in content


def open_office(content: bytes, _media_type: str | None, budget: Budget) -> Iterator[Part]:
    """The text of all XML parts; everything else as bytes."""
    sheets: list[Member] = []
    shared: list[str] = []
    for one in members(content, budget):
        if not isinstance(one, Member):
            yield one
        elif not one.content.lstrip()[:8].startswith(_XML):
            if "/worksheets/" in one.name:
                yield Unread.UNKNOWN_FORMAT  # XLSB: numbers are binary there
            yield one.content
        elif one.name.endswith(_SHARED):
            shared += _shared(one.content)
            yield from _text(one.content, budget)
        elif any(folder in one.name for folder in _SHEETS):
            sheets.append(one)
        else:
            yield from _text(one.content, budget)
    for sheet in sheets:
        yield from _text(sheet.content, budget, shared)


def _text(content: bytes, budget: Budget, shared: list[str] | None = None) -> Iterator[Part]:
    """The text of a part; of one that cannot be read as XML also the bytes."""
    rows = {"row": lambda row: _row(row, shared)} if shared is not None else None
    try:
        yield from xml_text(content, budget, rows)
    except SpentError:
        raise
    except (etree.LxmlError, DoctypeError, ValueError):
        yield Unread.DAMAGED
        yield content


def _shared(content: bytes) -> list[str]:
    """The table of strings, runs joined, phonetic hints left out."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.LxmlError, ValueError):
        return []
    return ["".join(text for t in item.iter("{*}t") if (text := t.text) and not _phonetic(t)) for item in root.iterchildren("{*}si")]


def _phonetic(element: Any) -> bool:
    parent = element.getparent()
    return parent is not None and etree.QName(parent).localname == "rPh"


def _row(row: Any, shared: list[str] | None) -> str:
    """The cells of a row with tabs between them: what is calculated, and then the formulas."""
    cells: list[str] = []
    formulas: list[str] = []
    for cell in row.iterchildren("{*}c"):
        value = cell.findtext("{*}v") or ""
        kind = cell.get("t", "n")
        if kind == "s" and shared and value.isdecimal() and int(value) < len(shared):
            value = shared[int(value)]
        elif kind == "inlineStr":
            value = "".join(t.text or "" for t in cell.iter("{*}t"))
        elif kind == "n":
            value = _number(value)
        cells.append(value)
        formulas += [formula.text for formula in cell.iterchildren("{*}f") if formula.text]
    return "\t".join(cells + formulas)


def _number(value: str) -> str:
    """A whole number as it is shown: 4.917112345678E+11 is a telephone number."""
    if value.isdecimal() or not value:
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return str(int(number)) if number.is_integer() and abs(number) < 10**_DIGITS_OF_A_FLOAT else value


FORMAT = Format("office", Layer.ARCHIVE, recognises, open_office, alone=True, order=10)
