"""What the agent has looked at, in a small database of its own: so that every file is told once, whatever happens in between.

An event is first written here as pending, then appended to the spool, then settled. After a crash in between the spool says whether it has
it: no event is lost and none is told twice. Paths stay on this machine.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agent.telling import Pending
from audit_store.sqlite_file import StoreError, connect, make_durable, translated, version_of

VERSION = 2
GONE_DAYS = 30
"""How long a file that is gone is remembered: a stick that comes back brings nothing new."""
TOLD_DAYS = 7
"""How long an event's file is remembered: far longer than an order about it is good for."""
LAZY_SECONDS = 0.5
"""For so long clean files share a transaction: one fsync for hundreds of them."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    root BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    changed INTEGER NOT NULL, digest BLOB NOT NULL, path BLOB NOT NULL, clean INTEGER NOT NULL, looked REAL NOT NULL, gone REAL,
    PRIMARY KEY (root, device, inode)
);
CREATE INDEX IF NOT EXISTS seen_path ON seen (root, path);
CREATE TABLE IF NOT EXISTS pending (id TEXT PRIMARY KEY, canonical BLOB NOT NULL, after INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS told (
    event TEXT PRIMARY KEY, root BLOB NOT NULL, path BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
    digest BLOB NOT NULL, at REAL NOT NULL
)
"""


class SeenError(StoreError):
    """The database cannot be used now: the file is looked at again later."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What says that a file is still the same, without reading it. Times in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, facts: os.stat_result) -> Stamp:
        """From `stat`. Device and inode may have 64 bits without a sign: the database's numbers have one."""
        return cls(_signed(facts.st_dev), _signed(facts.st_ino), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Told:
    """The file that an event of ours was about."""

    root: Path
    path: Path
    device: int
    inode: int
    digest: bytes


class Seen:
    """Any thread."""

    def __init__(self, path: Path) -> None:
        """Raises SeenError."""
        self._lock = threading.Lock()
        self._begun = 0.0
        with translated("what was seen cannot be opened", SeenError):
            self._connection = connect(path, make=True)
            version = version_of(self._connection, VERSION, SeenError)
            make_durable(self._connection, SeenError)
            if version < VERSION:
                self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}; PRAGMA user_version = {VERSION}; COMMIT")

    def same(self, root: Path, stamp: Stamp) -> bool:
        """True if exactly this file was looked at. Raises SeenError."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT size, modified, changed FROM seen WHERE root = ? AND device = ? AND inode = ? AND gone IS NULL",
                (os.fsencode(root), stamp.device, stamp.inode),
            ).fetchone()
        return row is not None and tuple(row) == (stamp.size, stamp.modified, stamp.changed)

    def told(self, root: Path, path: Path, stamp: Stamp, digest: bytes) -> bool:
        """True if this content was told of as this file, or under this name before. Raises SeenError.

        What was found clean once is scanned again: the filter may know more by now.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM seen WHERE root = ?1 AND device = ?2 AND inode = ?3 AND gone IS NULL AND digest = ?4 "
                "AND NOT clean UNION ALL SELECT 1 FROM seen WHERE root = ?1 AND path = ?5 AND digest = ?4 AND NOT clean LIMIT 1",
                (os.fsencode(root), stamp.device, stamp.inode, digest, os.fsencode(path)),
            ).fetchone()
        return row is not None

    def keep(self, root: Path, path: Path, stamp: Stamp, digest: bytes, *, clean: bool, pending: Pending | None = None) -> None:
        """A file was looked at, with the event that tells of it if there is one: both or nothing, durably. Raises SeenError.

        What was found clean is durable with the next that was not, or after `LAZY_SECONDS`, or with `flush`: after a crash before that it
        is looked at again, which costs time and tells nothing twice.
        """
        with self._writing(lazy=clean) as connection:
            connection.execute("DELETE FROM seen WHERE root = ? AND path = ? AND gone IS NOT NULL", (os.fsencode(root), os.fsencode(path)))
            connection.execute(
                "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    os.fsencode(root),
                    stamp.device,
                    stamp.inode,
                    stamp.size,
                    stamp.modified,
                    stamp.changed,
                    digest,
                    os.fsencode(path),
                    clean,
                    time.time(),
                ),
            )
            if pending is not None:
                connection.execute("INSERT INTO pending VALUES (?, ?, ?)", (pending.id, pending.canonical, pending.after))
                told = (pending.id, os.fsencode(root), os.fsencode(path), stamp.device, stamp.inode, digest, time.time())
                connection.execute("INSERT INTO told VALUES (?, ?, ?, ?, ?, ?, ?)", told)

    def about(self, event_id: str) -> Told | None:
        """The file of an event of this agent; None: it told no such event, or long ago. Raises SeenError."""
        with self._reading() as connection:
            row = connection.execute("SELECT root, path, device, inode, digest FROM told WHERE event = ?", (event_id,)).fetchone()
        return Told(Path(os.fsdecode(row[0])), Path(os.fsdecode(row[1])), *row[2:]) if row is not None else None

    def names_of(self, told: Told) -> list[Path]:
        """Where a file that was told of may be by now: its name then, and the one it was seen under since. Raises SeenError."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT path FROM seen WHERE root = ? AND device = ? AND inode = ? AND gone IS NULL",
                (os.fsencode(told.root), told.device, told.inode),
            ).fetchall()
        return list(dict.fromkeys((told.path, *(Path(os.fsdecode(row[0])) for row in rows))))

    def new_again(self, told: Told, path: Path) -> None:
        """The file is new wherever it is met: under a second name, or what came in its stead. Raises SeenError."""
        root = os.fsencode(told.root)
        with self._writing() as connection:
            connection.execute("DELETE FROM seen WHERE root = ? AND device = ? AND inode = ?", (root, told.device, told.inode))
            connection.execute("DELETE FROM seen WHERE root = ? AND path IN (?, ?)", (root, os.fsencode(told.path), os.fsencode(path)))

    def moved(self, root: Path, path: Path, stamp: Stamp) -> None:
        """The same file and content, elsewhere or touched. Raises SeenError."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE seen SET size = ?, modified = ?, changed = ?, path = ? WHERE root = ? AND device = ? AND inode = ?",
                (stamp.size, stamp.modified, stamp.changed, os.fsencode(path), os.fsencode(root), stamp.device, stamp.inode),
            )

    def removed(self, root: Path, path: Path) -> None:
        """A file was seen to be removed: when it comes again, that is new. Raises SeenError."""
        with self._writing() as connection:
            connection.execute("DELETE FROM seen WHERE root = ? AND path = ?", (os.fsencode(root), os.fsencode(path)))

    def forget(self, folder: Path) -> None:
        """Another device is mounted here now, or none: nothing below is known. Raises SeenError."""
        below = os.fsencode(folder) + b"/"
        with self._writing() as connection:
            connection.execute("DELETE FROM seen WHERE substr(path, 1, ?) = ?", (len(below), below))

    def sweep(self, root: Path, there: set[tuple[int, int]]) -> None:
        """After a walk over all of a root: what was not found is gone; what is gone for long is forgotten. Raises SeenError."""
        now = time.time()
        with self._writing() as connection:
            rows = connection.execute("SELECT device, inode FROM seen WHERE root = ? AND gone IS NULL", (os.fsencode(root),)).fetchall()
            lost = [(now, os.fsencode(root), *row) for row in rows if row not in there]
            connection.executemany("UPDATE seen SET gone = ? WHERE root = ? AND device = ? AND inode = ?", lost)
            connection.execute("DELETE FROM seen WHERE gone < ?", (now - GONE_DAYS * 86_400,))
            connection.execute("DELETE FROM told WHERE at < ?", (now - TOLD_DAYS * 86_400,))

    def doubt_clean(self, since: float) -> list[tuple[Path, Path]]:
        """Forget what was looked at since then and found clean, so that it is looked at with a newer filter: (root, path) of each.

        Raises SeenError.
        """
        with self._writing() as connection:
            rows = connection.execute("SELECT root, path FROM seen WHERE clean AND looked >= ? AND gone IS NULL", (since,)).fetchall()
            connection.execute("DELETE FROM seen WHERE clean AND looked >= ? AND gone IS NULL", (since,))
        return [(Path(os.fsdecode(root)), Path(os.fsdecode(path))) for root, path in rows]

    def pending(self) -> list[Pending]:
        """Events that are not settled, oldest first. Raises SeenError."""
        with self._reading() as connection:
            return [Pending(*row) for row in connection.execute("SELECT id, canonical, after FROM pending ORDER BY after, rowid")]

    def settle(self, event_id: str) -> None:
        """The event is in the spool. Raises SeenError."""
        with self._writing() as connection:
            connection.execute("DELETE FROM pending WHERE id = ?", (event_id,))

    def count(self) -> int:
        """Files known now. Raises SeenError."""
        with self._reading() as connection:
            return int(connection.execute("SELECT count(*) FROM seen WHERE gone IS NULL").fetchone()[0])

    def flush(self) -> None:
        """Make durable what is not yet. Raises SeenError."""
        with self._lock, translated("what was seen cannot be kept", SeenError):
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    def close(self) -> None:
        """May be called twice."""
        with suppress(SeenError):
            self.flush()
        with self._lock:
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated("what was seen cannot be read", SeenError):
            yield self._connection

    @contextmanager
    def _writing(self, *, lazy: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock, translated("what was seen cannot be kept", SeenError):
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
                self._begun = time.monotonic()
            try:
                yield self._connection
                if not lazy or time.monotonic() - self._begun >= LAZY_SECONDS:
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
