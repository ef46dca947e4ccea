"""What a scan of content found, and what it could not read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from detectors.client_index.identifier import Kind
from detectors.mark import Mark
from policies.request import ClientId, Finding

CLIENTS, UNINSPECTABLE = "clients", "uninspectable"
"""Kinds of a `Finding`."""


class Unread(StrEnum):
    """Why a part of the content could not be read. Not inspectable is a verdict (law 4)."""

    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    """Cut off, lying about its own sizes or encodings, or otherwise not what it says."""
    TOO_LARGE = "too_large"
    """More bytes, packed or unpacked, than a scan may take."""
    TOO_DEEP = "too_deep"
    """Packed in itself more often than a scan follows."""
    TOO_MANY = "too_many"
    """More entries than a scan opens."""
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    """The worker ended, ran out of memory or answered nonsense."""
    UNKNOWN_FORMAT = "unknown_format"
    """A container of a kind that is not opened (7z, RAR, old Office files)."""
    IMAGES_ONLY = "images_only"
    """A document whose pages are pictures without text."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one scan."""

    clients: Mapping[ClientId, frozenset[Kind]] = field(default_factory=dict)
    """Distinct clients recognised, with the kinds of value by which; `Kind.NAME` beside a strong kind where the name stands near it."""
    keys: frozenset[int] = frozenset()
    """Keyed hashes (64 bits) of the recognised values: what links the content to the manifests of exports."""
    suspected: frozenset[int] = frozenset()
    """On an employee's machine only: hashes under the desk key that may be clients'; the server says which are."""
    unread: tuple[Unread, ...] = ()
    """Causes, each once, in a fixed order; empty: everything was read."""
    size: int = 0
    """Bytes given to the scan."""
    parts: int = 0
    """Parts that were opened: the content itself, entries of archives, decoded pieces."""
    marks: tuple[Mark, ...] = ()
    """Marks of exports that stand in the content, each once; whether they are ours is not known here."""

    @property
    def clean(self) -> bool:
        """Nothing recognised, nothing suspected, no mark of an export, everything read."""
        return not (self.clients or self.suspected or self.unread or self.marks)

    def findings(self, where: str = "content") -> tuple[Finding, ...]:
        """The verdict as the policy reads it; `where` is a word of ours (`body`, `message`), never a file name."""
        found = [Finding(UNINSPECTABLE, cause.value, 0, 1.0, where) for cause in self.unread]
        if self.clients:
            found.insert(0, Finding(CLIENTS, "client_index", len(self.clients), 1.0, where))
        return tuple(found)
