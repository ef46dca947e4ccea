"""Bodies of several parts (RFC 2046 section 5.1, RFC 7578): of a form, of a message. Every byte is given to somebody.

The boundary of the header and the one that stands in the body are both taken for one. Without any, the body is `damaged` and read as a
whole.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from detectors.budget import Budget
from detectors.formats import Format, Layer, Nested, Part
from detectors.verdict import Unread

_BOUNDARY = re.compile(r'boundary="?([^";,]{1,200})"?', re.IGNORECASE)
_FIRST = re.compile(rb"\A[\r\n \t]{0,8}--([^\r\n]{1,200}?)[ \t]*\r?\n[A-Za-z][A-Za-z0-9-]{1,60}[ \t]*:")
_ARMOUR = re.compile(rb"---BEGIN [A-Z0-9 ]{1,60}-----")
"""The first line of a signed text or of a key (RFC 9580 section 6.2, RFC 7468): no boundary, unless it comes again."""
_END_OF_HEAD = re.compile(rb"\r?\n[ \t]*\r?\n")
_TYPE = re.compile(r"^content-type:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_ENCODING = re.compile(r"^content-transfer-encoding:[ \t]*([A-Za-z0-9-]+)", re.IGNORECASE | re.MULTILINE)
_HEAD_LINE = re.compile(rb"\A[A-Za-z][A-Za-z0-9-]{1,60}[ \t]*:")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s_-]")


def recognises(content: bytes, media_type: str | None) -> bool:
    """By the header, or by a boundary and a head at the beginning."""
    if media_type and media_type.startswith("multipart/"):
        return True
    first = _FIRST.match(content)
    return first is not None and not (_ARMOUR.fullmatch(first[1]) and content.count(b"--" + first[1]) == 1)


def open_multipart(content: bytes, media_type: str | None, budget: Budget) -> Iterator[Part]:
    """The heads as text, the bodies as bytes; what stands before the first part and behind the last too."""
    boundaries: list[bytes] = []
    if named := _BOUNDARY.search(media_type or ""):
        boundaries.append(named[1].strip().encode("latin-1", "replace"))
    if first := _FIRST.match(content):
        boundaries.append(first[1])
    lines = b"|".join(re.escape(boundary) for boundary in dict.fromkeys(boundaries))
    # The media type was made lower case: the boundary is looked for in any case.
    between = re.compile(rb"(?i:(?:\r?\n|\A)--(?:" + lines + rb")(--)?[ \t]*(?:\r?\n|\Z))") if lines else None
    found = list(between.finditer(content)) if between else []
    if not found:
        yield Unread.DAMAGED
        yield content
        return
    yield content[: found[0].start()]
    closed = False
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(content)
        part = content[match.end() : end]
        budget.enter()
        closed = closed or match[1] is not None
        if match[1] is not None:
            yield part
        else:
            yield from _part(part)
    if not closed:
        yield Unread.DAMAGED


def _part(part: bytes) -> Iterator[Part]:
    head, body = b"", part
    if part.startswith((b"\r\n", b"\n")):
        body = part.lstrip(b"\r\n") if len(part) < 4 else part[2 if part.startswith(b"\r\n") else 1 :]
    elif _HEAD_LINE.match(part):
        end = _END_OF_HEAD.search(part)
        head, body = (part[: end.start()], part[end.end() :]) if end else (part, b"")
    text = head.decode("utf-8", "replace")
    yield text
    kind, encoding = _TYPE.search(text), _ENCODING.search(text)
    media_type = kind[1].strip() if kind else None
    match encoding[1].lower() if encoding else "":
        case "base64":
            if _NOT_BASE64.search(body):
                yield Unread.DAMAGED
            yield Nested(_base64(body), media_type)
        case "quoted-printable":
            yield Nested(binascii.a2b_qp(body), media_type)
        case _:
            yield Nested(body, media_type)


def _base64(body: bytes) -> bytes:
    """Everything that is decoded by some reader: what is no letter of base64 is passed over, each padded piece is read."""
    letters = re.sub(rb"[^A-Za-z0-9+/=]", b"", body.translate(bytes.maketrans(b"-_", b"+/")))
    pieces = [piece for piece in letters.split(b"=") if piece]
    decoded = (binascii.a2b_base64(piece[: len(piece) - (len(piece) % 4 == 1)] + b"===") for piece in pieces)
    return b"".join(decoded)


FORMAT = Format("multipart", Layer.WRITING, recognises, open_multipart, alone=True, order=20)
