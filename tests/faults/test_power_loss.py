"""The power goes at any moment, the disk fails or takes its time: no event that was acknowledged is lost (promises, faults 3, 4 and 6)."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from audit_store.spool import Spool, SpoolReader
from tests.faults.watched_disk import Disk, Kind, Left, Step
from tests.services.require import missing

WRITER = """
import asyncio, os, sys
from pathlib import Path
from audit_store.spool import Spool
from tests.audit_store.acts import plain

folder = Path(sys.argv[1])
said = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

async def groups(spool):
    for turn in range(int(sys.argv[2])):
        events = [plain(number) for number in range(1 + turn % 5)]
        receipts = await asyncio.gather(*(spool.append_soon(event) for event in events))
        for receipt, event in zip(receipts, events):
            os.write(said, f"{receipt.sequence} {event.id}\\n".encode())

for _ in range(2):  # closed in between: the write-ahead log is folded into the file
    spool = Spool.open(folder / "spool", "gateway")
    asyncio.run(groups(spool))
    spool.close()
"""
FAILING = """
import os, sys
from pathlib import Path
from audit_store.spool import Spool, SpoolError
from tests.audit_store.acts import plain

folder, fault = Path(sys.argv[1]), Path(sys.argv[2])
said = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
spool = Spool.open(folder / "spool", "gateway")
refused = 0
for number in range(60):
    if number % 7 == 3:
        fault.write_text("EIO")
    event = plain(number)
    try:
        receipt = spool.append(event)
    except SpoolError:
        refused += 1
    else:
        os.write(said, f"{receipt.sequence} {event.id}\\n".encode())
print(refused)
os._exit(0)  # without a good-bye, as a machine that goes down
"""
SLOW = """
import sys, time
from pathlib import Path
from audit_store.spool import Spool
from tests.audit_store.acts import plain

folder, fault = Path(sys.argv[1]), Path(sys.argv[2])
spool = Spool.open(folder / "spool", "gateway")
fault.write_text("SLOW 2000")
begun = time.monotonic()
spool.append(plain(1))
print(time.monotonic() - begun)
spool.close()
"""


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    try:
        return Disk.make(tmp_path)
    except RuntimeError as error:
        missing("cc", str(error))


def acknowledged(steps: list[Step]) -> list[tuple[int, int, str]]:
    """Number of the step after which it was said, sequence, id of the event."""
    found = []
    for number, step in enumerate(steps):
        if step.path.name == "acknowledged":
            sequence, event = step.data.decode().split()
            found.append((number, int(sequence), event))
    return found


def kept(folder: Path) -> dict[int, str]:
    """Sequence and id of every event that a new start finds. It must go on in the same epoch: nobody has touched anything."""
    spool = Spool.open(folder, "gateway")
    rows = spool.read(0, 10_000)
    spool.close()
    assert {row.epoch for row in rows} <= {1}
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return {row.sequence: orjson.loads(row.canonical)["event"]["id"] for row in rows}


def lost(steps: list[Step], of: Path, into: Path, *, chance: random.Random | None = None, whole: bool = False) -> tuple[int, list[str]]:
    """How many moments were looked at, and which acknowledged event was missing when: the power goes after a step, and a start follows."""
    said, left = acknowledged(steps), Left()
    moments, gone = 0, []
    for number, step in enumerate(steps):
        left.take(step)
        if step.path.name == "acknowledged" or (number % 3 and step.kind is Kind.WRITE):
            continue
        copy = into / f"after-{number}"
        left.put(copy, of=of, chance=chance, whole=whole)
        (copy / "spool").mkdir(mode=0o700, exist_ok=True)
        there = kept(copy / "spool")
        gone += [f"{event} after step {number}" for when, sequence, event in said if when <= number and there.get(sequence) != event]
        moments += 1
    return moments, gone


@pytest.mark.parametrize("survives", ["only what was synced", "everything written", "some of what was not synced"])
def test_the_power_goes_after_any_write_and_every_acknowledged_event_is_there(disk: Disk, tmp_path: Path, survives: str) -> None:
    disk.run(WRITER, 30)
    steps = disk.steps()
    assert len(acknowledged(steps)) == 2 * sum(1 + turn % 5 for turn in range(30))
    assert sum(step.kind is Kind.SYNC for step in steps) >= 60, "each group has its own fsync"
    chance = random.Random(11) if survives.startswith("some") else None  # noqa: S311 -- which writes survive
    moments, gone = lost(steps, disk.folder, tmp_path, chance=chance, whole=survives == "everything written")
    assert moments > 100
    assert gone == []


def test_without_the_fsync_of_each_group_the_same_look_finds_losses(disk: Disk, tmp_path: Path) -> None:
    """The control: it is this fsync that keeps the promise, and the test above would see it missing."""
    disk.run(WRITER, 30)
    steps = disk.steps()
    first = next(number for number, step in enumerate(steps) if step.path.name == "acknowledged")
    careless = steps[:first] + [step for step in steps[first:] if step.kind is not Kind.SYNC]
    assert lost(careless, disk.folder, tmp_path)[1] != []


def test_an_fsync_that_fails_is_never_believed_afterwards(disk: Disk, tmp_path: Path) -> None:
    refused = int(disk.run(FAILING, disk.fault))
    assert refused >= 5, "an event whose fsync failed is not acknowledged"
    steps = disk.steps()
    assert sum(step.kind is Kind.FORGOTTEN for step in steps) >= 5
    left = Left()
    for step in steps:
        left.take(step)
    left.put(tmp_path / "after", of=disk.folder, chance=None)
    there = kept(tmp_path / "after" / "spool")
    said = acknowledged(steps)
    assert len(said) == 60 - refused
    assert [event for _, sequence, event in said if there.get(sequence) != event] == []


def test_a_slow_disk_delays_and_loses_nothing(disk: Disk) -> None:
    took = float(disk.run(SLOW, disk.fault))
    assert took >= 2, "the event is acknowledged when it is durable, not before"
    reader = SpoolReader.open(disk.folder / "spool")
    assert len(reader.read(0, 10)) == 1
    reader.close()


def test_a_disk_that_only_fails_is_said_and_nothing_is_acknowledged(disk: Disk) -> None:
    program = FAILING.replace("if number % 7 == 3:", "if True:")
    assert int(disk.run(program, disk.fault)) == 60
    assert acknowledged(disk.steps()) == []
