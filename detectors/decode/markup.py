"""Tags and entities of HTML and XML: the text without them, rows and cells kept apart, letters that only a tag divides put together."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import re2

from detectors.formats import Decoder, Layer
from detectors.text import Text

_TAG = re.compile(r"<[A-Za-z/!?][^<>]*>")
_CELL = re.compile(r"(?i)</?(?:[a-z]+:)?(?:td|th|table-cell|tab)(?:\s[^<>]*)?/?>")
_ROWS = "p|tr|div|li|br|hr|h[1-6]|ul|ol|dl|dt|dd|table|table-row|section|article|pre|option|title|script|style"
_ROW = re.compile(rf"(?i)</?(?:[a-z]+:)?(?:{_ROWS})(?:\s[^<>]*)?/?>")
_ENTITY = re2.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,24});?")


def decode(text: Text) -> Iterator[str | bytes]:
    """One text without tags and with its entities undone."""
    tags = b"<" in text.encoded and _TAG.search(text.letters) is not None
    if not tags and not _ENTITY.search(text.encoded):
        return
    letters = text.letters
    if tags:
        letters = _without_comments(letters) if "<!--" in letters else letters
        letters = _TAG.sub("", _ROW.sub("\n", _CELL.sub("\t", letters)))
    yield html.unescape(letters)


def _without_comments(text: str) -> str:
    """In one pass; a comment that does not end is left as it is."""
    pieces = []
    end = 0
    while (begin := text.find("<!--", end)) >= 0:
        close = text.find("-->", begin + 4)
        if close < 0:
            break
        pieces.append(text[end:begin])
        end = close + 3
    return "".join([*pieces, text[end:]])


DECODER = Decoder("markup", Layer.WRITING, decode)
