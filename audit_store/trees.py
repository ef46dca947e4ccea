"""States what the central log took in: a Merkle tree for each day, signed every minute or every thousand events, whichever comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Protocol

from audit_store.log_file import Entry
from audit_store.merkle import Frontier, leaf_hash
from audit_store.statement import TREES, Body, End, Statement, Tree, day_of, entry_bytes

EVERY = timedelta(seconds=60)
EVERY_EVENTS = 1_000
_BATCH = 1_000


class Entries(Protocol):
    """The log, for reading (`audit_store.log.Log`)."""

    def entries(self, after: int, limit: int, *, until: int | None = None) -> list[Entry]:
        """Up to `limit` entries above the sequence `after`."""


class Signer(Protocol):
    """Signs and keeps statements (`audit_store.statements.Statements`)."""

    def sign(self, signer: str, body: Body) -> Statement:
        """The signer's next statement. Raises StatementsError."""

    def newest(self, signer: str) -> Statement | None:
        """Raises StatementsError."""


class Trees:
    """The tree of today, and when it was stated last. For one thread of one process: the one that takes spools into the log."""

    def __init__(
        self,
        log: Entries,
        signer: Signer,
        broken: Callable[[str], object],
        clock: Callable[[], datetime],
        *,
        name: str = TREES,
        every: timedelta = EVERY,
    ) -> None:
        """`name` is that of the signer; `broken` is told when the log is not what was stated, before that is stated in its turn."""
        self._log = log
        self._signer = signer
        self._broken = broken
        self._clock = clock
        self._every = every
        self._name = name
        self._frontier = Frontier()
        self._day: date | None = None
        self._first = 1
        self._position = 0
        self._ends: dict[str, End] = {}
        self._unstated = 0
        self._cause: str | None = None
        self._stated_at: datetime | None = None
        self._begun = False

    @property
    def stated_at(self) -> datetime | None:
        """When the log was stated last, by this process or the one before it."""
        return self._stated_at

    def step(self) -> None:
        """Take up what is new in the log, and state it when it is time. Raises LogError, StatementsError: then the next step goes on."""
        if not self._begun:
            self._begin()
        while rows := self._log.entries(self._position, _BATCH):
            for row in rows:
                self._add(row)
        if self._unstated and (self._stated_at is None or not timedelta() <= self._clock() - self._stated_at < self._every):
            self._state()

    def _begin(self) -> None:
        """Go on from what was stated last, if the log still is what it says; else break with it in the open."""
        stated = self._signer.newest(self._name)
        if stated is not None and isinstance(stated.body, Tree):
            tree, frontier, after = stated.body, Frontier(), stated.body.first - 1
            while rows := self._log.entries(after, _BATCH, until=tree.last):
                for row in rows:
                    frontier.append(leaf_of(row))
                after = rows[-1].sequence
            if (frontier.size, frontier.root()) == (tree.size, tree.root):
                self._frontier, self._day, self._first, self._position = frontier, tree.day, tree.first, tree.last
                self._ends = {end.producer: end for end in tree.ends}
                self._stated_at = stated.time
            else:
                self._cause = f"log {tree.first} to {tree.last} is not what statement {stated.name} says"
                self._broken(self._cause)
        self._begun = True

    def _add(self, entry: Entry) -> None:
        day = day_of(entry.received, self._day)
        if self._day is not None and day != self._day:
            if self._unstated:
                self._state()
            self._frontier, self._first = Frontier(), entry.sequence
        self._day = day
        self._put(entry)
        if self._unstated >= EVERY_EVENTS:
            self._state()

    def _put(self, entry: Entry) -> None:
        self._frontier.append(leaf_of(entry))
        self._ends[entry.producer] = End(entry.producer, entry.epoch, entry.producer_sequence, entry.hash)
        self._position = entry.sequence
        self._unstated += 1

    def _state(self) -> None:
        if self._day is None:
            return
        ends = tuple(self._ends[name] for name in sorted(self._ends))
        tree = Tree(self._day, self._first, self._frontier.size, self._frontier.root(), ends, self._cause)
        self._signer.sign(self._name, tree)
        self._unstated, self._cause, self._stated_at = 0, None, self._clock()


def leaf_of(entry: Entry) -> bytes:
    """The hash of an entry as a leaf of its day's tree."""
    return leaf_hash(entry_bytes(entry.sequence, entry.received, entry.producer, entry.epoch, entry.producer_sequence, entry.hash))
