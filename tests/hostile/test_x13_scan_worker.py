"""X13: hostile files are parsed beside the keys of the house. What a worker could do, were one of its parsers taken over: nothing.

The attack runs as a matcher inside a real worker, after its door was shut, and reports through the verdict what it achieved.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detectors import worker_process
from detectors.budget import Limits
from detectors.scanner import Scanner
from detectors.verdict import Unread
from tests.detectors.documents import pdf, table, zipped
from tests.services.firm_base import MAILS, Firm

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="only Linux shuts workers in by system calls")

TRAITOR = """
import ctypes, os, socket, subprocess, sys, threading
import detectors.worker as worker
from detectors.sandbox import Confinement
state, scratch, port, parent = {state!r}, {scratch!r}, {port}, {parent}
libc = ctypes.CDLL(None)

def raw(number, *values):
    if libc.syscall(number, *values) < 0:
        raise OSError

attacks = {{
    "read a key": lambda: open(state + "/keys/index.key", "rb").read(),
    "list the state folder": lambda: os.listdir(state),
    "look at a key": lambda: os.stat(state + "/keys/index.key"),
    "read the environment": lambda: open("/proc/self/environ", "rb").read(),
    "write a file": lambda: open(scratch + "/written", "wb").close(),
    "make a folder": lambda: os.mkdir(scratch + "/made"),
    "rename": lambda: os.rename(scratch + "/to rename", scratch + "/renamed"),
    "change rights": lambda: os.chmod(scratch + "/to unlink", 0o777),
    "unlink": lambda: os.unlink(scratch + "/to unlink"),
    "file in memory": lambda: os.memfd_create("x"),
    "connect": lambda: socket.create_connection(("127.0.0.1", port), 2),
    "pair of sockets": lambda: socket.socketpair(),
    "start a process": lambda: subprocess.run(["/bin/true"]),
    "fork": lambda: os.fork() or os._exit(0),
    "start a thread": lambda: threading.Thread(target=int).start(),
    "signal the parent": lambda: os.kill(parent, 0),
    "trace": lambda: raw({ptrace}, 0, 0, 0, 0),
    "become another user": lambda: os.setgid(os.getgid()),
}}

class Traitor:
    def __init__(self, image):
        pass
    def find(self, text, into):
        if "ATTACK" not in text:
            return
        for name, attack in attacks.items():
            try:
                attack()
            except (OSError, RuntimeError, PermissionError):
                continue
            into.clients[name] = set()
        into.clients["done"] = set()
    def passes_over(self, text):
        return False
    def add(self, news):
        pass

worker.load_matcher = Traitor
{more}
sys.exit(worker.main())
"""
PTRACE = {"x86_64": 101, "aarch64": 117}
"""PTRACE_TRACEME: asks the parent to trace this process."""


@contextmanager
def traitor(firm: Firm, scratch: Path, monkeypatch: pytest.MonkeyPatch, more: str = "") -> Iterator[Scanner]:
    """A scanner whose only worker attacks when it is told to."""
    for name in ("to rename", "to unlink"):
        (scratch / name).write_bytes(b"")
    values = {"state": str(firm.state), "scratch": str(scratch), "parent": os.getpid(), "ptrace": PTRACE[platform.machine()]}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        code = TRAITOR.format(port=listening.getsockname()[1], more=more, **values)
        monkeypatch.setattr(worker_process, "COMMAND", (sys.executable, "-I", "-c", code))
        scanner = Scanner(firm.index, Limits(), workers=1)
        try:
            yield scanner
        finally:
            scanner.close()


def test_a_parser_that_is_taken_over_reaches_no_file_no_network_and_no_process(
    client_base: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traitor(client_base, tmp_path, monkeypatch) as scanner:
        assert set(scanner.scan_blocking(b"ATTACK").clients) == {"done"}
    assert {path.name for path in tmp_path.iterdir()} == {"to rename", "to unlink"}


def test_without_its_walls_the_same_attacks_succeed(client_base: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with traitor(client_base, tmp_path, monkeypatch, "worker.confine = lambda memory: Confinement()") as scanner:
        done = set(scanner.scan_blocking(b"ATTACK").clients)
    assert len(done) == TRAITOR.count('": lambda: ') + 1


def test_the_worker_says_how_it_is_shut_in(scanner: Scanner) -> None:
    assert "system calls" in scanner.confinement.shut
    assert "limits of memory and files" in scanner.confinement.shut


def test_the_worker_is_told_nothing_of_its_surroundings(client_base: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORWART_TEST_SECRET", "a-secret-of-the-parent")
    scanner = Scanner(client_base.index, workers=1)
    try:
        (pid,) = scanner.pids
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        around = Path(f"/proc/{pid}/environ").read_bytes()
    finally:
        scanner.close()
    assert str(Path.cwd()).encode() not in words.replace(sys.executable.encode(), b"")
    assert b"LC_ALL=C.UTF-8" in around
    assert b"a-secret-of-the-parent" not in around


def test_every_format_is_still_read_when_the_door_is_shut(scanner: Scanner) -> None:
    lines = list(MAILS[:9])
    rows = [[mail, "x"] for mail in lines]
    for content in (pdf(lines), table(rows), zipped({"a": pdf(lines), "b": table(rows)}), pdf(["x"], attached=table(rows))):
        verdict = scanner.scan_blocking(content)
        assert (len(verdict.clients), verdict.unread) == (9, ())


def test_memory_of_a_worker_is_bounded_and_its_parent_lives(client_base: Firm) -> None:
    scanner = Scanner(client_base.index, Limits(memory=64 << 20, ratio=100_000), workers=1)
    try:
        bomb = zipped({"zeros": b"\0" * 120_000_000, "list": "\n".join(MAILS)})
        verdict = scanner.scan_blocking(bomb)
        assert set(verdict.unread) & {Unread.CRASHED, Unread.TOO_LARGE}
        assert len(scanner.scan_blocking("\n".join(MAILS).encode()).clients) == len(MAILS)
    finally:
        scanner.close()
