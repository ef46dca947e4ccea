"""What a container format and a decoder are, and how their folders are read.

A format takes content apart; it is recognised by what stands in the content, never by a name. A decoder finds encoded stretches in text.
Each is one file of `detectors/extract` or `detectors/decode` with a constant `FORMAT` or `DECODER`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from detectors.budget import Budget
from detectors.text import Text
from detectors.verdict import Unread


class FormatError(Exception):
    """A file of the folder is no format, or two have one name: nothing may start with half its formats."""


class Layer(StrEnum):
    """What is counted when a part lies in another (`detectors.budget.Limits`)."""

    ARCHIVE = "archives"
    DECODED = "decoded"
    WRITING = "writings"
    NONE = "none"
    """Not counted: it holds nothing of its own kind."""


@dataclass(frozen=True, slots=True)
class Nested:
    """Bytes of which a header says what they are. The header is a hint: what they are is seen by their content."""

    content: bytes
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Readable:
    """What is readable in bytes that are no text, one run a line. Short runs are mostly noise: nothing is decoded in them."""

    text: str


def whole(_content: bytes) -> bool:
    """For `Format.covers`: all of it."""
    return True


type Part = str | Text | bytes | Nested | Readable | Unread
"""Text, bytes that may be anything (also where they were text once), or the cause why a part could not be read."""


@dataclass(frozen=True, slots=True)
class Format:
    """One container format."""

    name: str
    layer: Layer
    recognises: Callable[[bytes, str | None], bool]
    """Content and declared media type (lower case, with parameters)."""
    open: Callable[[bytes, str | None, Budget], Iterator[Part]]
    """Takes it apart. May raise anything: what was not given by then is `damaged`."""
    alone: bool = False
    """It gives every byte of the content to somebody: no other reading is needed."""
    covers: Callable[[bytes], bool] = lambda _: False
    """It gives every byte that can hold text: other formats are still asked, but the content is not read as plain text too."""
    beside: Callable[[bytes], bytes] = lambda content: content
    """What of it is also read as plain text, where nothing in it was missed. The rest, proven to be packed, is looked over as it stands:
    nothing is undone in it."""
    order: int = 50
    """Smaller is asked earlier; matters only for formats that stand `alone`."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """One way of writing text or bytes within text."""

    name: str
    layer: Layer
    decode: Callable[[Text], Iterator[str | bytes]]
    """What is written in the text this way, decoded; nothing where nothing is."""


def load_formats(package: ModuleType) -> tuple[Format, ...]:
    """All formats of a folder, in their order. Raises FormatError for a module without one and for a name that is there twice."""
    return tuple(sorted(_load(package, "FORMAT", Format).values(), key=lambda one: (one.order, one.name)))


def load_decoders(package: ModuleType) -> tuple[Decoder, ...]:
    """All decoders of a folder, by name. Raises FormatError as `load_formats`."""
    return tuple(sorted(_load(package, "DECODER", Decoder).values(), key=lambda one: one.name))


@cache
def formats() -> tuple[Format, ...]:
    """The formats of this installation."""
    return load_formats(import_module("detectors.extract"))


@cache
def decoders() -> tuple[Decoder, ...]:
    """The decoders of this installation."""
    return load_decoders(import_module("detectors.decode"))


def _load[One: (Format, Decoder)](package: ModuleType, constant: str, kind: type[One]) -> Mapping[str, One]:
    found: dict[str, One] = {}
    for module in iter_modules(package.__path__, package.__name__ + "."):
        one = getattr(import_module(module.name), constant, None)
        if not isinstance(one, kind):
            raise FormatError(f"{module.name} has no {constant}: write one, or move the file out of this folder")
        if one.name in found:
            raise FormatError(f"{one.name!r} is there twice, once in {module.name}: rename one")
        found[one.name] = one
    if not found:
        raise FormatError(f"{package.__name__} is empty: a scan without it sees nothing")
    return found
