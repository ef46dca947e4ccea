"""Distinct clients within sliding windows, counted without looking at everything again."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from math import inf

from policies.request import ClientId


class SlidingSets:
    """The distinct clients of the last W seconds, for several W at once.

    A client is in a window as long as the last time that it was added is. Adding costs the size of what is added; leaving costs each added
    client once per window; a count costs nothing. Times are seconds since 1970; an earlier time may be added after a later one.
    """

    def __init__(self, *seconds: int) -> None:
        """`seconds`: the lengths of the windows, shortest first."""
        self._seconds = seconds
        self.members: tuple[set[ClientId], ...] = tuple(set() for _ in seconds)
        """The clients in each window, as of the last `expire`."""
        self._last: dict[ClientId, float] = {}
        self._due = inf
        """Before this time nothing leaves."""
        self._nobody: tuple[list[ClientId], ...] = tuple([] for _ in seconds)
        self._queues: tuple[deque[tuple[float, Collection[ClientId]]], ...] = tuple(deque() for _ in seconds)

    def add(self, at: float, clients: frozenset[ClientId]) -> None:
        """These clients were had at that time."""
        newest = self._queues[-1][-1][0] if self._queues[-1] else at
        if at < newest:  # a late event counts only for those who were not had since
            clients = frozenset(client for client in clients if self._last.get(client, -inf) < at)
        if not clients:
            return
        self._last.update(dict.fromkeys(clients, at))
        self._due = min(self._due, at + self._seconds[0])
        fresh: frozenset[ClientId] | set[ClientId] = clients  # what a short window has, the longer ones have too
        for members, queue in zip(self.members, self._queues, strict=True):
            if fresh:
                fresh = fresh - members
                members |= fresh
            _put(queue, (at, clients))

    def expire(self, now: float) -> tuple[list[ClientId], ...]:
        """Let go of what is older than each window; returns the clients that left each of them."""
        if now < self._due:
            return self._nobody
        left: tuple[list[ClientId], ...] = tuple([] for _ in self._seconds)
        for seconds, members, queue, gone in zip(self._seconds, self.members, self._queues, left, strict=True):
            limit = now - seconds
            while queue and queue[0][0] <= limit:
                at, clients = queue.popleft()
                gone += [client for client in clients if self._last.get(client, at) <= at]
            members.difference_update(gone)
        self._due = min([queue[0][0] + seconds for seconds, queue in zip(self._seconds, self._queues, strict=True) if queue], default=inf)
        for client in left[-1]:
            self._last.pop(client, None)
        return left

    def counts(self) -> tuple[int, ...]:
        """Distinct clients in each window."""
        return tuple(map(len, self.members))

    def counts_with(self, clients: frozenset[ClientId]) -> tuple[int, ...]:
        """What the counts would be with these clients, had now. What a short window has, the longer ones have too."""
        fresh: frozenset[ClientId] | set[ClientId] = clients
        found = []
        for members in self.members:
            if fresh:
                fresh = fresh - members
            found.append(len(members) + len(fresh))
        return tuple(found)


def _put(queue: deque[tuple[float, Collection[ClientId]]], entry: tuple[float, Collection[ClientId]]) -> None:
    """Keep the queue in order of time; only another process's clock or a late event needs more than the append."""
    place = len(queue)
    while place and queue[place - 1][0] > entry[0]:
        place -= 1
    if place == len(queue):
        queue.append(entry)
    else:
        queue.insert(place, entry)
