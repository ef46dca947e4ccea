r"""Ways of writing undone one after another until nothing is left of them: what a scan does where it may not branch any further.

A scan tries the ways of writing in every order, as deep as its limits say: there a wrong order spoils nothing, for the right one is tried
too. Behind that the text goes down three roads, each alone, so no step may spoil what another is to undo: only complete signs are undone
(`\u00=340` waits for its last figure), whole lines are kept, and tags are taken away only where nothing else is left.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Generator, Iterator
from urllib.parse import unquote_to_bytes

import re2

from detectors.budget import SpentError
from detectors.decode.backslash import undone
from detectors.decode.markup import without_tags
from detectors.plain import as_text
from detectors.text import Text
from detectors.verdict import Unread

STEPS = 64
"""Of one road. Files need two or three; letters that are no text about twenty."""

_PERCENT = re2.compile(rb"%[0-9A-Fa-f]{2}")
_SIGN = rb"u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|[^0-9A-Za-z\s=%&<]|[nrtbfv]"
_BACKSLASH = re.compile(rb"\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|" + _SIGN + rb")")
_ENTITY = re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,24});")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})|(?<=[^\s=])=[ \t]*\r?\n(?=\S)")
_SHIFTED = re.compile(rb"\+A[A-P][A-Za-z0-9/]+-")

type Step = Callable[[bytes], bytes | None]
"""One way of writing undone everywhere in a text; None where nothing is."""


def settled(text: Text) -> Iterator[Text | bytes]:
    """What the text becomes, step by step, along each of the roads; bytes that are no text end a road.

    Raises SpentError where after `STEPS` there is still something to undo. No road is sure to be the right one for a text that was made to
    spoil it; nearly all that programs make are undone by the first.
    """
    ended = True
    for road in _ROADS:
        ended = (yield from _along(road, text)) and ended
    if not ended:
        raise SpentError(Unread.TOO_DEEP)


def _along(road: tuple[Step, ...], text: Text) -> Generator[Text | bytes, None, bool]:
    """The texts of one road, each by the first of its steps that finds something; returns whether it came to its end."""
    for _ in range(STEPS):
        found = next((found for step in road if (found := _changed(step, text)) is not None), None)
        if found is None:
            return True
        yield found
        if isinstance(found, bytes):
            return True
        text = found
    return False


def _changed(step: Step, text: Text) -> Text | bytes | None:
    """The text behind the step; None if it is the same, bytes if it is none any more."""
    found = step(text.encoded)
    if found is None or found == text.encoded:
        return None
    if read := as_text(found):
        return read
    try:
        return Text(found.decode("utf-8"))  # a control character too many is no reason to stop
    except UnicodeDecodeError:
        return found


def _percent(text: bytes) -> bytes | None:
    return unquote_to_bytes(text) if _PERCENT.search(text) else None


def _backslash(text: bytes) -> bytes | None:
    return _BACKSLASH.sub(_letter, text) if b"\\" in text else None


def _letter(sign: re.Match[bytes]) -> bytes:
    return undone(sign[0].decode("utf-8", "replace")).encode("utf-8", "replace")


def _entities(text: bytes) -> bytes | None:
    return _ENTITY.sub(lambda sign: html.unescape(sign[0].decode("ascii")).encode("utf-8", "replace"), text) if b"&" in text else None


def _shifted(text: bytes) -> bytes | None:
    return _SHIFTED.sub(lambda sign: sign[0].decode("utf-7", "replace").encode("utf-8", "replace"), text) if b"+A" in text else None


def _quoted(text: bytes) -> bytes | None:
    return _QUOTED.sub(lambda sign: bytes.fromhex(sign[1].decode("ascii")) if sign[1] else b"", text) if b"=" in text else None


def _tags(text: bytes) -> bytes | None:
    return without_tags(text.decode("utf-8", "replace")).encode("utf-8", "replace") if b"<" in text else None


def _loose(text: bytes) -> bytes | None:
    """Backslashes before what is no sign."""
    return undone(text.decode("utf-8", "replace")).encode("utf-8", "replace") if b"\\" in text else None


def _blanks(text: bytes) -> bytes | None:
    """Plus signs that a form within had for its blanks."""
    return text.replace(b"+", b" ") if b"+" in text else None


_ROADS: tuple[tuple[Step, ...], ...] = (
    (_percent, _backslash, _entities, _shifted, _quoted, _tags, _loose, _blanks),
    (_tags, _quoted, _shifted, _entities, _backslash, _percent, _loose, _blanks),
    (_quoted, _shifted, _entities, _backslash, _percent, _tags, _loose, _blanks),
)
"""What takes away more than signs stands behind what it could spoil: each in one of them."""
