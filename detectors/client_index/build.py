"""Builds the index: values go in batch by batch, one base file comes out."""

from __future__ import annotations

import os
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.client_index import base_file, journal
from detectors.client_index.folder import desk_key, index_folder, index_key, locked
from detectors.client_index.hashes import DeskHashes, IndexKeys, Numbers, Words
from detectors.client_index.hashing import Hashing
from detectors.client_index.identifier import Identifier
from detectors.client_index.journal import Entry
from detectors.client_index.officials import usual
from detectors.knowledge import KnowledgeError
from policies.request import ClientId


@dataclass(frozen=True, slots=True)
class Built:
    """What was built."""

    generation: int
    clients: int
    keys: int
    size: int
    """Bytes of the file."""
    shared: int
    """Values left out because more than `base_file.MOST_SHARED` clients have them."""
    merged: int
    """Entries taken over from the journal."""


class Build:
    """A build under way. Nothing is written before `finish`."""

    def __init__(self, state: Path, regions: Sequence[str]) -> None:
        """`regions` as in `variants.spellings`. Raises KnowledgeError when the keys cannot be used."""
        desk, index = desk_key(state), index_key(state)
        self._folder = index_folder(state)
        self._hashing = Hashing(desk, index, regions)
        self._check = IndexKeys(index).check + DeskHashes(desk).check
        self._rows: dict[ClientId, int] = {}
        self._names = array("I")
        self._keys, self._refs = array("Q"), array("I")
        self._places, self._text_places = array("I"), array("I")
        self._shortest = 0
        self._shapes: Counter[str] = Counter()

    @property
    def clients(self) -> int:
        """Clients so far."""
        return len(self._rows)

    @property
    def keys(self) -> int:
        """Keys so far, of which some may be the same: 0 if nobody can be recognised."""
        return len(self._keys)

    def add(self, identifiers: Iterable[Identifier]) -> None:
        """Take over the values of some clients. Batches of some thousand values are fastest."""
        self._take(self._hashing.entries(identifiers))

    def finish(self, *, keep_learned: bool = False) -> Built:
        """Add what was learned since the last build, write the file and begin a new journal. Raises OSError.

        With `keep_learned` that stays in the new journal as long as no build brings it: for a table, which may be older than what passed.
        Else it goes into the file, and the next build, which reads the CRM itself, may forget it.
        """
        with locked(self._folder, alone=True):
            old = sorted(self._folder.glob("live-*.jsonl"))
            merged = [entry for path in old for entry in journal.entries(path.read_bytes())]
            generation = max(int(time.time()), *(_generation(path) + 1 for path in old), self._previous() + 1)
            if keep_learned:
                merged = self._lacking(merged)
                if merged:
                    journal.append(self._folder, generation, b"".join(entry.line() for entry in merged))
            else:
                self._take(merged)
            keys, refs, shared = _sorted(_array(self._keys, np.uint64), _array(self._refs, np.uint32))
            numbers, texts = np.unique(_array(self._places, np.uint32)), np.unique(_array(self._text_places, np.uint32))
            head = base_file.Head(
                generation=generation,
                key_check=self._check,
                clients=len(self._rows),
                keys=len(keys),
                kinds=base_file.kinds_of(refs),
                shortest=self._shortest,
                shapes=usual(self._shapes),
                shared=shared,
            )
            tables = base_file.Tables(keys, refs, _array(self._names, np.uint32), list(self._rows), numbers, texts)
            size = base_file.write(self._folder, head, tables)
            for path in old:
                path.unlink(missing_ok=True)
        return Built(generation, len(self._rows), len(keys), size, shared, len(merged))

    def _lacking(self, entries: list[Entry]) -> list[Entry]:
        """Those entries of which something is not in this build."""
        said = frozenset(key for entry in entries for keys in entry.keys.values() for key in keys)
        known = {(key, ref & base_file.ROW) for key, ref in zip(self._keys, self._refs, strict=True) if key in said}
        return [
            entry
            for entry in entries
            if any((key, self._rows.get(entry.client)) not in known for keys in entry.keys.values() for key in keys)
        ]

    def _previous(self) -> int:
        """The generation that is replaced; of a file that cannot be read, the time when it was written."""
        try:
            descriptor = os.open(self._folder / base_file.NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return 0
        try:
            return base_file.BaseFile.map(descriptor, check=False).head.generation
        except KnowledgeError:
            return int(os.fstat(descriptor).st_mtime)
        finally:
            os.close(descriptor)

    def _take(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            row = self._rows.setdefault(entry.client, len(self._rows))
            if row == len(self._names):
                self._names.append(0)
            if entry.name:
                self._names[row] = entry.name
            for kind, keys in entry.keys.items():
                self._keys.extend(keys)
                self._refs.extend([base_file.ref(kind, row)] * len(keys))
            self._places.extend(entry.places)
            self._text_places.extend(entry.text_places)
            if entry.shortest:
                self._shortest = min(self._shortest or entry.shortest, entry.shortest)
            self._shapes.update(entry.shapes)


def _array[T: np.generic](values: array[int], kind: type[T]) -> np.ndarray[tuple[int], np.dtype[T]]:
    return np.frombuffer(values, kind) if values else np.zeros(0, kind)


def _generation(path: Path) -> int:
    digits = path.name.removeprefix("live-").removesuffix(".jsonl")
    return int(digits) if digits.isdecimal() else 0


def _sorted(keys: Numbers, refs: Words) -> tuple[Numbers, Words, int]:
    """By key, each pair once, and one entry of nobody for a key that too many clients have; and how many such keys there are."""
    order = np.lexsort((refs, keys))
    keys, refs = keys[order], refs[order]
    new = np.ones(len(keys), np.bool_)
    new[1:] = (keys[1:] != keys[:-1]) | (refs[1:] != refs[:-1])
    keys, refs = keys[new], refs[new]
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else np.zeros(0, np.int64)
    runs = np.diff(np.append(first, len(keys)))
    many = runs > base_file.MOST_SHARED
    refs[first[many]] = base_file.NOBODY
    keep = np.repeat(~many, runs)
    keep[first] = True
    return keys[keep], refs[keep], int(many.sum())
