"""A SQLite file that keeps its promises: its owner's only, write-ahead log, every commit fsynced."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

BUSY_SECONDS = 5
PAGE_BYTES = 16_384
"""Of a new file of events: some ten of them a page, where SQLite's 4 KiB hold two. Storing them takes a fifth less work."""
AHEAD_BYTES = 4 * 1024**2
"""Of a write-ahead log, after which it is taken into the file: SQLite's usual size, whatever the pages are."""
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""SQLite's primary error codes of a file that is no database any more."""


class StoreError(Exception):
    """A file of the record cannot be used now; the text says why."""

    def __init__(self, text: str, *, damaged: bool = False) -> None:
        super().__init__(text)
        self.damaged = damaged
        """The file is no readable database any more."""


@contextlib.contextmanager
def translated(what: str, kind: type[StoreError]) -> Iterator[None]:
    """Errors of SQLite and of the system become one of ours that says what could not be done."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # extended codes carry the primary one in the low byte
        raise kind(f"{what}: {error}", damaged=code in DAMAGED) from error
    except OSError as error:
        raise kind(f"{what}: {error}") from error


def own_folder(folder: Path, kind: type[StoreError]) -> None:
    """Make the folder, and those above it, if they are missing. Raises `kind` when others may enter it (attacks X12)."""
    with translated(f"the folder {folder.name} cannot be used", kind):
        for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        raise kind(f"others may enter the folder {folder.name} (rights {mode:o}): chmod 700")


def connect(path: Path, *, make: bool) -> sqlite3.Connection:
    """A connection without implicit transactions, usable by any thread that holds the owner's lock. Raises sqlite3.Error, OSError.

    SQLite keeps what is written, not what the column says: whoever tampers may leave a text where bytes belong, or bytes that are no text.
    Readers of the record therefore cast, and undecodable text comes back readable, so that tampering is named and never a crash.

    `make`: create the file if it is missing, and write; else it must be there and is only read.
    """
    if make and not path.exists():  # opening and closing one that is there ends this process's locks on it (SQLite, "How To Corrupt", 2.2)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    if not make:
        connection.execute("PRAGMA query_only = 1")
    return connection


def version_of(connection: sqlite3.Connection, known: int, kind: type[StoreError]) -> int:
    """The file's schema version, 0 for a new file. Raises `kind` for a file of a newer Torwart."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > known:
        raise kind(f"the file was written by a newer Torwart (version {version}): start that one")
    return version


def hold_events(connection: sqlite3.Connection) -> None:
    """Before `make_durable`: large pages, if the file is new. One of an older release keeps its own."""
    if not connection.execute("PRAGMA page_count").fetchone()[0]:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.execute(f"PRAGMA wal_autocheckpoint = {AHEAD_BYTES // page_bytes}")


def make_durable(connection: sqlite3.Connection, kind: type[StoreError]) -> None:
    """Set and read back what makes a commit durable. Raises `kind` when the file system does not play along."""
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("trusted_schema", 0)):
        connection.execute(f"PRAGMA {pragma} = {value}")
        seen = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        if seen != value:
            raise kind(f"the file does not keep {pragma}={value} (it says {seen}): is the disk a network share?")
