"""Scans content in worker processes: never raises for content, never blocks other connections, never waits without end.

One lane is kept for small content, so that a large file delays nobody's message; what overruns the time of that lane goes on among the
large.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue

from detectors.budget import Limits
from detectors.knowledge import Knowledge
from detectors.lane import Lane, Waiting, Workers
from detectors.sandbox import Confinement
from detectors.verdict import Unread, Verdict
from detectors.worker_process import Job, WorkerError

SMALL = 256 * 1024
"""Bytes below which a content is small."""
QUEUE = 64
"""Contents that may wait; one more is `timed_out` at once."""
RENEW_AFTER = 5_000
"""Scans after which a worker is replaced, so that nothing that a file did to it lasts."""

type _Inbox = SimpleQueue[Waiting | None]
"""Of one lane, which waits for it where no queue has anything."""


class Scanner:
    """Recognises clients in content. For any number of threads, and for asyncio. `knowledge` is asked by one thread at a time."""

    def __init__(
        self,
        knowledge: Knowledge,
        limits: Limits | None = None,
        *,
        workers: int = 2,
        queue: int = QUEUE,
        renew_after: int = RENEW_AFTER,
    ) -> None:
        """Start the workers and wait until they are ready. Raises KnowledgeError or WorkerError: then nothing can be scanned."""
        self.limits = limits or Limits()
        self._queue = queue
        self._small: deque[Waiting] = deque()
        self._large: deque[Waiting] = deque()
        self._lock = threading.Lock()
        self._free: dict[_Inbox, tuple[deque[Waiting], ...]] = {}
        self._closed = False
        factory = Workers(knowledge, self.limits)
        started = [factory.start(yielding=number > 0) for number in range(max(1, workers))]
        try:
            for worker in started:
                worker.ready()
        except WorkerError:
            for worker in started:
                worker.end()
            raise
        self.confinement: Confinement = started[0].confinement
        """How far the platform shuts the workers in."""
        self._lanes = [
            Lane(factory, worker, partial(self._next, SimpleQueue(), self._large, self._small), renew_after=renew_after)
            for worker in started[1:] or started
        ]
        if len(started) > 1:
            following = partial(self._next, SimpleQueue(), self._small)
            self._lanes.append(Lane(factory, started[0], following, renew_after=renew_after, later=self._as_large))

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers, for health pages and tests."""
        return tuple(lane.worker.process.pid for lane in self._lanes if lane.worker is not None)

    @property
    def waiting(self) -> int:
        """Contents that wait for a worker."""
        return len(self._small) + len(self._large)

    async def scan(self, content: bytes, *, media_type: str | None = None, encoding: str | None = None, name: str | None = None) -> Verdict:
        """The verdict on a body: its bytes as sent, its Content-Type and Content-Encoding, and its file name if it has one."""
        return await asyncio.wrap_future(self._submit(content, media_type, encoding, name))

    def scan_blocking(
        self, content: bytes, *, media_type: str | None = None, encoding: str | None = None, name: str | None = None
    ) -> Verdict:
        """As `scan`, for whoever has no event loop."""
        return self._submit(content, media_type, encoding, name).result()

    def close(self) -> None:
        """End the workers. What waits, what is being scanned and what comes later is `crashed`."""
        with self._lock:
            self._closed = True
            for inbox in self._free:
                inbox.put(None)
            self._free.clear()
        for lane in self._lanes:
            lane.end()
        for waiting in (*self._small, *self._large):
            waiting.unread(Unread.CRASHED)

    def _submit(self, content: bytes, media_type: str | None, encoding: str | None, name: str | None) -> Future[Verdict]:
        size = len(content)
        given = content if size <= self.limits.size else memoryview(content)[: self.limits.size]
        waiting = Waiting(Job(given, size, media_type, encoding, name))
        with self._lock:
            if self._closed:
                waiting.unread(Unread.CRASHED)
            elif self.waiting >= self._queue:
                waiting.unread(Unread.TIMED_OUT)
            else:
                queue = self._small if size < SMALL else self._large
                if not self._handed(waiting, queue):
                    queue.append(waiting)
        return waiting.result

    def _next(self, inbox: _Inbox, *queues: deque[Waiting]) -> Waiting | None:
        """The next of the first queue that has one; else the lane is free, and waits for what is handed to it. None at the end."""
        with self._lock:
            if self._closed:
                return None
            for queue in queues:
                if queue:
                    return queue.popleft()
            self._free[inbox] = queues
        return inbox.get()

    def _handed(self, waiting: Waiting, queue: deque[Waiting]) -> bool:
        """Hand it to a free lane that serves this queue, the one that serves the fewest; only that one is woken. Holds the lock."""
        serving = [inbox for inbox, queues in self._free.items() if any(one is queue for one in queues)]
        if not serving:
            return False
        inbox = min(serving, key=lambda one: len(self._free[one]))
        del self._free[inbox]
        inbox.put(waiting)
        return True

    def _as_large(self, waiting: Waiting) -> None:
        """What takes its time goes on among the large, in front: it has waited."""
        with self._lock:
            if not self._handed(waiting, self._large):
                self._large.appendleft(waiting)
