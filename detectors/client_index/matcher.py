"""Recognises clients in text, in the worker, by the server's index or an employee's filter. Opens no path, imports nothing late."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.client_index.base_file import MOST_SHARED, BaseFile
from detectors.client_index.candidates import SHORTEST, Candidates, candidates
from detectors.client_index.desk import DESK, DeskMatcher
from detectors.client_index.folding import name_word
from detectors.client_index.hashes import DeskHashes, IndexKeys, Numbers
from detectors.client_index.identifier import Kind
from detectors.client_index.journal import entries
from detectors.client_index.live import Live
from detectors.client_index.officials import Officials
from detectors.client_index.telling import adds_nothing
from detectors.knowledge import Image, KnowledgeError, Matcher, Matches
from detectors.text import Text
from policies.request import ClientId

INDEX: Final = "index"
NAME_REACH = 120
"""Characters on either side of a strong hit in which the client's name is looked for."""
MOST_NAMES = 1_000
"""Clients whose names are looked for in one scan: beyond them the number of clients says enough."""
_WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"[\w.+-]*@[\w.-]*")
"""A name within an e-mail address is no name beside it."""


def load_matcher(image: Image) -> Matcher:
    """The matcher of an image. Uses its file descriptors and closes none. Raises KnowledgeError."""
    description = orjson.loads(image.description)
    match description["kind"]:
        case kind if kind == INDEX:
            return IndexMatcher.load(description, image.files)
        case kind if kind == DESK:
            return DeskMatcher.load(description, image.files)
    raise KnowledgeError(f"no such kind of image: {description['kind']}")


@dataclass(slots=True)
class Owner:
    """A client who has a value."""

    kinds: set[Kind] = field(default_factory=set)
    row: int | None = None
    """Row in the base file, None if it was learned since."""


class IndexMatcher:
    """Knows every client."""

    def __init__(self, base: BaseFile, live: Live, desk: DeskHashes, index: IndexKeys) -> None:
        self._base = base
        self._live = live
        self._desk = desk
        self._index = index
        self._officials = Officials([*base.head.shapes, *live.shapes])
        self._live_shapes = len(live.shapes)

    @classmethod
    def load(cls, description: dict[str, object], files: tuple[int, ...]) -> IndexMatcher:
        """From an image of `ClientIndex`. Raises KnowledgeError."""
        base = BaseFile.map(files[0], check=False)
        live, length = Live(), description["live_bytes"]
        if len(files) > 1 and isinstance(length, int):
            live.add(entries(os.pread(files[1], length, 0)))
        desk_key, index_key = (bytes.fromhex(str(description[name])) for name in ("desk_key", "index_key"))
        return cls(base, live, DeskHashes(desk_key), IndexKeys(index_key))

    def add(self, news: bytes) -> None:
        """Take over lines of the journal."""
        self._live.add(entries(news))

    def find(self, text: str, into: Matches) -> None:
        """Add the clients that are recognised in this text, and the keys by which."""
        for found in candidates(text, shortest=self._shortest, officials=self._known_officials()):
            hashes = self._desk.digits(found.numbers)
            if found.texts:
                hashes = np.concatenate((hashes, self._desk.texts(found.texts)))
            if not len(hashes):
                continue
            self._take(found, self._index.of(hashes), into)

    def passes_over(self, text: Text) -> bool:
        """True if it is certain that `find` would add nothing of this text."""
        return adds_nothing(text, self.find, self._has_any, shortest=self._shortest, reach=self._known_officials().reach)

    def _has_any(self, numbers: Numbers) -> bool:
        keys = self._index.of(self._desk.digits(numbers))
        return self._base.has_any(keys) or len(self._live.hits(keys)) > 0

    @property
    def _shortest(self) -> int:
        return min(self._base.head.shortest or SHORTEST, self._live.shortest or SHORTEST, SHORTEST)

    def _known_officials(self) -> Officials:
        shapes = self._live.shapes
        if len(shapes) != self._live_shapes:
            self._officials, self._live_shapes = Officials([*self._base.head.shapes, *shapes]), len(shapes)
        return self._officials

    def hits(self, keys: Numbers) -> NDArray[np.int64]:
        """Which of these keys are some client's, as places in `keys`."""
        return np.union1d(self._base.lookup(keys).places, self._live.hits(keys))

    def has(self, key: int, client: ClientId) -> bool:
        """True if the base file has this key for this client, or for so many that it is nobody's."""
        rows = self._base.of(key)
        return rows is None or any(self._base.client(row) == client for row, _ in rows)

    def owners(self, key: int) -> dict[ClientId, Owner]:
        """Whose value this key is; empty for a value that too many share.

        Who had it at the build keeps it, however many are said to have it since: writing it into cards hides nobody (attacks X26).
        """
        found: dict[ClientId, Owner] = {}
        rows = self._base.of(key)
        if rows is None:
            return found
        for row, kind in rows:
            found.setdefault(self._base.client(row), Owner(row=row)).kinds.add(kind)
        built = dict(found)
        for client, kind in self._live.by_key.get(key, {}).items():
            found.setdefault(client, Owner()).kinds.add(kind)
        return found if len(found) <= MOST_SHARED else built

    def _take(self, found: Candidates, keys: Numbers, into: Matches) -> None:
        hits, live = self._base.lookup(keys), self._live.hits(keys)
        learned = frozenset(live.tolist())
        for place, row, kind, several in zip(hits.places.tolist(), hits.rows(), hits.kinds(), hits.several.tolist(), strict=True):
            if not several and kind is not None and place not in learned:
                into.keys.add(int(keys[place]))
                self._put(self._base.client(row), (kind,), row, found, place, into)
            elif place not in learned:
                self._put_owners(int(keys[place]), found, place, into)
        for place in live.tolist():
            self._put_owners(int(keys[place]), found, place, into)

    def _put_owners(self, key: int, found: Candidates, place: int, into: Matches) -> None:
        owners = self.owners(key)
        if owners:
            into.keys.add(key)
        for client, owner in owners.items():
            self._put(client, owner.kinds, owner.row, found, place, into)

    def _put(self, client: ClientId, kinds: Collection[Kind], row: int | None, found: Candidates, place: int, into: Matches) -> None:
        known = into.clients.get(client)
        if known is None:
            known = into.clients[client] = set()
        known.update(kinds)
        if len(into.clients) <= MOST_NAMES and Kind.NAME not in known:
            name = self._live.names.get(client, 0) or (self._base.name_of(row) if row is not None else 0)
            if self._named(name, found.piece, found.begin(place)):
                known.add(Kind.NAME)

    def _named(self, name: int, piece: str, begin: int) -> bool:
        """True if this name stands near this place, its words in any order."""
        count = name & 7
        if not name:
            return False
        near = _ADDRESS.sub(" ", piece[max(begin - NAME_REACH, 0) : begin + NAME_REACH])
        words = [folded for word in _WORD.findall(near) if (folded := name_word(word)) is not None]
        return any(self._desk.name(sorted(words[place : place + count])) == name for place in range(len(words) - count + 1))
