"""Questions to the log."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit_store.event import EventAction, Phase, plain_event
from audit_store.log import Log
from audit_store.search import LIMIT_MAX, search
from audit_store.spool import Spool
from tests.audit_store.acts import NOW, access, plain

ANNA, BERTA = "P-00000001", "P-00000002"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    for event in (
        access(pseudonym=ANNA, at=NOW),
        access(pseudonym=BERTA, at=NOW + timedelta(seconds=1), phase=Phase.HELD),
        access(pseudonym=ANNA, at=NOW + timedelta(seconds=2), phase=Phase.DENIED),
        plain_event(EventAction.PERSON_FROZEN, at=NOW + timedelta(seconds=3), pseudonym=BERTA, subject=ANNA),
        plain(at=NOW + timedelta(seconds=4)),
    ):
        spool.append(event)
    log = Log.open(tmp_path / "log")
    log.take(spool)
    spool.close()
    yield log
    log.close()


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"person": ANNA}, [1, 3, 4]),
        ({"person": BERTA}, [2, 4]),
        ({"person": "P-FFFFFFFF"}, []),
        ({"person": "P-00000001' OR '1'='1"}, []),
        ({"act": "act-1"}, [1, 2, 3]),
        ({"action": EventAction.ACCESS}, [1, 2, 3]),
        ({"action": "self-test"}, [5]),
        ({"phase": Phase.DENIED}, [3]),
        ({"since": NOW + timedelta(seconds=3)}, [4, 5]),
        ({"until": NOW + timedelta(seconds=1)}, [1]),
        ({"since": NOW + timedelta(seconds=1), "until": NOW + timedelta(seconds=3), "person": ANNA}, [3]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "after": 2}, [3, 4]),
        ({"limit": 2, "newest_first": True}, [5, 4]),
        ({"limit": 2, "newest_first": True, "after": 4}, [3, 2]),
        ({"limit": -1}, []),
    ],
)
def test_a_question_finds_exactly_its_events(log: Log, question: dict[str, Any], found: list[int]) -> None:
    assert [row.sequence for row in search(log, **question)] == found


def test_an_answer_is_never_longer_than_a_page(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    spool._store([plain(number).canonical() for number in range(LIMIT_MAX + 5)])
    log = Log.open(tmp_path / "log")
    log.take(spool)
    assert len(search(log, limit=10**9)) == LIMIT_MAX
    spool.close()
    log.close()
