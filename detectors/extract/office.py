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
from detectors.xml_text import XmlError, xml_text

_TYPES = b"[Content_Types].xml"
_SHARED, _SHEETS = "sharedStrings.xml", ("/worksheets/", "/macrosheets/", "/dialogsheets/", "/chartsheets/")
_XML = (b"<?xml", b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\0", b"\xfe\xff\0<")
_DIGITS_OF_A_FLOAT = 17
_CHUNK = 1 << 18
"""Bytes of a sheet that are read at once; between two the time is looked at."""


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
            shared, rest = _shared(one.content)
            yield "\n".join(shared + rest)
            if not shared:
                yield from _text(one.content, budget)
        elif any(folder in one.name for folder in _SHEETS):
            sheets.append(one)
        else:
            yield from _text(one.content, budget)
    for sheet in sheets:
        yield from _guarded(_sheet(sheet.content, shared, budget), sheet.content)


def _text(content: bytes, budget: Budget) -> Iterator[Part]:
    """The text of a part."""
    return _guarded(xml_text(content, budget), content)


def _guarded(texts: Iterator[str], content: bytes) -> Iterator[Part]:
    """The texts; of a part that cannot be read as XML also the bytes."""
    try:
        yield from texts
    except SpentError:
        raise
    except (etree.LxmlError, XmlError, ValueError):
        yield Unread.DAMAGED
        yield content


def _shared(content: bytes) -> tuple[list[str], list[str]]:
    """The table of strings, runs joined, phonetic hints left out; and what else is said there. Nothing where it cannot be read."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.LxmlError, ValueError):
        return [], []
    if root.getroottree().docinfo.internalDTD is not None:
        return [], []
    phonetic = b"rPh" in content
    strings: list[str] = []
    rest: list[str] = []
    for item in root:
        if isinstance(item.tag, str) and item.tag.endswith("}si"):
            if phonetic:
                rest.extend("".join(hint.itertext()) for hint in item.iter("{*}rPh"))
                etree.strip_elements(item, "{*}rPh", with_tail=False)
            strings.append("".join(item.itertext()))
        else:
            rest.append("".join(item.itertext()))
    return strings, rest


def _sheet(content: bytes, shared: list[str], budget: Budget) -> Iterator[str]:
    """Row by row, and then what stands beside the rows."""
    parser = etree.XMLPullParser(
        ("end",), tag="{*}row", resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=False
    )
    for begin in range(0, len(content), _CHUNK):
        budget.check()
        parser.feed(content[begin : begin + _CHUNK])
        rows = []
        for _, row in parser.read_events():
            rows.append(_row(row, shared))
            row.clear()
            while row.getprevious() is not None and row.getprevious().tag == row.tag:
                del row.getparent()[row.getparent().index(row) - 1]
        yield "\n".join([*rows, ""])
    root = parser.close()
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlError
    yield from xml_text(etree.tostring(root), budget)


def _row(row: Any, shared: list[str]) -> str:
    """The cells of a row with tabs between them: what is calculated, then formulas and whatever else is in it."""
    cells: list[str] = []
    more: list[str] = []
    for cell in row:
        kind = cell.get("t", "n")
        for part in cell:
            text = part.text or ""
            name = part.tag.rpartition("}")[2] if isinstance(part.tag, str) else ""
            if name != "v":
                (cells if name == "is" else more).append("".join(part.itertext()))
            elif kind == "s":
                cells.append(shared[int(text)] if text.isdecimal() and int(text) < len(shared) else text)
            else:
                cells.append(_number(text) if kind == "n" else text)
        if cell.text or cell.tail:
            more += [cell.text or "", cell.tail or ""]
    return "\t".join(cells + more)


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
