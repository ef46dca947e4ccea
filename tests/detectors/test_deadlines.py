"""Deadlines act when the time is over, in their order, and not after the end of what they watch."""

from __future__ import annotations

import threading

from detectors.deadlines import Deadlines

LONG = 3_600.0


def test_what_takes_too_long_is_acted_upon_while_it_lasts() -> None:
    deadlines, acted = Deadlines(), threading.Event()
    with deadlines.within(0.01, acted.set):
        assert acted.wait(LONG)


def test_an_earlier_deadline_does_not_wait_for_a_later_one() -> None:
    deadlines, late, early = Deadlines(), threading.Event(), threading.Event()
    with deadlines.within(LONG, late.set), deadlines.within(0.01, early.set):
        assert early.wait(LONG)
    assert not late.is_set()


def test_what_has_ended_in_time_is_left_alone() -> None:
    deadlines, wrong, right = Deadlines(), threading.Event(), threading.Event()
    for _ in range(50):
        with deadlines.within(0.05, wrong.set):
            pass
    with deadlines.within(0.1, right.set):  # later than all of those
        assert right.wait(LONG)
    assert not wrong.is_set()


def test_one_thread_serves_many_and_comes_again_after_silence() -> None:
    deadlines, acted = Deadlines(), [threading.Event() for _ in range(3)]
    before = threading.active_count()
    for event in acted:
        with deadlines.within(0.01, event.set):
            assert event.wait(LONG)
        assert threading.active_count() == before + 1
