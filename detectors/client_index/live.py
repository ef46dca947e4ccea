"""What was learned since the index was built, in memory: small, and looked up beside the file."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from detectors.client_index.hashes import Numbers
from detectors.client_index.identifier import Kind
from detectors.client_index.journal import Entry
from policies.request import ClientId


class Live:
    """Entries of the journal by key."""

    def __init__(self) -> None:
        self.by_key: dict[int, dict[ClientId, Kind]] = {}
        self.names: dict[ClientId, int] = {}
        self.places: set[int] = set()
        self.text_places: set[int] = set()
        self.shortest = 0
        self.shapes: set[str] = set()
        self._sorted: Numbers | None = None

    def add(self, entries: Iterable[Entry]) -> None:
        """Take over entries; the same ones twice change nothing."""
        for entry in entries:
            for kind, keys in entry.keys.items():
                for key in keys:
                    self.by_key.setdefault(key, {})[entry.client] = kind
            if entry.name:
                self.names[entry.client] = entry.name
            if entry.shortest:
                self.shortest = min(self.shortest or entry.shortest, entry.shortest)
            self.shapes.update(entry.shapes)
            self.places.update(entry.places)
            self.text_places.update(entry.text_places)
        self._sorted = None

    def hits(self, keys: Numbers) -> NDArray[np.int64]:
        """Which of the given keys are known here, as places in `keys`."""
        if not self.by_key:
            return np.zeros(0, np.int64)
        known = self._sorted
        if known is None:
            known = self._sorted = np.sort(np.fromiter(self.by_key, np.uint64, len(self.by_key)))
        at = np.searchsorted(known, keys)
        return np.flatnonzero(known[np.minimum(at, len(known) - 1)] == keys)
