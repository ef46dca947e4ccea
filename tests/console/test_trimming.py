"""Spools are trimmed once a minute, each for itself, and their fill can be seen."""

from datetime import timedelta
from pathlib import Path

import pytest

from audit_store.event import EventAction, plain_event
from audit_store.log import Log
from audit_store.spool import FILE, Spool
from audit_store.spool_file import SpoolError
from console.trimming import Trimming, fills
from tests.audit_store.acts import NOW, plain


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log.open(tmp_path / "log")


def filled(tmp_path: Path, producer: str, log: Log) -> Spool:
    spool = Spool.open(tmp_path / "spool" / producer, producer)
    for days in (9, 8, 1, 0):
        spool.append(plain(at=NOW - timedelta(days=days)))
    log.take(spool)
    return spool


def test_all_spools_are_trimmed_but_not_at_every_round(log: Log, tmp_path: Path) -> None:
    spools = [filled(tmp_path, name, log) for name in ("console", "gateway")]
    trimming = Trimming(tmp_path / "spool", log, 7, lambda: NOW)
    assert [trimming.step(), trimming.step()] == [4, 0]
    assert [len(spool.read(0, 10)) for spool in spools] == [2, 2]
    assert log.verify(*spools) == []


def test_where_statements_are_signed_only_what_they_cover_goes(log: Log, tmp_path: Path) -> None:
    filled(tmp_path, "gateway", log)
    assert Trimming(tmp_path / "spool", log, 7, lambda: NOW, {"gateway": 0}.__getitem__).step() == 0
    assert Trimming(tmp_path / "spool", log, 7, lambda: NOW, {"gateway": 1}.__getitem__).step() == 1


def test_one_that_cannot_be_trimmed_keeps_no_other_waiting(log: Log, tmp_path: Path) -> None:
    filled(tmp_path, "console", log).close()
    (tmp_path / "spool" / "console" / FILE).write_bytes(b"no database at all" * 500)
    spool = filled(tmp_path, "gateway", log)
    with pytest.raises(SpoolError):
        Trimming(tmp_path / "spool", log, 7, lambda: NOW).step()
    assert len(spool.read(0, 10)) == 2


def test_the_fill_is_told_with_what_waits(log: Log, tmp_path: Path) -> None:
    filled(tmp_path, "agent-7", log).append(plain_event(EventAction.SELF_TEST, at=NOW))
    filled(tmp_path, "gateway", log)
    agent, gateway = fills(tmp_path / "spool", log, own_bytes=1_000_000, agent_bytes=100_000)
    assert (agent.producer, agent.cap_bytes, agent.waiting) == ("agent-7", 100_000, 1)
    assert (gateway.producer, gateway.cap_bytes, gateway.waiting) == ("gateway", 1_000_000, 0)
    assert 0 < gateway.share < agent.share < 1
