"""Signed statements about the record, in a text that is stable for ever: who keeps one can show later what the record was.

A statement is text of one `name value` a line, then an empty line, then one line for each signature, in the manner of the signed notes of
the transparency-log community (C2SP signed-note), so that their tools can check it too:

    torwart statement 1
    signer gateway
    number 17
    time 2026-05-12T09:30:00.123Z
    before 3b1f...                     SHA-256 of the text of the signer's statement before this one; `none` for number 1
    kind head
    epoch 1
    sequence 512
    hash 9c0e...

    — torwart q1w2e3...                base64: 4 bytes that name the key, 64 bytes of Ed25519 over the text above the empty line

Kinds, and their lines:

    head   where a producer's chain ends: `epoch`, `sequence`, `hash` (`audit_store.chain`)
    tree   what the log took in on one day: `day` (UTC), `first` (the log's number of the day's first entry), `size`, `root` (of
           `audit_store.merkle`, over `entry_bytes`), one `end PRODUCER EPOCH SEQUENCE HASH` for each producer; `broken CAUSE` where the
           log was not what had been stated before
    key    the key that signs from now on: `public`; signed by the key before it and by itself, the first one by itself alone

Every signer (a producer, `log`, `keys`) counts its statements by itself, so that processes need not wait for each other. Where several
machines share a record, all of these carry the machine's name: `gateway-a`, `log-a`, `keys-a`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NAME = "torwart"
"""Of every key, in its signature lines."""
TREES, KEYS = "log", "keys"
"""Signers of tree statements and of key statements, with the name of their machine behind a hyphen; all others are producers."""
KEY_BYTES, SIGNATURE_BYTES = 32, 64
_FIRST = "torwart statement 1"
_NONE = "none"
_KEY_ID_BYTES = 4
_ED25519 = b"\x01"
"""Type of the signature, as signed notes number it."""
_TEXT = re.compile(rf"{_FIRST}\n(?:[^\n]+\n)+")
_NOTE = re.compile(rf"(?P<text>{_FIRST}\n(?:[^\n]+\n)+)\n(?P<signatures>(?:— {NAME} [A-Za-z0-9+/=]+\n)+)")
_SIGNER = re.compile(r"[a-z][a-z0-9-]{0,31}")
_HASH = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_COUNT = re.compile(r"0|[1-9]\d{0,17}")


class StatementError(ValueError):
    """A text is no statement."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a producer's chain ended."""

    producer: str
    epoch: int
    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """A producer's own word on its end."""

    end: End

    kind = "head"


@dataclass(frozen=True, slots=True)
class Tree:
    """What the log took in on one day."""

    day: date
    first: int
    """The log's number of the day's first entry."""
    size: int
    root: bytes
    ends: tuple[End, ...]
    """The newest entry of each producer, up to this one."""
    broken: str | None = None
    """Why the log is not what was stated before."""

    kind = "tree"

    @property
    def last(self) -> int:
        """The log's number of the newest entry in it."""
        return self.first + self.size - 1


@dataclass(frozen=True, slots=True)
class NewKey:
    """The key that signs from now on."""

    public: bytes

    kind = "key"


type Body = Head | Tree | NewKey


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with its signatures."""

    signer: str
    number: int
    """From 1, for each signer."""
    time: datetime
    """UTC, the signer's clock."""
    before: bytes | None
    body: Body
    text: str
    signatures: Mapping[bytes, bytes]
    """Key id -> signature."""

    @property
    def digest(self) -> bytes:
        """What the signer's next statement carries as `before`."""
        return sha256(self.text.encode()).digest()

    @property
    def name(self) -> str:
        """How people call it."""
        return f"{self.signer} {self.number}"

    def note(self) -> str:
        """The whole, as it is kept and sent."""
        lines = [f"— {NAME} {base64.b64encode(key + made).decode()}\n" for key, made in self.signatures.items()]
        return f"{self.text}\n{''.join(lines)}"

    def signed_by(self, public: bytes) -> bool:
        """True if the key has signed exactly this text."""
        made = self.signatures.get(key_id(public))
        if made is None:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(made, self.text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def make(signer: str, number: int, time: datetime, before: bytes | None, body: Body, keys: Iterable[Ed25519PrivateKey]) -> Statement:
    """A new statement, signed by all of `keys`."""
    stamp = time.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    head = [_FIRST, f"signer {signer}", f"number {number}", f"time {stamp}", f"before {before.hex() if before else _NONE}"]
    text = "\n".join([*head, f"kind {body.kind}", *_lines(body)]) + "\n"
    signatures = {key_id(key.public_key().public_bytes_raw()): key.sign(text.encode()) for key in keys}
    return _read(text, signatures)


def parse(note: str) -> Statement:
    """The statement of a text that is exactly one. Raises StatementError."""
    match = _NOTE.fullmatch(note)
    if match is None:
        raise StatementError("it has not the form of a signed statement")
    return _matched(match)


def find(text: str) -> list[Statement | StatementError]:
    """All statements in a text that may hold anything else; in the place of one that cannot be read, why."""
    found: list[Statement | StatementError] = []
    for match in _NOTE.finditer(text.replace("\r\n", "\n")):
        try:
            found.append(_matched(match))
        except StatementError as error:
            found.append(error)
    return found


def entry_bytes(sequence: int, received: int, producer: str, epoch: int, producer_sequence: int, digest: bytes) -> bytes:
    """What is a leaf of the log's tree: the entry's place, time of receipt (ms since 1970) and hash in its producer's chain."""
    return b"%d\0%d\0%s\0%d\0%d\0%s" % (sequence, received, producer.encode(), epoch, producer_sequence, digest)


def day_of(received: int, before: date | None) -> date:
    """The day of an entry: the UTC date of its receipt, but never one before that of the entry before it (a clock may be set back)."""
    day = datetime.fromtimestamp(received / 1000, UTC).date()
    return day if before is None or day > before else before


def key_id(public: bytes) -> bytes:
    """Four bytes that name a key in signature lines (C2SP signed-note)."""
    return sha256(NAME.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_BYTES]


def fingerprint(public: bytes) -> str:
    """What people write down of a public key: 80 bits in five groups, `7F3A-91C2-D4E5-F607-18A9`."""
    digits = sha256(public).hexdigest()[:20].upper()
    return "-".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def verifier_line(public: bytes) -> str:
    """The public key in the form of signed notes, for their tools."""
    return f"{NAME}+{key_id(public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def read_verifier_line(line: str) -> bytes | None:
    """The public key in the form of signed notes; None if it is none."""
    name, _, rest = line.strip().partition("+")
    claimed, _, data = rest.partition("+")
    try:
        decoded = base64.b64decode(data, validate=True)
    except ValueError:
        return None
    public = decoded.removeprefix(_ED25519)
    return public if name == NAME and len(public) == KEY_BYTES and key_id(public).hex() == claimed else None


def _lines(body: Body) -> list[str]:
    match body:
        case Head(end):
            return [f"epoch {end.epoch}", f"sequence {end.sequence}", f"hash {end.hash.hex()}"]
        case Tree():
            ends = [f"end {end.producer} {end.epoch} {end.sequence} {end.hash.hex()}" for end in body.ends]
            broken = [f"broken {' '.join(body.broken.split())}"] if body.broken else []
            return [f"day {body.day}", f"first {body.first}", f"size {body.size}", f"root {body.root.hex()}", *ends, *broken]
        case NewKey(public):
            return [f"public {public.hex()}"]


def _matched(match: re.Match[str]) -> Statement:
    signatures: dict[bytes, bytes] = {}
    for line in match["signatures"].splitlines():
        try:
            data = base64.b64decode(line.rsplit(" ", 1)[1], validate=True)
        except ValueError:
            continue  # the torn end of a file: it signs nothing
        if len(data) == _KEY_ID_BYTES + SIGNATURE_BYTES:  # others may add signatures of other kinds
            signatures[data[:_KEY_ID_BYTES]] = data[_KEY_ID_BYTES:]
    return _read(match["text"], signatures)


def _read(text: str, signatures: Mapping[bytes, bytes]) -> Statement:
    reader = _Reader(text)
    signer = reader.one("signer", _SIGNER)
    number = int(reader.one("number", _COUNT))
    stamp = reader.one("time", _TIME)
    before = reader.value("before")
    kind = reader.value("kind")
    body = _body(kind, signer, reader)
    reader.end()
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        raise StatementError(f"{stamp} is no time") from None
    if number < 1 or (before == _NONE) != (number == 1) or (before != _NONE and not _HASH.fullmatch(before)):
        raise StatementError("it does not say what came before it")
    return Statement(signer, number, time, None if before == _NONE else bytes.fromhex(before), body, text, signatures)


def _body(kind: str, signer: str, reader: _Reader) -> Body:
    family = signer.partition("-")[0]
    if (kind == Tree.kind) != (family == TREES) or (kind == NewKey.kind) != (family == KEYS):
        raise StatementError(f"{signer} does not make statements of the kind {kind}")
    match kind:
        case Head.kind:
            epoch, sequence = int(reader.one("epoch", _COUNT)), int(reader.one("sequence", _COUNT))
            return Head(End(signer, epoch, sequence, reader.hash("hash")))
        case NewKey.kind:
            return NewKey(reader.hash("public"))
        case Tree.kind:
            return _tree(reader)
        case _:
            raise StatementError(f"the kind {kind} is not known: it was made by a newer Torwart")


def _tree(reader: _Reader) -> Tree:
    try:
        day = date.fromisoformat(reader.value("day"))
    except ValueError:
        raise StatementError("its day is none") from None
    first, size, root = int(reader.one("first", _COUNT)), int(reader.one("size", _COUNT)), reader.hash("root")
    ends = []
    while reader.next("end"):
        words = reader.value("end").split(" ")
        if len(words) != 4 or not (_SIGNER.fullmatch(words[0]) and all(map(_COUNT.fullmatch, words[1:3])) and _HASH.fullmatch(words[3])):
            raise StatementError("an end of a producer is not readable")
        ends.append(End(words[0], int(words[1]), int(words[2]), bytes.fromhex(words[3])))
    broken = reader.value("broken") if reader.next("broken") else None
    if first < 1 or size < 1:
        raise StatementError("a tree of nothing is not stated")
    return Tree(day, first, size, root, tuple(ends), broken)


class _Reader:
    """The lines of a statement, one after the other."""

    def __init__(self, text: str) -> None:
        if not _TEXT.fullmatch(text):
            raise StatementError("it has not the form of a statement")
        self._lines = text.splitlines()[1:]

    def next(self, name: str) -> bool:
        return bool(self._lines) and self._lines[0].startswith(f"{name} ")

    def value(self, name: str) -> str:
        if not self.next(name):
            raise StatementError(f"the line {name} is not where it should be")
        return self._lines.pop(0).removeprefix(f"{name} ")

    def one(self, name: str, form: re.Pattern[str]) -> str:
        value = self.value(name)
        if not form.fullmatch(value):
            raise StatementError(f"the line {name} is not readable")
        return value

    def hash(self, name: str) -> bytes:
        return bytes.fromhex(self.one(name, _HASH))

    def end(self) -> None:
        if self._lines:
            raise StatementError("it goes on after its end")
