"""The spool: what it acknowledged is there, and what was done to it behind its back is said."""

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from audit_store.chain import epoch_start, link
from audit_store.event import Event, EventAction
from audit_store.spool import FILE, MARKER, Receipt, Spool, SpoolError, SpoolReader, Stored, readers
from audit_store.spool_file import TAIL_ROWS
from tests.audit_store.acts import NOW, access, plain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "gateway"


def filled(folder: Path, count: int) -> None:
    spool = Spool.open(folder, "gateway")
    for number in range(count):
        spool.append(plain(number))
    spool.close()


def everything(folder: Path) -> list[Stored]:
    reader = SpoolReader.open(folder)
    try:
        return reader.read(0, 1_000_000)
    finally:
        reader.close()


def breaks(rows: list[Stored]) -> list[int]:
    """The sequences whose hash is not what the chain demands, computed from the bytes alone."""
    found = []
    previous: Stored | None = None
    for row in rows:
        same = previous is not None and previous.epoch == row.epoch
        before = previous.hash if same and previous else epoch_start(row.producer, row.epoch)
        wanted = link(before, producer=row.producer, epoch=row.epoch, sequence=row.sequence, canonical=row.canonical)
        if row.hash != wanted or (same and previous and row.sequence != previous.sequence + 1):
            found.append(row.sequence)
        previous = row
    return found


def tamper(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / FILE)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_what_was_appended_is_read_back_in_order_and_chained(folder: Path) -> None:
    spool = Spool.open(folder, "gateway")
    events = [plain(number) for number in range(5)]
    receipts = [spool.append(event) for event in events]
    rows = spool.read(0, 10)
    assert [receipt.sequence for receipt in receipts] == [row.sequence for row in rows] == [1, 2, 3, 4, 5]
    assert [row.canonical for row in rows] == [event.canonical() for event in events]
    assert [row.hash for row in rows] == [receipt.hash for receipt in receipts]
    assert breaks(rows) == []
    assert spool.read(3, 1) == [rows[3]]
    spool.close()


def test_numbers_go_on_after_a_new_start(folder: Path) -> None:
    filled(folder, 3)
    filled(folder, 2)
    rows = everything(folder)
    assert [row.sequence for row in rows] == [1, 2, 3, 4, 5]
    assert {row.epoch for row in rows} == {1}
    assert breaks(rows) == []


def test_commits_are_durable_by_the_pragmas_that_are_asserted(folder: Path) -> None:
    spool = Spool.open(folder, "gateway")
    connection = spool._connection
    assert connection is not None
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    spool.close()


def test_folder_and_files_are_their_owner_s_only(folder: Path) -> None:
    spool = Spool.open(folder, "gateway")
    spool.append(plain())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == dict.fromkeys(
        [FILE, f"{FILE}-wal", f"{FILE}-shm", MARKER], 0o600
    )
    spool.close()


def test_folders_above_are_made_as_closed_as_the_spool(tmp_path: Path) -> None:
    Spool.open(tmp_path / "state" / "spool" / "cli", "cli").close()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state", tmp_path / "state" / "spool")] == [0o700, 0o700]


def test_a_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    filled(folder, 1)
    folder.chmod(0o750)
    with pytest.raises(SpoolError, match=r"rights 750.*chmod 700"):
        Spool.open(folder, "gateway")


def test_the_spool_of_another_producer_is_refused(folder: Path) -> None:
    filled(folder, 1)
    with pytest.raises(SpoolError, match="belongs to the producer 'gateway'"):
        Spool.open(folder, "console")


def test_a_name_that_is_no_name_is_refused(folder: Path) -> None:
    with pytest.raises(SpoolError, match="no name of a producer"):
        Spool.open(folder, "../gateway")


def test_a_spool_of_a_newer_torwart_is_refused(folder: Path) -> None:
    filled(folder, 1)
    tamper(folder, "PRAGMA user_version = 3")
    with pytest.raises(SpoolError, match="newer Torwart"):
        Spool.open(folder, "gateway")


def test_an_event_with_anything_in_it_comes_back_as_it_was(folder: Path) -> None:
    """promises G95."""
    spool = Spool.open(folder, "gateway")
    documents: list[dict[str, Any]] = [
        {"torwart": {"text": "line\nline\0\r\x1b[31m\u202e"}},
        {"torwart": {"text": "x" * 1_000_000}},
        {"torwart": {f"key{number}": number for number in range(10_000)}},
        {"torwart": {"number": "a word here, a number there"}},
        {"torwart": {"number": 7}},
    ]
    for document in documents:
        spool.append(Event("id", NOW, EventAction.SELF_TEST, None, None, document))
    assert [orjson.loads(row.canonical) for row in spool.read(0, 10)] == documents
    spool.append(Event("id", NOW, EventAction.SELF_TEST, None, None, {"torwart": {"text": "\ud800"}}))
    assert orjson.loads(spool.read(5, 1)[0].canonical) == {"torwart": {"text": "\\ud800"}}
    spool.close()


def test_an_event_that_no_reader_could_bear_is_refused_and_the_next_one_is_stored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit_store.spool.EVENT_BYTES_MAX", 2_000)
    spool = Spool.open(folder, "gateway")
    with pytest.raises(SpoolError, match="more than 2000 bytes"):
        spool.append(access(tuple(str(number * number * 7919) for number in range(1, 9_000))))
    assert spool.append(plain(1)).sequence == 1
    spool.close()


def test_many_coroutines_share_commits_and_each_gets_its_own_receipt(folder: Path) -> None:
    spool = Spool.open(folder, "gateway")

    async def writer(number: int) -> list[tuple[int, bytes]]:
        found = []
        for step in range(10):
            event = plain(number * 100 + step)
            found.append(((await spool.append_soon(event)).sequence, event.canonical()))
        return found

    async def together() -> list[list[tuple[int, bytes]]]:
        return await asyncio.gather(*(writer(number) for number in range(64)))

    acknowledged = {sequence: canonical for found in asyncio.run(together()) for sequence, canonical in found}
    rows = spool.read(0, 1000)
    assert {row.sequence: row.canonical for row in rows} == acknowledged
    assert len(rows) == 640
    assert breaks(rows) == []
    spool.close()


def test_a_single_writer_never_waits_for_company(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit_store.spool.COMPANY_SECONDS", 3_600)
    spool = Spool.open(folder, "gateway")

    async def alone() -> list[int]:
        return [(await spool.append_soon(plain(number))).sequence for number in range(20)]

    assert asyncio.run(asyncio.wait_for(alone(), 60)) == list(range(1, 21))
    spool.close()


def test_a_group_is_complete_when_as_many_are_there_as_before(folder: Path) -> None:
    spool = Spool.open(folder, "gateway")
    spool._writer = threading.current_thread()  # nobody takes what waits
    spool._company = 3

    async def come() -> list[bool]:
        seen = []
        tasks = []
        for number in range(3):
            tasks.append(asyncio.create_task(spool.append_soon(plain(number))))
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # handed over in the loop's next turn
            seen.append(spool._complete.is_set())
        for task in tasks:
            task.cancel()
        return seen

    assert asyncio.run(come()) == [False, False, True]
    spool._writer = None
    spool.close()


def test_what_comes_in_one_turn_of_the_event_loop_shares_a_commit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool.open(folder, "gateway")
    groups: list[int] = []
    store = spool._store

    def counted(group: Sequence[bytes]) -> list[Receipt]:
        groups.append(len(group))
        return store(group)

    monkeypatch.setattr(spool, "_store", counted)

    async def act(number: int) -> None:
        time.sleep(0.002)  # noqa: ASYNC251 -- the loop is busy, and other threads run meanwhile
        await spool.append_soon(plain(number))

    async def come() -> None:
        for _ in range(3):
            await asyncio.gather(*map(act, range(10)))

    asyncio.run(come())
    assert sum(groups) == 30
    assert len(groups) <= 6
    spool.close()


def test_a_coroutine_that_is_cancelled_hurts_nobody_else(folder: Path) -> None:
    spool = Spool.open(folder, "gateway")

    async def together() -> int:
        tasks = [asyncio.create_task(spool.append_soon(plain(number))) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return sum(not isinstance(result, BaseException) for result in results)

    assert asyncio.run(together()) == 10
    rows = everything(folder)
    assert len(rows) >= 10
    assert breaks(rows) == []
    spool.close()


def test_what_waits_is_written_before_closing_and_nothing_after(folder: Path) -> None:
    spool = Spool.open(folder, "gateway")

    async def start_and_close() -> list[int]:
        tasks = [asyncio.create_task(spool.append_soon(plain(number))) for number in range(50)]
        await asyncio.sleep(0)
        await asyncio.to_thread(spool.close)
        return [receipt.sequence for receipt in await asyncio.gather(*tasks)]

    assert sorted(asyncio.run(start_and_close())) == list(range(1, 51))
    spool.close()
    with pytest.raises(SpoolError, match="closed"):
        spool.append(plain())
    with pytest.raises(SpoolError, match="closed"):
        asyncio.run(spool.append_soon(plain()))
    with pytest.raises(SpoolError, match="closed"):
        spool.read(0, 1)


def test_threads_and_a_second_opener_write_one_chain(folder: Path) -> None:
    """promises G101, within one producer."""
    first, second = Spool.open(folder, "gateway"), Spool.open(folder, "gateway")
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda number: (first, second)[number % 2].append(plain(number)), range(200)))
    assert sorted(receipt.sequence for receipt in receipts) == list(range(1, 201))
    assert breaks(everything(folder)) == []
    first.close()
    second.close()
    assert {row.epoch for row in everything(folder)} == {1}


def test_producers_have_chains_of_their_own(folder: Path) -> None:
    gateway, console = Spool.open(folder, "gateway"), Spool.open(folder.parent / "console", "console")
    event = plain()
    assert gateway.append(event).hash != console.append(event).hash
    gateway.close()
    console.close()
    assert [reader.producer for reader in readers(folder.parent)] == ["console", "gateway"]


def test_without_a_folder_there_are_no_readers(tmp_path: Path) -> None:
    assert readers(tmp_path / "nothing") == []
    with pytest.raises(SpoolError, match="cannot be opened"):
        SpoolReader.open(tmp_path / "nothing")


def test_a_reader_cannot_write(folder: Path) -> None:
    filled(folder, 1)
    reader = SpoolReader.open(folder)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM event")
    reader.close()


def put_back_older_copy(folder: Path) -> None:
    """The tail of the marker stays: an attacker who knows it meets the central log's cursor."""
    tamper(folder, "DELETE FROM event WHERE sequence > 3")
    connection = sqlite3.connect(folder / FILE)
    previous = connection.execute("SELECT hash FROM event WHERE sequence = 3").fetchone()[0]
    for sequence in range(4, 11):
        canonical = plain(sequence + 1000).canonical()
        previous = link(previous, producer="gateway", epoch=1, sequence=sequence, canonical=canonical)
        connection.execute("INSERT INTO event VALUES (?, 1, ?, ?)", (sequence, canonical, previous))
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("harm", "cause"),
    [
        (lambda folder: tamper(folder, "DELETE FROM event WHERE sequence > 7"), "the end is missing: 10 events were stored, 7 are there"),
        (lambda folder: tamper(folder, "DELETE FROM event"), "the end is missing: 10 events were stored, 0 are there"),
        (lambda folder: tamper(folder, "UPDATE event SET canonical = x'7b7d' WHERE sequence = 4"), "event 4 does not fit its chain"),
        (lambda folder: tamper(folder, "UPDATE event SET canonical = x'7b7d' WHERE sequence = 10"), "event 10 does not fit its chain"),
        (lambda folder: tamper(folder, "DELETE FROM event WHERE sequence = 4"), "event 4 is missing"),
        (lambda folder: tamper(folder, "DELETE FROM event WHERE sequence = 1"), "event 2 does not fit its chain"),
        (lambda folder: tamper(folder, "UPDATE event SET hash = x'00' WHERE sequence = 10"), "event 10 is not the one that was stored"),
        (lambda folder: tamper(folder, "UPDATE event SET canonical = 'a text' WHERE sequence = 4"), "event 4 does not fit its chain"),
        (lambda folder: tamper(folder, "UPDATE event SET hash = 'a text' WHERE sequence = 4"), "event 4 does not fit its chain"),
        (put_back_older_copy, "event 10 is not the one that was stored"),
    ],
)
def test_a_spool_that_was_touched_is_continued_in_a_new_epoch_that_says_why(folder: Path, harm: Callable[[Path], None], cause: str) -> None:
    """promises G97."""
    filled(folder, 10)
    harm(folder)
    spool = Spool.open(folder, "gateway")
    receipt = spool.append(plain())
    alarm, after = spool.read(10, 10)
    spool.close()
    document = orjson.loads(alarm.canonical)
    assert (alarm.sequence, alarm.epoch, after.sequence, after.epoch) == (11, 2, 12, 2)
    assert after.hash == receipt.hash
    assert document["event"]["action"] == "store-alarm"
    assert document["event"]["kind"] == "alert"
    assert document["torwart"]["words"]["cause"] == cause
    assert document["torwart"]["numbers"]["last_sequence"] == 10
    filled(folder, 1)
    assert [row.epoch for row in everything(folder)][-1] == 2, "the alarm is given once"


def test_an_older_copy_of_the_whole_spool_is_noticed_by_its_marker(folder: Path, tmp_path: Path) -> None:
    filled(folder, 5)
    shutil.copy(folder / FILE, tmp_path / "yesterday")
    filled(folder, 5)
    shutil.copy(tmp_path / "yesterday", folder / FILE)
    filled(folder, 1)
    assert [(row.sequence, row.epoch) for row in everything(folder)][5:] == [(11, 2), (12, 2)]


@pytest.mark.parametrize("damage", [b"this is no database at all" * 200, None])
def test_a_damaged_file_is_put_aside_and_kept(folder: Path, damage: bytes | None) -> None:
    filled(folder, 300)
    path = folder / FILE
    if damage is None:
        content = bytearray(path.read_bytes())
        content[4096:] = os.urandom(len(content) - 4096)
        damage = bytes(content)
    path.write_bytes(damage)
    filled(folder, 1)
    rows = everything(folder)
    assert [(row.sequence, row.epoch) for row in rows] == [(301, 2), (302, 2)]
    assert "put aside" in orjson.loads(rows[0].canonical)["torwart"]["words"]["cause"]
    (kept,) = folder.glob("spool.db.damaged-*Z")
    assert kept.read_bytes() == damage
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"\xff\xfe garbage", b"5 1 00 0000000000000000\n"])
def test_an_unreadable_marker_says_nothing_and_is_written_anew(folder: Path, content: bytes) -> None:
    """What a power loss may leave of a file that is never fsynced."""
    filled(folder, 3)
    (folder / MARKER).write_bytes(content)
    filled(folder, 1)
    assert {row.epoch for row in everything(folder)} == {1}
    tamper(folder, "DELETE FROM event WHERE sequence = 4")
    filled(folder, 1)
    assert everything(folder)[-1].epoch == 2


def test_more_than_the_verified_tail_opens_in_the_same_epoch(folder: Path) -> None:
    spool = Spool.open(folder, "gateway")

    async def many() -> None:
        await asyncio.gather(*(spool.append_soon(plain(number)) for number in range(TAIL_ROWS + 50)))

    asyncio.run(many())
    spool.close()
    filled(folder, 1)
    assert everything(folder)[-1].epoch == 1


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from audit_store.spool import Spool, SpoolError
from tests.audit_store.acts import plain

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit then fails with EFBIG
spool = Spool.open(Path(sys.argv[1]), "gateway")
spool.append(plain(0))
stored, refused = 1, 0
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
for number in range(1, 400):
    try:
        spool.append(plain(number))
        stored += 1
    except SpoolError:
        refused += 1

async def several():
    return await asyncio.gather(*(spool.append_soon(plain(number)) for number in range(1000, 1300)), return_exceptions=True)

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
results = asyncio.run(several())
together = sum(isinstance(result, SpoolError) for result in results)
assert all(isinstance(result, SpoolError) or result.sequence for result in results)
stored += len(results) - together
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.append(plain(2000))
assert all(not isinstance(result, BaseException) for result in asyncio.run(several()))
spool.close()
print(stored + 1 + 300, refused, together)
"""


def test_a_full_disk_fails_every_waiting_act_and_heals_without_a_restart(folder: Path) -> None:
    """The limit on the size of a file makes the kernel refuse the write, as a full disk does."""
    run = subprocess.run([sys.executable, "-c", FULL_DISK, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    stored, refused, together = map(int, run.stdout.split())
    rows = everything(folder)
    assert refused > 0
    assert together == 300
    assert breaks(rows) == []
    assert {row.epoch for row in rows} == {1}
    assert len(rows) >= stored, "an event may be there that was not acknowledged, never the reverse"


KILLED = """
import asyncio, os, sys
from pathlib import Path
from audit_store.spool import Spool
from tests.audit_store.acts import plain

spool = Spool.open(Path(sys.argv[1]), "gateway")
acknowledged = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

async def writer(number):
    while True:
        event = plain(number)
        receipt = await spool.append_soon(event)
        os.write(acknowledged, f"{receipt.sequence} {event.id}\\n".encode())
        os.fdatasync(acknowledged)

async def main():
    writers = [asyncio.create_task(writer(number)) for number in range(16)]
    print("ready", flush=True)
    await asyncio.gather(*writers)

asyncio.run(main())
"""


@pytest.mark.slow
def test_kill_minus_nine_loses_no_acknowledged_event(folder: Path, tmp_path: Path) -> None:
    """20 processes, each killed at another moment of its work."""
    acknowledgements = tmp_path / "acknowledged"
    for turn in range(20):
        before = acknowledgements.stat().st_size if acknowledgements.exists() else 0
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder), str(acknowledgements)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while not acknowledgements.exists() or acknowledgements.stat().st_size < before + 300 + 97 * turn:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    filled(folder, 1)
    rows = everything(folder)
    stored = {row.sequence: orjson.loads(row.canonical)["event"]["id"] for row in rows}
    lines = acknowledgements.read_text().splitlines()
    assert len(lines) > 20
    for line in lines:
        sequence, event_id = line.split()
        assert stored[int(sequence)] == event_id
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert {row.epoch for row in rows} == {1}
    assert breaks(rows) == []
