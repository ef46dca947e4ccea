"""Official numbers with letters in them (VAT, register and tax numbers): found by the shapes of those that are indexed.

A shape says where letters and digits stand, `A2 D9` for `DE123456789`, and nothing of the number. All shapes together are one expression of
google-re2, which reads a text once however many they are and cannot be made slow (linear in the text).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import re2

MOST_SHAPES = 100
"""Shapes that are looked for; the European VAT numbers have about 40."""
LENGTHS = range(7, 21)
LEAST_DIGITS = 5
_SEPARATORS = b" ().-/+_~*'"
_ONE = r"[ ().\-/+_~*']?"
_MEMORY_BYTES = 32 * 1024 * 1024


def is_official(value: str) -> bool:
    """True for capital letters and digits that can be such a number: 7 to 20, at least 5 digits and a letter."""
    return len(value) in LENGTHS and LEAST_DIGITS <= sum(map(str.isdigit, value)) < len(value)


def shape(value: str) -> str:
    """The shape of a number of capital letters and digits."""
    runs = itertools.groupby(value, str.isdigit)
    return " ".join(f"{'D' if digits else 'A'}{len(list(run))}" for digits, run in runs)


def usual(shapes: Mapping[str, int]) -> list[str]:
    """The most frequent shapes, as many as are looked for."""
    return sorted(one for one, _ in Counter(shapes).most_common(MOST_SHAPES))


class Officials:
    """Finds numbers of some shapes; of more than 100 those that come first."""

    def __init__(self, shapes: Iterable[str]) -> None:
        kept = list(dict.fromkeys(shapes))[:MOST_SHAPES]
        parts = {one: (_ONE + _ONE).join(map(_run, one.split(" "))) for one in kept}
        self.reach = max((3 * sum(int(run[1:]) for run in one.split(" ")) for one in kept), default=0)
        """Characters of the longest one, each with two separators behind it; 0 if there is none."""
        self._any = _compiled(f"(?:^|[^A-Za-z0-9])({'|'.join(parts.values())})(?:[^A-Za-z0-9]|$)") if parts else None
        self._alike = {
            one: [_compiled(f"({parts[other]})(?:[^A-Za-z0-9]|$)") for other in parts if other != one and _begin_alike(one, other)]
            for one in parts
        }
        """Shapes that can fit at the same place as this one, and are shorter or longer: the expression of all says only the first."""

    def find(self, text: bytes) -> Iterator[tuple[str, int]]:
        """Numbers in an ASCII text, compact, and where they begin; also those that overlap."""
        start = 0
        while self._any is not None and (found := self._any.search(text, start)) is not None:
            begin = found.start(1)
            value = _compact(found[1])
            yield value, begin
            for other in self._alike[shape(value)]:
                if (longer := other.match(text, begin)) is not None:
                    yield _compact(longer[1]), begin
            start = begin + 1


def _compiled(expression: str) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    return re2.compile(expression.encode(), options)


def _run(run: str) -> str:
    count = int(run[1:])
    kind, between = (r"[A-Za-z]", _ONE) if run[0] == "A" else (r"\d", _ONE + _ONE)
    return f"{kind}(?:{between}{kind}){{{count - 1}}}"


def _begin_alike(one: str, other: str) -> bool:
    first, second = ("".join(run[0] * int(run[1:]) for run in runs.split(" ")) for runs in (one, other))
    return first.startswith(second) or second.startswith(first)


def _compact(found: bytes) -> str:
    return found.translate(None, _SEPARATORS).decode("ascii").upper()
