"""The power goes at any moment of a retention run: the record is whole before and after, and the next run finishes it (fault 4)."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from audit_store.database import open_database
from audit_store.log import Log
from audit_store.retention import Kept
from audit_store.retention_run import Retention
from audit_store.witnessed import WitnessedSpool
from tests.audit_store.acts import NOW
from tests.faults.watched_disk import Disk, Kind, Left
from tests.services.require import missing

EVENTS = 60
"""Half of them are over; the first forty are packed."""
RUN = """
import sys
from datetime import timedelta
from pathlib import Path
from audit_store.database import open_database
from audit_store.event import Phase
from audit_store.log import Log
from audit_store.retention import Kept
from audit_store.retention_run import Retention
from audit_store.spool import Spool
from tests.audit_store.acts import NOW, access

class Own(Spool):
    def state_end(self):
        pass

state = Path(sys.argv[1])
engine = open_database(state / "torwart.db")
at = NOW
log = Log.open(state / "log", clock=lambda: at)
own = Own.open(state / "spool" / "console", "console")
for number in range(60):
    at = NOW - timedelta(days=100 if number % 4 < 2 else 5)
    own.append(access((str(number),), phase=Phase.RELEASED, at=at))
    log.take(own)
at = NOW
log.pack(entries=20, kept=20)
(state / "built").write_text("yes")
days = {Kept.READING: 60}
work = Retention(
    engine=engine, log=log, own=own, spool=state / "spool" / "console", state=state, days=days, hold=frozenset(), now=lambda: NOW
)
print(work.run().taken_out)
"""


class Own(WitnessedSpool):
    """The console's record, without a place outside."""

    def state_end(self) -> None:
        """Nobody is asked."""


def look(state: Path) -> tuple[list[str], int, int]:
    """Problems of the record as it was left, how much was gone then, and how much is after a run that goes on."""
    engine = open_database(state / "torwart.db")
    log = Log.open(state / "log", clock=lambda: NOW)
    problems = [str(one) for one in log.verify()]
    before = sum(not entry.canonical for entry in log.entries(0, 1_000))
    own = Own.open(state / "spool" / "console", "console")
    own.append = lambda event: super(WitnessedSpool, own).append(event)  # type: ignore[method-assign]
    assert own.epoch_after(1) is None, "the record goes on: nobody has touched anything"
    Retention(
        engine=engine,
        log=log,
        own=own,
        spool=state / "spool" / "console",
        state=state,
        days={Kept.READING: 60},
        hold=frozenset(),
        now=lambda: NOW + timedelta(hours=1),
    ).run()
    problems += [str(one) for one in log.verify(own)]
    after = sum(not entry.canonical for entry in log.entries(0, 1_000))
    super(WitnessedSpool, own).close()
    log.close()
    engine.dispose()
    return problems, before, after


@pytest.mark.parametrize("survives", ["only what was synced", "everything written", "some of what was not synced"])
def test_the_power_goes_at_any_moment_of_the_run(tmp_path: Path, survives: str) -> None:
    try:
        disk = Disk.make(tmp_path)
    except RuntimeError as error:
        missing("cc", str(error))
    assert int(disk.run(RUN)) == EVENTS // 2
    steps, left = disk.steps(), Left()
    built = next(number for number, step in enumerate(steps) if step.path.name == "built")
    chance = random.Random(5) if survives.startswith("some") else None  # noqa: S311 -- which writes survive
    seen: set[int] = set()
    moments = 0
    for number, step in enumerate(steps):
        left.take(step)
        if number < built or step.kind not in (Kind.WRITE, Kind.SYNC) or number % 6 != len(survives) % 6:
            continue
        copy = tmp_path / f"after-{number}"
        left.put(copy, of=disk.folder, chance=chance, whole=survives == "everything written")
        problems, before, after = look(copy)
        assert (problems, after) == ([], EVENTS // 2), f"after step {number}"
        seen.add(before)
        moments += 1
    assert moments > 10
    assert {0, EVENTS // 2} <= seen, "old and new were both seen"
