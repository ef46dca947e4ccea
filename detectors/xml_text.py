"""The text of an XML part: paragraphs joined, everything else kept apart, what else can be a value (attributes, comments) beside it.

Read as a stream, without entities, declarations of types or network, by expat, which makes no tree: a letter is read in a fifth of the time
that building and walking one takes. A part with a DOCTYPE is refused: no office program writes one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from xml.parsers import expat

from detectors.budget import Budget

_JOINED = ("wordprocessingml", "spreadsheetml", "drawingml", "presentationml")
"""Namespaces whose elements divide letters of one word (runs of other colours); all others divide values."""
_BREAKS = frozenset({"p", "br", "cr", "tr", "si", "comment", "text", "row", "definedName", "hyperlinkBase", "oddHeader", "oddFooter"})
_BREAKS |= {"evenHeader", "evenFooter", "firstHeader", "firstFooter", "f", "v", "s", "n", "formula1", "formula2", "author", "cm", "rPh"}
_TABS = frozenset({"tab", "tc", "noBreakHyphen"})
_PRINTED = ("Header", "Footer")
_CODE = re.compile(r'&(?:K[0-9A-F]{6}|"[^"]*"|[0-9]{1,3}|[A-Z])')
"""Places and fonts within printed headers of a sheet (ISO/IEC 29500-1, 18.3.1.46): `&L` is a place, not two letters."""
_SHORTEST = 6
"""Letters of an attribute that can be a value."""
_CHUNK = 1 << 16
_GIVEN, _ATTRIBUTES = 1 << 18, 20_000
"""Letters and attributes after which what was read is given."""
_SHARED = 1_024
"""Letters that are given again with what follows: more than a value in any spelling has."""


class XmlError(Exception):
    """It is no XML that an office program writes: not well-formed, in an encoding of several bytes that is not Unicode (ISO/IEC 29500-2
    allows UTF-8 and UTF-16), or it declares a type."""


def xml_text(content: bytes, budget: Budget) -> Iterator[str]:
    """The text in document order, then the attributes and comments. Raises XmlError and SpentError; what was read before is given."""
    parts, parser = _Parts(), expat.ParserCreate(namespace_separator="}")
    parts.listen_to(parser)
    for begin in range(0, len(content), _CHUNK):
        budget.check()
        try:
            parser.Parse(content[begin : begin + _CHUNK], begin + _CHUNK >= len(content))
        except (expat.ExpatError, LookupError, ValueError) as error:
            yield from parts.given()
            raise XmlError from error
        if sum(map(len, parts.text)) > _GIVEN or len(parts.beside) > _ATTRIBUTES:
            yield from parts.given()
    yield from parts.given()


class _Parts:
    """What a parser has found and was not given yet."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.beside: dict[str, None] = {}
        self._printed: list[int] = []
        """Where the text of each printed header that is open begins."""
        self._before, self._behind = _Signs(_before), _Signs(_behind)

    def listen_to(self, parser: expat.XMLParserType) -> None:
        """Take what it finds. It knows these parts and not the other way round: its memory is given back at once."""
        parser.buffer_text = parser.ordered_attributes = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self.text.append
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartDoctypeDeclHandler = _refuse

    def given(self) -> Iterator[str]:
        """All of it. The end of the text stays: a value may go on behind it."""
        text, beside = "".join(self.text), "\n".join(self.beside)
        self.text[:] = [text[-_SHARED:]]
        self._printed = [0 for _ in self._printed]
        self.beside.clear()
        yield text
        yield beside

    def _start(self, tag: str, attributes: list[str]) -> None:
        if attributes:
            for value in attributes[1::2]:
                if len(value) >= _SHORTEST:
                    self.beside[value] = None
        before = self._before[tag]
        if before:
            self.text.append(before)
            if tag.endswith(_PRINTED):
                self._printed.append(len(self.text))

    def _end(self, tag: str) -> None:
        behind = self._behind[tag]
        if behind:
            self.text.append(behind)
            if self._printed and tag.endswith(_PRINTED):
                printed = "".join(self.text[self._printed.pop() :])
                self.text.append(_CODE.sub(" ", printed))

    def _comment(self, said: str) -> None:
        self.beside[said] = None

    def _instruction(self, _target: str, said: str) -> None:
        self.beside[said] = None


class _Signs(dict[str, str]):
    """What stands for the tags of a part, each looked at once."""

    def __init__(self, sign: Callable[[str, str], str]) -> None:
        super().__init__()
        self._sign = sign

    def __missing__(self, tag: str) -> str:
        namespace, _, name = tag.rpartition("}")
        self[tag] = sign = self._sign(namespace, name)
        return sign


def _before(namespace: str, name: str) -> str:
    """What stands before an element: a value ends where one begins that is not a part of it."""
    return "\n" if name.endswith(_PRINTED) or not _is_joined(namespace) else ""


def _behind(namespace: str, name: str) -> str:
    if not _is_joined(namespace) or name in _BREAKS or name.endswith(_PRINTED):
        return "\n"
    return "\t" if name in _TABS else ""


def _is_joined(namespace: str) -> bool:
    return any(word in namespace for word in _JOINED)


def _refuse(*_: object) -> None:
    raise XmlError
