"""Faults 7 to 12 of the promises: Elasticsearch down, slow, deaf, busy, full, forgetful and lying. Nothing is lost, nothing is double, and
whoever records does not notice.

A small proxy before the real server plays the faults; what is there afterwards is read from the real server, past the proxy.
"""

import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit_store.elastic import ElasticError, StoppedError, TimedOutError
from audit_store.mapping import DEAD_LETTERS, EVENTS
from tests.audit_store.acts import plain
from tests.faults.elastic_stand import EVENTS_WRITTEN, TIMEOUT_SECONDS, Stand, sometimes
from tests.services.elastic import Cluster
from tests.services.elastic_proxy import (
    Answer,
    Asked,
    Fault,
    bulk_only,
    honest,
    larger_than,
    lines,
    refusing_items,
    slow,
    status,
    swallowing,
)
from tests.services.waiting import until


@pytest.fixture
def stand(elastic: Cluster, tmp_path: Path) -> Iterator[Stand]:
    made = Stand(elastic, tmp_path)
    yield made
    made.close()


def stored_but_no_answer(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
    ask(asked)
    return None


def cut_in_the_middle(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
    answer = ask(asked)
    return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)


def fewer_items(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
    document = json.loads(ask(asked).body)
    return Answer.of(200, {**document, "items": document["items"][:-1]})


def items_of_others(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
    document = json.loads(ask(asked).body)
    return Answer.of(200, {**document, "items": document["items"][::-1]})


def hang_up(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
    return None


def other_product(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
    return Answer(200, b"<html>Please log in to the guest network</html>", {"Content-Type": "text/html"})


PASSING: dict[str, Fault] = {
    "the connection ends": hang_up,
    "stored, then the connection ends": stored_but_no_answer,
    "slow beyond the time": slow(TIMEOUT_SECONDS * 1.6),
    "429 for all": status(429),
    "500": status(500),
    "502 of a proxy": status(502),
    "503": status(503),
    "401": status(401),
    "403": status(403),
    "404": status(404),
    "429 for every third item": refusing_items(429, "es_rejected_execution_exception", lambda place: place % 3 == 0),
    "503 for the last items": refusing_items(503, "unavailable_shards_exception", lambda place: place > 250),
    "403, the disk is full": refusing_items(403, "cluster_block_exception", lambda place: place % 2 == 0),
    "an unknown status for an item": refusing_items(418, "teapot_exception", lambda place: place == 5),
    "JSON cut in the middle": cut_in_the_middle,
    "no JSON": lambda asked, ask: Answer(200, b"{{{{"),
    "an array": lambda asked, ask: Answer.of(200, []),
    "an empty object": lambda asked, ask: Answer.of(200, {}),
    "items that are none": lambda asked, ask: Answer.of(200, {"errors": False, "items": [1] * len(lines(asked.body))}),
    "fewer items": fewer_items,
    "items of others": items_of_others,
    "another product": other_product,
    "all good, nothing stored": swallowing(lambda place: True),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_loses_nothing_and_doubles_nothing(stand: Stand, name: str) -> None:
    stand.write()
    stand.proxy.fault = bulk_only(sometimes(PASSING[name]))
    stand.drain()
    stand.proxy.fault = honest
    stand.look()
    assert stand.failures, "the fault never happened"
    stand.assert_nothing_lost()
    assert stand.cluster.documents(DEAD_LETTERS) == []


def test_a_liar_that_leaves_out_a_few_is_found_out_by_reading_back(stand: Stand) -> None:
    """Fault 12: `errors: false` for all, and every 20th is not there. A sample misses it one time in three: of twelve, one sees it."""
    stand.proxy.fault = swallowing(lambda place: place % 20 == 0)
    for _ in range(12):
        stand.write(100)
        stand.try_once()
    assert stand.failures["AnswerError"] >= 1
    stand.proxy.fault = honest
    stand.drain()
    stand.look()
    stand.assert_nothing_lost()


def test_a_single_event_that_was_lost_after_its_acknowledgement_is_found_by_looking(stand: Stand) -> None:
    """Fault 10: too few for a sample, not for a search."""
    stand.write()
    stand.proxy.fault = swallowing(lambda place: place == 123)
    stand.shipper._read_back = lambda stored: None  # type: ignore[method-assign] # as if the sample had missed it
    stand.drain()
    stand.proxy.fault = honest
    assert len(stand.cluster.documents()) < EVENTS_WRITTEN
    stand.look()
    assert stand.failures["LostError"] == 1
    stand.assert_nothing_lost()


def test_a_server_that_takes_little_at_once_gets_little_at_once(stand: Stand) -> None:
    """Fault 9, 413: split until it fits, in order; what never fits is a dead letter without its bytes."""
    stand.write(400)
    stand._spools["gateway"]._store([b'{"@timestamp":"2026-05-12T09:30:00Z","torwart":{"route":"%s"}}' % (b"x" * 20_000)])
    stand.take()
    stand.proxy.fault = bulk_only(larger_than(10_000))
    stand.drain()
    assert stand.failures == {}
    (letter,) = stand.cluster.documents(DEAD_LETTERS)
    assert (letter["error"]["type"], "original" in letter["torwart"]) == ("too_large", False)
    assert len(stand.cluster.documents()) == 400
    assert stand.shipper.dead_letters == 1


def test_mapping_conflicts_of_the_server_are_dead_letters_each_once(stand: Stand) -> None:
    """Fault 9, 400: also when the batch is sent again."""
    stand.write(400)
    conflict = refusing_items(400, "document_parsing_exception", lambda place: place % 50 == 0)
    busy = sometimes(status(503))
    stand.proxy.fault = lambda asked, ask: conflict(asked, ask) if EVENTS in asked.path else busy(asked, ask)
    stand.drain()
    letters = stand.cluster.documents(DEAD_LETTERS)
    assert len(letters) == stand.shipper.dead_letters == 8
    everything = [*stand.cluster.documents(), *letters]
    assert sorted(document["torwart.log"]["sequence"] for document in everything) == list(range(1, 401))


def test_a_dead_letter_stream_that_refuses_stops_the_shipping_and_loses_nothing(stand: Stand) -> None:
    stand._spools["gateway"]._store([b"no JSON", plain(1).canonical()])
    stand.take()
    stand.proxy.fault = refusing_items(400, "document_parsing_exception", lambda place: True)
    assert not stand.try_once()
    assert stand.failures == {"DeadLetterError": 1}
    assert stand.shipper.backlog().events == 2
    stand.proxy.fault = honest
    stand.drain()
    assert len(stand.cluster.documents(DEAD_LETTERS)) == 1


def test_an_hour_without_the_server_leaves_a_backlog_that_is_drained(stand: Stand) -> None:
    """Fault 7, the hour shortened: the consumer starts anew meanwhile."""
    stand.write(200)
    stand.drain()
    stand.proxy.fault = hang_up
    for _ in range(5):
        stand.write(300)
        assert not stand.try_once()
    assert stand.shipper.backlog().events == 1_500
    assert stand.shipper.backlog().since is not None
    stand.shipper = stand.another()
    assert stand.shipper.backlog().events == 1_500
    stand.proxy.fault = honest
    stand.drain()
    stand.look()
    stand.assert_nothing_lost()


def test_while_the_server_hangs_recording_goes_on_and_no_thread_is_added(stand: Stand) -> None:
    """Fault 8: nothing on the data path waits for Elasticsearch."""
    stand.write(300)
    stand.proxy.fault = bulk_only(stand.proxy.hang)
    threads = {thread.name for thread in threading.enumerate() if "Thread-" not in thread.name}
    shipping = threading.Thread(target=stand.drain, args=(1_000,), name="ship")
    shipping.start()
    taken = 0
    while stand.failures["TimedOutError"] < 3:
        stand.append()
        taken += stand.take()
    assert taken > 100
    assert {thread.name for thread in threading.enumerate() if "Thread-" not in thread.name} == threads | {"ship"}
    stand.proxy.fault = honest
    shipping.join()
    stand.look()
    stand.assert_nothing_lost()


def test_a_call_is_ended_from_outside_at_once_and_none_comes_after(stand: Stand) -> None:
    writer = stand.cluster.connect("writer", stand.proxy.url, timeout_seconds=600)
    stand.proxy.fault = stand.proxy.hang
    threading.Thread(target=lambda: (until(lambda: bool(stand.proxy.asked)), writer.end()), daemon=True).start()
    for _ in range(2):
        with pytest.raises(StoppedError):
            writer.ask("GET", "/_nodes")


def test_an_answer_that_drips_ends_with_its_time(stand: Stand) -> None:
    """A byte now and then keeps a socket awake for ever; the time is that of the whole call."""

    class Dripping(bytes):
        def __len__(self) -> int:
            return 1_000_000

    def drip(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        return Answer(200, Dripping(b"{"))

    stand.proxy.fault = drip
    with pytest.raises(TimedOutError):
        stand.cluster.connect("reader", stand.proxy.url, timeout_seconds=TIMEOUT_SECONDS).ask("GET", "/_nodes")


def test_a_node_killed_while_it_writes_has_every_event_after_its_return(stand: Stand) -> None:
    """Faults 7 and 10 on the real server: SIGKILL at a random moment of the shipping."""
    stand.write(20_000)
    stand.shipper = stand.cluster.shipper(stand.log, stand.folder, timeout_seconds=5)
    killed = threading.Timer(random.uniform(0.05, 0.4), stand.cluster.node.kill)  # noqa: S311
    killed.start()
    while killed.is_alive():
        stand.try_once()
    stand.try_once()
    assert stand.failures
    stand.cluster.node.start()
    stand.drain()
    stand.look()
    stand.assert_nothing_lost()


def test_an_index_that_is_closed_for_writing_keeps_the_backlog_until_it_is_open(stand: Stand) -> None:
    """Fault 11: what Elasticsearch does to itself when the disk is nearly full."""
    stand.write(200)
    stand.drain()
    (stream,) = (one for one in stand.cluster.admin("GET", f"/_resolve/index/{EVENTS}")["data_streams"])
    index = stream["backing_indices"][-1]
    stand.cluster.admin("PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": True})
    stand.write(300)
    assert not stand.try_once()
    assert stand.failures == {"BusyError": 1}
    assert stand.shipper.backlog().events == 300
    stand.cluster.admin("PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": None})
    stand.drain()
    stand.assert_nothing_lost()


def test_no_answer_of_the_server_stands_in_an_error(stand: Stand) -> None:
    """A reason of Elasticsearch may quote what was sent."""
    quoted = "the secret of a client"

    def telling(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        return Answer.of(400, {"error": {"type": quoted, "reason": quoted}, "status": 400})

    stand.write(100)
    stand.proxy.fault = telling
    with pytest.raises(ElasticError) as raised:
        stand.shipper.step()
    assert quoted not in str(raised.value)
