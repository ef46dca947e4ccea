"""Goals 4 to 6 as they are now, and what a scan costs an upload: throughput, size of the index, latency beside a large file.

Nothing is reported that was not checked first: every planted client is found, the office text names nobody.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import re2

from detectors.budget import Limits
from detectors.client_index.index import ClientIndex
from detectors.client_index.matcher import IndexMatcher, load_matcher
from detectors.knowledge import Matcher, Matches
from detectors.scan import scan
from detectors.scanner import Scanner
from detectors.text import Text
from tests.bench.report import BenchError, Row, row
from tests.bench.scan_corpora import PATTERNS, PLANTED, build_firm, dense_export, office_text, spellings

ROUNDS, SECONDS = 5, 2.0
SMALL_BYTES, LARGE_BYTES, SMALL_PER_SECOND = 20_000, 20_000_000, 50
_SUBJECT_CORE = 0
_LIMITS = Limits(seconds=600.0)


class _Nobody:
    """The pipeline without an index."""

    def find(self, text: str, into: Matches) -> None:
        """Nothing."""

    def passes_over(self, text: Text) -> bool:
        """Everything."""
        return True

    def add(self, news: bytes) -> None:
        """Nothing."""


def run(quick: bool) -> dict[str, Row]:
    """The rows `scan_throughput`, `index_bytes`, `index_scan` and `scan_latency`. Raises BenchError."""
    rounds, seconds = (1, 0.3) if quick else (ROUNDS, SECONDS)
    clients, planted, size = (20_000, 200, 500_000) if quick else (1_000_000, PLANTED, 4_000_000)
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as name:
        state = Path(name)
        build_firm(state, clients, planted)
        index = ClientIndex(state)
        matcher = load_matcher(index.image())
        corpora = {"office text": office_text(size), "dense export": dense_export(size, clients)}
        _check(matcher, corpora, planted)
        with _pinned():
            rows = {
                "scan_throughput": _throughput(matcher, corpora, rounds, seconds),
                "index_bytes": _bytes(index, matcher, 200_000 if quick else 50_000_000),
                "index_scan": _index_scan(matcher, corpora, rounds, seconds, planted),
            }
        rows["scan_latency"] = _latency(index, corpora["office text"], 1.0 if quick else 10.0, 1 if quick else 3)
        index.close()
    return rows


def _throughput(matcher: Matcher, corpora: dict[str, bytes], rounds: int, seconds: float) -> Row:
    """Goal 4: the whole pipeline, with the index, over a raw set of google-re2; and beside it a loop of Python's `re`."""
    patterns = re2.Set.SearchSet()
    for pattern in PATTERNS:
        patterns.Add(pattern)
    patterns.Compile()
    loop = [re.compile(pattern) for pattern in PATTERNS]
    ratios: dict[str, list[float]] = {}
    lines: list[str] = []
    for name, content in corpora.items():
        ours: list[float] = []
        raw: list[float] = []
        for _ in range(rounds):
            ours.append(_speed(lambda: scan(content, matcher, _LIMITS), len(content), seconds))  # noqa: B023 # called at once
            raw.append(_speed(lambda: patterns.Match(content), len(content), seconds))  # noqa: B023
        python = _speed(lambda: [sum(1 for _ in pattern.finditer(content)) for pattern in loop], len(content), seconds)  # noqa: B023
        ratios[name] = [a / b for a, b in zip(ours, raw, strict=True)]
        middle = statistics.median(ours)
        lines.append(f"{name:13} {statistics.median(ratios[name]):6.3f} x   {middle:6.1f} MB/s, raw set {statistics.median(raw):6.1f} MB/s")
        lines.append(f"{'':13} {middle / python:6.1f} x a loop of Python's re ({python:.1f} MB/s; wanted 20 x)")
    together = [math.prod(ratios[name][n] for name in ratios) ** (1 / len(ratios)) for n in range(rounds)]
    return row(together, floor=0.0, target=0.5, cases=ratios, lines=lines)


def _bytes(index: ClientIndex, matcher: IndexMatcher, tried: int) -> Row:
    """Goal 5: bytes of a key over what theory needs for its rate of false hits, which is measured with keys of nobody."""
    dice = np.random.default_rng(3)
    hits = sum(len(matcher.hits(dice.integers(0, 1 << 63, 1_000_000, np.uint64) * np.uint64(2))) for _ in range(max(tried // 1_000_000, 1)))
    stats = index.stats()
    rate = max(hits, 1) / max(tried, 1_000_000)
    needed = (math.log2(1 / rate) + math.log2(stats.clients)) / 8
    said = "none" if not hits else str(hits)
    line = f"{stats.bytes_per_key:.2f} bytes a key, {stats.keys:,} keys of {stats.clients:,} clients; false hits: {said} of {tried:,} tried"
    return row(
        [stats.bytes_per_key / needed], floor=0.0, target=1.25, lines=[line, "smaller is better; the rate is taken as one hit at least"]
    )


def _index_scan(matcher: Matcher, corpora: dict[str, bytes], rounds: int, seconds: float, planted: int) -> Row:
    """Goal 6: the pipeline with the index over the pipeline without."""
    nobody = _Nobody()
    ratios: dict[str, list[float]] = {}
    for name, content in corpora.items():
        pairs = [
            (
                _speed(lambda: scan(content, matcher, _LIMITS), len(content), seconds),  # noqa: B023 # called at once
                _speed(lambda: scan(content, nobody, _LIMITS), len(content), seconds),  # noqa: B023
            )
            for _ in range(rounds)
        ]
        ratios[name] = [a / b for a, b in pairs]
    together = [math.prod(ratios[name][n] for name in ratios) ** (1 / len(ratios)) for n in range(rounds)]
    lines = [f"{name:13} {statistics.median(found):6.3f} x" for name, found in ratios.items()]
    lines.append(f"{12 * planted:,} planted values in 12 spellings: all found")
    return row(together, floor=0.0, target=0.6, cases=ratios, lines=lines)


def _latency(index: ClientIndex, text: bytes, seconds: float, rounds: int) -> Row:
    """An upload that is no finding, through the workers: alone, and beside a file of 20 MB. The ratio is p99 beside over p99 alone."""
    large = (text * (LARGE_BYTES // len(text) + 1))[:LARGE_BYTES]
    scanner = Scanner(index, _LIMITS)
    try:
        alone: list[float] = []
        beside: list[float] = []
        ratios: list[float] = []
        files = 0
        for _ in range(rounds):
            quiet, _ = asyncio.run(_small_ones(scanner, text, seconds, None))
            loud, done = asyncio.run(_small_ones(scanner, text, seconds, large))
            ratios.append(_percentile(loud, 99) / _percentile(quiet, 99))
            alone += quiet
            beside += loud
            files += done
        memory = [_resident(pid) for pid in scanner.pids]
    finally:
        scanner.close()
    held = " and ".join(f"{size / 1e6:.0f} MB" for size in memory)
    lines = [
        f"alone              {_said(alone)} (wanted: at most 5 ms)",
        f"beside 20 MB files {_said(beside)} ({files} files read)",
        f"{SMALL_BYTES // 1000} KB of office text, {SMALL_PER_SECOND}/s; workers hold {held}",
    ]
    return row(ratios, floor=0.0, target=2.0, alone_ms=_summary(alone), beside_ms=_summary(beside), lines=lines)


async def _small_ones(scanner: Scanner, text: bytes, seconds: float, large: bytes | None) -> tuple[list[float], int]:
    """Seconds of each small scan at a fixed rate, whatever the one before takes; and how many large ones were read meanwhile."""
    stop = False
    done = 0

    async def large_ones() -> None:
        nonlocal done
        while large is not None and not stop:
            if not (await scanner.scan(large)).clean:
                raise BenchError("the large file is not clean")
            done += 1

    async def small_one(number: int) -> float:
        begin = number * 997 % (len(text) - SMALL_BYTES)
        content = text[begin : begin + SMALL_BYTES]
        started = time.perf_counter()
        verdict = await scanner.scan(content, media_type="text/plain")
        taken = time.perf_counter() - started
        if not verdict.clean:
            raise BenchError(f"a small upload is not clean: {verdict.unread}, {len(verdict.clients)} clients")
        return taken

    background = asyncio.create_task(large_ones())
    tasks = []
    for number in range(int(seconds * SMALL_PER_SECOND)):
        tasks.append(asyncio.create_task(small_one(number)))
        await asyncio.sleep(1 / SMALL_PER_SECOND)
    taken = list(await asyncio.gather(*tasks))
    stop = True
    await background
    return taken, done


def _check(matcher: Matcher, corpora: dict[str, bytes], planted: int) -> None:
    """Raises BenchError if anything planted is missed or anything else is found."""
    everybody = {f"p{number}" for number in range(planted)}
    for name, spell in spellings().items():
        text = "\n".join(f"{number % 97}; {spell(number)} ;" for number in range(planted))
        missed = everybody - scan(text.encode(), matcher, _LIMITS).clients.keys()
        if missed:
            raise BenchError(f"{len(missed)} of {planted} planted values are missed when written {name!r}")
    if not (verdict := scan(corpora["office text"], matcher, _LIMITS)).clean:
        raise BenchError(f"the office text is not clean: {verdict.unread}, {len(verdict.clients)} clients")
    if (verdict := scan(corpora["dense export"], matcher, _LIMITS)).unread or not verdict.clients:
        raise BenchError(f"the dense export was not read: {verdict.unread}")


def _speed(work: Callable[[], Any], size: int, seconds: float) -> float:
    """MB/s of CPU time, over at least so many seconds: other load on the machine does not move it much."""
    passes = 0
    started, wall = time.process_time(), time.perf_counter()
    while passes == 0 or time.perf_counter() - wall < seconds:
        work()
        passes += 1
    return size * passes / 1e6 / (time.process_time() - started)


@contextmanager
def _pinned() -> Iterator[None]:
    """On one core, as far as the platform can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_SUBJECT_CORE} & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) * percent // 100, len(values) - 1)]


def _said(values: list[float]) -> str:
    return f"p50 {_percentile(values, 50) * 1e3:6.2f} ms   p99 {_percentile(values, 99) * 1e3:6.2f} ms"


def _summary(values: list[float]) -> dict[str, float]:
    return {f"p{percent}": round(_percentile(values, percent) * 1e3, 2) for percent in (50, 95, 99)}


def _resident(pid: int) -> int:
    """Bytes in memory, files that are mapped left out where the platform tells them apart."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")
