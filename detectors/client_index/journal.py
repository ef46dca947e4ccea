"""What was learned since the index was built: one line per client and event, appended by whoever learns and read by all others.

    <CRC-32 of the JSON, 8 hex digits> <JSON>

Several processes append at once (O_APPEND, one write each). A line begins and ends with a line feed: one that was torn by a kill, with a
reader or a writer right behind it, spoils nothing but itself.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from detectors.client_index.identifier import Kind
from policies.request import ClientId

_LETTERS = {Kind.EMAIL: "e", Kind.PHONE: "p", Kind.TAX: "t"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Hashes of one client."""

    client: ClientId
    keys: Mapping[Kind, list[int]]
    """Index keys of its strong values."""
    name: int = 0
    """`DeskHashes.name`, 0: not said."""
    places: list[int] = field(default_factory=list)
    """Places in an employee's filter: of numbers, then those of other values in `text_places`."""
    text_places: list[int] = field(default_factory=list)
    shortest: int = 0
    """Digits of its shortest number; 0: it has none."""
    shapes: list[str] = field(default_factory=list)
    """Of its official numbers with letters (`officials.shape`)."""

    def line(self) -> bytes:
        """The entry as it is appended."""
        document = {
            "c": self.client,
            "k": {_LETTERS[kind]: keys for kind, keys in self.keys.items()},
            "n": self.name,
            "p": self.places,
            "q": self.text_places,
            "s": self.shortest,
            "o": self.shapes,
        }
        text = orjson.dumps(document)
        return b"\n%08x %b\n" % (zlib.crc32(text), text)


def name_of(generation: int) -> str:
    """The journal that belongs to a base file; generation 0: there is none yet."""
    return f"live-{generation}.jsonl"


def append(folder: Path, generation: int, lines: bytes) -> None:
    """Append whole lines and make them durable. Raises OSError."""
    descriptor = os.open(folder / name_of(generation), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        view = memoryview(lines)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def complete(data: bytes) -> bytes:
    """What can be read already: up to the last line feed."""
    return data[: data.rfind(b"\n") + 1]


def entries(data: bytes) -> Iterator[Entry]:
    """The entries in a part of a journal; torn and damaged lines are passed over."""
    for line in data.split(b"\n"):
        text = line[9:]
        if not text or line[:9] != b"%08x " % zlib.crc32(text):
            continue
        document = orjson.loads(text)
        keys = {kind: document["k"][letter] for kind, letter in _LETTERS.items() if letter in document["k"]}
        yield Entry(document["c"], keys, document["n"], document["p"], document["q"], document["s"], document["o"])
