"""A spool that has reached its limit is a full disk: nothing goes out, and with room again it works, without a restart (fault 5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_store.event import EventAction, plain_event
from audit_store.log import Log
from audit_store.spool import FILE, Spool, SpoolReader
from audit_store.spool_trim import trim
from tests.faults.played_crm import CANARY, PlayedCrm
from tests.faults.stand import stand

LIMIT = 16 * 1024**2


@pytest.fixture
def crm() -> Iterator[PlayedCrm]:
    played = PlayedCrm()
    yield played
    played.close()


def fill(folder: Path) -> None:
    """Old events of the same producer, up to its limit."""
    spool = Spool.open(folder, "gateway")
    old = datetime.now(UTC) - timedelta(days=30)
    large = plain_event(EventAction.SELF_TEST, at=old, numbers={"words": "x" * 900}).canonical()
    while spool.used_bytes() < LIMIT:
        spool._store([large] * 500)
    spool.close()


def test_a_full_spool_stops_the_doors_and_a_trimmed_one_opens_them(tmp_path: Path, crm: PlayedCrm) -> None:
    with stand(tmp_path / "firm", crm.port, f"record:\n  spool_bytes: {LIMIT}\n") as gateway:
        gateway.start()
        assert gateway.page(1).status == 200
        folder = gateway.state / "spool" / "gateway"
        fill(folder)
        for page in range(2, 6):
            heard = gateway.page(page)
            assert (heard.status, CANARY.encode() in heard.body) == (503, False)
        pid, reader = gateway.pid, SpoolReader.open(folder)
        log = Log.open(gateway.state / "log")
        log.take(reader)
        before = datetime.now(UTC) + timedelta(days=1)
        while trim(folder / FILE, "gateway", taken=log.cursor("gateway"), before=before):
            pass
        assert gateway.page(7).status == 200
        assert gateway.pid == pid
        log.take(reader)
        assert log.verify(reader) == []
        reader.close()
        log.close()
