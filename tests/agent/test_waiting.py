"""The queue of files that wait until they rest."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agent import waiting
from agent.waiting import Waiting

A, B = Path("a"), Path("b")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    return now


def test_what_is_due_first_comes_first_and_once(clock: list[float]) -> None:
    queue = Waiting()
    queue.put(A, 2)
    queue.put(B, 1)
    clock[0] += 5
    assert [queue.take(0), queue.take(0), queue.take(0)] == [B, A, None]


def test_a_change_lets_it_wait_anew_but_not_for_ever(clock: list[float]) -> None:
    queue = Waiting()
    queue.put(A, 1)
    for _ in range(70):
        clock[0] += 0.9
        taken = queue.take(0)
        if taken is not None:
            break
        queue.put(A, 1)
    assert 60 <= clock[0] - 100 <= 62
    assert len(queue) == 0


def test_a_close_makes_it_due_sooner(clock: list[float]) -> None:
    queue = Waiting()
    queue.put(A, 30)
    queue.put(A, 0.1)
    clock[0] += 0.2
    assert queue.take(0) == A


def test_two_hundred_thousand_files_keep_a_bounded_queue_and_are_counted(clock: list[float]) -> None:
    queue = Waiting()
    for number in range(200_000):
        queue.put(Path(str(number)), 0)
    assert len(queue) == waiting.CAPACITY
    assert queue.take_dropped() == 200_000 - waiting.CAPACITY
    assert queue.take_dropped() == 0
    queue.put(Path("7"), 0)
    assert queue.take_dropped() == 0


def test_whoever_waits_is_woken_by_a_file_and_by_the_end() -> None:
    queue = Waiting()
    taken: list[Path | None] = []
    thread = threading.Thread(target=lambda: taken.extend((queue.take(30), queue.take(30))))
    thread.start()
    queue.put(A, 0)
    while not taken and thread.is_alive() and len(queue):
        pass
    queue.close()
    thread.join(10)
    assert taken == [A, None]
