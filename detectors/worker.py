"""The scan worker, `python -m detectors.worker`: reads frames from its standard input, answers on its standard output, can do nothing else.

Hostile files are parsed here and nowhere else. Before the first of them everything is loaded and the door is shut (`detectors.sandbox`): no
file, no network, no other process (attacks X13).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from mmap import mmap
from typing import Any

from detectors.board import seen
from detectors.budget import Limits
from detectors.client_index.matcher import load_matcher
from detectors.frames import VERSION, FrameError, Head, read_frame, verdict_head, write_frame
from detectors.knowledge import Image, KnowledgeError, Matcher
from detectors.sandbox import confine
from detectors.scan import scan
from detectors.warm import warm

GRACE_SECONDS = 5
"""After its budget a scan that does not end itself is ended by the kernel, even where the parent is gone."""
_YIELD = 10
"""Steps of niceness: large files give way to messages and to the gateway itself."""
_BODY_MAX = 1 << 31


def main() -> int:
    """Serve until the parent closes the pipe. Exit code 0; 1 if it could not begin."""
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    read, write = partial(os.read, 0), partial(os.write, answers)
    try:
        head, description = read_frame(read, body_max=_BODY_MAX)
        limits = Limits(**head["limits"])
        board = seen(head["board"])
        matcher = load_matcher(Image(description, tuple(head["files"]), head["mark"]))
        warm(matcher, limits)
        if head["yielding"] and hasattr(os, "nice"):
            os.nice(_YIELD)
        confinement = confine(limits.memory)
    except FrameError:
        return 1
    except Exception as error:  # noqa: BLE001 # the parent says what is wrong
        text = str(error) if isinstance(error, KnowledgeError) else type(error).__name__
        write_frame(write, {"version": VERSION, "kind": "failed", "text": text})
        return 1
    write_frame(write, {"version": VERSION, "kind": "ready", "shut": list(confinement.shut), "open": list(confinement.open)})
    try:
        _serve(matcher, limits, board, read, write)
    except (FrameError, OSError):
        return 0
    return 0


def _serve(matcher: Matcher, limits: Limits, board: mmap | None, read: Callable[[int], bytes], write: Callable[[Any], int]) -> None:
    while True:
        head, body = read_frame(read, body_max=_BODY_MAX)
        if head["kind"] == "news":
            matcher.add(body)
        else:
            _answer(head, _laid(board, head["laid"]) if head["laid"] else body, matcher, limits, write)


def _laid(board: mmap | None, length: int) -> bytes:
    """A copy of what lies there: no parser sees it change."""
    content = board[:length] if board is not None else b""
    if len(content) != length:
        raise FrameError("less lies on the board than was said")
    return content


def _answer(head: Head, body: bytes, matcher: Matcher, limits: Limits, write: Callable[[Any], int]) -> None:
    seconds = min(head["seconds"], limits.seconds)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS)
    verdict = scan(
        body,
        matcher,
        limits.within(seconds),
        media_type=head["media_type"],
        encoding=head["encoding"],
        name=head["name"],
    )
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    write_frame(write, verdict_head(head["number"], verdict))


if __name__ == "__main__":
    sys.exit(main())
