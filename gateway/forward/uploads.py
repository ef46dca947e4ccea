"""What a request carries out: whether it is an upload, in which shape, and what may be recorded of its file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.forward.framing import Asked

QUERY_BYTES = 100
"""From this length on a query is content: less holds no more than one value or two, and is part of any page's address."""
PATH_BYTES = 256
"""The same for a path, whose segments are words of the site in the main."""
RECORDED_BYTES = 4 * 1024
"""An upload of this size or more is recorded, also when nothing was found and it names no file."""
_NAME_SEARCHED = 64 * 1024
"""Bytes of a body in which a file name is looked for: the first part of a form is at its beginning."""
_FILE_NAME = re.compile(rb"content-disposition:[^\r\n]{0,512}?filename(\*?)=(\"[^\"\r\n]{0,512}|[^\s;\r\n]{0,512})", re.IGNORECASE)
_PARAMETER = re.compile(rb"filename(\*?)=(\"[^\"\r\n]{0,512}|[^\s;\r\n]{0,512})", re.IGNORECASE)
_BOUNDARY = re.compile(r"boundary=(?:\"([^\"]{1,200})\"|([^\s;,\"]{1,200}))", re.IGNORECASE)
NAMES, NAME_LENGTH = 5, 120
"""Names of files that who is asked to approve an upload sees, and their characters."""
_PART_HEAD = 2 * 1024
"""Bytes of the head of a form's part in which its file's name is looked for."""
_PARTS_SEARCHED = 10_000
_EXTENSION = re.compile(r"[A-Za-z0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of an upload before its content is read."""

    form: str
    """Word of ours for the record: `multipart`, `form`, `json`, `raw`, `query`, `head`, `large`, `message`."""
    extension: str | None
    """Of the first file's name, lower case; the name itself is not kept."""
    named: bool
    """A file name was sent along."""
    file: slice
    """Where the first file lies in the body; all of it when there is no such part."""


HEAD = Shape("head", None, named=False, file=slice(0, 0))
"""Of a request that is no upload but for its head."""
LARGE = Shape("large", None, named=False, file=slice(0, 0))
"""Of a body that is too large to be read."""


def is_upload(asked: Asked, body: bytes) -> bool:
    """A body, or a target so long that it carries content."""
    return bool(body) or len(asked.query) >= QUERY_BYTES or len(asked.path) >= PATH_BYTES


def shape(asked: Asked, body: bytes) -> Shape:
    """Look at the head of an upload; never raises for what a client sent."""
    if not body:
        return Shape("query", None, named=False, file=slice(0, 0))
    media = (asked.header("content-type") or "").partition(";")[0].strip().lower()
    everything = slice(0, len(body))
    if media.startswith("multipart/"):
        found = _FILE_NAME.search(body, 0, _NAME_SEARCHED)
        if found is None:
            return Shape("multipart", None, named=False, file=everything)
        name = found[2].lstrip(b'"').decode("utf-8", "replace")
        return Shape("multipart", _extension(unquote(name)), named=bool(name), file=_part(asked, body, found.end()))
    extension = _extension(_name_beside(asked))
    form = "form" if media == "application/x-www-form-urlencoded" else "json" if media.endswith("json") else "raw"
    return Shape(form, extension, named=extension is not None, file=everything)


def file_names(asked: Asked, body: bytes) -> tuple[str, ...]:
    """The names that its sender gave the files of an upload, `NAMES` of them, then how many more there are (`+ 3`).

    They could be a client's, so they are for the eyes of who is asked to approve it only; never raises for what a client sent.
    """
    if not body:
        return ()
    mark = boundary(asked)
    found = [_name_beside(asked)] if mark is None else list(_names_of_parts(body, b"--" + mark))
    names = ["".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in name)[:NAME_LENGTH] for name in found if name]
    return (*names[:NAMES], *([f"+ {len(names) - NAMES}"] if len(names) > NAMES else []))


def _names_of_parts(body: bytes, line: bytes) -> Iterator[str]:
    start = body.find(line)
    for _ in range(_PARTS_SEARCHED):
        if start < 0:
            return
        start += len(line)
        end = body.find(b"\r\n\r\n", start, start + _PART_HEAD)
        if end >= 0 and (named := _FILE_NAME.search(body, start, end)) is not None:
            line_end = body.find(b"\r\n", named.start(), end)
            called = _PARAMETER.finditer(body, named.start(), line_end if line_end >= 0 else end)
            yield " = ".join(dict.fromkeys(map(_called, called)))  # which of several names counts, the server decides
        start = body.find(b"\r\n" + line, start)
        start = start + 2 if start >= 0 else start


def _called(found: re.Match[bytes]) -> str:
    name = found[2].lstrip(b'"').decode("utf-8", "replace")
    return unquote(name.partition("''")[2] or name) if found[1] else name


def _name_beside(asked: Asked) -> str:
    """Of a body that is one file: what a header, or the address that it is put to, calls it."""
    name = asked.header("x-file-name") or asked.header("x-filename") or ""
    return name or (unquote(asked.path.rpartition("/")[2]) if asked.method == "PUT" else "")


def boundary(asked: Asked) -> bytes | None:
    """What stands between the parts of a form (RFC 2046, section 5.1.1); None if it is none, or does not say."""
    media = asked.header("content-type") or ""
    if not media.strip().lower().startswith("multipart/"):
        return None
    found = _BOUNDARY.search(media)
    return None if found is None else (found[1] or found[2]).encode("latin-1")


def _part(asked: Asked, body: bytes, after: int) -> slice:
    """From the end of the part's head to the next boundary."""
    mark = boundary(asked)
    start = body.find(b"\r\n\r\n", after)
    if mark is None or start < 0:
        return slice(0, len(body))
    end = body.find(b"\r\n--" + mark, start)
    return slice(start + 4, end if end >= 0 else len(body))


def _extension(name: str) -> str | None:
    _, dot, ending = name.strip().rpartition(".")
    return ending.lower() if dot and _EXTENSION.fullmatch(ending) else None
