"""The client base as the server's processes know it: the base file and what was learned since."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from detectors.client_index import desk, journal
from detectors.client_index.base_file import BUILD_AGAIN, NAME, BaseFile
from detectors.client_index.candidates import SHORTEST
from detectors.client_index.folder import desk_key, identity, index_folder, index_key
from detectors.client_index.hashes import DeskHashes, IndexKeys
from detectors.client_index.identifier import Kind
from detectors.client_index.live import Live
from detectors.client_index.matcher import INDEX, IndexMatcher
from detectors.knowledge import Image, KnowledgeError, Matches
from policies.request import ClientId

_OFFSET_BITS = 32
"""A mark is the generation and, below it, how far the journal was read."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What `torwart index stats` shows."""

    generation: int
    """Time of the build, seconds since 1970 (UTC)."""
    clients: int
    keys: int
    kinds: Mapping[str, int]
    size: int
    """Bytes of the file."""
    shared: int
    """Values left out because too many clients have them."""
    live_keys: int
    """Learned since the build."""
    live_clients: int

    @property
    def bytes_per_key(self) -> float:
        return self.size / max(self.keys, 1)


class ClientIndex:
    """`Knowledge` of a process that may open the state folder. Any thread may call; what others wrote is seen at the next call."""

    def __init__(self, state: Path) -> None:
        """Raises KnowledgeError when the keys cannot be used; the index itself may come later."""
        self._folder = index_folder(state)
        self._desk_key, self._index_key = desk_key(state), index_key(state)
        self._desk, self._index = DeskHashes(self._desk_key), IndexKeys(self._index_key)
        self._lock = threading.Lock()
        self._identity: tuple[int, int, int] | None = None
        self._base: BaseFile | None = None
        self._descriptor: int | None = None
        self._live = Live()
        self._read = 0

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._forget()

    # Knowledge

    def image(self) -> Image:
        """What a new worker is given. Raises KnowledgeError."""
        with self._lock:
            base = self._refreshed()
            description = {
                "kind": INDEX,
                "desk_key": self._desk_key.hex(),
                "index_key": self._index_key.hex(),
                "live_bytes": self._read,
            }
            files = self._opened() if self._read else []
            if self._descriptor is not None:
                files.insert(0, os.dup(self._descriptor))
            return Image(orjson.dumps(description), tuple(files), base.head.generation << _OFFSET_BITS | self._read)

    def news(self, since: int) -> tuple[int, bytes] | None:
        """Lines of the journal after a mark; None: a new base file is there. Raises KnowledgeError."""
        with self._lock:
            base = self._refreshed()
            generation, offset = since >> _OFFSET_BITS, since & (1 << _OFFSET_BITS) - 1
            if generation != base.head.generation or offset > self._read:
                return None
            mark = generation << _OFFSET_BITS | self._read
            return mark, self._lines(offset, self._read) if offset < self._read else b""

    # questions of the server

    def find(self, text: str) -> Matches:
        """The clients in a short text, in this process. Raises KnowledgeError."""
        found = Matches()
        with self._lock:
            self._matcher().find(text, found)
        return found

    def owners(self, keys: Iterable[int]) -> dict[ClientId, frozenset[Kind]]:
        """Whose values these index keys are. Raises KnowledgeError."""
        found: dict[ClientId, frozenset[Kind]] = {}
        with self._lock:
            matcher = self._matcher()
            for key in set(keys):
                for client, owner in matcher.owners(key).items():
                    found[client] = found.get(client, frozenset()) | owner.kinds
        return found

    def confirm(self, desk_hashes: Iterable[int]) -> Matches:
        """What an agent suspected: which clients it really is, and their index keys. Raises KnowledgeError."""
        hashes = np.fromiter(set(desk_hashes), np.uint64)
        keys = self._index.of(hashes)
        found = Matches()
        with self._lock:
            matcher = self._matcher()
            for key in keys[matcher.hits(keys)].tolist():
                owners = matcher.owners(key)
                if owners:
                    found.keys.add(key)
                for client, owner in owners.items():
                    found.clients.setdefault(client, set()).update(owner.kinds)
        return found

    def desk_filter(self) -> bytes:
        """The filter for the agents, with all that is known now. Raises KnowledgeError."""
        with self._lock:
            base, live = self._refreshed(), self._live
            numbers = np.union1d(base.number_places, np.fromiter(live.places, np.uint32))
            texts = np.union1d(base.text_places, np.fromiter(live.text_places, np.uint32))
            return desk.make(
                self._desk_key,
                base.head.generation << _OFFSET_BITS | self._read,
                numbers,
                texts,
                shortest=min(base.head.shortest or SHORTEST, live.shortest or SHORTEST),
                shapes={*base.head.shapes, *live.shapes},
            )

    def stats(self) -> Stats:
        """Raises KnowledgeError."""
        with self._lock:
            base = self._refreshed()
            head = base.head
            owners = {client for clients in self._live.by_key.values() for client in clients}
            return Stats(head.generation, head.clients, head.keys, head.kinds, base.size, head.shared, len(self._live.by_key), len(owners))

    def lacking(self, entries: Iterable[journal.Entry]) -> tuple[int, list[journal.Entry]]:
        """The generation (0: no base file yet) and those entries of which something is not known yet. Raises KnowledgeError."""
        with self._lock:
            try:
                base: BaseFile | None = self._refreshed()
            except _NotYetError:
                base = None
            matcher = IndexMatcher(base, self._live, self._desk, self._index) if base is not None else None
            missing = [entry for entry in entries if not self._knows(entry, matcher)]
            return (base.head.generation if base is not None else 0), missing

    # pieces

    def _knows(self, entry: journal.Entry, matcher: IndexMatcher | None) -> bool:
        for kind, keys in entry.keys.items():
            for key in keys:
                if self._live.by_key.get(key, {}).get(entry.client) is kind:
                    continue
                if matcher is None or not matcher.has(key, entry.client):
                    return False
        return True  # a name alone helps nobody: it is kept with the first strong value

    def _matcher(self) -> IndexMatcher:
        return IndexMatcher(self._refreshed(), self._live, self._desk, self._index)

    def _refreshed(self) -> BaseFile:
        try:
            now = identity(self._folder)
            if now != self._identity or (self._base is None and now is not None):
                self._forget()
                if now is not None:
                    self._open()
                self._identity = now
            self._follow()
        except OSError as error:
            raise KnowledgeError(f"the index of the clients cannot be read: {error.strerror}") from None
        if self._base is None:
            raise _NotYetError("the client base is not known yet: read it with `torwart index build`")
        return self._base

    def _open(self) -> None:
        descriptor = os.open(self._folder / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            base = BaseFile.map(descriptor, check=True)
            if base.head.key_check != self._index.check + self._desk.check:
                raise KnowledgeError(f"{NAME} was made under other keys: restore `keys/index.key` and `keys/desk.key`, or {BUILD_AGAIN}")
        except BaseException:
            os.close(descriptor)
            raise
        self._base, self._descriptor = base, descriptor

    def _forget(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._base, self._descriptor, self._identity = None, None, None
        self._live, self._read = Live(), 0

    def _follow(self) -> None:
        """Read what was appended to the journal."""
        try:
            size = self._journal().stat().st_size
        except FileNotFoundError:
            size = 0
        if size < self._read:  # somebody cut it: begin again
            self._live, self._read = Live(), 0
        if size > self._read:
            lines = journal.complete(self._lines(self._read, size))
            self._live.add(journal.entries(lines))
            self._read += len(lines)

    def _lines(self, start: int, end: int) -> bytes:
        (descriptor,) = self._opened()
        try:
            return os.pread(descriptor, end - start, start)
        finally:
            os.close(descriptor)

    def _opened(self) -> list[int]:
        """The journal. Raises KnowledgeError."""
        try:
            return [os.open(self._journal(), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)]
        except OSError as error:
            raise KnowledgeError(f"the journal of the index cannot be read: {error.strerror}") from None

    def _journal(self) -> Path:
        return self._folder / journal.name_of(self._base.head.generation if self._base is not None else 0)


class _NotYetError(KnowledgeError):
    """There is no base file."""
