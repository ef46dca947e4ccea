"""Scanning in real worker processes: verdicts, time, crashes, what is new, and that large files keep nobody waiting."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from detectors import worker_process
from detectors.budget import Limits
from detectors.client_index.identifier import Identifier, Kind
from detectors.client_index.learner import Learner
from detectors.frames import FrameError, read_verdict
from detectors.knowledge import Image, KnowledgeError
from detectors.scanner import Scanner
from detectors.verdict import Unread
from detectors.worker_process import WorkerError
from tests.detectors.documents import zipped
from tests.services.firm_base import CLIENTS, MAILS, Firm

PLAIN = "\n".join(MAILS).encode()
NUMBERS = b" ".join(b"%d" % n for n in range(3_000_000))
"""24 MB of numbers that are nobody's."""


@contextmanager
def running(firm: Firm, limits: Limits, **more: int) -> Iterator[Scanner]:
    scanner = Scanner(firm.index, limits, **more)
    try:
        yield scanner
    finally:
        scanner.close()


def test_a_verdict_comes_back_with_all_that_the_pipeline_found(scanner: Scanner, client_base: Firm) -> None:
    content = zipped({"list.csv": PLAIN, "sealed.7z": b"7z\xbc\xaf\x27\x1c" + bytes(200)})
    verdict = scanner.scan_blocking(content, media_type="application/zip", name="a.zip")
    assert verdict == client_base.scan(content, media_type="application/zip", name="a.zip")
    assert (len(verdict.clients), len(verdict.keys), verdict.unread) == (CLIENTS, CLIENTS, (Unread.UNKNOWN_FORMAT,))


async def test_many_at_once_each_get_their_own_verdict(scanner: Scanner) -> None:
    verdicts = await asyncio.gather(*(scanner.scan("\n".join(MAILS[:n]).encode()) for n in range(1, 40)))
    assert [len(verdict.clients) for verdict in verdicts] == list(range(1, 40))


def test_d74_a_worker_that_is_killed_is_crashed_and_the_next_scan_works(client_base: Firm) -> None:
    with running(client_base, Limits(), workers=1) as scanner:
        os.kill(scanner.pids[0], signal.SIGSTOP)
        with ThreadPoolExecutor() as threads:
            scan = threads.submit(scanner.scan_blocking, PLAIN)
            os.kill(scanner.pids[0], signal.SIGKILL)
            assert scan.result().unread == (Unread.CRASHED,)
        assert len(scanner.scan_blocking(PLAIN).clients) == CLIENTS


def test_d74_a_worker_that_stands_still_is_timed_out_and_replaced(client_base: Firm) -> None:
    with running(client_base, Limits(seconds=0.2), workers=1) as scanner:
        before = scanner.pids
        os.kill(before[0], signal.SIGSTOP)
        assert scanner.scan_blocking(PLAIN).unread == (Unread.TIMED_OUT,)
        assert len(scanner.scan_blocking(PLAIN).clients) == CLIENTS
        assert scanner.pids != before


def test_a_scan_over_its_time_says_what_it_found_until_then(client_base: Firm) -> None:
    content = zipped({"a": PLAIN, "b": NUMBERS * 4}, zipfile.ZIP_STORED)
    with running(client_base, Limits(seconds=1.0), workers=1) as scanner:
        before = scanner.pids
        verdict = scanner.scan_blocking(content)
        assert (len(verdict.clients), verdict.unread) == (CLIENTS, (Unread.TIMED_OUT,))
        assert scanner.pids == before


def test_a_large_file_keeps_no_small_one_waiting(client_base: Firm) -> None:
    with running(client_base, Limits()) as scanner, ThreadPoolExecutor() as threads:
        for_large = scanner.pids[0]
        os.kill(for_large, signal.SIGSTOP)
        large = threads.submit(scanner.scan_blocking, NUMBERS)
        while scanner.waiting:
            time.sleep(0.01)
        assert [len(scanner.scan_blocking(PLAIN).clients) for _ in range(5)] == [CLIENTS] * 5
        assert not large.done()
        os.kill(for_large, signal.SIGCONT)
        assert large.result().unread == ()


def test_a_small_file_that_takes_its_time_goes_on_among_the_large(client_base: Firm) -> None:
    with running(client_base, Limits(small_seconds=0.05)) as scanner:
        verdict = scanner.scan_blocking(zipped({"numbers": NUMBERS[-8_000_000:], "list": PLAIN}))
        assert (len(verdict.clients), verdict.unread) == (CLIENTS, ())


def test_one_too_many_in_the_queue_is_told_at_once(client_base: Firm) -> None:
    with running(client_base, Limits(), workers=1, queue=2) as scanner, ThreadPoolExecutor() as threads:
        os.kill(scanner.pids[0], signal.SIGSTOP)
        first = threads.submit(scanner.scan_blocking, PLAIN)
        while scanner.waiting:
            time.sleep(0.01)
        waiting = [threads.submit(scanner.scan_blocking, PLAIN) for _ in range(2)]
        while scanner.waiting < 2:
            time.sleep(0.01)
        assert scanner.scan_blocking(PLAIN).unread == (Unread.TIMED_OUT,)
        os.kill(scanner.pids[0], signal.SIGCONT)
        assert [len(one.result().clients) for one in (first, *waiting)] == [CLIENTS] * 3


def test_workers_are_renewed_and_nothing_is_lost(client_base: Firm) -> None:
    with running(client_base, Limits(), workers=1, renew_after=3) as scanner:
        first = scanner.pids
        scans = 0
        while scanner.pids == first or scans < 4:
            assert len(scanner.scan_blocking(PLAIN).clients) == CLIENTS
            scans += 1
        assert scans > 3
        assert len(scanner.pids) == 1


def test_a_client_that_was_just_created_is_recognised_by_the_next_scan(client_base: Firm) -> None:
    with running(client_base, Limits()) as scanner:
        text = b"neu@eben-angelegt.example"
        assert scanner.scan_blocking(text).clean
        learner = Learner(client_base.state, ("DE",))
        learner.note([Identifier("9001", Kind.EMAIL, text.decode())])
        assert learner.settled(30)
        learner.close()
        for _ in range(2):
            assert set(scanner.scan_blocking(text).clients) == {"9001"}


class Unusable:
    def image(self) -> Image:
        raise KnowledgeError("build it")

    def news(self, since: int) -> tuple[int, bytes] | None:
        raise KnowledgeError("build it")


class Broken(Unusable):
    def image(self) -> Image:
        return Image(b'{"kind":"nothing that is known"}')


def test_nothing_starts_without_an_index() -> None:
    with pytest.raises(KnowledgeError):
        Scanner(Unusable())
    with pytest.raises(WorkerError, match="no such kind"):
        Scanner(Broken())


def test_an_index_that_is_lost_later_is_no_clean_verdict(client_base: Firm) -> None:
    with running(client_base, Limits()) as scanner:
        scanner._lanes[0]._workers._knowledge = Unusable()
        assert scanner.scan_blocking(PLAIN).unread == (Unread.CRASHED,)


def test_after_the_end_nothing_is_clean(client_base: Firm) -> None:
    scanner = Scanner(client_base.index)
    pids = scanner.pids
    scanner.close()
    assert scanner.scan_blocking(b"x").unread == (Unread.CRASHED,)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)  # noqa: PTH110


@pytest.mark.parametrize("answer", ["b''", "b'garbage' * 9", "b'\\xff' * 12", "b'\\2\\0\\0\\0' + bytes(8) + b'{}'"])
def test_an_answer_that_is_nonsense_is_crashed(answer: str, client_base: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os, time\nfrom detectors.frames import *\nfrom functools import partial\n"
        "read_frame(partial(os.read, 0), body_max=1 << 30)\n"
        "write_frame(partial(os.write, 1), {'version': VERSION, 'kind': 'ready', 'shut': [], 'open': []})\n"
        f"read_frame(partial(os.read, 0), body_max=1 << 30)\nos.write(1, {answer})\n"
    )
    monkeypatch.setattr(worker_process, "COMMAND", (*worker_process.COMMAND[:2], "-c", code))
    with running(client_base, Limits(), workers=1) as scanner:
        assert scanner.scan_blocking(b"x").unread == (Unread.CRASHED,)


GOOD = {"kind": "verdict", "number": 3, "clients": {"7": ["email"]}, "keys": [1], "suspected": [], "unread": ["damaged"], "parts": 1}
GOOD["marks"] = []


@pytest.mark.parametrize(
    "change",
    [
        {"number": 4},
        {"kind": "news"},
        {"clients": ["7"]},
        {"clients": {"7": ["shoe size"]}},
        {"clients": {"7\x1b[2J": ["email"]}},
        {"clients": {"": ["email"]}},
        {"keys": [-1]},
        {"keys": [1 << 64]},
        {"keys": ["1"]},
        {"keys": None},
        {"unread": ["bored"]},
        {"parts": True},
        {"parts": -1},
        {"marks": ["7F3A"]},
    ],
    ids=json.dumps,
)
def test_a_verdict_of_another_shape_is_none(change: dict[str, object]) -> None:
    assert read_verdict(GOOD, 3, 10).clients == {"7": frozenset({Kind.EMAIL})}
    with pytest.raises(FrameError):
        read_verdict(GOOD | change, 3, 10)
