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
    """The tags that hold entities, and one text without tags, each with its entities undone."""
    tags = b"<" in text.encoded and _TAG.search(text.letters) is not None
    if not tags and not _ENTITY.search(text.encoded):
        return
    letters = _without_rows(text.letters) if tags else text.letters
    if tags and (said := [html.unescape(tag) for tag in _TAG.findall(letters) if "&" in tag]):
        yield "\n".join(said)
    yield html.unescape(_TAG.sub("", letters) if tags else letters)


def without_tags(letters: str) -> str:
    """The letters without tags, rows and cells kept apart."""
    return _TAG.sub("", _without_rows(letters)) if "<" in letters else letters


def _without_rows(letters: str) -> str:
    """The letters without comments, and without the tags of rows and cells, which are kept apart."""
    letters = _without_comments(letters) if "<!--" in letters else letters
    return _ROW.sub("\n", _CELL.sub("\t", letters))


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
