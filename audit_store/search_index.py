"""The log's own index: a SQLite file beside the log, made from it and thrown away without loss. Who writes and who reads it.

One inverted list per mark of an event (`audit_store.search_marks`), kept by SQLite's FTS5 without the text and without places in it; and
one small row per event with its time, person and deed. Words come from `audit_store.search_words`: FTS5 sees tokens of ours only, in which
no letter separates. It has the log's events up to `position`; the log's bytes are the truth, and every row of an answer is compared with
them.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from audit_store.log import Entry, Log
from audit_store.log_file import parsed
from audit_store.removal import Removal, removal_of
from audit_store.search import Conditions, Mark, Question, QuestionRefusedError, Refusal, Where
from audit_store.search_marks import MARKS_VERSION, Marks
from audit_store.sqlite_file import StoreError, connect, own_folder, translated

FILE, LOCK, DAMAGED = "search.db", "search.lock", "search.damaged"
"""The index; what its writer holds; and what a reader leaves there that found it damaged, where the writer would not have looked."""
LAYOUT = 1
VERSION = LAYOUT * 1_000 + MARKS_VERSION
"""Of the file, in SQLite's `user_version`: any other one is built anew."""
CHUNK = 1_024
"""Events of which only the earliest and the latest time is known: it says where a time can be."""
BATCH = 2_000
"""Events of one transaction."""
SECONDS_MAX = 5.0
"""An answer that takes longer is refused: it keeps nobody from the record, and the question can be made narrower."""
_STEPS_BETWEEN_LOOKS = 50_000
_CACHE_KIB = 64 * 1024
_SCHEMA = """
CREATE VIRTUAL TABLE found USING fts5 (marks, content='', detail=none, columnsize=0, tokenize='ascii');
CREATE TABLE place (sequence INTEGER PRIMARY KEY, at INTEGER, person INTEGER, deed INTEGER NOT NULL);
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE chunk (number INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL);
CREATE TABLE reached (position INTEGER NOT NULL, hash BLOB NOT NULL)
"""
_WORD_PREFIX = "w"
_PREFIXES = {Where.WORDS: _WORD_PREFIX, Where.ASKED: "a", Where.SHOWN: "s", Where.TAKEN: "t"}


class SearchIndexError(StoreError):
    """The index cannot be written or read now; the log can."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one person and deed."""

    person: str | None
    """Pseudonym of who acted."""
    deed: str
    count: int
    first: int | None
    """Milliseconds since 1970, UTC; None if none of them has a readable time."""
    last: int | None

    def with_one(self, at: int | None) -> Tally:
        """The same with one more event."""
        return Tally(self.person, self.deed, self.count + 1, _least(self.first, at), _most(self.last, at))


class IndexReader:
    """The index as it is now, for one thread."""

    def __init__(self, connection: sqlite3.Connection, position: int) -> None:
        self._connection = connection
        self.position = position
        """The log's sequence up to which events can be found here."""

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: Path, log: Log) -> Iterator[IndexReader | None]:
        """The index of this log in `folder`; None if there is none that can be used: it is missing, damaged, of another release, or made
        from another log. Raises LogError.
        """
        try:
            connection = connect(folder / FILE, make=False)
        except (sqlite3.Error, OSError):
            yield None
            return
        try:
            try:
                position = _reached(connection, log)
            except (sqlite3.Error, OSError):
                position = None
            yield None if position is None else cls(connection, position)
        finally:
            connection.close()

    def find(self, conditions: Conditions, question: Question, *, after: int, until: int, limit: int) -> list[int]:
        """Sequences of up to `limit` events that meet the conditions, above `after` and up to `until`, in the order of the question.

        Raises QuestionRefusedError when it takes too long, SearchIndexError.
        """
        since, before = question.span
        found: list[int] = []
        for low, high in self._runs(since, before, after, min(until, self.position), newest_first=question.newest_first):
            statement, values = _statement(conditions, since, before, low, high, newest_first=question.newest_first)
            rows = self._ask(f"{statement} LIMIT ?", (*values, limit - len(found)))
            found += [row[0] for row in rows]
            if len(found) >= limit:
                break
        return found

    def tally(self, conditions: Conditions, question: Question) -> list[Tally]:
        """How many events meet the conditions within the times of the question, by person and deed.

        Raises QuestionRefusedError when it takes too long, SearchIndexError.
        """
        since, before = question.span
        sums: dict[tuple[int | None, int], tuple[int, int | None, int | None]] = {}
        for low, high in self._runs(since, before, 0, self.position, newest_first=False):
            statement, values = _statement(conditions, since, before, low, high, newest_first=None)
            for person, deed, count, first, last in self._ask(statement, values):
                known = sums.get((person, deed), (0, None, None))
                sums[person, deed] = (known[0] + count, _least(known[1], first), _most(known[2], last))
        texts: dict[Any, str] = dict(self._ask("SELECT id, text FROM name", ()))
        return [
            Tally(None if person is None else texts.get(person, ""), texts.get(deed, ""), *values)
            for (person, deed), values in sums.items()
        ]

    def _runs(self, since: int | None, before: int | None, low: int, high: int, *, newest_first: bool) -> list[tuple[int, int]]:
        """Stretches (above, up to) of the log that can hold events of the time."""
        if since is None and before is None:
            return [(low, high)] if low < high else []
        least, most = -(1 << 62) if since is None else since, 1 << 62 if before is None else before
        rows = self._ask("SELECT number FROM chunk WHERE latest >= ? AND earliest < ? ORDER BY number", (least, most))
        runs: list[tuple[int, int]] = []
        for (number,) in rows:
            start, end = max(low, number * CHUNK - 1), min(high, (number + 1) * CHUNK - 1)
            if start >= end:
                continue
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
        return runs[::-1] if newest_first else runs

    def _ask(self, statement: str, values: Sequence[object]) -> list[Any]:
        end = time.monotonic() + SECONDS_MAX
        self._connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
        try:
            with translated("the index cannot be read", SearchIndexError):
                return self._connection.execute(statement, values).fetchall()
        except SearchIndexError as error:
            if isinstance(error.__cause__, sqlite3.OperationalError) and error.__cause__.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise QuestionRefusedError(Refusal.TOO_EXPENSIVE) from None
            raise
        finally:
            self._connection.set_progress_handler(None, 0)


class IndexWriter:
    """The one consumer that keeps the index up with the log. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    def close(self) -> None:
        """May be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def step(self, log: Log, limit: int = 10_000) -> int:
        """Index up to `limit` further events of the log; how many. 0 also while another process does it.

        A file that cannot be used is thrown away and begun anew; that it was damaged is raised once, for the health of the installation.
        Raises SearchIndexError, LogError.
        """
        with self._alone() as alone:
            if not alone:
                return 0
            try:
                if (self._folder / DAMAGED).exists():
                    raise SearchIndexError("a reader found it damaged", damaged=True)
                return self._step(log, limit)
            except SearchIndexError as error:
                if error.damaged or _has_other_tables(error):
                    self._throw_away()
                    raise SearchIndexError("the index was damaged and is built anew: the log is as it was") from error
                raise

    def rebuild(self, log: Log, progress: Callable[[int], object] = lambda _: None) -> int:
        """Throw the index away and build it to the end of the log, whoever else wants to write it; how many events it has then.

        `progress` is told the position from time to time. Raises SearchIndexError, LogError.
        """
        with self._alone(waits=True):
            self._throw_away()
            total = 0
            while done := self._step(log, BATCH * 5):
                total += done
                progress(total)
            return total

    @contextlib.contextmanager
    def _alone(self, *, waits: bool = False) -> Iterator[bool]:
        own_folder(self._folder, SearchIndexError)
        with translated("the index cannot be locked", SearchIndexError):
            file = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(file)

    def _step(self, log: Log, limit: int) -> int:
        connection = self._ready(log)
        with translated("the index cannot be read", SearchIndexError):
            ((position,),) = connection.execute("SELECT position FROM reached").fetchall()
        done = 0
        while done < limit and (batch := log.entries(position, min(BATCH, limit - done))):
            removals = _removals_in(batch)
            if not self._forget(connection, log, removals):
                self._throw_away()  # it knows what nobody can tell any more how to take out of it
                connection, position = self._ready(log), 0
                continue
            with translated("the index cannot be written", SearchIndexError):
                _write(connection, batch, frozenset[int]().union(*(one.entries for one in removals)))
            position = batch[-1].sequence
            done += len(batch)
        return done

    def _forget(self, connection: sqlite3.Connection, log: Log, removals: Sequence[Removal]) -> bool:
        """Take out what removals name, as long as its content is still there; False if it is gone and the index has it."""
        for removal in removals:
            with translated("the index cannot be read", SearchIndexError):
                span = (min(removal.entries), max(removal.entries))
                there = connection.execute("SELECT sequence FROM place WHERE sequence BETWEEN ? AND ? ORDER BY sequence", span).fetchall()
            numbers = [number for (number,) in there if number in removal.entries]
            for start in range(0, len(numbers), BATCH):
                found = _entries_of(log, numbers[start : start + BATCH])
                if not all(one.canonical for one in found):
                    return False
                with translated("the index cannot be written", SearchIndexError):
                    _take_out(connection, found)
        return True

    def _ready(self, log: Log) -> sqlite3.Connection:
        """The file as it must be: this release's, of this log, and still the one that has its name."""
        path = self._folder / FILE
        if self._connection is not None and (not path.exists() or path.stat().st_ino != self._inode):
            self.close()
        if self._connection is None:
            self._open(path)
        connection = self._connection
        assert connection is not None  # noqa: S101 -- opened above
        with translated("the index cannot be read", SearchIndexError):
            fits = _reached(connection, log) is not None
        if not fits:
            self._throw_away()
            self._open(path)
        assert self._connection is not None  # noqa: S101
        return self._connection

    def _open(self, path: Path) -> None:
        with translated("the index cannot be opened", SearchIndexError):
            connection = connect(path, make=True)
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection, self._inode = connection, path.stat().st_ino

    def _throw_away(self) -> None:
        """Readers that have it open keep what they have; the next one finds the new file."""
        self.close()
        with translated("the damaged index cannot be removed", SearchIndexError):
            for name in (FILE, f"{FILE}-wal", f"{FILE}-shm", DAMAGED):
                (self._folder / name).unlink(missing_ok=True)


def report_damage(folder: Path) -> None:
    """Let the writer throw the index away: a reader may not."""
    with contextlib.suppress(OSError):
        os.close(os.open(folder / DAMAGED, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def token(mark: Mark) -> str:
    """The mark as one token of FTS5: `a`-`z`, digits and letters beyond ASCII, of which its `ascii` tokenizer changes and splits nothing.

    Facets are shortened to 80 bits, for their size: what two facets could share is found out when the event itself is looked at.
    """
    if mark.where is Where.MARKS:
        return _facet_token(mark.value)
    if mark.where is Where.WORDS or _is_plain(mark.value):
        return _PREFIXES[mark.where] + mark.value
    return f"{_PREFIXES[mark.where]}x{mark.value.encode().hex()}"


@lru_cache(maxsize=16_384)
def _facet_token(value: str) -> str:
    return "m" + base64.b32encode(blake2b(value.encode(), digest_size=10).digest()).decode().lower()


def _is_plain(number: str) -> bool:
    return number.isascii() and number.isdecimal()


def _prepare(connection: sqlite3.Connection) -> None:
    """What is derived need not survive a power cut, only be whole after it: SQLite's write-ahead log without a sync at every commit."""
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = 1")
    connection.execute("PRAGMA trusted_schema = 0")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO reached VALUES (0, x'')")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


def _reached(connection: sqlite3.Connection, log: Log) -> int | None:
    """How far the index has this log; None if it is of another release or of another log."""
    if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        return None
    found = connection.execute("SELECT position, hash FROM reached").fetchall()
    if len(found) != 1:
        return None
    position, digest = found[0]
    if position == 0:
        return 0
    there = log.entries(position - 1, 1, until=position)
    return int(position) if there and there[0].hash == digest else None


def _has_other_tables(error: StoreError) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return bool(code == sqlite3.SQLITE_ERROR)


def _write(connection: sqlite3.Connection, batch: Sequence[Entry], over: frozenset[int]) -> None:
    """Add a batch, but for entries whose time is `over`: a removal in the batch names them, or their content is gone already."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        names: dict[str, int] = {}
        lists, places = [], []
        times: dict[int, list[int]] = {}
        for entry in batch:
            if not entry.canonical or entry.sequence in over:
                continue
            marks = Marks(parsed(entry.canonical))
            lists.append((entry.sequence, _tokens(marks)))
            person = None if marks.person is None else _name(connection, names, marks.person)
            places.append((entry.sequence, marks.at, person, _name(connection, names, marks.deed)))
            if marks.at is not None:
                times.setdefault(entry.sequence // CHUNK, []).append(marks.at)
        connection.executemany("INSERT INTO found (rowid, marks) VALUES (?, ?)", lists)
        connection.executemany("INSERT INTO place VALUES (?, ?, ?, ?)", places)
        connection.executemany(
            "INSERT INTO chunk VALUES (?, ?, ?) ON CONFLICT (number) DO UPDATE "
            "SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)",
            [(number, min(found), max(found)) for number, found in times.items()],
        )
        connection.execute("UPDATE reached SET position = ?, hash = ?", (batch[-1].sequence, batch[-1].hash))
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _removals_in(batch: Sequence[Entry]) -> list[Removal]:
    found = [removal_of(one.sequence, one.received, one.producer, one.canonical) for one in batch]
    return [one for one in found if one is not None]


def _entries_of(log: Log, numbers: Sequence[int]) -> list[Entry]:
    """These entries of the log, in order; neighbours are read together."""
    found: list[Entry] = []
    wanted = set(numbers)
    while numbers:
        rows = log.entries(numbers[0] - 1, BATCH, until=numbers[-1])
        found += [one for one in rows if one.sequence in wanted]
        end = rows[-1].sequence if rows else numbers[-1]
        numbers = [number for number in numbers if number > end]
    return found


def _take_out(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """FTS5 keeps no text of ours, so it is told what stood in each list. Names that nobody has any more go, too."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        gone = [(one.sequence, _tokens(Marks(parsed(one.canonical)))) for one in entries]
        connection.executemany("INSERT INTO found (found, rowid, marks) VALUES ('delete', ?, ?)", gone)
        connection.executemany("DELETE FROM place WHERE sequence = ?", [(one.sequence,) for one in entries])
        connection.execute("DELETE FROM name WHERE id NOT IN (SELECT person FROM place WHERE person NOT NULL UNION SELECT deed FROM place)")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _tokens(marks: Marks) -> str:
    found = [_facet_token(one) for one in marks.facets]
    found += [_WORD_PREFIX + one for one in marks.words]
    for where, ids in zip((Where.ASKED, Where.SHOWN, Where.TAKEN), marks.clients or (), strict=False):
        if ids:
            plain = "" not in ids and _is_plain("".join(ids))
            prefix = _PREFIXES[where]
            found += [prefix + one for one in ids] if plain else [token(Mark(where, one)) for one in ids]
    return " ".join(found)


def _name(connection: sqlite3.Connection, names: dict[str, int], text: str) -> int:
    if text not in names:
        connection.execute("INSERT OR IGNORE INTO name (text) VALUES (?)", (text,))
        names[text] = int(connection.execute("SELECT id FROM name WHERE text = ?", (text,)).fetchone()[0])
    return names[text]


def _statement(
    conditions: Conditions, since: int | None, before: int | None, low: int, high: int, *, newest_first: bool | None
) -> tuple[str, tuple[object, ...]]:
    """Sequences in an order, or (None) sums by person and deed; values are bound, and the expression of FTS5 has tokens of ours only."""
    pieces: list[tuple[str, tuple[object, ...]]] = []
    timed = since is not None or before is not None
    sums = newest_first is None
    if conditions:
        source, number = "found", "found.rowid"
        if timed or sums:
            source = "found CROSS JOIN place ON place.sequence = found.rowid"
        expression = " AND ".join(f"({' OR '.join(f'"{token(mark)}"' for mark in group)})" for group in conditions)
        pieces.append(("found MATCH ?", (expression,)))
    else:
        source, number = "place", "place.sequence"
    pieces.append((f"{number} > ? AND {number} <= ?", (low, high)))
    if since is not None:
        pieces.append(("place.at >= ?", (since,)))
    if before is not None:
        pieces.append(("place.at < ?", (before,)))
    condition = " AND ".join(piece for piece, _ in pieces)
    values = tuple(value for _, bound in pieces for value in bound)
    if sums:
        columns = "place.person, place.deed, count(*), min(place.at), max(place.at)"
        return f"SELECT {columns} FROM {source} WHERE {condition} GROUP BY 1, 2", values  # noqa: S608 -- values are bound
    order = "DESC" if newest_first else "ASC"
    return f"SELECT {number} FROM {source} WHERE {condition} ORDER BY {number} {order}", values  # noqa: S608


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
