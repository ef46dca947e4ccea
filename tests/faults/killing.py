"""How often the fault tests kill -9 a process, summed: 200 times, as the promises want (part 2, faults 1 and 2).

A start of the whole gateway takes half a second, that of a part of the store some milliseconds: both are killed in the midst of their work.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHOLE_GATEWAY = 50
"""`test_kills`: while clients read."""
SPOOL, LOG, INDEX = 60, 60, 30
"""`test_kills_of_the_store`: while events are recorded; while the log takes, packs and takes out; while it is indexed."""
PROMISED = 200
READY_SECONDS = 30.0
_MOTHER = """
import importlib, os, sys
from pathlib import Path

module, work, folder = sys.argv[1:]
work = getattr(importlib.import_module(module), work)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            work(Path(folder))
        finally:
            os._exit(1)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Imports everything once; each line that it reads is a life."""


def kill_often(work: Callable[[Path], None], folder: Path, times: int, chance: random.Random, *, longest: float) -> int:
    """Start `work(folder)` and kill it, again and again; how often that was.

    Each life lasts a random while (at most `longest` seconds) after its first acknowledgement.
    """
    said, killed = folder / "acknowledged", 0
    command = [sys.executable, "-c", _MOTHER, work.__module__, work.__name__, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as mother:
        assert mother.stdin is not None
        assert mother.stdout is not None
        for _ in range(times):
            before = said.stat().st_size if said.exists() else 0
            mother.stdin.write("\n")
            mother.stdin.flush()
            child = int(mother.stdout.readline())
            deadline = time.monotonic() + READY_SECONDS
            while not (said.exists() and said.stat().st_size > before):
                assert time.monotonic() < deadline, "it acknowledges nothing"
                time.sleep(0.0005)
            time.sleep(chance.uniform(0, longest))
            os.kill(child, signal.SIGKILL)
            assert int(mother.stdout.readline()) == -signal.SIGKILL, "it was at work when it was killed"
            killed += 1
        mother.stdin.close()
    return killed


def acknowledge(folder: Path) -> Callable[[str], None]:
    """A file of its own for what was said to be done, line by line: a kill takes nothing from it."""
    handle = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(line: str) -> None:
        os.write(handle, line.encode() + b"\n")

    return say


def acknowledged(folder: Path) -> list[str]:
    """All lines."""
    return (folder / "acknowledged").read_text(encoding="utf-8").splitlines()
