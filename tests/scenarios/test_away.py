"""Scenario S22, the agent's half: Torwart is away for an hour. What a desk sees meanwhile waits, and arrives in order, each once.

Everything is real but one clock: the pauses of the delivery are counted instead of waited for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import chain, repeat

from agent.agent import Agent
from agent.identity import load_identity
from agent.settings import read_settings
from agent.uplink import FIRST_WAIT_SECONDS
from tests.services.agents import Desk, Office, table
from tests.services.waiting import until

AWAY_SECONDS = 3_600.0
LONGEST_SECONDS = 30.0
"""Between two tries, as an agent has it whose configuration says nothing about it."""
JITTER = 0.2
PAUSES_FOR_A_FILE = 4


class Pauses(threading.Event):
    """In the place of the delivery's end: whoever waits for it says for how long, and goes on when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: queue.Queue[float] = queue.Queue()
        self._over = threading.Semaphore(0)
        self._counted = True

    def wait(self, timeout: float | None = None) -> bool:
        if not self._counted:
            return super().wait(timeout)
        assert timeout is not None
        self.asked.put(timeout)
        self._over.acquire()
        return self.is_set()

    def over(self) -> None:
        """The pause is over."""
        self._over.release()

    def take_their_time(self) -> None:
        """This pause is over, and from now on pauses are waited for."""
        self._counted = False
        self.over()

    def set(self) -> None:
        super().set()
        self.over()


@contextmanager
def running(desk: Desk) -> Iterator[Pauses]:
    """The whole agent of this desk, in this process."""
    settings, identity, pauses = read_settings(desk.config), load_identity(desk.state), Pauses()
    assert settings.retry_seconds == LONGEST_SECONDS
    assert identity is not None
    agent = Agent(settings, identity)
    agent._uplink._ending = pauses
    agent.start()
    try:
        yield pauses
    finally:
        agent.stop()


def digest(number: int) -> str:
    return sha256(table(range(number))).hexdigest()


def on_the_desk(desk: Desk) -> list[str]:
    """Of the files in the agent's own record, in its order."""
    return [event["file"]["hash"]["sha256"] for event in desk.recorded() if "file" in event]


def copy(desk: Desk, number: int) -> None:
    """A file comes to the stick, and is in the agent's own record."""
    desk.copy(f"{number}.csv", range(number))
    until(lambda: on_the_desk(desk)[-1:] == [digest(number)], what=f"file {number} in the agent's record")


def pass_time(desk: Desk, pauses: Pauses, seconds: float, numbers: Iterator[int]) -> list[float]:
    """So much time of the delivery's clock, while files arrive; the pauses that it made. It is in another one at the end."""
    made: list[float] = []
    while sum(made) < seconds:
        if made:
            pauses.over()
        made.append(pauses.asked.get(timeout=60))
        if len(made) % PAUSES_FOR_A_FILE == 0:
            copy(desk, next(numbers))
    return made


def check_back_off(made: list[float]) -> None:
    """Each pause is twice the one before, up to the longest, and a little off, so that agents do not come all at once."""
    doubled = (FIRST_WAIT_SECONDS * 2**number for number in range(6))
    for pause, planned in zip(made, chain(doubled, repeat(LONGEST_SECONDS)), strict=False):
        assert planned * (1 - JITTER) <= pause <= planned * (1 + JITTER)
    assert len(set(made)) == len(made)


def test_s22_an_hour_without_torwart_delays_and_changes_neither_order_nor_number(office: Office) -> None:
    desk, numbers = office.desk(), iter(range(1, 1_000))
    with running(desk) as pauses:
        copy(desk, next(numbers))
        until(lambda: office.digests() == [digest(1)])
        office.console.stop()
        copy(desk, next(numbers))
        check_back_off(pass_time(desk, pauses, AWAY_SECONDS / 2, numbers))
        assert pauses.asked.empty()
    with running(desk) as pauses:  # the machine was started anew meanwhile: what waits, waits on its disk
        check_back_off(pass_time(desk, pauses, AWAY_SECONDS / 2, numbers))
        assert office.digests() == [digest(1)]
        office.start()
        pauses.take_their_time()
        seen = next(numbers)
        copy(desk, seen)
        wanted = [digest(number) for number in range(1, seen + 1)]
        until(lambda: office.digests() == wanted, what="all files in the log, in order")
        until(lambda: len(office.copies()) >= seen, what="all acts in the log")
    assert seen > 30
    assert on_the_desk(desk) == wanted
    office.console.stop()
    assert office.problems() == []
    assert office.digests() == wanted
    assert [act["file"]["hash"]["sha256"] for act in office.copies()] == wanted
    assert office.refusals() == []
