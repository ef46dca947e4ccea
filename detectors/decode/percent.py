"""Percent signs of addresses and forms (RFC 3986 section 2.1; WHATWG URL, application/x-www-form-urlencoded, where `+` is a blank)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import re2

from detectors.formats import Decoder, Layer
from detectors.text import Text

_SIGN = re2.compile(rb"%[0-9A-Fa-f]{2}")
_FORM = re2.compile(rb"[A-Za-z0-9_.%*+\[\]-]+=[A-Za-z0-9_.%*+&=\[\]~!$'(),;:@/?-]*")
"""A form without its necessary escapes is none: base64 in JSON also has plus signs."""


def decode(text: Text) -> Iterator[str | bytes]:
    """The lines that hold such signs; a form also with blanks for its plus signs."""
    whole = text.encoded
    form = b"+" in whole and b"=" in whole and _FORM.fullmatch(whole.strip()) is not None
    if form:
        yield unquote_to_bytes(whole.replace(b"+", b" ").replace(b"&", b"\n"))
    if _SIGN.search(whole):
        yield unquote_to_bytes(b"\n".join(line for line in whole.split(b"\n") if b"%" in line))


DECODER = Decoder("percent", Layer.WRITING, decode)
