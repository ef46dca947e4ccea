"""The memory of the agent, on a real file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from agent import seen as module
from agent.seen import Seen, SeenError, Stamp
from agent.telling import Pending

ROOT, PATH, DIGEST = Path("/stick"), Path("/stick/a"), b"d" * 32
STAMP = Stamp(1, 2, 3, 4, 5)


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Seen]:
    made = Seen(tmp_path / "seen.db")
    yield made
    made.close()


def test_a_file_is_the_same_as_long_as_nothing_about_it_has_changed(seen: Seen) -> None:
    seen.keep(ROOT, PATH, STAMP, DIGEST, clean=True)
    assert seen.same(ROOT, STAMP)
    for other in (Stamp(9, 2, 3, 4, 5), Stamp(1, 9, 3, 4, 5), Stamp(1, 2, 9, 4, 5), Stamp(1, 2, 3, 9, 5), Stamp(1, 2, 3, 4, 9)):
        assert not seen.same(ROOT, other)
    assert not seen.same(Path("/docs"), STAMP)


def test_numbers_of_64_bits_without_a_sign_are_kept(seen: Seen) -> None:
    largest = (1 << 64) - 1
    stamp = Stamp.of(cast("os.stat_result", SimpleNamespace(st_dev=largest, st_ino=largest - 1, st_size=3, st_mtime_ns=4, st_ctime_ns=5)))
    seen.keep(ROOT, PATH, stamp, DIGEST, clean=True)
    assert seen.same(ROOT, stamp)


def test_an_event_is_pending_together_with_its_file_or_not_at_all(tmp_path: Path, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    pending = Pending("e" * 32, b"{}", 7)
    seen.keep(ROOT, PATH, STAMP, DIGEST, clean=False, pending=pending)
    with pytest.raises(SeenError):
        seen.keep(ROOT, PATH, Stamp(1, 7, 3, 4, 5), DIGEST, clean=False, pending=pending)
    assert not seen.same(ROOT, Stamp(1, 7, 3, 4, 5))
    seen.close()
    again = Seen(tmp_path / "seen.db")
    assert again.pending() == [pending]
    again.settle(pending.id)
    assert again.pending() == []
    again.close()


def test_clean_files_share_a_commit_and_a_suspicion_brings_them_with_it(
    tmp_path: Path, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAZY_SECONDS", 3_600.0)

    def durable() -> int:
        other = sqlite3.connect(tmp_path / "seen.db")
        try:
            return int(other.execute("SELECT count(*) FROM seen").fetchone()[0])
        finally:
            other.close()

    for number in range(50):
        seen.keep(ROOT, ROOT / str(number), Stamp(1, number, 3, 4, 5), DIGEST, clean=True)
    assert (seen.count(), durable()) == (50, 0)
    seen.keep(ROOT, PATH, Stamp(1, 99, 3, 4, 5), DIGEST, clean=False, pending=Pending("e" * 32, b"{}", 0))
    assert durable() == 51
    seen.keep(ROOT, PATH, Stamp(1, 100, 3, 4, 5), DIGEST, clean=True)
    seen.flush()
    assert durable() == 52


def test_only_what_was_told_is_not_told_again_under_its_name(seen: Seen) -> None:
    seen.keep(ROOT, PATH, STAMP, DIGEST, clean=True)
    later = Stamp(1, 8, 3, 4, 5)
    assert not seen.told(ROOT, PATH, later, DIGEST)
    seen.keep(ROOT, PATH, STAMP, DIGEST, clean=False)
    assert seen.told(ROOT, PATH, later, DIGEST)
    assert seen.told(ROOT, ROOT / "renamed", STAMP, DIGEST)
    assert not seen.told(ROOT, ROOT / "copy", later, DIGEST)
    assert not seen.told(Path("/docs"), PATH, STAMP, DIGEST)
    seen.removed(ROOT, PATH)
    assert not seen.told(ROOT, PATH, later, DIGEST)


def test_what_a_walk_does_not_find_is_gone_and_forgotten_after_a_month(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    seen.keep(ROOT, PATH, STAMP, DIGEST, clean=False)
    seen.sweep(ROOT, {(1, 2)})
    assert seen.same(ROOT, STAMP)
    seen.sweep(ROOT, set())
    assert not seen.same(ROOT, STAMP)
    assert seen.told(ROOT, PATH, Stamp(1, 8, 3, 4, 5), DIGEST)
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 31 * 86_400)
    seen.sweep(ROOT, set())
    assert not seen.told(ROOT, PATH, Stamp(1, 8, 3, 4, 5), DIGEST)


def test_what_was_on_a_device_is_not_known_on_the_next_one(seen: Seen) -> None:
    for number, path in enumerate((ROOT / "A" / "a", ROOT / "AB" / "a")):
        seen.keep(ROOT, path, Stamp(1, number, 3, 4, 5), DIGEST, clean=False)
    seen.forget(ROOT / "A")
    assert [seen.same(ROOT, Stamp(1, number, 3, 4, 5)) for number in range(2)] == [False, True]


def test_what_was_clean_lately_is_doubted_with_a_new_filter_and_what_was_told_is_not(seen: Seen) -> None:
    seen.keep(ROOT, PATH, STAMP, DIGEST, clean=True)
    seen.keep(ROOT, ROOT / "told", Stamp(1, 8, 3, 4, 5), DIGEST, clean=False)
    assert seen.doubt_clean(time.time() + 1) == []
    assert seen.doubt_clean(time.time() - 60) == [(ROOT, PATH)]
    assert not seen.same(ROOT, STAMP)
    assert seen.same(ROOT, Stamp(1, 8, 3, 4, 5))


def test_questions_do_not_read_everything_that_is_known(seen: Seen) -> None:
    """With 200,000 files a question that reads the table costs more than the scan."""
    plans = []
    seen._connection.set_trace_callback(plans.append)
    seen.same(ROOT, STAMP)
    seen.told(ROOT, PATH, STAMP, DIGEST)
    seen.removed(ROOT, PATH)
    seen._connection.set_trace_callback(None)
    for statement in [text for text in plans if text.startswith(("SELECT", "DELETE"))]:
        details = [str(row[3]) for row in seen._connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert not any(detail.startswith("SCAN seen") for detail in details), (statement, details)


def test_a_file_of_a_newer_agent_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "seen.db")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(SeenError, match="newer"):
        Seen(tmp_path / "seen.db")
