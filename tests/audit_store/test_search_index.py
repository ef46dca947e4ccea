"""The log's own index: derived, verified against the log, built anew when it cannot be used."""

import fcntl
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from audit_store import search_index
from audit_store.event import EventAction, plain_event
from audit_store.log import Log
from audit_store.search import Question, QuestionRefusedError
from audit_store.search_index import CHUNK, FILE, LOCK, IndexReader, IndexWriter, SearchIndexError, Tally
from audit_store.search_marks import milliseconds
from audit_store.spool import Spool
from tests.audit_store.acts import NOW, access, plain

EVENTS = 40


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = log_of(tmp_path / "log", [access((str(number),), at=NOW + timedelta(seconds=number)).canonical() for number in range(EVENTS)])
    yield made
    made.close()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[IndexWriter]:
    made = IndexWriter(tmp_path / "index")
    yield made
    made.close()


def log_of(folder: Path, canonical: list[bytes]) -> Log:
    spool = Spool.open(folder / "spool", "gateway")
    spool._store(canonical)
    log = Log.open(folder)
    log.take(spool)
    spool.close()
    return log


def found(folder: Path, log: Log, **question: object) -> list[int] | None:
    """What the index alone says; None: it cannot be used."""
    asked = Question(**question)  # type: ignore[arg-type]
    conditions = asked.conditions()
    assert conditions is not None
    with IndexReader.opened(folder, log) as index:
        return None if index is None else index.find(conditions, asked, after=0, until=1 << 60, limit=asked.size)


def test_it_goes_on_where_it_was(tmp_path: Path, log: Log, writer: IndexWriter) -> None:
    folder = tmp_path / "index"
    assert found(folder, log, client="7") is None
    assert writer.step(log, 5) == 5
    assert found(folder, log, client="7") == []
    assert found(folder, log, client="3") == [4]
    writer.close()
    again = IndexWriter(folder)
    assert again.step(log) == EVENTS - 5
    assert again.step(log) == 0
    assert found(folder, log, client="7") == [8]
    assert found(folder, log, limit=EVENTS) == list(range(1, EVENTS + 1))
    again.close()


def test_it_belongs_to_its_owner_only(tmp_path: Path, log: Log, writer: IndexWriter) -> None:
    writer.step(log)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "index").iterdir()} == {0}


@pytest.mark.parametrize("harm", ["no database", "cut", "a page", "tables gone", "other release", "newer release", "empty", "place gone"])
def test_a_file_that_cannot_be_used_is_built_anew(tmp_path: Path, log: Log, harm: str) -> None:
    folder = tmp_path / "index"
    first = IndexWriter(folder)
    first.step(log)
    first._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    if harm in ("tables gone", "other release", "newer release", "place gone"):
        statement = {
            "tables gone": "DROP TABLE reached",
            "other release": "PRAGMA user_version = 1",
            "newer release": "PRAGMA user_version = 2000000",
            "place gone": "DELETE FROM reached",
        }[harm]
        first._connection.execute(statement)  # type: ignore[union-attr]
    first.close()
    path = folder / FILE
    whole = path.read_bytes()
    if harm == "no database":
        path.write_bytes(b"x" * 100_000)
    elif harm == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif harm == "a page":
        path.write_bytes(whole[:100] + b"\xff" * 4_000 + whole[4_100:])
    elif harm == "empty":
        path.write_bytes(b"")
    assert found(folder, log, client="7") is None
    writer = IndexWriter(folder)
    for _ in range(3):
        with suppress(SearchIndexError):
            writer.step(log)
    assert found(folder, log, client="7") == [8]
    writer.close()


def test_a_damaged_file_is_said_once(tmp_path: Path, log: Log, writer: IndexWriter) -> None:
    folder = tmp_path / "index"
    folder.mkdir(mode=0o700)
    (folder / FILE).write_bytes(b"x" * 100_000)
    with pytest.raises(SearchIndexError, match="damaged and is built anew"):
        writer.step(log)
    assert writer.step(log) == EVENTS


def test_a_file_of_another_log_is_not_believed(tmp_path: Path, log: Log, writer: IndexWriter) -> None:
    folder = tmp_path / "index"
    writer.step(log)
    other = log_of(tmp_path / "other", [plain(number).canonical() for number in range(3)])
    assert found(folder, other, client="7") is None
    assert writer.step(other) == 3
    assert found(folder, other, text="self-test") == [1, 2, 3]
    assert found(folder, log, client="7") is None
    other.close()


def test_a_file_that_is_gone_is_made_again(tmp_path: Path, log: Log, writer: IndexWriter) -> None:
    folder = tmp_path / "index"
    writer.step(log)
    for path in folder.glob(f"{FILE}*"):
        path.unlink()
    assert found(folder, log, client="7") is None
    assert writer.step(log) == EVENTS
    assert found(folder, log, client="7") == [8]


def test_rebuilding_begins_at_the_beginning_and_says_how_far_it_is(
    tmp_path: Path, log: Log, writer: IndexWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "BATCH", 3)
    writer.step(log)
    console = IndexWriter(tmp_path / "index")
    console.step(log)
    said: list[int] = []
    assert writer.rebuild(log, said.append) == EVENTS
    assert said == [15, 30, 40]
    assert found(tmp_path / "index", log, client="7") == [8]
    assert console.step(log) == 0
    assert console._inode == (tmp_path / "index" / FILE).stat().st_ino
    console.close()


def test_only_one_process_writes_it(tmp_path: Path, log: Log, writer: IndexWriter) -> None:
    writer.step(log, 5)
    with (tmp_path / "index" / LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert writer.step(log) == 0
    assert writer.step(log) == EVENTS - 5


def test_times_are_found_wherever_they_stand(tmp_path: Path, writer: IndexWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks of producers are wrong, agents deliver late: the order of times is not that of the log."""
    monkeypatch.setattr(search_index, "CHUNK", 8)
    chance = random.Random(7)  # noqa: S311 -- the same times in every run
    offsets = [number * 10 + chance.choice([0, 0, 0, 0, 3, -2_000, 5_000]) for number in range(300)]
    log = log_of(tmp_path / "log", [plain(at=NOW + timedelta(seconds=offset)).canonical() for offset in offsets])
    writer.step(log)
    for _ in range(60):
        since, until = sorted(chance.choice(offsets) + chance.choice([-1, 0, 1]) for _ in range(2))
        wanted = [number for number, offset in enumerate(offsets, 1) if since <= offset < until]
        span = {"since": NOW + timedelta(seconds=since), "until": NOW + timedelta(seconds=until), "limit": 1_000}
        assert found(tmp_path / "index", log, **span) == wanted
        assert found(tmp_path / "index", log, **span, text="self") == wanted
        assert found(tmp_path / "index", log, **span, newest_first=True) == wanted[::-1]
    assert CHUNK != search_index.CHUNK
    log.close()


def test_events_are_counted_by_person_and_deed(tmp_path: Path, writer: IndexWriter) -> None:
    frozen = plain_event(EventAction.PERSON_FROZEN, at=NOW, pseudonym="P-00000002", subject="P-00000001")
    acts = [access(("1",), at=NOW + timedelta(seconds=number)) for number in range(3)]
    log = log_of(tmp_path / "log", [*(act.canonical() for act in acts), frozen.canonical(), b'{"user":{"id":"P-00000001"}}'])
    writer.step(log)
    asked = Question(person="P-00000001")
    conditions = asked.conditions()
    assert conditions is not None
    with IndexReader.opened(tmp_path / "index", log) as index:
        assert index is not None
        at = milliseconds(NOW)
        assert sorted(index.tally(conditions, asked), key=lambda one: one.deed) == [
            Tally("P-00000001", "", 1, None, None),
            Tally("P-00000001", "list", 3, at, at + 2_000),
            Tally("P-00000002", "person-frozen", 1, at, at),
        ]
    log.close()


def test_what_takes_too_long_is_refused(tmp_path: Path, log: Log, writer: IndexWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """promises G102."""
    writer.step(log)
    monkeypatch.setattr(search_index, "SECONDS_MAX", -1.0)
    monkeypatch.setattr(search_index, "_STEPS_BETWEEN_LOOKS", 1)
    with pytest.raises(QuestionRefusedError, match="narrow the question"):
        found(tmp_path / "index", log, person="P-00000001")
