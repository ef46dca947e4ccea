"""How a scan worker gets to know the clients: by open files and a few bytes, never by a path (attacks X13)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from detectors.client_index.identifier import Kind
from detectors.text import Text
from policies.request import ClientId


class KnowledgeError(Exception):
    """The client base cannot be recognised as it is; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Image:
    """All that a worker needs to recognise clients. Whoever made it closes the files when the workers are started."""

    description: bytes = field(repr=False)
    """JSON with the member `kind` (`index`: the server's whole index, `desk`: the filter of an employee's machine); holds a key."""
    files: tuple[int, ...] = ()
    """Open file descriptors, read only, in the order that the description says."""
    mark: int = 0
    """Up to where of `Knowledge.news` this image goes."""


@dataclass(slots=True)
class Matches:
    """What a matcher has recognised so far."""

    clients: dict[ClientId, set[Kind]] = field(default_factory=dict)
    keys: set[int] = field(default_factory=set)
    suspected: set[int] = field(default_factory=set)


class Knowledge(Protocol):
    """The client base as the process knows it that may open the state folder."""

    def image(self) -> Image:
        """What a new worker is given. Raises KnowledgeError when the index cannot be read: then nothing can be scanned."""

    def news(self, since: int) -> tuple[int, bytes] | None:
        """What came after the mark `since`: the new mark and bytes for `Matcher.add` (empty: nothing new).

        None: the base itself was replaced, so a new `image` is needed.
        """


class Matcher(Protocol):
    """Recognises clients in text, inside the worker."""

    def find(self, text: str, into: Matches) -> None:
        """Add what is recognised in this text. Spelling, width and invisible characters do not matter."""

    def passes_over(self, text: Text) -> bool:
        """True if it is certain, and quickly told, that `find` would add nothing of this text."""

    def add(self, news: bytes) -> None:
        """Take over what `Knowledge.news` gave."""
