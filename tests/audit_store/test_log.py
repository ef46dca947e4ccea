"""The central log: what comes in, what is stopped at its door, and what tampering leaves behind."""

import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit_store.chain import FIRST_EPOCH, epoch_start, link
from audit_store.event import Phase
from audit_store.history import History
from audit_store.log import FILE, Log, LogError, Problem
from audit_store.log_file import columns_of, seal
from audit_store.schema import SCHEMA
from audit_store.spool import FILE as SPOOL_FILE
from audit_store.spool import MARKER, Spool, SpoolReader
from tests.audit_store.acts import NOW, access, plain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool.open(tmp_path / "spool" / "gateway", "gateway")
    yield spool
    spool.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log.open(tmp_path / "log", clock=lambda: NOW)
    yield log
    log.close()


def harm(path: Path, *statements: str) -> None:
    """What somebody with the file and SQLite's own tools can do."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def texts(problems: list[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def test_events_of_all_producers_get_one_numbering_and_a_time_of_receipt(log: Log, spool: Spool, tmp_path: Path) -> None:
    console = Spool.open(tmp_path / "spool" / "console", "console")
    events = [plain(number) for number in range(4)]
    for event in events[:2]:
        spool.append(event)
    console.append(events[2])
    assert log.take(spool) == 2
    assert log.take(console) == 1
    spool.append(events[3])
    assert log.take(spool) == 1
    found = log.read(0, 10)
    assert [(row.sequence, row.producer, row.producer_sequence) for row in found] == [
        (1, "gateway", 1),
        (2, "gateway", 2),
        (3, "console", 1),
        (4, "gateway", 3),
    ]
    assert [row.document["event"]["id"] for row in found] == [event.id for event in events]
    assert {row.received for row in found} == {NOW}
    assert log.verify(spool, console) == []
    console.close()


def test_nothing_is_taken_twice(log: Log, spool: Spool) -> None:
    """promises G99."""
    for number in range(5):
        spool.append(plain(number))
    assert [log.take(spool) for _ in range(3)] == [5, 0, 0]
    assert len(log.read(0, 100)) == 5


def test_more_than_one_batch_is_taken_at_once(log: Log, spool: Spool) -> None:
    spool._store([plain(number).canonical() for number in range(2_345)])
    assert log.take(spool) == 2_345
    assert log.verify(spool) == []


def test_two_takers_at_once_take_each_event_once(log: Log, spool: Spool, tmp_path: Path) -> None:
    spool._store([plain(number).canonical() for number in range(3_000)])
    other = Log.open(tmp_path / "log")
    threads = [threading.Thread(target=one.take, args=(SpoolReader.open(tmp_path / "spool" / "gateway"),)) for one in (log, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.producer_sequence for row in log.read(0, 5_000)] == list(range(1, 3_001))
    assert log.verify(spool) == []
    other.close()


KILLED = """
import sys
from pathlib import Path
from audit_store.log import Log
from audit_store.spool import SpoolReader

log, spool = Log.open(Path(sys.argv[1]) / "log"), SpoolReader.open(Path(sys.argv[1]) / "spool" / "gateway")
print("ready", flush=True)
while True:
    log.take(spool)
"""


@pytest.mark.slow
def test_kill_minus_nine_while_taking_takes_each_event_once(log: Log, spool: Spool, tmp_path: Path) -> None:
    for turn in range(8):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        before = log.cursor("gateway")
        number = 0
        while log.cursor("gateway") < before + 50 + 37 * turn:
            spool._store([plain(number + place).canonical() for place in range(25)])
            number += 25
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    log.take(spool)
    found = log.read(0, 1_000_000)
    assert [row.producer_sequence for row in found] == list(range(1, spool.head().sequence + 1))
    assert log.verify(spool) == []


def test_pages_go_on_behind_the_last_and_the_tail_is_the_newest(log: Log, spool: Spool) -> None:
    spool._store([plain(number).canonical() for number in range(10)])
    log.take(spool)
    assert [row.sequence for row in log.read(3, 4)] == [4, 5, 6, 7]
    assert [row.sequence for row in log.tail(3)] == [8, 9, 10]


def test_a_wrong_clock_is_accepted_and_shown(log: Log, spool: Spool) -> None:
    """promises G98."""
    for at in (NOW - timedelta(days=20_000), NOW + timedelta(days=20_000), NOW):
        spool.append(plain(at=at))
    log.take(spool)
    assert [row.skew_seconds for row in log.read(0, 3)] == [-20_000 * 86_400, 20_000 * 86_400, 0]
    assert log.verify(spool) == []


def test_folder_and_file_are_their_owner_s_only(log: Log, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "log" / FILE).stat().st_mode) == 0o600
    (tmp_path / "log").chmod(0o755)
    with pytest.raises(LogError, match="chmod 700"):
        Log.open(tmp_path / "log")


def test_a_reader_needs_a_log_and_never_changes_it(log: Log, spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot be opened"):
        Log.open(tmp_path / "nothing", reading=True)
    spool.append(plain())
    reader = Log.open(tmp_path / "log", reading=True)
    with pytest.raises(LogError, match="readonly"):
        reader.take(spool)
    assert reader.cursor("gateway") == 0
    log.take(spool)
    assert reader.cursor("gateway") == 1
    assert len(reader.read(0, 10)) == 1
    reader.close()


def test_a_log_of_a_newer_torwart_is_refused(log: Log, tmp_path: Path) -> None:
    harm(tmp_path / "log" / FILE, f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(LogError, match="newer Torwart"):
        Log.open(tmp_path / "log")


def test_the_history_is_counted_again_from_log_and_spool(log: Log, spool: Spool) -> None:
    for number in range(3):
        spool.append(access((str(number),)))
    spool.append(access(("7",), phase=Phase.HELD))
    log.take(spool)
    spool.append(access(("9",)))
    history = History()
    history.rebuild(log, spool, now=NOW)
    assert history.usage("P-00000001", NOW, own=frozenset(), base=10, book=0).before.shown_day == 4


def changed_byte(path: Path) -> None:
    connection = sqlite3.connect(path)
    canonical = bytearray(connection.execute("SELECT canonical FROM entry WHERE sequence = 5").fetchone()[0])
    canonical[-5] ^= 1
    connection.execute("UPDATE entry SET canonical = ? WHERE sequence = 5", (bytes(canonical),))
    connection.commit()
    connection.close()


def swapped(path: Path) -> None:
    columns = "producer_sequence, at, act_id, person, subject, action, phase, outcome, canonical, hash"
    connection = sqlite3.connect(path)
    fourth, fifth = connection.execute(f"SELECT {columns} FROM entry WHERE sequence IN (4, 5) ORDER BY sequence").fetchall()  # noqa: S608
    names = [name.strip() for name in columns.split(",")]
    connection.execute("UPDATE entry SET producer_sequence = -1 WHERE sequence = 4")
    for sequence, values in ((5, fourth), (4, fifth)):
        connection.execute(
            f"UPDATE entry SET {', '.join(f'{name} = ?' for name in names)} WHERE sequence = ?",  # noqa: S608
            (*values, sequence),
        )
    connection.commit()
    connection.close()


def forged(path: Path) -> None:
    """An event put between two others by somebody who does everything right but for what follows."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE entry SET sequence = -sequence, producer_sequence = -producer_sequence WHERE sequence >= 5")
    connection.execute("UPDATE entry SET sequence = 1 - sequence, producer_sequence = 1 - producer_sequence WHERE sequence < 0")
    before, received, before_seal = connection.execute("SELECT hash, received, seal FROM entry WHERE sequence = 4").fetchone()
    event = access()
    digest = link(before, producer="gateway", epoch=1, sequence=5, canonical=event.canonical())
    place = {"sequence": 5, "received": received, "producer": "gateway", "epoch": 1, "producer_sequence": 5}
    own_seal = seal(before_seal, **place, digest=digest)
    connection.execute(
        f"INSERT INTO entry VALUES ({', '.join('?' * 15)})",  # noqa: S608
        (*place.values(), *columns_of(event.document), event.canonical(), digest, own_seal),
    )
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (changed_byte, "log 5, gateway 5: does not fit its chain"),
        (swapped, "log 4, gateway 5: gateway's events 4 are missing before it"),
        (forged, "log 6, gateway 6: does not fit its chain"),
        (lambda path: harm(path, "UPDATE entry SET canonical = 'a text' WHERE sequence = 5"), "log 5, gateway 5: does not fit its chain"),
        (lambda path: harm(path, "UPDATE entry SET hash = 'a text' WHERE sequence = 5"), "log 5, gateway 5: does not fit its chain"),
        (lambda path: harm(path, "UPDATE entry SET seal = 'a text' WHERE sequence = 5"), "log 5, gateway 5: does not fit the order"),
        (lambda path: harm(path, "UPDATE entry SET received = 'a text' WHERE sequence = 5"), "log 5, gateway 5: does not fit the order"),
        (lambda path: harm(path, "UPDATE entry SET epoch = 'a text' WHERE sequence = 5"), "log 5, gateway 5: begins epoch 0"),
        (
            lambda path: harm(path, "UPDATE entry SET producer = x'ff' WHERE sequence = 5"),
            "log 5, \ufffd 5: \ufffd's events 1 to 4 are missing",
        ),
        (
            lambda path: harm(path, "UPDATE entry SET person = x'ff' WHERE sequence = 5"),
            "log 5, gateway 5: is filed under what is not in it",
        ),
        (lambda path: harm(path, "UPDATE producer SET hash = 'a text', epoch = 'b'"), "gateway 10: the log's note of its last event"),
        (lambda path: harm(path, "DELETE FROM entry WHERE sequence = 5"), "log 5: missing"),
        (lambda path: harm(path, "DELETE FROM entry WHERE sequence IN (5, 6, 7)"), "log 5: missing, and all up to 7"),
        (lambda path: harm(path, "DELETE FROM entry WHERE sequence = 1"), "log 1: missing"),
        (lambda path: harm(path, "DELETE FROM entry WHERE sequence > 7"), "gateway 8: missing: the log has taken events up to 10"),
        (lambda path: harm(path, "DELETE FROM entry"), "gateway 1: missing: the log has taken events up to 10"),
        (
            lambda path: harm(path, "UPDATE entry SET received = 0 WHERE sequence = 5"),
            "log 5, gateway 5: does not fit the order of the log",
        ),
        (lambda path: harm(path, "UPDATE entry SET hash = x'00' WHERE sequence = 5"), "log 5, gateway 5: does not fit its chain"),
        (
            lambda path: harm(path, "UPDATE entry SET person = 'P-2' WHERE sequence = 5"),
            "log 5, gateway 5: is filed under what is not in it",
        ),
        (lambda path: harm(path, "UPDATE entry SET canonical = x'ff' WHERE sequence = 5"), "log 5, gateway 5: does not fit its chain"),
        (lambda path: harm(path, "UPDATE producer SET sequence = 8"), "gateway 8: the log's note of its last event is another one"),
        (lambda path: harm(path, "DELETE FROM producer"), "gateway: has events in the log but no note of how far"),
    ],
)
def test_tampering_is_named_with_its_first_place(
    log: Log, spool: Spool, tmp_path: Path, change: Callable[[Path], None], first: str
) -> None:
    """promises G96, for the log as it is kept here."""
    for number in range(10):
        spool.append(access((str(number),)))
    log.take(spool)
    assert log.verify(spool) == []
    change(tmp_path / "log" / FILE)
    assert texts(log.verify())[0].startswith(first)
    assert log.verify(spool) != []


def test_one_harm_is_one_place_not_one_for_every_event_behind_it(log: Log, spool: Spool, tmp_path: Path) -> None:
    spool._store([plain(number).canonical() for number in range(500)])
    log.take(spool)
    changed_byte(tmp_path / "log" / FILE)
    assert {problem.sequence for problem in log.verify()} == {5}


def everything_anew(path: Path) -> None:
    """Who owns the file can change an event and compute every hash behind it anew."""
    connection = sqlite3.connect(path)
    event = access(("666",))
    connection.execute("UPDATE entry SET canonical = ? WHERE sequence = 5", (event.canonical(),))
    previous, sealed = epoch_start("gateway", FIRST_EPOCH), connection.execute("SELECT seal FROM entry WHERE sequence = 4").fetchone()[0]
    rows = connection.execute("SELECT sequence, received, canonical FROM entry ORDER BY sequence").fetchall()
    for sequence, received, canonical in rows:
        previous = link(previous, producer="gateway", epoch=1, sequence=sequence, canonical=canonical)
        if sequence >= 5:
            sealed = seal(
                sealed, sequence=sequence, received=received, producer="gateway", epoch=1, producer_sequence=sequence, digest=previous
            )
            connection.execute("UPDATE entry SET hash = ?, seal = ? WHERE sequence = ?", (previous, sealed, sequence))
    connection.execute("UPDATE producer SET hash = ?", (previous,))
    connection.commit()
    connection.close()


def test_a_log_whose_hashes_were_all_computed_anew_differs_from_the_spool(log: Log, spool: Spool, tmp_path: Path) -> None:
    for number in range(10):
        spool.append(access((str(number),)))
    log.take(spool)
    everything_anew(tmp_path / "log" / FILE)
    assert log.verify() == [], "this is what signed checkpoints outside the machine are for"
    assert texts(log.verify(spool))[0] == "gateway 5: is another one in the spool than in the log"


def test_a_spool_that_lost_events_differs_from_the_log(log: Log, spool: Spool, tmp_path: Path) -> None:
    spool._store([plain(number).canonical() for number in range(10)])
    log.take(spool)
    harm(tmp_path / "spool" / "gateway" / SPOOL_FILE, "DELETE FROM event WHERE sequence IN (3, 4, 5, 8)")
    assert texts(log.verify(spool)) == [
        "gateway 3: in the log and not in the spool, and all up to 5",
        "gateway 8: in the log and not in the spool",
    ]


def test_a_log_that_was_thinned_out_with_its_note_differs_from_the_spool(log: Log, spool: Spool, tmp_path: Path) -> None:
    spool._store([plain(number).canonical() for number in range(5)])
    log.take(spool)
    harm(tmp_path / "log" / FILE, "DELETE FROM entry WHERE sequence = 2", "UPDATE entry SET sequence = sequence - 1 WHERE sequence > 2")
    assert "gateway 2: in the spool and not in the log" in texts(log.verify(spool))


def spool_path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "gateway" / SPOOL_FILE


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        ("DELETE FROM event WHERE sequence > 3", "event 5 and all after it are gone from the spool"),
        ("UPDATE event SET hash = x'00' WHERE sequence = 5", "event 5 in the spool is not the one that was taken"),
        ("DELETE FROM event WHERE sequence = 6", "event 6 is missing"),
        ("UPDATE event SET canonical = x'7b7d' WHERE sequence = 6", "event 6 does not fit its chain"),
        ("UPDATE event SET epoch = 0 WHERE sequence = 6", "event 6 is of an older epoch"),
        ("UPDATE event SET epoch = 'a text' WHERE sequence = 6", "event 6 is of an older epoch"),
        ("UPDATE event SET canonical = 'a text' WHERE sequence = 6", "event 6 does not fit its chain"),
        ("UPDATE event SET hash = 'a text' WHERE sequence = 5", "event 5 in the spool is not the one that was taken"),
    ],
)
def test_a_producer_that_does_not_fit_is_stopped_with_one_alarm(log: Log, spool: Spool, tmp_path: Path, statement: str, cause: str) -> None:
    spool._store([plain(number).canonical() for number in range(5)])
    log.take(spool)
    spool._store([plain(number).canonical() for number in range(5)])
    harm(spool_path(tmp_path), statement)
    assert [log.take(spool) for _ in range(3)] == [0, 0, 0]
    (alarm,) = log.read(5, 10)
    assert (alarm.producer, alarm.document["event"]["action"]) == ("log", "store-alarm")
    assert alarm.document["torwart"]["subject"] == "gateway"
    assert alarm.document["torwart"]["words"]["cause"] == cause
    assert texts(log.verify(spool)) == [f"gateway 5: stopped behind this event: {cause}"]


def test_what_fits_before_the_break_is_taken(log: Log, spool: Spool, tmp_path: Path) -> None:
    spool._store([plain(number).canonical() for number in range(10)])
    harm(spool_path(tmp_path), "UPDATE event SET canonical = x'7b7d' WHERE sequence = 8")
    assert log.take(spool) == 7
    assert log.cursor("gateway") == 7


def test_other_producers_are_taken_while_one_is_stopped(log: Log, spool: Spool, tmp_path: Path) -> None:
    spool._store([plain(number).canonical() for number in range(3)])
    harm(spool_path(tmp_path), "DELETE FROM event WHERE sequence = 1")
    log.take(spool)
    console = Spool.open(tmp_path / "spool" / "console", "console")
    console.append(plain())
    assert log.take(console) == 1
    console.close()


def test_a_stopped_producer_goes_on_with_the_epoch_that_it_begins_in_the_open(log: Log, spool: Spool, tmp_path: Path) -> None:
    spool._store([plain(number).canonical() for number in range(5)])
    harm(spool_path(tmp_path), "UPDATE event SET canonical = x'7b7d' WHERE sequence = 4")
    assert log.take(spool) == 3
    spool.begin_epoch("looked at by an administrator")
    event = plain(99)
    spool.append(event)
    log.take(spool)
    found = log.read(0, 20)
    assert [(row.producer, row.epoch, row.producer_sequence) for row in found] == [
        *(("gateway", 1, number) for number in (1, 2, 3)),
        ("log", 1, 1),
        ("gateway", 2, 6),
        ("gateway", 2, 7),
    ]
    assert found[-1].document["event"]["id"] == event.id
    assert [problem.text.split(":")[0] for problem in log.verify()] == ["begins epoch 2"]


def test_a_forged_epoch_opens_no_door(log: Log, spool: Spool, tmp_path: Path) -> None:
    spool._store([plain(number).canonical() for number in range(3)])
    log.take(spool)
    harm(spool_path(tmp_path), "UPDATE event SET epoch = 2 WHERE sequence = 3")
    spool.append(plain())
    assert log.take(spool) == 0
    assert log.cursor("gateway") == 3


def test_a_cut_that_hides_from_the_spool_does_not_hide_from_the_log(tmp_path: Path, log: Log) -> None:
    """Who puts yesterday's spool and its marker back meets the log's cursor."""
    folder = tmp_path / "spool" / "gateway"
    spool = Spool.open(folder, "gateway")
    spool._store([plain(number).canonical() for number in range(5)])
    spool.close()
    shutil.copytree(folder, tmp_path / "yesterday")
    spool = Spool.open(folder, "gateway")
    spool._store([plain(number).canonical() for number in range(5)])
    log.take(spool)
    spool.close()
    for name in (SPOOL_FILE, MARKER):
        shutil.copy(tmp_path / "yesterday" / name, folder / name)
    spool = Spool.open(folder, "gateway")
    spool._store([plain(number).canonical() for number in range(20)])
    assert spool.head().epoch == 1
    assert log.take(spool) == 0
    assert log.tail(1)[0].document["torwart"]["words"]["cause"] == "event 10 in the spool is not the one that was taken"
    spool.close()


def test_a_reader_follows_a_spool_that_was_damaged_and_begun_anew(tmp_path: Path, log: Log) -> None:
    folder = tmp_path / "spool" / "gateway"
    spool = Spool.open(folder, "gateway")
    spool._store([plain(number).canonical() for number in range(5)])
    spool.close()
    reader = SpoolReader.open(folder)
    assert log.take(reader) == 5
    (folder / SPOOL_FILE).write_bytes(b"damaged")
    Spool.open(folder, "gateway").close()
    log.take(reader)
    assert [(row.producer, row.epoch, row.producer_sequence) for row in log.read(5, 10)] == [("log", 1, 1), ("gateway", 2, 6)]
    reader.close()
