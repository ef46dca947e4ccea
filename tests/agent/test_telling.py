"""Events between two stores: told once, wherever it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.telling import Pending, Telling
from audit_store.event import Event, EventAction, plain_event
from audit_store.spool import Spool, SpoolError


class Kept:
    """Keeps what is pending in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Pending] = {}

    def keep(self, pending: Pending) -> None:
        self.rows[pending.id] = pending

    def pending(self) -> list[Pending]:
        return list(self.rows.values())

    def settle(self, event_id: str) -> None:
        del self.rows[event_id]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool.open(tmp_path / "spool", "agent-1")
    yield made
    made.close()


def event() -> Event:
    return plain_event(EventAction.FILE_QUARANTINED, at=datetime.now(UTC), pseudonym="P-1", subject="agent-1")


def told(spool: Spool) -> int:
    return len(spool.read(0, 100))


def test_it_is_pending_before_it_is_told_and_settled_after(spool: Spool) -> None:
    kept, seen = Kept(), []
    telling = Telling(spool, kept)
    telling.tell(event(), lambda pending: (seen.append(told(spool)), kept.keep(pending))[1])
    assert (seen, told(spool), kept.rows) == ([0], 1, {})


def test_what_was_kept_and_not_told_is_told_by_the_next_start_and_once(spool: Spool) -> None:
    kept, one = Kept(), event()
    kept.keep(Pending(one.id, one.canonical(), spool.head().sequence))
    assert Telling(spool, kept).recover() == 1
    assert (told(spool), kept.rows) == (1, {})


def test_what_was_told_and_not_settled_is_not_told_again(spool: Spool) -> None:
    kept, one = Kept(), event()
    kept.keep(Pending(one.id, one.canonical(), spool.head().sequence))
    spool.append(one)
    assert Telling(spool, kept).recover() == 0
    assert (told(spool), kept.rows) == (1, {})


def test_a_full_disk_leaves_it_pending_and_the_next_event_brings_it(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    telling = Telling(spool, kept)

    def full(_event: Event) -> None:
        raise SpoolError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(spool, "append", full)
        with pytest.raises(SpoolError):
            telling.tell(event(), kept.keep)
    telling.tell(event(), kept.keep)
    assert (told(spool), kept.rows) == (2, {})
