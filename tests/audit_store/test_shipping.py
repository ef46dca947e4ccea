"""The consumer that ships the log, on real servers: everything arrives once, in order, as it was written."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_store import elastic_search, shipping
from audit_store.consumer import position_of
from audit_store.database import open_database
from audit_store.elastic import AnswerError, BadRequestError, BusyError
from audit_store.event import Event, EventAction, plain_event, refused_event
from audit_store.log import Entry, Log
from audit_store.mapping import DEAD_LETTERS, EVENTS
from audit_store.search import Question
from audit_store.shipping import FOUND, SHIPPED, LostError
from audit_store.spool import Spool
from policies.reasons import UNREADABLE, Because
from tests.audit_store.acts import NOW, access, plain
from tests.audit_store.test_event import every_kind_of_event
from tests.services.elastic import Cluster
from tests.services.elastic_proxy import Answer, Asked, Proxy, honest, status


class Record:
    """A log with producers that tests write with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = Log.open(folder / "log")
        self._spools: dict[str, Spool] = {}

    def write(self, *events: Event | bytes, producer: str = "gateway") -> None:
        spool = self._spools.get(producer) or self._spools.setdefault(producer, Spool.open(self.folder / producer, producer))
        spool._store([event if isinstance(event, bytes) else event.canonical() for event in events])
        self.log.take(spool)

    def close(self) -> None:
        for spool in self._spools.values():
            spool.close()
        self.log.close()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    made = Record(tmp_path)
    yield made
    made.close()


def test_every_event_arrives_once_in_order_and_as_its_producer_wrote_it(each_elastic: Cluster, record: Record) -> None:
    record.write(*every_kind_of_event())
    record.write(plain(1), plain(2), producer="agent-1")
    record.write(plain(3))
    shipper = each_elastic.shipper(record.log, record.folder)
    assert shipper.backlog().events == len(record.log.read(0, 10_000))
    assert shipper.step(10_000) == shipper.position == len(record.log.read(0, 10_000))
    assert shipper.step() == 0
    assert (shipper.backlog().events, shipper.backlog().since) == (0, None)
    assert shipper.version == each_elastic.node.version
    stored = each_elastic.documents()
    for row, document in zip(record.log.read(0, 10_000), stored, strict=True):
        place = document.pop("torwart.log")
        assert document == row.document
        assert (place["sequence"], place["producer"], place["epoch"]) == (row.sequence, row.producer, row.epoch)
        assert place["producer_sequence"] == row.producer_sequence
    assert each_elastic.documents(DEAD_LETTERS) == []


def test_what_is_taken_while_the_shipper_is_there_arrives_the_same_way(each_elastic: Cluster, record: Record) -> None:
    """Then it is made ahead (`audit_store.shipping_ahead`)."""
    shipper = each_elastic.shipper(record.log, record.folder)
    record.write(*every_kind_of_event(), b"no JSON")
    record.write(plain(1), plain(2), producer="agent-1")
    assert shipper.step(7) == 7
    record.write(plain(3))
    taken = record.log.read(0, 10_000)
    assert shipper.step(10_000) == len(taken) - 7
    documents = each_elastic.documents()
    stored = [document.pop("torwart.log")["sequence"] for document in documents]
    assert [(row.sequence, row.document) for row in taken if row.document] == list(zip(stored, documents, strict=True))
    assert len(each_elastic.documents(DEAD_LETTERS)) == 1


def test_what_was_made_ahead_of_a_failure_is_sent_as_the_log_has_it_then(elastic: Cluster, record: Record, tmp_path: Path) -> None:
    """It would grow old: content that is taken out of the record meanwhile must not arrive."""
    proxy = Proxy(elastic, tmp_path)
    shipper = elastic.shipper(record.log, record.folder, url=proxy.url)
    record.write(*map(plain, range(30)))
    proxy.fault = lambda asked, ask: status(503)(asked, ask) if asked.is_bulk else ask(asked)
    with pytest.raises(BusyError):
        shipper.step(20)
    assert shipper._prepared.next(20, 100, 1 << 30) == []
    proxy.fault = honest
    assert shipper.step() == 30
    assert len(elastic.documents()) == 30
    proxy.close()


def test_what_is_stored_is_the_producers_bytes_and_a_place(elastic: Cluster, record: Record) -> None:
    canonical = b'{"@timestamp":"2026-05-12T09:30:00.000Z","torwart":{"usage":{"share_of_base":1.0},"words":{"b":"\\u00e4","a":"x"}}}'
    record.write(canonical)
    elastic.shipper(record.log, record.folder).step()
    elastic.admin("POST", f"/{EVENTS}/_refresh")
    raw = elastic.node.admin("GET", f"/{EVENTS}/_search")
    assert canonical[:-1] + b',"torwart.log":{"sequence":1,' in raw


def test_a_new_process_goes_on_where_the_last_one_stopped(elastic: Cluster, record: Record) -> None:
    record.write(*map(plain, range(30)))
    elastic.shipper(record.log, record.folder).step(20)
    second = elastic.shipper(record.log, record.folder)
    assert second.backlog().events == 10
    assert second.step() == 10
    assert [document["torwart"]["numbers"]["number"] for document in elastic.documents()] == list(range(30))


def test_a_cursor_that_was_lost_ships_everything_again_and_nothing_is_double(elastic: Cluster, record: Record) -> None:
    record.write(*map(plain, range(30)), b"no JSON")
    elastic.shipper(record.log, record.folder).step()
    (record.folder / "torwart.db").unlink()
    assert elastic.shipper(record.log, record.folder).step() == 31
    assert len(elastic.documents()) == 30
    assert len(elastic.documents(DEAD_LETTERS)) == 1


def test_an_event_with_the_id_of_another_one_arrives_too(elastic: Cluster, record: Record) -> None:
    """Whoever could choose the id under which his event is kept could make another's never arrive."""
    event = access()
    record.write(event, producer="agent-1")
    record.write(event, event, producer="gateway")
    elastic.shipper(record.log, record.folder).step()
    assert [document["event"]["id"] for document in elastic.documents()] == [event.id] * 3


def test_an_event_sent_again_after_a_rollover_is_one_in_the_answers(elastic: Cluster, record: Record) -> None:
    record.write(*map(plain, range(3)))
    elastic.shipper(record.log, record.folder).step()
    elastic.admin("POST", f"/{EVENTS}/_rollover")
    (record.folder / "torwart.db").unlink()
    elastic.shipper(record.log, record.folder).step()
    assert len(elastic.documents()) == 6, "ids are unique within an index of the stream, not over all of them"
    found = elastic_search.answer(elastic.connect("reader"), Question())
    assert [row.sequence for row in found] == [1, 2, 3]


@pytest.mark.parametrize(
    "canonical",
    [
        b'{"@timestamp":"2026-05-12T09:30:00Z",\n"torwart":{"rows":\r\n2}}',
        b'{"@timestamp":"2026-05-12T09:30:00Z"\n}\n\n',
        b'\n{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"route":"\\n{\\"create\\":{}}\\n"}}',
    ],
)
def test_line_breaks_in_an_event_spoil_nothing(elastic: Cluster, record: Record, canonical: bytes) -> None:
    """On the way to Elasticsearch a line break ends a document: a hostile producer could stop all others with one."""
    record.write(plain(1), canonical, plain(2))
    elastic.shipper(record.log, record.folder).step()
    assert len(elastic.documents()) == 3
    assert elastic_search.answer(elastic.connect("reader"), Question()) == record.log.read(0, 10)


def test_an_event_that_spoils_the_whole_request_is_found_and_the_others_go_on(elastic: Cluster, record: Record, tmp_path: Path) -> None:
    """No such event is known; if there is one, it must not stop the shipping."""
    proxy = Proxy(elastic, tmp_path)
    spoilt = lambda asked: asked.is_bulk and b'"number":77}' in asked.body and EVENTS in asked.path  # noqa: E731
    proxy.fault = lambda asked, ask: status(400)(asked, ask) if spoilt(asked) else ask(asked)
    record.write(*map(plain, range(300)))
    shipper = elastic.shipper(record.log, record.folder, url=proxy.url)
    assert shipper.step() == 300
    assert len(elastic.documents()) == 299
    (letter,) = elastic.documents(DEAD_LETTERS)
    assert (letter["error"]["type"], letter["torwart.log"]["sequence"]) == ("bad_request", 78)
    proxy.close()


def test_the_next_batch_is_made_while_one_is_on_its_way(
    elastic: Cluster, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "BATCH_EVENTS", 100)
    made = threading.Event()
    waited: list[bool] = []
    proxy = Proxy(elastic, tmp_path)

    def first_waits(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        if asked.is_bulk and not waited:
            waited.append(made.wait(20))
        return ask(asked)

    proxy.fault = first_waits
    record.write(*map(plain, range(300)))
    shipper = elastic.shipper(record.log, record.folder, url=proxy.url)
    read = shipper.batch

    def batch(after: int, limit: int = 100, *, until: int | None = None) -> list[Entry]:
        found = read(after, limit, until=until)
        if after == 100:
            made.set()
        return found

    monkeypatch.setattr(shipper, "batch", batch)
    assert shipper.step(250) == 250
    assert waited == [True]
    assert [document["torwart.log"]["sequence"] for document in elastic.documents()] == list(range(1, 251))
    proxy.close()


def test_a_batch_that_flies_behind_a_lie_moves_no_cursor(
    elastic: Cluster, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second batch is sent before the first one is looked at: if that one is not there, neither counts, and both are sent again."""
    monkeypatch.setattr(shipping, "BATCH_EVENTS", 100)
    proxy = Proxy(elastic, tmp_path)
    nothing = Answer.of(200, {"docs": []})
    proxy.fault = lambda asked, ask: nothing if "/_mget" in asked.path else ask(asked)
    record.write(*map(plain, range(300)))
    shipper = elastic.shipper(record.log, record.folder, url=proxy.url)
    with pytest.raises(AnswerError):
        shipper.step()
    assert (shipper.position, position_of(shipper._engine, SHIPPED)) == (0, 0)
    assert sum(asked.is_bulk for asked in proxy.asked) == 2
    proxy.fault = honest
    assert shipper.step() == 300
    assert len(elastic.documents()) == 300
    proxy.close()


def test_what_arrived_before_a_refusal_counts(elastic: Cluster, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "BATCH_EVENTS", 100)
    proxy = Proxy(elastic, tmp_path)
    late = lambda asked: asked.is_bulk and b'"number":150}' in asked.body  # noqa: E731
    proxy.fault = lambda asked, ask: status(503)(asked, ask) if late(asked) else ask(asked)
    record.write(*map(plain, range(300)))
    shipper = elastic.shipper(record.log, record.folder, url=proxy.url)
    with pytest.raises(BusyError):
        shipper.step()
    assert (shipper.position, position_of(shipper._engine, SHIPPED)) == (100, 100)
    proxy.fault = honest
    assert shipper.step() == 200
    assert len(elastic.documents()) == 300
    proxy.close()


def test_a_server_that_understands_nothing_makes_no_dead_letters(elastic: Cluster, record: Record, tmp_path: Path) -> None:
    proxy = Proxy(elastic, tmp_path)
    proxy.fault = lambda asked, ask: status(400)(asked, ask) if EVENTS in asked.path else ask(asked)
    record.write(*map(plain, range(300)))
    shipper = elastic.shipper(record.log, record.folder, url=proxy.url)
    with pytest.raises(BadRequestError):
        shipper.step()
    assert len(proxy.asked) < 60
    proxy.fault = honest
    assert shipper.step() == 300
    assert elastic.documents(DEAD_LETTERS) == []
    proxy.close()


MISFITS = {
    b"no JSON at all": "unreadable",
    b'["a list"]': "unreadable",
    b"\xff\xfe": "unreadable",
    b"": "unreadable",
    b"[" * 5_000: "unreadable",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"log":{"sequence":7}}}': "forged_place",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"log.sequence":7}}': "forged_place",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart.log":{"sequence":7}}': "forged_place",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":[{"log":{"sequence":7}}]}': "forged_place",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torw\\u0061rt":{"lo\\u0067":{"sequence":7}}}': "forged_place",
    b'{"@timestamp":"2026-05-12T09:30:00Z","mine":1}': "strict_dynamic_mapping_exception",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"usage":{"mine":1}}}': "strict_dynamic_mapping_exception",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"rows":"two"}}': "document_parsing_exception",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"rows":"2"}}': "document_parsing_exception",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"rows":1e300}}': "document_parsing_exception",
    b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"rows":{"a":1}}}': "document_parsing_exception",
    b'{"@timestamp":"yesterday"}': "document_parsing_exception",
    b'{"torwart":{"rows":2}}': "document_parsing_exception",
    b'{"@timestamp":"2026-05-12T09:30:00Z","user":{"id":"a","id":"b"}}': "",
}
"""Bytes that a broken or hostile producer may have chained -> why they are dead letters (whatever Elasticsearch says for the last one)."""


@pytest.mark.parametrize("canonical", MISFITS, ids=lambda canonical: canonical[:60].decode("ascii", "replace"))
def test_what_does_not_fit_is_a_dead_letter_with_its_reason_and_the_others_go_on(
    each_elastic: Cluster, record: Record, canonical: bytes
) -> None:
    record.write(plain(1), canonical, plain(2))
    shipper = each_elastic.shipper(record.log, record.folder)
    assert shipper.step() == 3
    assert [document["torwart"]["numbers"]["number"] for document in each_elastic.documents()] == [1, 2]
    (letter,) = each_elastic.documents(DEAD_LETTERS)
    assert MISFITS[canonical] in letter["error"]["type"]
    assert letter["error"]["message"]
    assert letter["torwart"]["original"] == canonical.decode("utf-8", "backslashreplace")
    assert letter["torwart.log"]["sequence"] == 2
    assert shipper.dead_letters == 1
    (said,) = each_elastic.recorded
    assert (said.action, said.document["torwart"]["subject"]) == (EventAction.SELF_TEST, "elastic dead letters")


def test_dead_letters_are_counted_each_and_recorded_at_every_power_of_ten(elastic: Cluster, record: Record) -> None:
    record.write(*(b"no JSON %d" % number for number in range(120)))
    shipper = elastic.shipper(record.log, record.folder)
    while shipper.step(7):
        pass
    assert shipper.dead_letters == len(elastic.documents(DEAD_LETTERS)) == 120
    assert len(elastic.recorded) == 3


def test_a_huge_event_arrives_whole(elastic: Cluster, record: Record) -> None:
    everybody = tuple(str(number * 7) for number in range(400_000))
    record.write(access(everybody), plain(1))
    elastic.shipper(record.log, record.folder).step()
    assert elastic.documents()[0]["torwart"]["clients"]["asked_count"] == 400_000
    assert [row.document for row in elastic_search.answer(elastic.connect("reader"), Question())] == [
        row.document for row in record.log.read(0, 10)
    ]


TEXT = st.one_of(
    st.text(st.characters(), max_size=80),
    st.sampled_from(["\n", "\0", "\ud800", "a\udfff\nb", "\u202e", "x" * 1_000_000, '"}\n{"create":{"_id":"1"}}\n{}', "*", "_exists_:a"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(TEXT, min_size=3, max_size=3),
    numbers=st.dictionaries(TEXT, st.one_of(TEXT, st.integers()), max_size=50),
    many=st.integers(0, 5_000),
)
def test_hostile_values_of_the_builders_arrive_or_are_dead_letters(
    elastic: Cluster, record: Record, words: list[str], numbers: dict[str, int | str], many: int
) -> None:
    """promises G95: newline, NUL, lone surrogate, a megabyte, thousands of members, words where numbers were."""
    before = record.log.tail(1)
    record.write(
        refused_event(at=NOW, reason=Because(UNREADABLE, {"what": words[0]}), route=words[1], act_id=words[2]),
        plain_event(EventAction.SELF_TEST, at=NOW, subject=words[1], pseudonym=words[0], numbers=numbers, act_id=words[2]),
        plain_event(EventAction.SELF_TEST, at=NOW, numbers={f"n{number}": number for number in range(many)}),
    )
    shipper = elastic.shipper(record.log, record.folder)
    shipper.step()
    assert shipper.backlog().events == 0
    elastic.admin("POST", f"/{EVENTS},{DEAD_LETTERS}/_refresh?ignore_unavailable=true")
    after = before[0].sequence if before else 0
    assert elastic_search.answer(elastic.connect("reader"), Question(after=after)) == record.log.read(after, 10)


def test_what_was_lost_after_its_acknowledgement_is_found_missing_and_sent_again(each_elastic: Cluster, record: Record) -> None:
    record.write(*map(plain, range(50)))
    shipper = each_elastic.shipper(record.log, record.folder)
    shipper.step()
    index = each_elastic.admin("GET", f"/_resolve/index/{EVENTS}")["data_streams"][0]["backing_indices"][-1]
    gone = [entry.hash.hex() for entry in record.log.entries(0, 100)][10:13]
    for name in gone:
        each_elastic.admin("DELETE", f"/{index}/_doc/{name}")
    assert len(each_elastic.documents()) == 47
    with pytest.raises(LostError, match="3 events"):
        shipper.look(shipper.position)
    assert [document["torwart"]["numbers"]["number"] for document in each_elastic.documents()] == list(range(50))
    assert shipper.look(shipper.position) == 0


def test_looking_goes_on_where_it_stopped_and_once_more_further_back_at_a_start(elastic: Cluster, record: Record) -> None:
    record.write(*map(plain, range(20)), b"no JSON")
    shipper = elastic.shipper(record.log, record.folder)
    shipper.step()
    elastic.documents()
    assert shipper.look(5) == 5
    assert shipper.look(100) == 16
    assert shipper.look(100) == 0
    assert elastic.shipper(record.log, record.folder).look(100) == 21
    engine = open_database(record.folder / "torwart.db")
    assert [position_of(engine, name) for name in (SHIPPED, FOUND)] == [21, 21]
    engine.dispose()
