"""A text as letters and as UTF-8: each is made from the other when it is asked for, once for everybody who reads the text."""

from __future__ import annotations

from functools import cached_property

from detectors.glance import Glance, look
from detectors.utf8 import beyond_ascii


class Text:
    """One text. Made from letters, or from bytes that are known to be UTF-8."""

    def __init__(self, letters: str | None = None, encoded: bytes | None = None) -> None:
        if letters is not None:
            self.letters = letters
        if encoded is not None:
            self.encoded = encoded

    @cached_property
    def letters(self) -> str:
        """Its letters."""
        return self.encoded.decode("utf-8", "replace")

    @cached_property
    def encoded(self) -> bytes:
        """Its letters in UTF-8; what has no place there is a question mark."""
        return self.letters.encode("utf-8", "replace")

    @cached_property
    def beyond_ascii(self) -> frozenset[str] | None:
        """Which letters beyond ASCII it has; None: so many that nobody counted."""
        return beyond_ascii(self.encoded)

    @cached_property
    def glance(self) -> Glance:
        """What its bytes show at a glance."""
        return look(self.encoded)
