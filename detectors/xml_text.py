"""The text of an XML part: paragraphs joined, everything else kept apart, attributes that can hold a value beside it.

Read as a stream, without entities, declarations of types, network or huge trees. A part with a DOCTYPE is refused: no office program
writes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from detectors.budget import Budget

_JOINED = ("wordprocessingml", "spreadsheetml", "drawingml", "presentationml")
"""Namespaces whose elements divide letters of one word (runs of other colours); all others divide values."""
_BREAKS = frozenset({"p", "br", "cr", "tr", "si", "comment", "text", "row", "definedName", "hyperlinkBase", "oddHeader", "oddFooter"})
_BREAKS |= {"evenHeader", "evenFooter", "firstHeader", "firstFooter", "f", "v", "s", "n", "formula1", "formula2", "author", "cm", "rPh"}
_TABS = frozenset({"tab", "tc", "noBreakHyphen"})
_PRINTED = ("Header", "Footer")
_CODE = re.compile(r'&(?:K[0-9A-F]{6}|"[^"]*"|[0-9]{1,3}|[A-Z])')
"""Places and fonts within printed headers of a sheet (ISO/IEC 29500-1, 18.3.1.46): `&L` is a place, not two letters."""
_SHORTEST = 6
"""Letters of an attribute that can be a value."""
_CHUNK = 1 << 16
_GIVEN, _ATTRIBUTES = 1 << 18, 20_000
"""Letters and attributes after which what was read is given."""


class DoctypeError(Exception):
    """The part declares a type."""


def xml_text(content: bytes, budget: Budget) -> Iterator[str]:
    """The text in document order, then the attributes.

    Raises etree.XMLSyntaxError and DoctypeError; what was read before is given.
    """
    parser = etree.XMLPullParser(
        ("start", "end"), resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=False
    )
    text: list[str] = []
    attributes: dict[str, None] = {}
    length = 0
    for begin in range(0, len(content), _CHUNK):
        budget.check()
        parser.feed(content[begin : begin + _CHUNK])
        for event, element in parser.read_events():
            namespace, _, name = element.tag.rpartition("}") if isinstance(element.tag, str) else ("", "", "")
            if event == "start":
                if element.getparent() is None and element.getroottree().docinfo.internalDTD is not None:
                    raise DoctypeError
                attributes |= dict.fromkeys(value for value in element.attrib.values() if len(value) >= _SHORTEST)
                continue
            piece = (element.text or "") + _end(namespace, name)
            if name.endswith(_PRINTED):
                piece += _CODE.sub(" ", piece)
            text.append(piece + (element.tail or ""))
            length += len(text[-1])
            _forget(element)
        if length > _GIVEN or len(attributes) > _ATTRIBUTES:
            yield "".join(text)
            yield "\n".join(attributes)
            text, length = text[-1:], 0
            attributes.clear()
    parser.close()
    yield "".join(text)
    yield "\n".join(attributes)


def _end(namespace: str, name: str) -> str:
    if not any(word in namespace for word in _JOINED) or name in _BREAKS:
        return "\n"
    return "\t" if name in _TABS else ""


def _forget(element: Any) -> None:
    """Give its memory back, and that of everything before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
