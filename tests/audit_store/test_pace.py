"""Cards opened by a script and cards opened by a person."""

import random

import pytest

from audit_store.pace import RUN, WINDOW_SECONDS, Pace


def opened(distances: list[float]) -> tuple[Pace, float]:
    pace, at = Pace(), 1_000_000.0
    for number, distance in enumerate(distances):
        at += distance
        pace.opened(at, str(number))
    return pace, at


@pytest.mark.parametrize(
    ("distances", "found"),
    [
        ([5.0] * 29, 0),
        ([5.0] * 30, 30),
        ([5.0] * 45, 45),
        ([4.0, 6.0] * 20, 40),
        ([0.3] * 30, 30),
        ([0.1, 0.1, 0.1, 30.0] * 10, 40),
        ([2.0, 30.0] * 18, 0),
        ([random.Random(number).expovariate(1 / 15) + 1 for number in range(38)], 0),  # noqa: S311 -- a person reading, the same at every run
        ([20.0] * 60, 30),
        ([21.0] * 60, 0),
    ],
)
def test_thirty_even_or_fast_openings_in_ten_minutes_are_a_script(distances: list[float], found: int) -> None:
    pace, at = opened(distances)
    assert pace.cards(at) == found


def test_the_opening_that_is_asked_for_counts_before_it_happens() -> None:
    pace, at = opened([5.0] * 29)
    assert pace.cards(at) == 0
    assert pace.cards(at + 5, asked="next") == 30


def test_the_same_client_again_is_no_new_opening() -> None:
    pace, at = Pace(), 0.0
    for _ in range(60):
        at += 5
        pace.opened(at, "7")
    assert pace.cards(at) == 0
    assert pace.cards(at + 5, asked="7") == 0


def test_a_pause_does_not_undo_what_was_found_but_ten_minutes_do() -> None:
    pace, at = opened([5.0] * 29)
    assert pace.cards(at + 5, asked="stopped here") == 30
    assert pace.cards(at + 90, asked="and tried again later") == 30
    assert pace.cards(at + 5 + WINDOW_SECONDS, asked="the next day") == 0


def test_a_pace_found_elsewhere_counts_too() -> None:
    pace = Pace()
    pace.found(1000.0)
    assert pace.cards(1001.0) == RUN
    assert pace.cards(1000.0 + WINDOW_SECONDS) == 0


def test_a_clock_that_goes_back_does_not_hide_a_script() -> None:
    pace, at = opened([1.0] * 15)
    for number in range(15):
        pace.opened(at - 300 + number, f"again {number}")
    assert pace.cards(at) == 30
