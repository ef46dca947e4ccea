"""From values to entries: all hashes of the clients that a call, a file or a full read names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from detectors.client_index.hashes import DeskHashes, IndexKeys, number, texts_places
from detectors.client_index.identifier import Identifier, Kind
from detectors.client_index.journal import Entry
from detectors.client_index.officials import shape
from detectors.client_index.variants import spellings
from policies.request import ClientId


class Hashing:
    """Hashes values under both keys. Without a state: any thread may call."""

    def __init__(self, desk_key: bytes, index_key: bytes, regions: Sequence[str]) -> None:
        self._desk = DeskHashes(desk_key)
        self._index = IndexKeys(index_key)
        self._regions = tuple(regions)

    def entries(self, identifiers: Iterable[Identifier]) -> list[Entry]:
        """One entry for each client of whom something can be recognised."""
        texts: dict[tuple[ClientId, Kind], set[str]] = {}
        numbers: dict[tuple[ClientId, Kind], set[str]] = {}
        names: dict[ClientId, int] = {}
        for identifier in identifiers:
            found = spellings(identifier, self._regions)
            place = identifier.client, identifier.kind
            if found.texts:
                texts.setdefault(place, set()).update(found.texts)
            if found.numbers:
                numbers.setdefault(place, set()).update(found.numbers)
            if found.words:
                names[identifier.client] = self._desk.name(found.words)
        return self._hashed(texts, numbers, names)

    def _hashed(
        self, texts: dict[tuple[ClientId, Kind], set[str]], numbers: dict[tuple[ClientId, Kind], set[str]], names: dict[ClientId, int]
    ) -> list[Entry]:
        text_rows = [(client, kind, value) for (client, kind), values in texts.items() for value in values]
        number_rows = [(client, kind, value) for (client, kind), values in numbers.items() for value in values]
        integers = np.array([number(value) for _, _, value in number_rows], np.uint64)
        text_hashes = self._desk.texts([value for _, _, value in text_rows])
        keys = self._index.of(np.concatenate((self._desk.digits(integers), text_hashes))).tolist()
        number_places = self._desk.digits_places(integers).tolist()
        text_places = texts_places(text_hashes).tolist()
        found = {client: _Growing() for client in (*(row[0] for row in number_rows), *(row[0] for row in text_rows), *names)}
        for (client, kind, value), key, place in zip(number_rows, keys, number_places, strict=False):
            one = found[client]
            one.keys.setdefault(kind, []).append(key)
            one.places.add(place)
            one.shortest = min(one.shortest or len(value), len(value))
        for (client, kind, value), key, place in zip(text_rows, keys[len(number_rows) :], text_places, strict=True):
            one = found[client]
            one.keys.setdefault(kind, []).append(key)
            one.text_places.add(place)
            if kind is Kind.TAX:
                one.shapes.add(shape(value))
        return [
            Entry(client, one.keys, names.get(client, 0), sorted(one.places), sorted(one.text_places), one.shortest, sorted(one.shapes))
            for client, one in found.items()
        ]


class _Growing:
    def __init__(self) -> None:
        self.keys: dict[Kind, list[int]] = {}
        self.places: set[int] = set()
        self.text_places: set[int] = set()
        self.shortest = 0
        self.shapes: set[str] = set()
