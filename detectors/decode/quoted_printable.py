"""Quoted-printable (RFC 2045 section 6.7), in text that holds a message or a part of one."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

import re2

from detectors.formats import Decoder, Layer
from detectors.text import Text

_SIGN = re2.compile(rb"=[0-9A-F]{2}|[^\s=]=\r?\n\S")


def decode(text: Text) -> Iterator[str | bytes]:
    """The text with its escapes undone and its soft line breaks joined."""
    whole = text.encoded
    if b"=" in whole and _SIGN.search(whole):
        yield binascii.a2b_qp(whole)


DECODER = Decoder("quoted_printable", Layer.WRITING, decode)
