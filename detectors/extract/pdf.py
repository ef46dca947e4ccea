"""PDF (ISO 32000): text of every page however it is drawn, attachments, forms, notes, and earlier states that an update left behind."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
import re2

from detectors.ascii85 import without_packed
from detectors.budget import Budget
from detectors.formats import Format, Layer, Part
from detectors.verdict import Unread

_HEAD, _END = b"%PDF-", b"%%EOF"
_ANY_HEAD = re2.compile(_HEAD)
_NAME = b"".join(b"(?:%c|#(?i:%02x))" % (letter, letter) for letter in b"Encrypt")
"""Letters of a name may be written as numbers (section 7.3.5)."""
_ENCRYPT = re2.compile(b"/%s\\s*(?:<<|[0-9]+\\s+[0-9]+\\s+R)" % _NAME)
"""In a trailer or in the dictionary of a stream of references (sections 7.5.5 and 7.5.8)."""
_NOT_ENCRYPTED = -1
_HEAD_WITHIN = 1_024
"""Bytes within which readers look for the head (ISO 32000-1, note 3.4.1 of Adobe's implementation)."""
_STATES = 8
"""Earlier states that are read."""
_PATHS = 40
"""Drawn shapes on a page without a letter from which on it is taken for text drawn as outlines."""
_NOTES = 2_000


def recognises(content: bytes, _media_type: str | None) -> bool:
    """By its head, which may stand behind other bytes."""
    head = _ANY_HEAD.search(content)
    return head is not None and (head.start() <= _HEAD_WITHIN or _END in content)


def open_pdf(content: bytes, _media_type: str | None, budget: Budget) -> Iterator[Part]:
    """The newest state, then earlier ones, then what stands behind the end."""
    content = content[content.find(_HEAD) :]
    yield from _state(content, budget)
    ends: list[int] = []
    at = content.find(_END)
    while at >= 0:
        ends.append(at + len(_END))
        at = content.find(_END, at + 1)
    for end in ends[:-1][-_STATES:]:
        budget.check()
        yield from _state(content[:end], budget, earlier=True)
    if len(ends) > _STATES + 1:
        yield Unread.TOO_MANY
    rest = content[ends[-1] :].strip() if ends else b""
    if rest:
        yield rest


def _state(content: bytes, budget: Budget, *, earlier: bool = False) -> Iterator[Part]:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if not earlier:
            yield Unread.ENCRYPTED if "assword" in str(error) or b"/Encrypt" in content[-4096:] else Unread.DAMAGED
        return
    try:
        if not earlier and pdfium.FPDF_GetSecurityHandlerRevision(document) == _NOT_ENCRYPTED and _ENCRYPT.search(content):
            yield Unread.ENCRYPTED  # a table of references that is broken: another reader may mend it, ask for the password, and show more
        yield "\n".join(str(value) for value in document.get_metadata_dict().values())
        yield "\n".join(item.get_title() for item, _ in zip(document.get_toc(), range(_NOTES), strict=False))
        for number in range(document.count_attachments()):
            budget.enter()
            attachment = document.get_attachment(number)
            yield attachment.get_name()
            file = bytes(attachment.get_data())
            budget.take(len(file))
            yield file
        yield from _pages(document, budget)
    finally:
        document.close()


def _pages(document: Any, budget: Budget) -> Iterator[Part]:
    texts: list[str] = []
    for number in range(len(document)):
        budget.enter()
        try:
            page = document[number]
        except pypdfium2.PdfiumError:
            yield Unread.DAMAGED
            continue
        textpage = page.get_textpage()
        text = textpage.get_text_range()
        budget.take(len(text))
        texts += [text, *_notes(page)]
        if not text.strip() and _drawn(page):
            yield Unread.IMAGES_ONLY
        textpage.close()
        page.close()
    yield "\n".join(texts)


def _drawn(page: Any) -> bool:
    """True if a page shows something that may be writing: a picture, or many shapes."""
    paths = 0
    for item in page.get_objects(max_depth=3):
        if item.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            return True
        paths += item.type == pdfium.FPDF_PAGEOBJ_PATH
        if paths >= _PATHS:
            return True
    return False


def _notes(page: Any) -> Iterator[str]:
    """Contents of notes and values of form fields."""
    for number in range(min(pdfium.FPDFPage_GetAnnotCount(page), _NOTES)):
        note = pdfium.FPDFPage_GetAnnot(page, number)
        for key in (b"Contents", b"V", b"T", b"RC"):
            size = pdfium.FPDFAnnot_GetStringValue(note, key, None, 0)
            if size > 2:
                buffer = ctypes.create_string_buffer(size)
                pdfium.FPDFAnnot_GetStringValue(note, key, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
                yield buffer.raw.decode("utf-16-le", "replace").rstrip("\0")
        pdfium.FPDFPage_CloseAnnot(note)


FORMAT = Format("pdf", Layer.ARCHIVE, recognises, open_pdf, beside=without_packed)
