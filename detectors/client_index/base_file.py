"""The index on disk: one file, written whole, mapped into memory. It holds keyed hashes, the CRM's numbers of clients, and no value.

    magic (16 bytes) | length of the head (8, little endian) | head (JSON) | its BLAKE2b (16) | sections, each at a multiple of 64

Sections, little endian: `keys` (u64, sorted), `refs` (u32, beside each key: 2 bits kind, 30 bits row), `names` (u32 per row, 0: none),
`ids` (u32 per row; with `letters`, u32 ends of their UTF-8 bytes there), `number_places` and `text_places` (u32, sorted: what an
employee's filter is made from).
"""

from __future__ import annotations

import mmap
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.client_index.hashes import Numbers, Words
from detectors.client_index.identifier import Kind
from detectors.knowledge import KnowledgeError
from policies.request import ClientId

NAME = "clients.idx"
MOST_SHARED = 16
"""A value of more clients than this names none of them: the firm's own switchboard, a placeholder."""
MOST_CLIENTS = 1 << 30
_MAGIC = b"TORWART-INDEX-1\n"
_MOST_HEAD_BYTES = 1 << 16
_KINDS = (Kind.EMAIL, Kind.PHONE, Kind.TAX)
_KIND_SHIFT, ROW = 30, MOST_CLIENTS - 1
NOBODY = 3 << _KIND_SHIFT
"""In the place of kind and row: too many clients have this value."""
_TYPES = {"keys": "<u8", "refs": "<u4", "names": "<u4", "ids": "<u4", "letters": "u1", "number_places": "<u4", "text_places": "<u4"}
BUILD_AGAIN = "make it anew with `torwart index build`"


@dataclass(frozen=True, slots=True)
class Head:
    """What the file says about itself."""

    generation: int
    """Seconds since 1970 (UTC) at which it was built, and always more than its predecessor's."""
    key_check: str
    """`IndexKeys.check` of the index key, then of the desk key, under which it was made."""
    clients: int
    keys: int
    kinds: Mapping[str, int]
    """Keys of each kind."""
    shortest: int
    """Digits of the shortest number in it."""
    shapes: list[str]
    """Of its official numbers with letters (`officials.shape`), the most frequent ones."""
    shared: int
    """Values left out because too many clients have them."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The sections of a file that is written. `keys` is sorted, `refs` stands beside it."""

    keys: Numbers
    refs: Words
    names: Words
    ids: list[ClientId]
    number_places: Words
    text_places: Words


def ref(kind: Kind, row: int) -> int:
    """Kind and row of a key in one number."""
    return _KINDS.index(kind) << _KIND_SHIFT | row


def kinds_of(values: Words) -> dict[str, int]:
    """How many keys there are of each kind."""
    counts = np.bincount(values >> np.uint32(_KIND_SHIFT), minlength=len(_KINDS))
    return {kind.value: int(count) for kind, count in zip(_KINDS, counts, strict=False)}


def write(folder: Path, head: Head, tables: Tables) -> int:
    """Write the file whole and put it in the place of the old one; returns its size in bytes. Raises OSError."""
    sections = _sections(tables)
    layout, offset = {}, 0
    for name, array in sections.items():
        layout[name] = [offset, len(array)]
        offset += -(-array.nbytes // 64) * 64
    digest = blake2b(digest_size=16)
    for array in sections.values():
        digest.update(_padded(array))
    facts = {field: getattr(head, field) for field in Head.__slots__}
    text = orjson.dumps(facts | {"sections": layout, "digest": digest.hexdigest()})
    front = _MAGIC + len(text).to_bytes(8, "little") + text + blake2b(text, digest_size=16).digest()
    draft = folder / f".{NAME}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(front + bytes(-len(front) % 64))
            for array in sections.values():
                file.write(_padded(array))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        draft.replace(folder / NAME)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(folder)
    return size


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Hits:
    """Keys that were found: as places in what was looked up."""

    places: NDArray[np.int64]
    refs: Words
    several: NDArray[np.bool_]
    """Not of exactly one client: `BaseFile.of` says of which."""

    def rows(self) -> list[int]:
        """Row of each key, of its first client where they are several."""
        rows: list[int] = (self.refs & np.uint32(ROW)).tolist()
        return rows

    def kinds(self) -> list[Kind | None]:
        """Kind of each key, None for one that is nobody's."""
        return [(*_KINDS, None)[number] for number in (self.refs >> np.uint32(_KIND_SHIFT)).tolist()]


class BaseFile:
    """The mapped file."""

    def __init__(self, head: Head, sections: Mapping[str, NDArray[Any]], size: int) -> None:
        self.head = head
        self.size = size
        self.keys: Numbers = sections["keys"]
        self.names: Words = sections["names"]
        self.number_places: Words = sections["number_places"]
        self.text_places: Words = sections["text_places"]
        self._refs: Words = sections["refs"]
        self._ids: NDArray[np.uint32] = sections["ids"]
        self._letters = sections.get("letters")

    @classmethod
    def map(cls, descriptor: int, *, check: bool) -> Self:
        """Map an open file; `check` reads it completely. The descriptor may be closed afterwards.

        Raises KnowledgeError for a file that is damaged, cut off, or none of ours.
        """
        try:
            memory = memoryview(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))
        except (OSError, ValueError):  # ValueError: an empty file cannot be mapped
            raise KnowledgeError(f"the index of the clients is empty or cannot be mapped: {BUILD_AGAIN}") from None
        if len(memory) < 40 or memory[:16] != _MAGIC:
            raise KnowledgeError(f"{NAME} is no index of clients of this version: {BUILD_AGAIN}")
        length = int.from_bytes(memory[16:24], "little")
        text = bytes(memory[24 : 24 + min(length, _MOST_HEAD_BYTES)])
        if blake2b(text, digest_size=16).digest() != memory[24 + len(text) : 40 + len(text)]:
            raise KnowledgeError(f"{NAME} is damaged: {BUILD_AGAIN}")
        try:
            facts = orjson.loads(text)
            layout, digest = facts.pop("sections"), facts.pop("digest")
            head = Head(**facts)
        except (ValueError, KeyError, TypeError):
            raise KnowledgeError(f"{NAME} was made by another version of Torwart: {BUILD_AGAIN}") from None
        start = -(-(40 + length) // 64) * 64
        end = start + sum(-(-count * np.dtype(_TYPES[name]).itemsize // 64) * 64 for name, (_, count) in layout.items())
        if len(memory) != end:
            raise KnowledgeError(f"{NAME} is cut off or longer than it should be: {BUILD_AGAIN}")
        if check and blake2b(memory[start:], digest_size=16).hexdigest() != digest:
            raise KnowledgeError(f"{NAME} is damaged: {BUILD_AGAIN}")
        sections = {name: np.frombuffer(memory, _TYPES[name], count, start + offset) for name, (offset, count) in layout.items()}
        return cls(head, sections, len(memory))

    def has_any(self, keys: Numbers) -> bool:
        """Whether one of the given keys is in the file."""
        return bool(len(self.keys)) and bool(np.any(self.keys.take(self._nearest(keys)) == keys))

    def lookup(self, keys: Numbers) -> Hits:
        """Which of the given keys are in the file, and whose they are."""
        if not len(self.keys):
            nothing = np.zeros(0, np.int64)
            return Hits(nothing, nothing.astype(np.uint32), nothing.astype(np.bool_))
        at = self._nearest(keys)
        places = np.flatnonzero(self.keys[at] == keys)
        at = at[places]
        follower = np.minimum(at + 1, len(self.keys) - 1)
        several = (self.keys[follower] == self.keys[at]) & (follower != at)
        return Hits(places, self._refs[at], several | (self._refs[at] == NOBODY))

    def _nearest(self, keys: Numbers) -> NDArray[np.int64]:
        """Where each would stand."""
        return np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)

    def of(self, key: int) -> list[tuple[int, Kind]] | None:
        """Rows and kinds of one key; None: too many clients have this value."""
        found = []
        at = int(np.searchsorted(self.keys, np.uint64(key)))
        while at < len(self.keys) and int(self.keys[at]) == key:
            value = int(self._refs[at])
            if value == NOBODY:
                return None
            found.append((value & ROW, _KINDS[value >> _KIND_SHIFT]))
            at += 1
        return found

    def name_of(self, row: int) -> int:
        """The name of a row as `DeskHashes.name` gives it, 0 if it has none."""
        return int(self.names[row])

    def client(self, row: int) -> ClientId:
        """The client of a row."""
        if self._letters is None:
            return str(int(self._ids[row]))
        begin = int(self._ids[row - 1]) if row else 0
        return bytes(self._letters[begin : int(self._ids[row])]).decode("utf-8", "surrogatepass")


def _sections(tables: Tables) -> dict[str, NDArray[Any]]:
    sections: dict[str, NDArray[Any]] = {"keys": tables.keys, "refs": tables.refs, "names": tables.names}
    sections |= {"number_places": tables.number_places, "text_places": tables.text_places}
    if all(client.isascii() and client.isdigit() and len(client) < 10 and str(int(client)) == client for client in tables.ids):
        sections["ids"] = np.array([int(client) for client in tables.ids], np.uint32)
    else:
        letters = [client.encode("utf-8", "surrogatepass") for client in tables.ids]
        sections["ids"] = np.cumsum([len(one) for one in letters], dtype=np.uint32)
        sections["letters"] = np.frombuffer(b"".join(letters), np.uint8)
    return {name: array.astype(_TYPES[name], copy=False) for name, array in sections.items()}


def _padded(array: NDArray[Any]) -> bytes:
    data = array.tobytes()
    return data + bytes(-len(data) % 64)
