"""The pure pipeline of a scan: content in, verdict out. No file, no network; time only to keep to the budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import partial

from detectors.budget import MIB, Budget, Limits, SpentError
from detectors.formats import Format, Layer, Nested, Part, Readable, decoders, formats
from detectors.knowledge import Matcher, Matches
from detectors.mark import Mark, find_marks
from detectors.meaning import LONG, means_something
from detectors.plain import as_text, runs
from detectors.settle import settled
from detectors.text import Text
from detectors.transfer import without_encoding
from detectors.verdict import Unread, Verdict

WINDOW = 1 << 20
"""Letters given to the matcher at once."""
OVERLAP = 1_024
"""Letters of one window that the next one sees again: longer than a value in any spelling."""
_NO_NOISE = 32
"""Letters in a row that chance does not make in bytes that are no text."""
_WORTH_TELLING = 24
"""Bytes that a decoded run needs to count as packed too deep."""
_OF_A_PIECE = frozenset({Unread.DAMAGED, Unread.TOO_DEEP})
"""What a piece of a file may be, of which nothing is missed as a whole."""
_HEAD, _TAIL = 30, 48
"""Bytes of a piece that are a file's in any case (the head of an entry of a zip); and those at its end that a wrong reading spoils."""
_REMEMBERED, _PIECES = 16 * MIB, 32
"""Bytes of decoded files that are remembered, to know a piece of one again; and how many pieces are."""


def scan(
    content: bytes,
    matcher: Matcher,
    limits: Limits,
    *,
    media_type: str | None = None,
    encoding: str | None = None,
    name: str | None = None,
) -> Verdict:
    """What the matcher recognises in the content and in everything packed in it. Never raises for content.

    `media_type` and `encoding` are what a header says (Content-Type, Content-Encoding); a header that lies is `damaged`. `name` is text
    like any other.
    """
    size = len(content)
    run = _Scan(matcher, Budget(limits, size))
    if size > limits.size:
        run.budget.note(Unread.TOO_LARGE)
        content = content[: limits.size]
    if name:
        run.take(name, Depth())
    for part in run.guarded(without_encoding(content, encoding, run.budget)):
        run.take(Nested(part, media_type) if isinstance(part, bytes) else part, Depth())
    run.settle()
    found = run.matches
    clients = {client: frozenset(kinds) for client, kinds in found.clients.items()}
    marks = tuple(sorted(run.marks, key=str))
    return Verdict(clients, frozenset(found.keys), frozenset(found.suspected), run.budget.unread, size, run.parts, marks)


class _Read(IntEnum):
    """How a text was read, from less to more."""

    NOT = 0
    SETTLED = 1
    UNDONE = 2
    WHOLE = 3


@dataclass(slots=True)
class _Origin:
    """A text in which ways of writing are undone."""

    settling: bool = False
    """They are undone one after another, no longer each in each."""
    deeper: bool = False
    """There are more in one another than a scan follows in every order."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How often a part is packed, by kind of layer."""

    archives: int = 0
    decoded: int = 0
    writings: int = 0
    read: Format | None = None
    """Where this is the bare text of a file, in whatever way of writing: the format that has taken the file apart, and missed nothing."""
    origin: _Origin | None = None
    """Where this is a text in some ways of writing: the text that they stand in."""

    def below(self, layer: Layer) -> Depth:
        """The depth of what lies in such a layer here."""
        return Depth(
            self.archives + (layer is Layer.ARCHIVE),
            self.decoded + (layer is Layer.DECODED),
            self.writings + (layer is Layer.WRITING),
            self.read if layer is Layer.WRITING else None,
            self.origin if layer is Layer.WRITING else None,
        )

    def within(self, limits: Limits) -> bool:
        """False if this is deeper than a scan follows."""
        return self.archives <= limits.archives and self.decoded <= limits.decoded and self.writings <= limits.writings


@dataclass(slots=True)
class _Scan:
    matcher: Matcher
    budget: Budget
    matches: Matches = field(default_factory=Matches)
    marks: set[Mark] = field(default_factory=set)
    parts: int = 0
    seen: dict[int, _Read] = field(default_factory=dict)
    """Digests of texts that were read, and how: ways of writing in different order often give the same text."""
    first: Text | None = None
    """The only text that was read; it has no digest yet."""
    whole: list[bytes] = field(default_factory=list)
    """What was decoded in a text, and of which nothing was missed."""
    cut: list[tuple[bytes, set[Unread]]] = field(default_factory=list)
    """Pieces of damaged ones, and what was missed: one way of writing may show a piece of a file that another shows whole."""

    def take(self, part: Part, depth: Depth) -> None:
        """Read one part and everything in it."""
        if isinstance(part, Unread):
            self.budget.note(part)
            return
        try:
            if isinstance(part, str):
                self._text(Text(part), depth)
            elif isinstance(part, Text):
                self._bytes(part.encoded, None, depth)
            elif isinstance(part, Readable):
                self._text(Text(part.text), depth, noise=True)
            elif isinstance(part, Nested):
                self._bytes(part.content, part.media_type.lower() if part.media_type else None, depth)
            else:
                self._bytes(part, None, depth)
        except Exception as fault:  # noqa: BLE001 # not read
            self._note(fault)

    def settle(self) -> None:
        """Count what was missed in damaged files that no other way of writing has shown whole."""
        for _, causes in self.cut:
            self.budget.causes |= causes

    def guarded[P: Part](self, parts: Iterator[P]) -> Iterator[P]:
        """The parts; a fault on the way ends them and is a cause."""
        try:
            yield from parts
        except Exception as fault:  # noqa: BLE001 # not read
            self._note(fault)

    def _note(self, fault: Exception) -> None:
        """A fault is a cause, whatever a hostile file makes a parser raise."""
        match fault:
            case SpentError():
                self.budget.note(fault.cause)
            case MemoryError():
                self.budget.note(Unread.CRASHED)
            case _:
                self.budget.note(Unread.DAMAGED)

    def _bytes(self, content: bytes, media_type: str | None, depth: Depth) -> None:
        self.budget.check()
        if not content:
            return
        covered = False
        read = None
        for one in self._readings(content, media_type):
            inner = replace(depth.below(one.layer), origin=None)
            if depth.origin is not None and one.layer is Layer.WRITING and not inner.within(self.budget.limits):
                depth.origin.deeper = True
                if not depth.origin.settling:
                    continue
            if self._unpack(one, content, media_type, inner, again=one is depth.read):
                read = one
            covered = covered or one.covers(content)
            if one.alone:
                return
        if covered:
            return
        if read:
            depth = replace(depth, read=read)
            bare = read.beside(content)
            if len(bare) < len(content) and (text := as_text(content)) is not None:
                self._look_over(text)
                content = bare
        if depth.decoded and depth.origin is None and not read and len(content) >= LONG:
            if not self._missed(partial(self._as_text, content, depth)):
                self._remember(content)
        else:
            self._as_text(content, depth)

    def _as_text(self, content: bytes, depth: Depth) -> None:
        text = as_text(content)
        if text is not None:
            self._text(text, depth)
            return
        for readable in runs(content):
            self.take(readable, depth)
            self.budget.check()

    def _missed(self, work: Callable[[], None]) -> bool:
        """Whether something was missed in that work."""
        others, cut = self.budget.causes, len(self.cut)
        self.budget.causes = causes = set[Unread]()
        try:
            work()
        finally:
            self.budget.causes = others
            others |= causes
        return bool(causes) or len(self.cut) > cut

    def _readings(self, content: bytes, media_type: str | None) -> Iterator[Format]:
        for one in formats():
            try:
                recognised = one.recognises(content, media_type)
            except Exception:  # noqa: BLE001 # a head that breaks its recogniser is no readable file
                self.budget.note(Unread.DAMAGED)
                continue
            if recognised:
                yield one

    def _unpack(self, one: Format, content: bytes, media_type: str | None, depth: Depth, *, again: bool) -> bool:
        """Take it apart; False if something in it was missed that no other file may show whole.

        `again`: this was seen in the text of a file that the format has read.
        """
        if not depth.within(self.budget.limits):
            self.budget.note(Unread.TOO_DEEP)
            return False
        self.parts += 1
        others, cut = self.budget.causes, len(self.cut)
        self.budget.causes = causes = set[Unread]()
        try:
            for part in self.guarded(_opened(one, content, media_type, self.budget)):
                self.take(part, depth)
        finally:
            self.budget.causes = others
        if again and causes == {Unread.DAMAGED}:
            return False
        if depth.decoded and self._is_piece(content, causes):
            return True
        others |= causes
        missed = bool(causes) or len(self.cut) > cut
        if depth.decoded and not missed:
            self._remember(content)
        return not missed

    def _is_piece(self, content: bytes, causes: set[Unread]) -> bool:
        """True for a damaged file that is a piece of a whole one, or may turn out to be."""
        if Unread.DAMAGED not in causes or not causes <= _OF_A_PIECE:
            return False
        piece = content[: max(_HEAD, len(content) - _TAIL)]
        if any(piece in one for one in self.whole):
            return True
        if len(self.cut) >= _PIECES or len(piece) > _REMEMBERED // _PIECES:
            return False
        self.cut.append((piece, causes))
        return True

    def _remember(self, content: bytes) -> None:
        self.cut = [(piece, causes) for piece, causes in self.cut if piece not in content]
        if len(self.whole) < _PIECES and sum(map(len, self.whole)) + len(content) <= _REMEMBERED:
            self.whole.append(content)

    def _text(self, text: Text, depth: Depth, *, noise: bool = False) -> None:
        if not text.encoded or not self._is_new(text, depth.origin):
            return
        self.parts += 1
        self.budget.check()
        self._look_over(text)
        if noise:
            text = Text("\n".join(line for line in text.letters.split("\n") if len(line) >= _NO_NOISE))
        origin = depth.origin
        if origin is None:
            depth = replace(depth, origin=(origin := _Origin()))
            self._decoded(text, depth, origin)
            if origin.deeper:
                self._settle(text, depth)
        else:
            self._decoded(text, depth, origin)

    def _look_over(self, text: Text) -> None:
        """Find the clients and marks that stand in the text as it is."""
        find_marks(text.encoded, self.marks)
        if self._passed_over(text):
            return
        for window in _windows(text.letters):
            self.budget.check()
            try:
                self.matcher.find(window, self.matches)
            except Exception:  # noqa: BLE001 # not looked at is not read
                self.budget.note(Unread.CRASHED)

    def _decoded(self, text: Text, depth: Depth, origin: _Origin) -> None:
        """What is written in the text in one of the ways; where that is a way too many, only whether there is anything."""
        limits = self.budget.limits
        for decoder in decoders():
            below = depth.below(decoder.layer)
            writing = decoder.layer is Layer.WRITING
            if writing and (origin.settling or (origin.deeper and not below.within(limits))):
                continue
            for part in self.guarded(decoder.decode(text)):
                if below.within(limits):
                    self.budget.take(len(part))
                    self.take(part, below)
                elif writing:
                    origin.deeper = True
                    break
                elif len(part) >= _WORTH_TELLING and (isinstance(part, str) or means_something(part)):
                    self.budget.note(Unread.TOO_DEEP)

    def _settle(self, text: Text, depth: Depth) -> None:
        """Undo in the text whatever ways of writing there are, one after another."""
        left = max(self.budget.limits.writings - 1, depth.writings)
        depth = replace(depth, writings=left, origin=_Origin(settling=True))
        for part in self.guarded(settled(text)):
            self.budget.take(len(part.encoded if isinstance(part, Text) else part))
            self.take(part, depth)

    def _is_new(self, text: Text, origin: _Origin | None) -> bool:
        """False for a text that was read. The first one is digested when there is a second: most contents hold no other.

        A text that stands for itself is read once more, in more ways, than one that was come upon by undoing ways of writing.
        """
        if not self.seen and self.first is None:
            self.first = text
            return True
        if self.first is not None:
            self.seen[hash(self.first.encoded)] = _Read.WHOLE
            self.first = None
        how = _Read.WHOLE if origin is None else _Read.SETTLED if origin.settling else _Read.UNDONE
        digest = hash(text.encoded)
        if self.seen.get(digest, _Read.NOT) >= how:
            return False
        self.seen[digest] = how
        return True

    def _passed_over(self, text: Text) -> bool:
        try:
            return self.matcher.passes_over(text)
        except Exception:  # noqa: BLE001 # whether it may be passed over cannot be told: it is read
            return False


def _opened(one: Format, content: bytes, media_type: str | None, budget: Budget) -> Iterator[Part]:
    """The parts; what fails before the first of them fails here too."""
    yield from one.open(content, media_type, budget)


def _windows(text: str) -> Iterator[str]:
    """The text in stretches that share `OVERLAP` letters; cut where a line or a word ends, if there is one near."""
    begin = 0
    while len(text) - begin > WINDOW:
        end = begin + WINDOW
        cut = max(text.rfind("\n", end - OVERLAP, end), text.rfind(" ", end - OVERLAP, end))
        end = cut if cut > 0 else end
        yield text[begin:end]
        begin = end - OVERLAP
    yield text[begin:]
