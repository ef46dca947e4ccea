"""Packed entries are what they were: same answers, same verification, whatever ends the packing."""

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from audit_store.database import Server
from audit_store.event import Phase
from audit_store.history import History
from audit_store.log import Log, LogError
from audit_store.replay import recorded
from audit_store.search import Question, search
from audit_store.search_answer import Searcher
from audit_store.spool import Spool
from tests.audit_store.acts import NOW, access, plain
from tests.services.postgres import BOTH, Cluster

ROOT = Path(__file__).parents[2]
EVENTS = 60


@dataclass
class Kept:
    place: Path | Server
    log: Log
    spool: Spool

    def harm(self, statement: str) -> None:
        """What somebody with the database's own tools can do."""
        with self.log._engine.begin() as connection:
            connection.execute(text(statement))


@pytest.fixture(params=BOTH)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """A log of 60 events, nothing packed yet."""
    place: Path | Server = tmp_path / "log"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgres")
        place = cluster.migrated()
    spool = Spool.open(tmp_path / "spool" / "gateway", "gateway")
    log = Log.open(place, clock=lambda: NOW)
    for number in range(EVENTS):
        at = NOW + timedelta(minutes=number)
        phase = (Phase.ALLOWED, Phase.HELD, Phase.RELEASED)[number % 3]
        spool.append(access((str(number),), at=at, phase=phase, pseudonym=f"P-{number % 7:08d}") if number % 5 else plain(number, at=at))
    log.take(spool)
    yield Kept(place, log, spool)
    log.close()
    spool.close()


def answers(log: Log, folder: Path) -> list[object]:
    """All that can be asked."""
    history = History()
    history.rebuild(log, now=NOW)
    questions: list[dict[str, object]] = [
        {"person": "P-00000003"},
        {"person": "P-00000003", "newest_first": True, "limit": 3},
        {"action": "access", "phase": "held", "since": NOW + timedelta(minutes=10), "until": NOW + timedelta(minutes=40)},
        {"act": "act-1", "after": 11, "limit": 5},
        {"act": "act-1", "after": 37, "newest_first": True},
        {"person": "nobody"},
    ]
    return [
        *(log.entries(after, limit) for after in (0, 3, 17, 59, 60) for limit in (1, 5, 100)),
        *(log.entries(after, 100, until=until) for after, until in ((0, 1), (5, 12), (18, 44), (0, 60))),
        *(log.tail(count) for count in (0, 1, 7, 33, 100)),
        *(search(log, **question) for question in questions),  # type: ignore[arg-type]
        *(Searcher(log, folder).ask(Question(**question)) for question in questions),  # type: ignore[arg-type]
        list(log.deliveries(NOW + timedelta(minutes=25))),
        list(recorded(log, NOW + timedelta(minutes=5), NOW + timedelta(minutes=50))),
        history.usage("P-00000003", NOW, own=frozenset(), base=10, book=0),
    ]


@pytest.mark.parametrize(("entries", "left"), [(7, 0), (16, 20), (10, 59), (60, 0)])
def test_every_answer_is_the_same_as_before(kept: Kept, tmp_path: Path, entries: int, left: int) -> None:
    before = answers(kept.log, tmp_path)
    packed = kept.log.pack(entries=entries, kept=left, blocks_max=100)
    assert packed == (EVENTS - left) // entries * entries
    assert answers(kept.log, tmp_path) == before
    assert kept.log.verify(kept.spool) == []
    assert kept.log.pack(entries=entries, kept=left, blocks_max=100) == 0


def test_the_log_goes_on_behind_its_blocks(kept: Kept) -> None:
    for number in range(3):
        kept.log.pack(entries=4, kept=0, blocks_max=100)
        kept.spool.append(plain(number))
        assert kept.log.take(kept.spool) == 1
    assert [row.sequence for row in kept.log.read(0, 100)] == list(range(1, EVENTS + 4))
    assert kept.log.verify(kept.spool) == []


def test_of_several_that_pack_at_once_each_entry_is_packed_once(kept: Kept) -> None:
    logs = [Log.open(kept.place) for _ in range(4)]
    threads = [threading.Thread(target=log.pack, kwargs={"entries": 3, "kept": 0, "blocks_max": 100}) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.sequence for row in kept.log.read(0, 100)] == list(range(1, EVENTS + 1))
    assert kept.log.verify(kept.spool) == []
    for log in logs:
        log.close()


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("DELETE FROM block WHERE first = 11", "log 11: missing, and all up to 20"),
        ("UPDATE block SET content = hashes WHERE first = 11", "log 11: packed, and cannot be read, and all up to 20"),
        ("UPDATE block SET content = NULL WHERE first = 11", "log 11, gateway 11: its content is gone: only its hash is left"),
        ("UPDATE block SET ends = '1970' WHERE first = 11", "log 11: packed, and filed under what is not in it, and all up to 20"),
        ("UPDATE block SET marks = NULL WHERE first = 11", "log 11: packed, and filed under what is not in it, and all up to 20"),
        ("UPDATE block SET places = content WHERE first = 11", "log 11: packed, and cannot be read, and all up to 20"),
        ("UPDATE block SET last = 19 WHERE first = 11", "log 11: packed, and cannot be read, and all up to 19"),
        (
            "UPDATE block SET content = (SELECT content FROM block WHERE first = 21) WHERE first = 11",
            "log 11, gateway 11: does not fit its chain",
        ),
        ("UPDATE block SET hashes = seals WHERE first = 11", "log 11, gateway 11: does not fit its chain"),
        ("UPDATE block SET seals = hashes WHERE first = 11", "log 11, gateway 11: does not fit the order of the log"),
        ("UPDATE block SET places = (SELECT places FROM block WHERE first = 21) WHERE first = 11", "log 11, gateway 21: gateway's events"),
    ],
)
def test_tampering_with_a_block_is_named_with_its_place(kept: Kept, statement: str, first: str) -> None:
    kept.log.pack(entries=10, kept=0, blocks_max=100)
    kept.harm(statement)
    assert str(kept.log.verify()[0]).startswith(first)
    assert len(kept.log.verify()) < 25, "one harm is one place, not one for every event behind it"


def test_what_was_tampered_with_is_not_packed_and_stays_as_it_was_found(kept: Kept) -> None:
    kept.harm("UPDATE entry SET received = 1 WHERE sequence = 25")
    with pytest.raises(LogError, match="entry 25 of the log does not fit"):
        kept.log.pack(entries=10, kept=0, blocks_max=100)
    assert str(kept.log.verify()[0]).startswith("log 25, gateway 25: does not fit the order")
    assert [row.sequence for row in kept.log.read(0, 100)] == list(range(1, EVENTS + 1))


KILLED = """
import sys
from pathlib import Path
from audit_store.database import Server
from audit_store.log import Log

log = Log.open(Server(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
log.pack(entries=2, kept=0, blocks_max=1000)
print("done", flush=True)
"""


@pytest.mark.slow
def test_kill_minus_nine_while_packing_loses_nothing(kept: Kept) -> None:
    chance = random.Random(7)  # noqa: S311 -- the same moments at every run
    word = str(kept.place) if isinstance(kept.place, Path) else kept.place.url
    for turn in range(6):
        kept.spool._store([plain(number).canonical() for number in range(400)])
        kept.log.take(kept.spool)
        process = subprocess.Popen([sys.executable, "-c", KILLED, word], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        threading.Event().wait(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()
        total = EVENTS + 400 * (turn + 1)
        assert [row.sequence for row in kept.log.read(0, 10_000)] == list(range(1, total + 1))
        assert kept.log.verify(kept.spool) == []


def test_large_events_are_packed_by_fewer(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [entry.canonical for entry in kept.log.entries(0, 100)]
    monkeypatch.setattr("audit_store.log_pack.BLOCK_BYTES", sum(map(len, before[:3])) + 1)
    while kept.log.pack(entries=10, kept=10):
        pass
    assert [entry.canonical for entry in kept.log.entries(0, 100)] == before
    with kept.log._engine.connect() as connection:
        sizes = connection.execute(text("SELECT last - first + 1 FROM block")).scalars().all()
    assert set(sizes) <= {1, 2, 3, 4}
    assert sum(sizes) >= 30
    assert kept.log.verify(kept.spool) == []


def test_counts_of_a_block_without_content_are_known_to_be_too_small(kept: Kept) -> None:
    kept.log.pack(entries=10, kept=10)
    kept.harm("UPDATE block SET content = NULL WHERE first = 1")
    history = History()
    history.rebuild(kept.log, now=NOW)
    assert history.unreadable >= 10
