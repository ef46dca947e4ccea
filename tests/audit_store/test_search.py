"""Questions to the record: the log read event by event, its own index, and Elasticsearch give the same answers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit_store import elastic_search
from audit_store.event import Content, EventAction, ExportLink, Phase, plain_event
from audit_store.log import Log, Logged
from audit_store.mapping import BOTH, EVENTS
from audit_store.search import LIMIT_MAX, TEXT_LETTERS_MAX, TEXT_WORDS_MAX, How, Question, QuestionRefusedError, search
from audit_store.search_answer import Searcher
from audit_store.search_index import IndexWriter
from audit_store.search_marks import Marks
from audit_store.spool import Spool
from policies.decision import Allow, Deny
from policies.reasons import EXPORT_NEEDS_KEY, NOT_FOR_YOU, Because
from policies.request import Action
from tests.audit_store.acts import NOW, access, plain
from tests.audit_store.test_event import every_kind_of_event, way_out_event
from tests.services.elastic import Cluster
from tests.services.elastic_node import FIRST, SECOND

ANNA, BERTA = "P-00000001", "P-00000002"


type Ask = Callable[..., list[Logged]]
type Back = Callable[[Log], Ask]
REAL = pytest.mark.needs("elasticsearch")
_ENDS = {"nothing indexed": 0, "half indexed": 0.5, "the index": 1}


@pytest.fixture(
    params=[*_ENDS, pytest.param("elastic", marks=REAL), pytest.param("newer_elastic", marks=REAL)], ids=[*_ENDS, FIRST, SECOND]
)
def back(request: pytest.FixtureRequest, tmp_path: Path) -> Back:
    """A back end: makes a way to ask about a log."""

    def indexed(log: Log) -> Ask:
        newest = log.tail(1)
        upto = int(_ENDS[request.param] * (newest[0].sequence if newest else 0))
        if upto:
            writer = IndexWriter(tmp_path / "index")
            writer.step(log, upto)
            writer.close()
        searcher = Searcher(log, tmp_path / "index")

        def ask(**question: Any) -> list[Logged]:
            answer = searcher.ask(Question(**question))
            assert answer.unsearched is None
            return list(answer.rows)

        return ask

    def shipped(log: Log) -> Ask:
        cluster: Cluster = request.getfixturevalue(request.param)
        cluster.shipper(log, tmp_path).step()
        cluster.admin("POST", f"/{BOTH}/_refresh")
        reader = cluster.connect("reader")
        newest = log.tail(1)
        assert elastic_search.reach(reader) == elastic_search.Reach(newest[0].sequence if newest else 0, None)
        return lambda **question: elastic_search.answer(reader, Question(**question))

    return indexed if request.param in _ENDS else shipped


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    sent = way_out_event(Content(12_345, "a" * 64, "zip", (ExportLink("7F3A", "act-7", 40),)))
    sent = replace(sent, document={**sent.document, "@timestamp": "2026-05-12T09:30:05.000Z"})
    for event in (
        access(pseudonym=ANNA, at=NOW),
        access(pseudonym=BERTA, at=NOW + timedelta(seconds=1), phase=Phase.HELD, decision=Allow((), observed=("4:night", "4:try-out"))),
        access(pseudonym=ANNA, at=NOW + timedelta(seconds=2), phase=Phase.DENIED, decision=Deny((Because(NOT_FOR_YOU),))),
        plain_event(EventAction.PERSON_FROZEN, at=NOW + timedelta(seconds=3), pseudonym=BERTA, subject=ANNA),
        plain(at=NOW + timedelta(seconds=4)),
        sent,
        access(
            ("2", "4711", "8"),
            action=Action.EXPORT,
            phase=Phase.RELEASED,
            at=NOW + timedelta(seconds=6),
            pseudonym=BERTA,
            shown=frozenset({"4711", "8"}),
            taken=frozenset({"4711"}),
            decision=Allow((Because(EXPORT_NEEDS_KEY, {"asked": 3, "allowed": 2}),)),
        ),
        plain_event(EventAction.POLICY_ACTIVATED, at=NOW + timedelta(seconds=7), numbers={"note": "Größere STRASSE – всё Ёлки, e\u0301té"}),
    ):
        spool.append(event)
    log = Log.open(tmp_path / "log")
    log.take(spool)
    spool.close()
    yield log
    log.close()


FOUND: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
    ({"person": ANNA}, [1, 3, 4, 6]),
    ({"person": BERTA}, [2, 4, 7]),
    ({"person": "P-FFFFFFFF"}, []),
    ({"person": "P-00000001' OR '1'='1"}, []),
    ({"act": "act-1"}, [1, 2, 3, 6, 7]),
    ({"action": EventAction.ACCESS}, [1, 2, 3, 6, 7]),
    ({"action": "self-test"}, [5]),
    ({"phase": Phase.DENIED}, [3, 6]),
    ({"observed": "4:try-out"}, [2]),
    ({"observed": "4:try-out", "person": ANNA}, []),
    ({"observed": "3:try-out"}, []),
    ({"observed": "4:try"}, []),
    ({"observed": '4:night","4:try-out'}, []),
    ({"observed": "\ud800"}, []),
    ({"observed": "4:" + "x" * 100_000}, []),
    ({"deed": Action.UPLOAD}, [6]),
    ({"deed": "export", "person": BERTA}, [7]),
    ({"channel": "cloud"}, [6]),
    ({"outcome": "failure"}, [3, 6]),
    ({"outcome": "FAILURE"}, []),
    ({"device": "agent-1"}, [6]),
    ({"destination": "cloud.example"}, [6]),
    ({"destination": "example"}, []),
    ({"reason": "not_for_you"}, [3, 6]),
    ({"reason": "not_for_you OR export_needs_key"}, []),
    ({"came_from": "act-7"}, [6]),
    ({"client": "1"}, [1, 2, 3, 6]),
    ({"client": "2"}, [1, 2, 3, 6, 7]),
    ({"client": "2", "how": How.SHOWN}, [1, 2, 3]),
    ({"client": "8"}, [7]),
    ({"client": "8", "how": How.SHOWN}, [7]),
    ({"client": "8", "how": How.TAKEN}, []),
    ({"client": "4711", "how": How.TAKEN}, [7]),
    ({"client": "4711", "how": How.SHOWN}, [7]),
    ({"client": "471"}, []),
    ({"client": "*"}, []),
    ({"client": ""}, []),
    ({"client": "\ud800"}, []),
    ({"client": "1" * 100_000}, []),
    ({"text": "größere"}, [8]),
    ({"text": "GRÖSSERE strasse"}, [8]),
    ({"text": "Straße"}, [8]),
    ({"text": "ВСЕ елки"}, [8]),
    ({"text": "été"}, [8]),
    ({"text": "strasse export"}, []),
    ({"text": "Straß"}, []),
    ({"text": "cloud"}, [6]),
    ({"text": "agent-1 7F3A"}, [6]),
    ({"text": "party party_read"}, [1, 2, 3, 7]),
    ({"text": "bestätigt"}, []),
    ({"text": "angehalten"}, [7]),
    ({"text": "export_needs_key"}, [7]),
    ({"text": "OR"}, []),
    ({"text": "NEITHER denied"}, []),
    ({"text": '" OR "allowed'}, []),
    ({"since": NOW + timedelta(seconds=6)}, [7, 8]),
    ({"until": NOW + timedelta(seconds=1)}, [1]),
    ({"since": NOW + timedelta(seconds=1), "until": NOW + timedelta(seconds=3), "person": ANNA}, [3]),
    ({"since": NOW + timedelta(seconds=1, microseconds=900), "until": NOW + timedelta(seconds=2, microseconds=1)}, [2]),
    ({"since": NOW + timedelta(days=1)}, []),
    ({"limit": 2}, [1, 2]),
    ({"limit": 2, "after": 2}, [3, 4]),
    ({"limit": 2, "after": 3, "person": ANNA}, [4, 6]),
    ({"limit": 2, "newest_first": True}, [8, 7]),
    ({"limit": 2, "newest_first": True, "after": 4}, [3, 2]),
    ({"limit": 3, "newest_first": True, "person": ANNA}, [6, 4, 3]),
    ({"limit": 9, "newest_first": True, "person": ANNA, "until": NOW + timedelta(seconds=4)}, [4, 3, 1]),
    ({"limit": -1}, []),
    ({"limit": 0}, []),
    ({"after": 1 << 70}, []),
    ({"after": -5}, [1, 2, 3, 4, 5, 6, 7, 8]),
    ({"act": "\ud800"}, []),
    ({"act": "act-1\0"}, []),
    ({"person": "*"}, []),
    ({"person": "P-0000000?"}, []),
    ({"person": "P-00000001 OR _exists_:user.id"}, []),
    ({"act": "a" * 100_000}, []),
    ({"act": {"wildcard": "*"}}, []),
    ({"phase": 'held" OR "1'}, []),
]


def test_a_question_finds_exactly_its_events(log: Log, back: Back) -> None:
    """promises G102: whatever is asked for is a word to compare with, never a query."""
    ask = back(log)
    assert [(question, [row.sequence for row in ask(**question)]) for question, _ in FOUND] == FOUND


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("*", "wildcards"),
        ("a*", "wildcards"),
        ("*" * 100 + "a", "wildcards"),
        ("", "no word"),
        ("?!  --", "no word"),
        ("/.+/", "no word"),
        ("🙂", "no word"),
        ("\ud800", "no word") if False else ("--- …", "no word"),
        (" ".join(f"w{number}" for number in range(TEXT_WORDS_MAX + 1)), "more than 16 different words"),
        (" ".join(f"w{number}" for number in range(10_000)), "longer than"),
        ("a" * 1_000_000, f"longer than {TEXT_LETTERS_MAX}"),
    ],
)
def test_what_would_cost_too_much_is_refused_and_says_what_to_do(log: Log, back: Back, text: str, says: str) -> None:
    """promises G102."""
    ask = back(log)
    with pytest.raises(QuestionRefusedError, match=re.escape(says)):
        ask(text=text)


def test_signs_of_other_query_languages_are_nothing_but_separators(log: Log, back: Back) -> None:
    ask = back(log)
    for text in ("_exists_:user.id", "allowed || denied", "{!script}", "allowed~9", "al?owed", "marks:allowed", "found MATCH 1"):
        assert ask(text=text) == [], text
    assert [row.sequence for row in ask(text="(+allowed) -party ^ ~ \\")] == [1]


def test_an_answer_is_never_longer_than_a_page(tmp_path: Path, back: Back) -> None:
    spool = Spool.open(tmp_path / "gateway", "gateway")
    spool._store([plain(number).canonical() for number in range(LIMIT_MAX + 5)])
    log = Log.open(tmp_path / "log")
    log.take(spool)
    ask = back(log)
    assert len(ask(limit=10**9)) == LIMIT_MAX
    assert len(ask(limit=10**9, text="self test")) == LIMIT_MAX
    assert len(ask(limit=10**9, newest_first=True, since=NOW)) == LIMIT_MAX
    spool.close()
    log.close()


HOSTILE = [
    b'{"@timestamp":"2026-05-12T09:30:00.000Z","torwart":{"act":{"id":"act-1"},"schema":"a word"},"user":{"id":"P-00000001"}}',
    b'{"@timestamp":"2026-05-12T09:30:01.000Z","event":{"action":"access"},"nobody":{"knows":"this"}}',
    b'{"@timestamp":"2026-05-12T09:30:02.000Z","torwart":{"log":{"sequence":1}}}',
    b'{"@timestamp":"2026-05-12T09:30:03.000Z","torwart.log.sequence":2}',
    b'{"@timestamp":"2026-05-12T11:30:00+02:00","event":{"action":["access","login"]},"torwart":{"channel":5,"subject":["P-00000001"]}}',
    b'{"@timestamp":"2026-05-12","torwart":{"clients":{"asked":"n9:1:","shown":5,"taken":[]}},"user":{"id":"P-00000001"}}',
    b'{"@timestamp":"yesterday","torwart":{"clients":"all","words":{"a":{"b":"deep"}},"reasons":[{"code":"\\u0000"},{"code":"x"}]}}',
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"clients":{"asked":"t:eNqLVkpUitUBkkkA0UcC2A==","shown":"","taken":""}}}',
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

    def whole(**question: Any) -> list[Logged]:
        found: list[Logged] = []
        while rows := ask(**question, after=found[-1].sequence if found else 0, limit=200):
            found += rows
        return found

    everything = log.read(0, 10_000)
    assert whole() == everything
    assert len(everything) > len(HOSTILE) + 100
    marks = {row.sequence: Marks(row.document) for row in everything}
    for facet in sorted(set().union(*(one.facets for one in marks.values()))):
        name, _, value = facet.partition(":")
        if name != "unread":
            assert [row.sequence for row in whole(**{name: value})] == [n for n, one in marks.items() if facet in one.facets], facet
    unread = {number for number, one in marks.items() if one.clients is None}
    assert len(unread) == 3
    for client in ("1", "3", "a", "nobody"):
        named = unread | {number for number, one in marks.items() if one.clients is not None and client in set().union(*one.clients)}
        assert {row.sequence for row in whole(client=client)} == named
    assert {row.sequence for row in whole(since=NOW, until=NOW + timedelta(milliseconds=1))} == {
        number for number, one in marks.items() if one.at == int(NOW.timestamp() * 1000)
    }


@REAL
def test_events_of_a_release_that_knew_other_marks_are_not_passed_over_in_silence(tmp_path: Path, log: Log, each_elastic: Cluster) -> None:
    each_elastic.shipper(log, tmp_path).step()
    reader = each_elastic.connect("reader")

    def older(sequence: int) -> None:
        place = {
            "sequence": sequence,
            "received": "2026-05-12T09:30:00.000Z",
            "producer": "gateway",
            "epoch": 1,
            "producer_sequence": sequence,
        }
        event = {"@timestamp": "2026-05-12T09:30:00.000Z", "event": {"action": "self-test"}, "torwart.log": place}
        each_elastic.admin("POST", f"/{EVENTS}/_create/older-{sequence}?refresh=true", event)

    older(5)
    older(6)
    assert elastic_search.reach(reader) == elastic_search.Reach(8, None)
    older(30)
    assert [row.sequence for row in elastic_search.answer(reader, Question(action="self-test"))] == [5]
    assert elastic_search.reach(reader) == elastic_search.Reach(30, (5, 30))


@REAL
def test_where_nothing_was_shipped_nothing_is_reached(each_elastic: Cluster) -> None:
    assert elastic_search.reach(each_elastic.connect("reader")) == elastic_search.Reach(0, None)


def test_what_the_log_itself_finds_is_the_same(log: Log) -> None:
    old = ("person", "act", "action", "phase", "since", "until", "limit", "after", "newest_first")
    for question, found in FOUND:
        if set(question) <= set(old):
            assert [row.sequence for row in search(log, **question)] == found, question
