"""The agent among faults: killed at any moment, without its server, without room, with a wrong clock, over a bad network.

The criterion is always the same: each file that came to a place is in the central log, exactly once, and the chain holds.
"""

from __future__ import annotations

import hashlib
import itertools
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import agent.agent
import agent.cli
import agent.observe
import console.server
from audit_store.event import EventAction
from deploy.demo.tryton_process import free_port
from tests.faults.bad_road import BadRoad
from tests.services.agents import Desk, Office, moments, table
from tests.services.waiting import until

pytestmark = pytest.mark.slow
KILLS = 50


def told(office: Office, *counts: int) -> bool:
    return set(office.digests()) >= {digest(count) for count in counts}


def digest(count: int) -> str:
    return hashlib.sha256(table(range(count))).hexdigest()


def settled(office: Office, desk: Desk, counts: range) -> None:
    """Everything was told once, and the record is whole."""
    until(lambda: told(office, *counts), 120, what="all files in the log")
    until(lambda: len(office.copies()) >= len(counts), 60, what="all acts in the log")
    desk.agent.stop()
    office.console.stop()
    assert office.problems() == []
    assert Counter(office.digests()) == Counter(map(digest, counts))
    assert len({act["torwart"]["act"]["id"] for act in office.copies()}) == len(office.copies())
    assert Counter(act["file"]["hash"]["sha256"] for act in office.copies()) == Counter(map(digest, counts))


def test_fifty_kills_while_files_arrive_lose_nothing_and_tell_nothing_twice(office: Office) -> None:
    desk = office.desk()
    chance = moments(50)
    counts = itertools.count(1)
    ending = threading.Event()

    def work() -> None:
        while not ending.is_set():
            number = next(counts)
            desk.copy(f"{number}.csv", range(number))
            time.sleep(chance.uniform(0, 0.25))

    employee = threading.Thread(target=work)
    begun = time.monotonic()
    employee.start()
    desk.agent.start()
    until(office.digests, what="the first file in the log")
    pace = time.monotonic() - begun  # of this machine, with what else it does now
    for _ in range(KILLS):
        desk.agent.kill()
        desk.agent.start()
        time.sleep(chance.uniform(0.1, 1.5 * pace))
    desk.agent.kill()
    ending.set()
    employee.join()
    assert len(office.digests()) > KILLS  # it was at work when it was killed
    desk.agent.start()
    last = next(counts)
    assert last > KILLS
    settled(office, desk, range(1, last))
    assert office.refusals() == []


def test_the_console_killed_while_it_takes_loses_nothing_and_writes_no_act_twice(office: Office) -> None:
    desk = office.desk(retry_seconds=1)
    chance = moments(20)
    desk.agent.start()
    for number in range(1, 21):
        desk.copy(f"{number}.csv", range(number))
        time.sleep(chance.uniform(0, 0.6))
        office.console.kill()
        office.start()
    settled(office, desk, range(1, 21))
    assert office.refusals() == []


def test_without_the_console_everything_waits_and_comes_in_order(office: Office) -> None:
    desk = office.desk(retry_seconds=2)
    desk.agent.start()
    desk.copy("1.csv", range(1))
    until(lambda: told(office, 1))
    office.console.stop()
    for number in range(2, 31):
        desk.copy(f"{number}.csv", range(number))
        until(lambda number=number: [event["file"]["hash"]["sha256"] for event in desk.recorded() if "file" in event][-1] == digest(number))  # type: ignore[misc]
    office.start()
    until(lambda: told(office, 30), 120)
    assert office.digests() == [digest(number) for number in range(1, 31)]
    settled(office, desk, range(1, 31))


def test_a_road_that_cuts_repeats_and_delays_changes_nothing(office: Office) -> None:
    desk = office.desk(retry_seconds=0.5)
    office.console.stop()
    office.listen = free_port()
    office.configure()
    office.start()
    road = BadRoad(office.port, office.listen, moments(7))
    try:
        desk.agent.start()
        for number in range(1, 41):
            desk.copy(f"{number}.csv", range(number))
            time.sleep(0.3)
        until(lambda: told(office, *range(1, 41)), 180)
    finally:
        road.close()
    assert road.cut
    assert road.repeated
    settled(office, desk, range(1, 41))
    # A repeated request is refused and said, whoever repeats it.
    assert set(office.refusals()) == {"counter"}


@pytest.mark.parametrize("years", [-20, 20])
def test_a_wrong_clock_loses_nothing_and_the_act_has_a_time_that_can_be(office: Office, years: int) -> None:
    desk = office.desk()
    desk.agent.run, desk.agent.arguments = _run_with_clock, (desk.config, years)
    desk.agent.start()
    desk.copy("1.csv", range(1))
    until(lambda: told(office, 1))
    desk.agent.stop()
    desk.agent.run, desk.agent.arguments = _run_with_clock, (desk.config, -years)
    desk.agent.start()
    desk.copy("2.csv", range(2))
    until(lambda: told(office, 2))
    seen = office.events(EventAction.FILE_SEEN)
    assert [round((event.skew_seconds or 0) / (365 * 86_400)) for event in seen] == [years, -years]
    until(lambda: len(office.copies()) == 2)
    now = datetime.now(UTC)
    assert all(abs(datetime.fromisoformat(act["@timestamp"]) - now) < timedelta(minutes=5) for act in office.copies())
    settled(office, desk, range(1, 3))
    assert office.refusals() == []


def test_a_full_disk_on_the_desk_delays_and_loses_nothing(office: Office) -> None:
    desk = office.desk()
    full = desk.folder / "full"
    desk.agent.run, desk.agent.arguments = _run_until_full, (agent.cli.run, desk.config, full)
    desk.agent.start()
    desk.copy("1.csv", range(1))
    until(lambda: told(office, 1))
    full.touch()
    until(full.with_suffix(".felt").exists)
    for number in range(2, 31):
        desk.copy(f"{number}.csv", range(number))
    time.sleep(3)
    assert desk.agent.alive
    assert office.digests() == [digest(1)]
    full.unlink()
    settled(office, desk, range(1, 31))


def test_the_servers_full_disk_refuses_and_the_agent_comes_again(office: Office) -> None:
    desk = office.desk(retry_seconds=1)
    office.console.stop()
    full = desk.folder / "full"
    office.console.run, office.console.arguments = _run_until_full, (console.server.run, *office.console.arguments, full)
    office.start()
    desk.agent.start()
    desk.copy("1.csv", range(1))
    until(lambda: told(office, 1))
    full.touch()
    until(full.with_suffix(".felt").exists)
    for number in range(2, 31):
        desk.copy(f"{number}.csv", range(number))
    until(lambda: sum("file" in event for event in desk.recorded()) == 30, what="all files told on the desk")
    time.sleep(2)
    assert office.console.alive
    assert office.digests() == [digest(1)]
    full.unlink()
    settled(office, desk, range(1, 31))


def _run_with_clock(config: Path, years: int) -> None:
    """`torwart-agent run` on a machine whose clock is wrong."""
    shift = timedelta(days=365 * years)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + shift

    right = time.time_ns, time.time
    time.time_ns = lambda: right[0]() + int(shift.total_seconds()) * 10**9
    time.time = lambda: right[1]() + shift.total_seconds()
    agent.agent.datetime = agent.observe.datetime = Clock  # type: ignore[misc]
    agent.cli.run(config)


def _run_until_full(run: Callable[[Path], object], config: Path, full: Path) -> object:
    """A process for which no file may grow as long as `full` is there."""
    free = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def watch() -> None:
        while True:
            tight = full.exists()
            resource.setrlimit(resource.RLIMIT_FSIZE, (0 if tight else free, free))
            if tight:
                full.with_suffix(".felt").mkdir(exist_ok=True)
            time.sleep(0.05)

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()
    return run(config)
