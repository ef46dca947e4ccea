"""More files at once than the agent's queue has room for: each that has to be told is told once, and the walks find the rest.

`TORWART_BURST_FILES=200000` makes the bursts as large as an unpacked backup; the test then takes as many times longer.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from agent.waiting import CAPACITY
from audit_store.event import EventAction
from tests.services.agents import CLIENTS, Desk, Office, table
from tests.services.waiting import until

BURSTS = 3
FILES = max(int(os.environ.get("TORWART_BURST_FILES") or 0), BURSTS * (CAPACITY + CAPACITY // 5))
"""In all: each burst alone is more than the queue holds."""
HOLDS_EVERY = 101
"""Each file of so many holds clients, from the first of a burst to the last."""
FOLDER_FILES = 1_500
PATIENCE_SECONDS = 60 + FILES / 50
"""For all files; the slowest machine that this was tried on looks at several hundred a second."""


def files(burst: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a burst."""
    for number in range(FILES // BURSTS):
        place, rest = divmod(number, HOLDS_EVERY)
        if rest:
            yield f"{burst}-{number}.txt", f"Notiz {number % 1_000}: Rückruf am Montag, Angebot liegt bei.\n".encode() * 3
        else:
            yield f"{burst}-{number}.csv", holding(place * BURSTS + burst)


def holding(number: int) -> bytes:
    """A table of five clients or more; of ten, the last two have the same content."""
    number -= number % 10 == 9
    first, more = number % (CLIENTS // 2), number // (CLIENTS // 2)
    return table(range(first, first + 5 + more))


def write(folder: Path, burst: int) -> None:
    for name, content in files(burst):
        (folder / name).write_bytes(content)


def write_folders(folder: Path, burst: int) -> None:
    """Each folder is made in the moment in which files come into it."""
    for number, (name, content) in enumerate(files(burst)):
        below = folder / f"ordner-{burst}-{number // FOLDER_FILES}"
        below.mkdir(exist_ok=True)
        (below / name).write_bytes(content)


def move_in(desk: Desk, burst: int) -> None:
    """A folder that was filled elsewhere: the system tells of the folder alone."""
    ready = desk.folder / "ready"
    ready.mkdir()
    write_folders(ready, burst)
    ready.rename(desk.docs / "backup")


def digests(burst: int) -> Counter[str]:
    """Of what has to be told of a burst."""
    return Counter(sha256(content).hexdigest() for name, content in files(burst) if name.endswith(".csv"))


def test_bursts_over_the_queue_are_told_whole_and_once(office: Office) -> None:
    desk = office.desk()
    wanted = digests(0) + digests(1) + digests(2)
    assert len(wanted) < wanted.total()  # some files have the same content: each is told
    desk.agent.start()
    until(lambda: (desk.state / "filter").exists())
    write(desk.stick, 0)
    write_folders(desk.docs, 1)
    move_in(desk, 2)
    until(lambda: desk.looked_at() == FILES // BURSTS * BURSTS, PATIENCE_SECONDS, what="all files looked at")
    until(lambda: len(office.digests()) >= wanted.total(), PATIENCE_SECONDS, what="all files in the log")
    losses = [event.document["torwart"]["numbers"] for event in office.events(EventAction.AGENT_LOSS)]
    assert sum(loss["files_late"] for loss in losses) > 0  # the queue was full, and the record says so
    assert all("error" not in loss for loss in losses)
    desk.agent.stop()
    desk.agent.start()  # everything is walked over once more
    last = desk.copy("last.csv", range(CLIENTS - 40, CLIENTS)).read_bytes()
    wanted[sha256(last).hexdigest()] += 1
    until(lambda: sha256(last).hexdigest() in office.digests(), PATIENCE_SECONDS, what="the last file")
    until(lambda: len(office.copies()) >= wanted.total(), PATIENCE_SECONDS, what="all acts in the log")
    desk.agent.stop()
    office.console.stop()
    assert office.problems() == []
    assert Counter(office.digests()) == wanted
    assert Counter(act["file"]["hash"]["sha256"] for act in office.copies()) == wanted
    assert office.refusals() == []
