"""A spool gives up what the log has, and its chain goes on from what is noted of it; a full one takes nothing."""

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit_store.event import EventAction
from audit_store.history import History
from audit_store.log import Log
from audit_store.replica import MisfitError, Replica
from audit_store.spool import FILE, Spool, SpoolReader
from audit_store.spool_file import Head, SpoolError
from audit_store.spool_room import Room, SpoolFullError
from audit_store.spool_trim import trim
from tests.audit_store.acts import NOW, access, plain

ROOT = Path(__file__).parents[2]
DAYS = 10


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log.open(tmp_path / "log", clock=lambda: NOW)
    yield log
    log.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """One event a day for ten days, the last one today."""
    spool = Spool.open(tmp_path / "gateway", "gateway")
    for day in range(DAYS):
        spool.append(access((str(day),), at=NOW - timedelta(days=DAYS - 1 - day)))
    yield spool
    spool.close()


def cut(spool: Spool, log: Log, *, days: int = 7, stated: int | None = None, taken: int | None = None) -> int:
    known = log.cursor(spool.producer) if taken is None else taken
    return trim(spool._path, spool.producer, taken=known, before=NOW - timedelta(days=days), stated=stated)


def kept(spool: Spool) -> list[int]:
    return [row.sequence for row in spool.read(0, 1_000)]


def test_only_what_the_log_has_and_is_old_enough_goes(spool: Spool, log: Log) -> None:
    assert cut(spool, log) == 0
    log.take(spool)
    assert cut(spool, log) == 2, "eight and nine days"
    assert kept(spool) == list(range(3, DAYS + 1))
    assert cut(spool, log) == 0
    anchor = spool.anchor()
    assert anchor is not None
    assert (anchor.sequence, anchor.epoch) == (2, 1)


@pytest.mark.parametrize(("stated", "left"), [(None, 3), (0, 1), (1, 2), (5, 3)])
def test_what_no_signed_statement_covers_stays(spool: Spool, log: Log, stated: int | None, left: int) -> None:
    log.take(spool)
    cut(spool, log, stated=stated)
    assert kept(spool)[0] == left


def test_the_last_event_and_the_one_at_the_log_s_cursor_stay(spool: Spool, log: Log) -> None:
    log.take(spool)
    assert cut(spool, log, days=-1) == DAYS - 1
    assert kept(spool) == [DAYS]
    assert log.take(spool) == 0
    spool.append(plain())
    assert log.take(spool) == 1
    assert log.verify(spool) == []


def test_the_chain_is_verified_from_the_anchor_and_goes_on(spool: Spool, log: Log, tmp_path: Path) -> None:
    log.take(spool)
    cut(spool, log, days=3)
    spool.append(plain())
    spool.close()
    again = Spool.open(tmp_path / "gateway", "gateway")
    assert again.head() == Head(DAYS + 1, 1, again.head().hash), "no new epoch: nothing was tampered with"
    assert log.take(again) == 1
    assert log.verify(again) == []
    history = History()
    history.rebuild(log, again, now=NOW)
    assert history.usage("P-00000001", NOW, own=frozenset(), base=10, book=0).before.shown_month == DAYS
    again.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE anchor SET hash = x'00'", "gateway 6: was taken out of the spool, and the log has another one or none"),
        ("UPDATE anchor SET sequence = 8", "gateway 8: was taken out of the spool, and the log has another one"),
        ("DELETE FROM anchor", "gateway 1: in the log and not in the spool, and all up to 6"),
        ("DELETE FROM event WHERE sequence = 8", "gateway 8: in the log and not in the spool"),
    ],
)
def test_whoever_takes_out_more_is_named(spool: Spool, log: Log, statement: str, said: str) -> None:
    log.take(spool)
    assert cut(spool, log, days=3) == 6
    connection = sqlite3.connect(spool._path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    assert str(log.verify(spool)[0]).startswith(said)


def test_a_cut_that_is_not_the_log_s_begins_a_new_epoch(spool: Spool, log: Log, tmp_path: Path) -> None:
    log.take(spool)
    cut(spool, log, days=3)
    spool.close()
    connection = sqlite3.connect(tmp_path / "gateway" / FILE)
    connection.execute("DELETE FROM event WHERE sequence = 7")
    connection.commit()
    connection.close()
    again = Spool.open(tmp_path / "gateway", "gateway")
    assert again.head().epoch == 2
    again.close()


def test_a_time_that_lies_ahead_keeps_what_stands_behind_it(log: Log, tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    for at in (NOW - timedelta(days=30), NOW + timedelta(days=30), NOW - timedelta(days=30), NOW):
        spool.append(plain(at=at))
    log.take(spool)
    assert cut(spool, log) == 1
    spool.close()


def test_a_spool_of_before_is_brought_up_by_whoever_trims_it(spool: Spool, log: Log, tmp_path: Path) -> None:
    log.take(spool)
    spool.close()
    connection = sqlite3.connect(tmp_path / "gateway" / FILE)
    connection.executescript("DROP TABLE anchor; PRAGMA user_version = 1")
    connection.close()
    reader = SpoolReader.open(tmp_path / "gateway")
    assert reader.anchor() is None
    assert trim(tmp_path / "gateway" / FILE, "gateway", taken=DAYS, before=NOW - timedelta(days=7)) == 2
    assert reader.anchor() is not None
    reader.close()


KILLED = """
import sys
from datetime import datetime
from pathlib import Path
from audit_store.spool_trim import trim
print("ready", flush=True)
sys.stdin.readline()
while trim(Path(sys.argv[1]), "gateway", taken=int(sys.argv[2]), before=datetime.fromisoformat(sys.argv[3])): pass
"""


@pytest.mark.slow
def test_kill_minus_nine_while_trimming_leaves_a_whole_chain(log: Log, tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    chance = random.Random(11)  # noqa: S311 -- the same moments at every run
    for _ in range(5):
        spool._store([plain(number, at=NOW - timedelta(days=9)).canonical() for number in range(6_000)])
        log.take(spool)
        words = [sys.executable, "-c", KILLED, str(spool._path), str(log.cursor("gateway")), (NOW - timedelta(days=8)).isoformat()]
        process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        try:
            process.wait(chance.uniform(0.001, 0.08))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()
        spool.close()
        spool = Spool.open(tmp_path / "gateway", "gateway")
        assert spool.head().epoch == 1
        assert log.verify(spool) == []
    spool.close()


def alarms(spool: Spool) -> list[str]:
    found = []
    for row in spool.read(0, 100_000):
        document = json.loads(row.canonical)
        if document["event"]["action"] == EventAction.STORE_ALARM:
            found.append(document["torwart"]["words"]["cause"])
    return found


def test_it_says_once_that_it_fills_then_that_it_is_full_and_takes_nothing_more(log: Log, tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    spool.room = Room(200_000)
    old = NOW - timedelta(days=30)
    with pytest.raises(SpoolFullError, match="may hold 200000"):  # noqa: PT012 -- at which one is the disk's business
        for number in range(10_000):
            spool.append(plain(number, at=old))
    assert alarms(spool) == ["the spool fills", "the spool is full"]
    before = spool.head().sequence
    for _ in range(3):
        with pytest.raises(SpoolFullError):
            spool.append(plain())
    assert spool.head().sequence == before, "neither the event nor a second alarm"
    log.take(spool)
    assert trim(spool._path, "gateway", taken=log.cursor("gateway"), before=NOW) > 0
    spool.append(plain())  # without a restart
    assert log.take(spool) == 1
    assert log.verify(spool) == []
    assert spool._path.stat().st_size < 300_000, "what is free is used again"
    spool.close()


def test_a_full_copy_of_an_agent_is_refused_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    source = Spool.open(tmp_path / "own", "agent-1")
    source._store([plain(number).canonical() for number in range(600)])
    rows = source.read(0, 600)
    copy = Replica.open(tmp_path / "copy", "agent-1")
    copy.room.cap_bytes = 150_000
    copy.take(rows[:400])
    with pytest.raises(SpoolFullError):
        copy.take(rows[400:])
    assert copy.head().sequence == 400
    other = Replica.open(tmp_path / "other", "agent-2")
    assert other.head().sequence == 0, "another agent has its own room"
    assert trim(tmp_path / "copy" / FILE, "agent-1", taken=400, before=datetime.max.replace(tzinfo=NOW.tzinfo)) == 399
    assert copy.take(rows[398:]).sequence == 600, "what was trimmed comes again after a lost answer, and is passed over"
    with pytest.raises(MisfitError, match="fork"):
        copy.take([rows[500].__class__("agent-1", 1, 501, b"{}", rows[500].hash)])
    for one in (copy, other, source):
        one.close()


def test_whoever_may_not_write_trims_nothing(spool: Spool, log: Log, tmp_path: Path) -> None:
    log.take(spool)
    with pytest.raises(SpoolError, match="does not belong"):
        trim(spool._path, "console", taken=DAYS, before=NOW)
    with pytest.raises(SpoolError):
        trim(tmp_path / "nowhere" / FILE, "gateway", taken=DAYS, before=NOW)
    assert len(kept(spool)) == DAYS
