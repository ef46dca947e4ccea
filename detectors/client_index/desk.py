"""The filter of an employee's machine: it suspects, the server knows.

It holds no client and no key of the index: places (32 bits) of values under the desk key, squeezed into so many cells that a value of
nobody hits with a chance of 1 in 256, or more in a large base. A number is placed by its last digits, which all its spellings share, so
that no second spelling of the same number sorts out false hits. Who tries all 10^8 mobile numbers of a country holds fewer than 1 % true
ones (attacks X27).
"""

from __future__ import annotations

import os
from collections.abc import Collection
from hashlib import blake2b
from pathlib import Path
from typing import Final, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.client_index.candidates import SHORTEST, candidates
from detectors.client_index.hashes import DeskHashes, Numbers, Words, texts_places
from detectors.client_index.officials import Officials
from detectors.client_index.telling import adds_nothing
from detectors.knowledge import Image, KnowledgeError, Matches
from detectors.text import Text

DESK: Final = "desk"
TRIED = 10**8
"""Numbers that somebody with the filter is expected to try."""
PRECISION = 0.01
"""Share of true ones among what he then holds, at most."""
LEAST_RATE, MOST_RATE = 1 / 256, 1 / 8
"""Bounds of the rate of false hits: below, a small base would be an open book; above, everything would be suspect."""
_MAGIC = b"TORWART-DESK-1\n\n"
_DIGEST_BYTES = 16
_FETCH_AGAIN = "delete the file: the agent fetches a new one"


def rate(numbers: int) -> float:
    """The rate of false hits for so many numbers."""
    return min(max(numbers / PRECISION / TRIED, LEAST_RATE), MOST_RATE)


def make(desk_key: bytes, generation: int, numbers: Words, texts: Words, *, shortest: int, shapes: Collection[str]) -> bytes:
    """The filter from places of numbers and of other values, as it is sent to an agent."""
    chance = rate(len(numbers))
    cells = max(round(max(len(numbers), 1) / chance), 256), max(round(max(len(texts), 1) / LEAST_RATE), 256)
    number_cells, text_cells = (np.unique(_cells(places, count)) for places, count in zip((numbers, texts), cells, strict=True))
    head = orjson.dumps(
        {
            "generation": generation,
            "key": desk_key.hex(),
            "cells": cells,
            "counts": [len(number_cells), len(text_cells)],
            "shortest": shortest,
            "shapes": sorted(shapes),
        }
    )
    head += b" " * (-(len(_MAGIC) + 8 + len(head)) % 8)
    body = _MAGIC + len(head).to_bytes(8, "little") + head + number_cells.astype("<u4").tobytes() + text_cells.astype("<u4").tobytes()
    return body + blake2b(body, digest_size=_DIGEST_BYTES).digest()


class DeskFilter:
    """Knowledge of the agent, from the file that it keeps."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._checked: tuple[tuple[int, int, int], int] | None = None
        """Identity of the file that was read last, and its generation."""

    def image(self) -> Image:
        """Raises KnowledgeError when the file is missing or damaged."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise KnowledgeError(
                f"the filter of the clients cannot be read ({error.strerror}): the agent must reach the server once"
            ) from None
        try:
            return Image(orjson.dumps({"kind": DESK}), (descriptor,), self._generation(descriptor))
        except BaseException:
            os.close(descriptor)
            raise

    def news(self, since: int) -> tuple[int, bytes] | None:
        """None as soon as the file was replaced; a filter does not grow. Raises KnowledgeError."""
        image = self.image()
        os.close(image.files[0])
        return (since, b"") if image.mark == since else None

    def _generation(self, descriptor: int) -> int:
        facts = os.fstat(descriptor)
        identity = facts.st_ino, facts.st_mtime_ns, facts.st_size
        if self._checked is None or self._checked[0] != identity:
            self._checked = identity, _Filter.read(descriptor).generation
        return self._checked[1]


class DeskMatcher:
    """Suspects values."""

    def __init__(self, filter_: _Filter) -> None:
        self._filter = filter_
        self._hashes = DeskHashes(filter_.key)

    @classmethod
    def load(cls, description: dict[str, object], files: tuple[int, ...]) -> Self:
        """From an image of `DeskFilter`. Raises KnowledgeError."""
        return cls(_Filter.read(files[0]))

    def add(self, news: bytes) -> None:
        """Nothing: a filter does not grow."""

    def find(self, text: str, into: Matches) -> None:
        """Add the desk hashes of what may be a client's."""
        filter_ = self._filter
        for found in candidates(text, shortest=self._shortest, officials=filter_.officials):
            if len(found.numbers):
                hit = filter_.hits(self._hashes.digits_places(found.numbers), 0)
                into.suspected.update(self._hashes.digits(found.numbers[hit]).tolist())
            if found.texts:
                hashes = self._hashes.texts(found.texts)
                into.suspected.update(hashes[filter_.hits(texts_places(hashes), 1)].tolist())

    def passes_over(self, text: Text) -> bool:
        """True if it is certain that `find` would add nothing of this text."""
        return adds_nothing(text, self.find, self._has_any, shortest=self._shortest, reach=self._filter.officials.reach)

    def _has_any(self, numbers: Numbers) -> bool:
        return len(self._filter.hits(self._hashes.digits_places(numbers), 0)) > 0

    @property
    def _shortest(self) -> int:
        return min(self._filter.shortest, SHORTEST)


class _Filter:
    """The file, read."""

    def __init__(self, head: dict[str, object], cells: tuple[Words, Words]) -> None:
        self.generation = int(str(head["generation"]))
        self.key = bytes.fromhex(str(head["key"]))
        self.shortest = int(str(head["shortest"]))
        self.officials = Officials(_texts(head["shapes"]))
        self._spread = tuple(map(int, _texts(head["cells"])))
        self._cells = cells

    @classmethod
    def read(cls, descriptor: int) -> Self:
        size = os.fstat(descriptor).st_size
        data = os.pread(descriptor, size, 0)
        digest = blake2b(data[:-_DIGEST_BYTES], digest_size=_DIGEST_BYTES).digest()
        if not data.startswith(_MAGIC) or digest != data[-_DIGEST_BYTES:]:
            raise KnowledgeError(f"the filter of the clients is damaged: {_FETCH_AGAIN}")
        start = len(_MAGIC) + 8
        length = int.from_bytes(data[len(_MAGIC) : start], "little")
        head = orjson.loads(data[start : start + length])
        first, second = head["counts"]
        cells = np.frombuffer(data, "<u4", first + second, start + length)
        return cls(head, (cells[:first], cells[first:]))

    def hits(self, places: Words, part: int) -> NDArray[np.int64]:
        """Which of the places are in the filter; part 0: numbers, 1: other values."""
        known = self._cells[part]
        if not len(known):
            return np.zeros(0, np.int64)
        cells = _cells(places, self._spread[part])
        at = np.searchsorted(known, cells)
        return np.flatnonzero(known[np.minimum(at, len(known) - 1)] == cells)


def _cells(places: Words, count: int) -> Words:
    """Places of 32 bits in so many cells, evenly; at most 2^32."""
    return (places.astype(np.uint64) * np.uint64(min(count, 1 << 32)) >> np.uint64(32)).astype(np.uint32)


def _texts(member: object) -> list[str]:
    """A list in the head."""
    if not isinstance(member, list):
        raise KnowledgeError(f"the filter of the clients is damaged: {_FETCH_AGAIN}")
    return [str(one) for one in member]
