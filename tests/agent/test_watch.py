"""What the system tells, through watchdog as it is."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.watch import Watch
from tests.services.waiting import until


class Told:
    """Notes everything."""

    def __init__(self) -> None:
        self.changed: list[tuple[Path, bool]] = []
        self.arrived: list[Path] = []
        self.gone: list[Path] = []
        self.overflows = threading.Event()
        self.watch = Watch(lambda *told: self.changed.append(told), self.arrived.append, self.gone.append, self.overflows.set)


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    made.watch.start()
    yield made
    made.watch.stop()


def test_files_that_are_written_moved_and_removed_are_told(told: Told, tmp_path: Path) -> None:
    assert told.watch.cover({tmp_path}) == {tmp_path}
    file = tmp_path / "a\n😀.csv"
    file.write_bytes(b"x")
    until(lambda: (file, True) in told.changed)
    file.rename(tmp_path / "b.csv")
    until(lambda: (tmp_path / "b.csv", True) in told.changed)
    assert told.gone == []  # a file that is renamed is the same file
    (tmp_path / "b.csv").unlink()
    until(lambda: told.gone == [tmp_path / "b.csv"])


def test_a_folder_that_is_moved_in_is_told_and_watched(told: Told, tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    (outside / "deep").mkdir(parents=True)
    told.watch.cover({root})
    shutil.move(outside, root / "in")
    until(lambda: root / "in" in told.arrived)
    (root / "in" / "deep" / "a").write_bytes(b"x")
    until(lambda: (root / "in" / "deep" / "a", True) in told.changed)


def test_a_folder_that_comes_back_is_watched_anew(told: Told, tmp_path: Path) -> None:
    root = tmp_path / "stick"
    root.mkdir()
    assert told.watch.cover({root}) == {root}
    assert told.watch.cover({root}) == set()
    root.rmdir()
    until(lambda: told.watch.cover({root}) == set() and not any(emitter.is_alive() for emitter in told.watch._observer.emitters))
    root.mkdir()
    until(lambda: told.watch.cover({root}) == {root})
    (root / "a").write_bytes(b"x")
    until(lambda: (root / "a", True) in told.changed)
    assert told.watch.cover(set()) == set()


def test_a_full_queue_of_the_system_is_heard(told: Told) -> None:
    logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; filesystem events were lost")
    assert told.overflows.is_set()
