"""One scan worker as its parent sees it: started, asked, ended. Every answer has a time; a worker that misses it is killed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from detectors.board import Board
from detectors.budget import Limits
from detectors.deadlines import Deadlines
from detectors.frames import VERSION, FrameError, Head, limits_head, read_frame, read_verdict, write_frame
from detectors.knowledge import Image
from detectors.sandbox import Confinement
from detectors.verdict import Unread, Verdict

COMMAND = (sys.executable, "-I", "-m", "detectors.worker")
"""Isolated: neither the working directory nor PYTHONPATH say which code runs."""
START_SECONDS = 60.0
"""To load libraries and index on a busy machine."""
_PIPE = 1 << 20
GRACE_SECONDS = 2.0
"""Beyond the budget of a scan, for a worker that keeps to it: it still says what it has found."""
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "random"}
"""All that the worker is told about its surroundings: no secret of the parent's environment."""

_DEADLINES = Deadlines()


class WorkerError(Exception):
    """A worker could not be started; the text says why."""


def _widen(pipe: IO[bytes] | None) -> None:
    """A pipe that takes a megabyte at once, where the platform can: a photo is handed over in a few steps."""
    if pipe is not None and sys.platform == "linux":
        import fcntl  # not on Windows

        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


@dataclass(frozen=True, slots=True)
class Job:
    """One content to scan and what its headers say."""

    content: bytes | memoryview
    size: int
    """Bytes of the whole; `content` may be its beginning."""
    media_type: str | None
    encoding: str | None
    name: str | None


@dataclass(slots=True)
class WorkerProcess:
    """A running worker. Not for several threads at once."""

    process: subprocess.Popen[bytes]
    mark: int
    """Up to where it knows the clients (`detectors.knowledge.Knowledge.news`)."""
    board: Board | None
    """Where contents are laid for it; None: all of them go through its pipe."""
    scans: int = 0
    overran: bool = False
    confinement: Confinement = field(default_factory=Confinement)

    @classmethod
    def start(cls, image: Image, limits: Limits, *, yielding: bool = False) -> WorkerProcess:
        """Start one; `ready` waits until it can be asked. Whoever made the image closes its files afterwards.

        A `yielding` one gives way to all others on this machine when the processor is short.
        """
        board = Board.make()
        try:
            process = subprocess.Popen(
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=_ENVIRONMENT,
                cwd=Path(sys.executable).anchor,
                pass_fds=image.files if board is None else (*image.files, board.descriptor),
            )
        finally:
            if board is not None:
                board.given()
        _widen(process.stdin)
        worker = cls(process, image.mark, board)
        head = {"version": VERSION, "kind": "hello", "limits": limits_head(limits), "files": list(image.files), "mark": image.mark}
        head |= {"yielding": yielding, "board": None if board is None else board.descriptor}
        with suppress(OSError), worker._ended_after(START_SECONDS):
            worker._send(head, image.description)
        return worker

    def ready(self) -> None:
        """Wait until it is. Raises WorkerError."""
        with self._ended_after(START_SECONDS):
            try:
                head, _ = self._receive()
            except (FrameError, OSError) as error:
                self.end()
                raise WorkerError("the scan worker did not start: run `python -m detectors.worker` by hand to see why") from error
        if head.get("kind") != "ready":
            self.end()
            raise WorkerError(f"the scan worker did not start: {head.get('text')}")
        self.confinement = Confinement(tuple(map(str, head["shut"])), tuple(map(str, head["open"])))

    def tell(self, mark: int, news: bytes) -> None:
        """Give it what is new about the clients. Raises OSError when it is gone."""
        if news:
            with self._ended_after(START_SECONDS):
                self._send({"version": VERSION, "kind": "news"}, news)
        self.mark = mark

    def scan(self, job: Job, seconds: float) -> Verdict:
        """The verdict. A worker that is gone or talks nonsense is `crashed`, one that overruns its time `timed_out`; then it has ended."""
        self.scans += 1
        self.overran = False
        head = {"version": VERSION, "kind": "scan", "number": self.scans, "seconds": seconds}
        head |= {"media_type": job.media_type, "encoding": job.encoding, "name": job.name}
        laid = self.board is not None and self.board.put(job.content)
        with self._ended_after(seconds + GRACE_SECONDS):
            try:
                self._send(head | {"laid": len(job.content) if laid else 0}, b"" if laid else job.content)
                answer, _ = self._receive()
                return read_verdict(answer, self.scans, job.size)
            except (FrameError, OSError):
                self.end()
                return Verdict(unread=(Unread.TIMED_OUT if self.overran else Unread.CRASHED,), size=job.size)

    @property
    def alive(self) -> bool:
        """False once it has ended or was ended."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Kill it; whoever waits for its answer has `crashed`. Any thread may call."""
        with suppress(OSError):
            self.process.kill()

    def end(self) -> None:
        """Kill it and close the pipes."""
        self.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if self.board is not None:
            self.board.close()
            self.board = None

    def _send(self, head: dict[str, object], body: bytes | memoryview) -> None:
        assert self.process.stdin is not None  # noqa: S101 # opened above
        write_frame(self.process.stdin.write, head, body)

    def _receive(self) -> tuple[Head, bytes]:
        assert self.process.stdout is not None  # noqa: S101 # opened above
        head, body = read_frame(self.process.stdout.read, body_max=0)
        return head, body

    def _ended_after(self, seconds: float) -> AbstractContextManager[None]:
        """Kill it if the block takes longer: then the pipe ends, and whoever waits on it goes on."""
        return _DEADLINES.within(seconds, self._overrun)

    def _overrun(self) -> None:
        self.overran = True
        self.kill()
