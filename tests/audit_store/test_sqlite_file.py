"""Files of events and the pages that they are made of."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from audit_store.event import EventAction, plain_event
from audit_store.spool import FILE, Spool
from audit_store.sqlite_file import AHEAD_BYTES, PAGE_BYTES, StoreError, connect, hold_events, make_durable
from tests.audit_store.acts import NOW


def pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def test_a_new_file_of_events_has_large_pages(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "new.db", make=True)) as made:
        hold_events(made)
        make_durable(made, StoreError)
        made.execute("CREATE TABLE event (sequence INTEGER)")
        assert (pragma(made, "page_size"), pragma(made, "wal_autocheckpoint")) == (PAGE_BYTES, AHEAD_BYTES // PAGE_BYTES)


def test_a_file_of_an_older_release_keeps_its_pages_and_its_events(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    with closing(sqlite3.connect(folder / FILE)) as older:
        older.execute("PRAGMA page_size = 4096")
        older.execute(
            "CREATE TABLE event (sequence INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, canonical BLOB NOT NULL, hash BLOB NOT NULL)"
        )
    spool = Spool.open(folder, "gateway")
    spool.append(plain_event(EventAction.SELF_TEST, at=NOW))
    assert len(spool.read(0, 10)) == 1
    spool.close()
    with closing(connect(folder / FILE, make=True)) as again:
        hold_events(again)
        assert (pragma(again, "page_size"), pragma(again, "wal_autocheckpoint")) == (4096, AHEAD_BYTES // 4096)
