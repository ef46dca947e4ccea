"""Which export a file came from, and how sure that is: a small model of how people make one file from another.

The model. A leaked file holds some of one export's clients: any share of them, all shares equally likely, and each choice of that size as
likely as another. What is not from an export, such as the clients of an ordinary letter, is few clients, any of them as likely as another.
Bayes' rule then gives each export's probability. Who cuts, shuffles or edits a file, or types it anew, changes how many clients are
recognised and not where they point to. Of two exports with all of a file's clients, the one with fewer others is the likelier.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, lgamma, log
from typing import Protocol

from policies.request import ClientId

MIXED = 0.1
"""How likely a file from an export holds clients from elsewhere as well."""
ONE_MORE = 0.5
"""How likely a file that is from no export goes on to name one more client."""
OTHER_VALUE = 0.02
"""Weight of one recognised value that the export did not hold, although it held that client: typed by somebody, or from another time."""
NOT_EXPORTED = 0.5
"""Probability, before looking, that a file with clients was made without any export."""
OWN_FIRST = 3.0
"""How much likelier it is that somebody sends an export of their own than one of somebody else's."""
RIVAL_FROM = 0.1
"""Probability from which another export is named beside the best."""


class Exported(Protocol):
    """What of an export is compared."""

    @property
    def pseudonym(self) -> str:
        """Who exported."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def clients(self) -> frozenset[ClientId]:
        """Who left in it."""

    @property
    def keys(self) -> frozenset[int]:
        """Keyed hashes of the values that left in it."""


@dataclass(frozen=True, slots=True)
class Source[E: Exported]:
    """An export as the source of a part of a file."""

    export: E
    clients: frozenset[ClientId]
    """Of the file, explained by this export and by none named before it."""
    confidence: float
    """0 to 1: the probability, by the model of this module, that these clients came from this export."""
    rivals: tuple[E, ...]
    """Other exports that these clients may as well be from, the likeliest first."""


def sources[E: Exported](
    clients: Collection[ClientId], keys: Collection[int], exports: Sequence[E], *, pseudonym: str | None, most: int
) -> list[Source[E]]:
    """At most `most` exports, the best first, each explaining clients of the file that those before it do not.

    `keys` are hashes of the values found in the file, `pseudonym` who has it, if that is known.
    """
    left, left_keys = frozenset(clients), frozenset(keys)
    base = len(left.union(*[export.clients for export in exports])) if exports else 0
    found: list[Source[E]] = []
    while left and len(found) < most:
        ranked = _ranked(left, left_keys, exports, pseudonym, base)
        if not ranked:
            break
        (confidence, best), others = ranked[0], ranked[1:]
        rivals = tuple(export for share, export in others if share >= RIVAL_FROM)
        found.append(Source(best, left & best.clients, confidence, rivals))
        left, left_keys = left - best.clients, left_keys - best.keys
    return found


def _ranked[E: Exported](
    clients: frozenset[ClientId], keys: frozenset[int], exports: Sequence[E], pseudonym: str | None, base: int
) -> list[tuple[float, E]]:
    """Probability and export, the likeliest first; of equals the newer."""
    touched = [(common, export) for export in exports if (common := len(clients & export.clients))]
    if not touched:
        return []
    prior = _prior(exports, pseudonym)
    weighed = [(log(prior(export)) + _likelihood(common, len(clients), keys, export, base), export) for common, export in touched]
    by_hand = log(NOT_EXPORTED) + _named_by_hand(len(clients), base)
    highest = max(by_hand, *[weight for weight, _ in weighed])
    total = exp(by_hand - highest) + sum(exp(weight - highest) for weight, _ in weighed)
    ranked = sorted(weighed, key=lambda one: (one[0], one[1].at.timestamp()), reverse=True)
    return [(exp(weight - highest) / total, export) for weight, export in ranked]


def _prior(exports: Sequence[Exported], pseudonym: str | None) -> Callable[[Exported], float]:
    """How likely each export is before the file has been looked at; together `1 - NOT_EXPORTED`."""
    own = sum(export.pseudonym == pseudonym for export in exports)
    share = (1 - NOT_EXPORTED) / (len(exports) - own + OWN_FIRST * own)
    return lambda export: share * (OWN_FIRST if export.pseudonym == pseudonym else 1)


def _likelihood(common: int, size: int, keys: frozenset[int], export: Exported, base: int) -> float:
    """Natural logarithm of the probability of just this file, had it come from this export."""
    of = len(export.clients)
    chosen = -log(of + 1) - _choices(of, common)
    added = log(MIXED) + _named_by_hand(size - common, base) if size > common else 0.0
    other_values = len(keys - export.keys) * log(OTHER_VALUE) if export.keys else 0.0
    return chosen + added + other_values


def _named_by_hand(count: int, base: int) -> float:
    """Natural logarithm of the probability of just these clients without an export."""
    return count * log(ONE_MORE) - _choices(base, count)


def _choices(of: int, some: int) -> float:
    """Natural logarithm of the number of ways to choose `some` out of `of`."""
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)
