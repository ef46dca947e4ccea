"""A consumer's place in the log is there after a restart, and is nobody else's."""

from __future__ import annotations

from pathlib import Path

from audit_store.consumer import position_of, put_position
from audit_store.database import open_database


def test_a_place_is_kept_and_each_consumer_has_its_own(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "torwart.db")
    assert position_of(engine, "one") == 0
    put_position(engine, "one", 7)
    put_position(engine, "two", 3)
    put_position(engine, "one", 9)
    engine.dispose()
    again = open_database(tmp_path / "torwart.db")
    try:
        assert (position_of(again, "one"), position_of(again, "two")) == (9, 3)
    finally:
        again.dispose()
