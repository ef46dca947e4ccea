"""Loads in the worker, before its door is shut, what would otherwise be loaded with the first file: formats, decoders, codecs, tables."""

from __future__ import annotations

import codecs

from detectors.budget import Limits
from detectors.formats import decoders, formats
from detectors.knowledge import Matcher, Matches
from detectors.scan import scan

_CODECS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-7", "cp1252", "cp437", "latin-1", "ascii", "idna", "punycode")
_SAMPLE = "Max Muster\tmax.muster@example.com\t+49 30 901820\tDE136695976\n"


class _Nobody:
    """Recognises nobody: a warm-up leaves nothing behind."""

    def find(self, text: str, into: Matches) -> None:
        """Nothing."""

    def add(self, news: bytes) -> None:
        """Nothing."""


def warm(matcher: Matcher, limits: Limits) -> None:
    """Run everything once."""
    for name in _CODECS:
        codecs.lookup(name)
    formats()
    decoders()
    matcher.find(_SAMPLE, Matches())
    for sample in samples():
        scan(sample, _Nobody(), limits, media_type="multipart/form-data; boundary=x", encoding="gzip")
        scan(sample, _Nobody(), limits)


def samples() -> tuple[bytes, ...]:
    """One small content of each kind whose library loads something late."""
    return (_SAMPLE.encode(),)
