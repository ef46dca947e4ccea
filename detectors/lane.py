"""A lane of the scanner: one thread and its worker, one content after the other."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field, replace

from detectors.budget import Limits
from detectors.knowledge import Knowledge, KnowledgeError
from detectors.verdict import Unread, Verdict
from detectors.worker_process import Job, WorkerError, WorkerProcess

CLOSE_SECONDS = 10.0


@dataclass(slots=True)
class Waiting:
    """A content that waits for its verdict."""

    job: Job
    result: Future[Verdict] = field(default_factory=Future)
    begun: bool = False

    def begin(self) -> bool:
        """False if nobody waits for it any more."""
        self.begun = self.begun or self.result.set_running_or_notify_cancel()
        return self.begun

    def settle(self, verdict: Verdict) -> None:
        """Give the verdict, unless nobody waits for it any more."""
        with suppress(InvalidStateError):
            self.result.set_result(verdict)

    def unread(self, cause: Unread) -> None:
        """Give a verdict that only says why nothing was read."""
        self.settle(Verdict(unread=(cause,), size=self.job.size))


class Workers:
    """Starts workers and keeps them informed. Thread-safe: the knowledge is asked by one thread at a time."""

    def __init__(self, knowledge: Knowledge, limits: Limits) -> None:
        self.limits = limits
        self._knowledge = knowledge
        self._asking = threading.Lock()

    def start(self, *, yielding: bool) -> WorkerProcess:
        """A worker that begins to load the newest image. Raises KnowledgeError."""
        with self._asking:
            image = self._knowledge.image()
        try:
            return WorkerProcess.start(image, self.limits, yielding=yielding)
        finally:
            for file in image.files:
                os.close(file)

    def start_and_wait(self, *, yielding: bool) -> WorkerProcess:
        """One that is ready. Raises KnowledgeError and WorkerError."""
        worker = self.start(yielding=yielding)
        worker.ready()
        return worker

    def inform(self, worker: WorkerProcess) -> bool:
        """Tell a worker what is new; False if it needs to be replaced. Raises KnowledgeError."""
        with self._asking:
            news = self._knowledge.news(worker.mark)
        if news is None:
            return False
        try:
            worker.tell(*news)
        except OSError:
            return False
        return True


class Lane:
    """Serves until there is nothing more. `following` waits for the next content; `later` takes what is too slow for the small lane."""

    def __init__(
        self,
        workers: Workers,
        worker: WorkerProcess,
        following: Callable[[], Waiting | None],
        *,
        renew_after: int,
        later: Callable[[Waiting], None] | None = None,
    ) -> None:
        self.worker: WorkerProcess | None = worker
        self._workers, self._following, self._later, self._renew_after = workers, following, later, renew_after
        self._spare: WorkerProcess | None = None
        self._preparing: threading.Thread | None = None
        self._thread = threading.Thread(target=self._serve, name="scan", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End thread and worker; a scan under way is `crashed`. Call after `following` gives None."""
        if self.worker is not None:
            self.worker.kill()
        self._thread.join(CLOSE_SECONDS)

    def _serve(self) -> None:
        try:
            while waiting := self._following():
                if waiting.begin():
                    self._answer(waiting)
                del waiting  # while it waits for the next one it holds no content
        finally:
            if self._preparing is not None:
                self._preparing.join()
            for worker in (self.worker, self._spare):
                if worker is not None:
                    worker.end()

    def _answer(self, waiting: Waiting) -> None:
        limits = self._workers.limits
        try:
            worker = self._informed()
            verdict = worker.scan(waiting.job, limits.seconds if self._later is None else limits.small_seconds)
        except Exception:  # noqa: BLE001 # a lane must not end; not looked at is not read (law 4)
            waiting.unread(Unread.CRASHED)
            return
        if self._later is not None and Unread.TIMED_OUT in verdict.unread:
            self._later(waiting)
        else:
            waiting.settle(replace(verdict, unread=_with_size(verdict.unread, waiting.job.size > limits.size)))
        if not worker.alive or worker.scans >= self._renew_after or Unread.CRASHED in verdict.unread:
            self._prepare()

    def _informed(self) -> WorkerProcess:
        """A worker that knows the clients as they are now. Raises KnowledgeError and WorkerError."""
        if self._preparing is not None and (self.worker is None or not self.worker.alive):
            self._preparing.join()
        if self._spare is not None:
            self._replace(self._spare)
            self._spare = self._preparing = None
        if self.worker is None or not self.worker.alive or not self._workers.inform(self.worker):
            self._replace(self._workers.start_and_wait(yielding=self._later is None))
        assert self.worker is not None  # noqa: S101 # set above
        return self.worker

    def _replace(self, worker: WorkerProcess) -> None:
        if self.worker is not None:
            self.worker.end()
        self.worker = worker

    def _prepare(self) -> None:
        """Start the next worker beside this one, which goes on until that is ready: nobody waits for a start."""
        if self._preparing is None or not (self._preparing.is_alive() or self._spare):
            self._preparing = threading.Thread(target=self._start_spare, name="scan-spare", daemon=True)
            self._preparing.start()

    def _start_spare(self) -> None:
        with suppress(KnowledgeError, WorkerError, OSError):
            self._spare = self._workers.start_and_wait(yielding=self._later is None)


def _with_size(unread: tuple[Unread, ...], too_large: bool) -> tuple[Unread, ...]:
    return tuple(cause for cause in Unread if cause in unread or (too_large and cause is Unread.TOO_LARGE))
