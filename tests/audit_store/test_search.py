"""Questions to the record: the log's own index and Elasticsearch give the same answers."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit_store import elastic_search
from audit_store.event import EventAction, Phase, plain_event
from audit_store.log import Log, Logged
from audit_store.mapping import BOTH
from audit_store.search import LIMIT_MAX, Question, search
from audit_store.spool import Spool
from policies.decision import Allow
from tests.audit_store.acts import NOW, access, plain
from tests.audit_store.test_event import every_kind_of_event
from tests.services.elastic import Cluster
from tests.services.elastic_node import FIRST, SECOND

ANNA, BERTA = "P-00000001", "P-00000002"


type Ask = Callable[..., list[Logged]]
type Back = Callable[[Log], Ask]
REAL = pytest.mark.needs("elasticsearch")


@pytest.fixture(
    params=["log", pytest.param("elastic", marks=REAL), pytest.param("newer_elastic", marks=REAL)], ids=["the log", FIRST, SECOND]
)
def back(request: pytest.FixtureRequest, tmp_path: Path) -> Back:
    """A back end: makes a way to ask about a log."""
    if request.param == "log":
        return lambda log: lambda **question: search(log, **question)
    cluster: Cluster = request.getfixturevalue(request.param)

    def shipped(log: Log) -> Ask:
        cluster.shipper(log, tmp_path).step()
        cluster.admin("POST", f"/{BOTH}/_refresh")
        reader = cluster.connect("reader")
        return lambda **question: elastic_search.answer(reader, Question(**question))

    return shipped


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    for event in (
        access(pseudonym=ANNA, at=NOW),
        access(pseudonym=BERTA, at=NOW + timedelta(seconds=1), phase=Phase.HELD, decision=Allow((), observed=("4:night", "4:try-out"))),
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
        ({"observed": "4:try-out"}, [2]),
        ({"observed": "4:try-out", "person": ANNA}, []),
        ({"observed": "3:try-out"}, []),
        ({"observed": "4:try"}, []),
        ({"observed": '4:night","4:try-out'}, []),
        ({"observed": "\ud800"}, []),
        ({"observed": "4:" + "x" * 100_000}, []),
        ({"since": NOW + timedelta(seconds=3)}, [4, 5]),
        ({"until": NOW + timedelta(seconds=1)}, [1]),
        ({"since": NOW + timedelta(seconds=1), "until": NOW + timedelta(seconds=3), "person": ANNA}, [3]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "after": 2}, [3, 4]),
        ({"limit": 2, "newest_first": True}, [5, 4]),
        ({"limit": 2, "newest_first": True, "after": 4}, [3, 2]),
        ({"limit": -1}, []),
        ({"limit": 0}, []),
        ({"after": 1 << 70}, []),
        ({"after": -5}, [1, 2, 3, 4, 5]),
        ({"act": "\ud800"}, []),
        ({"act": "act-1\0"}, []),
        ({"person": "*"}, []),
        ({"person": "P-0000000?"}, []),
        ({"person": "P-00000001 OR _exists_:user.id"}, []),
        ({"act": "a" * 100_000}, []),
        ({"act": {"wildcard": "*"}}, []),
        ({"phase": 'held" OR "1'}, []),
    ],
)
def test_a_question_finds_exactly_its_events(log: Log, back: Back, question: dict[str, Any], found: list[int]) -> None:
    """promises G102: whatever is asked for is a word to compare with, never a query."""
    assert [row.sequence for row in back(log)(**question)] == found


def test_an_answer_is_never_longer_than_a_page(tmp_path: Path, back: Back) -> None:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    spool._store([plain(number).canonical() for number in range(LIMIT_MAX + 5)])
    log = Log.open(tmp_path / "log")
    log.take(spool)
    assert len(back(log)(limit=10**9)) == LIMIT_MAX
    spool.close()
    log.close()


HOSTILE = [
    b'{"@timestamp":"2026-05-12T09:30:00.000Z","torwart":{"act":{"id":"act-1"},"schema":"a word"},"user":{"id":"P-00000001"}}',
    b'{"@timestamp":"2026-05-12T09:30:01.000Z","event":{"action":"access"},"nobody":{"knows":"this"}}',
    b'{"@timestamp":"2026-05-12T09:30:02.000Z","torwart":{"log":{"sequence":1}}}',
    b'{"@timestamp":"2026-05-12T09:30:03.000Z","torwart.log.sequence":2}',
    b"this is no JSON",
    b"[1,2,3]",
]
"""What no builder of ours writes: it lands in the dead-letter stream, and in the answers all the same."""


def test_rows_are_the_same_to_the_last_member(tmp_path: Path, log: Log, back: Back) -> None:
    spool = Spool.open(tmp_path / "other", "other")
    spool._store([*(event.canonical() for event in every_kind_of_event()), *HOSTILE])
    log.take(spool)
    spool.close()
    ask = back(log)
    found: list[Logged] = []
    while rows := ask(after=found[-1].sequence if found else 0, limit=200):
        found += rows
    assert found == log.read(0, 10_000)
    assert len(found) > len(HOSTILE) + 100
    assert [row.sequence for row in ask(act="act-1", person="P-00000001", limit=1_000)] == [
        row.sequence for row in search(log, act="act-1", person="P-00000001", limit=1_000)
    ]
