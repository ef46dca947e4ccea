"""Once a day, again soon where something waits or failed, and never beside another run."""

import pytest

from audit_store.retention_run import BusyError, Done
from console.retaining import EVERY_SECONDS, Retaining


class Runs:
    """Stands for the retention; counts."""

    def __init__(self) -> None:
        self.whole = self.rest = 0
        self.waiting = 0
        self.fails: Exception | None = None

    def run(self) -> Done:
        self.whole += 1
        if self.fails is not None:
            raise self.fails
        return Done(waiting=self.waiting)

    def carry_out(self) -> Done:
        self.rest += 1
        return Done(waiting=self.waiting)


def test_it_runs_once_a_day() -> None:
    runs, clock = Runs(), [0.0]
    retaining = Retaining(runs, lambda: clock[0])
    for seconds in (0, 600, EVERY_SECONDS - 1, EVERY_SECONDS, EVERY_SECONDS + 600):
        clock[0] = seconds
        retaining.step()
    assert (runs.whole, runs.rest) == (2, 0)


def test_what_waits_is_taken_out_soon() -> None:
    runs = Runs()
    retaining = Retaining(runs, lambda: 0.0)
    runs.waiting = 3
    retaining.step()
    retaining.step()
    runs.waiting = 0
    retaining.step()
    assert retaining.step() is None
    assert (runs.whole, runs.rest) == (1, 2)


def test_another_run_is_left_alone_and_a_failure_is_tried_again() -> None:
    runs = Runs()
    retaining = Retaining(runs, lambda: 0.0)
    runs.fails = BusyError()
    assert retaining.step() is None
    runs.fails = OSError("no room")
    with pytest.raises(OSError, match="no room"):
        retaining.step()
    runs.fails = None
    assert retaining.step() == Done()
    assert (runs.whole, runs.rest) == (3, 0)
