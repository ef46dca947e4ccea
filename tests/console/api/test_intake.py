"""The intake: what an agent may say, how it hears what is wrong, and that everything else is refused and said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from httpx import Response
from starlette.testclient import TestClient

from audit_store.event import EventAction, encode_ids, plain_event
from audit_store.spool import SpoolReader, Stored
from console.agent_event import SUSPECTED_MAX
from console.guard import INTAKE_LIMIT_BYTES
from tests.services.console import Pages
from tests.services.forger import Forger, chained, delivery, seen

PATH = "/api/intake"


@pytest.fixture
def agent(pages: Pages) -> Forger:
    """Anna's enrolled agent."""
    return enrolled(pages, "Anna Feldmann")


def enrolled(pages: Pages, name: str) -> Forger:
    forger = Forger(pages.url)
    token = pages.services.agents.issue(pages.add(name).id, None)
    answer = wire(pages).post("/api/agents/enrol", json=forger.wish(token))
    forger.id, forger.pseudonym = answer.json()["agent"], answer.json()["pseudonym"]
    return forger


def wire(pages: Pages) -> TestClient:
    """As an agent asks: no browser, no cookie, only the origin."""
    return TestClient(pages.app, base_url=pages.url, headers={"origin": pages.url}, follow_redirects=False)


def send(pages: Pages, agent: Forger, rows: list[Stored] | bytes, **how: Any) -> Response:
    body = rows if isinstance(rows, bytes) else delivery(rows)
    headers = {**agent.headers("POST", PATH, body, **how), "content-type": "application/json"}
    answer: Response = wire(pages).post(PATH, content=body, headers=headers)
    return answer


def kept(pages: Pages, agent: Forger) -> list[Stored]:
    reader = SpoolReader.open(pages.services.installation.state / "spool" / agent.producer)
    try:
        return reader.read(0, 10_000)
    finally:
        reader.close()


def alarms(pages: Pages) -> list[Mapping[str, Any]]:
    pages.services.agent_alarms.flush()
    pages.services.log.take(pages.services.spool)
    found = pages.services.log.tail(1_000)
    return [event.document for event in found if event.document["event"]["action"] == EventAction.AGENT_REFUSED]


def test_a_delivery_is_kept_as_it_is_and_the_answer_says_where_the_copy_ends(pages: Pages, agent: Forger) -> None:
    rows = agent.files(5)
    assert send(pages, agent, []).json()["head"]["sequence"] == 0
    answer = send(pages, agent, rows)
    assert (answer.status_code, answer.json()) == (200, {"head": {"epoch": 1, "sequence": 5, "hash": rows[-1].hash.hex()}, "orders": 0})
    assert kept(pages, agent) == rows
    assert send(pages, agent, rows[3:]).json() == answer.json()
    assert alarms(pages) == []


def test_the_log_takes_it_like_every_other_record(pages: Pages, agent: Forger) -> None:
    send(pages, agent, agent.files(3))
    reader = SpoolReader.open(pages.services.installation.state / "spool" / agent.producer)
    assert pages.services.log.take(reader) == 3
    assert pages.services.log.verify(reader) == []
    reader.close()


@pytest.mark.parametrize(
    ("cause", "twist"),
    [
        ("gap", lambda agent, rows: agent.files(2, after=rows[-1])[1:]),
        ("fork", lambda agent, rows: agent.files(1, after=rows[1])),
        ("chain", lambda agent, rows: chained("agent-other", [seen(agent.producer, agent.pseudonym).canonical()], after=rows[-1])),
        ("epoch_silent", lambda agent, rows: agent.rows(seen(agent.producer, agent.pseudonym), after=rows[-1], epoch=2)),
    ],
)
def test_out_of_order_it_is_refused_with_the_place_to_go_on_and_alarms(
    pages: Pages, agent: Forger, cause: str, twist: Callable[[Forger, list[Stored]], list[Stored]]
) -> None:
    rows = agent.files(3)
    send(pages, agent, rows)
    answer = send(pages, agent, twist(agent, rows))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["cause"], answer.json()["head"]["sequence"]) == (cause, 3)
    assert kept(pages, agent) == rows
    (alarm,) = alarms(pages)
    assert alarm["torwart"]["words"]["cause"] == cause
    assert (alarm["torwart"]["subject"], alarm["user"]["id"], alarm["event"]["severity"]) == (agent.producer, agent.pseudonym, 73)


def edited(agent: Forger, change: Callable[[dict[str, Any]], object]) -> bytes:
    document = orjson.loads(seen(agent.producer, agent.pseudonym).canonical())
    change(document)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


OTHER = "P-00C0FFEE"
ODD: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "a colleague's": ("other_person", lambda d: d.update(user={"id": OTHER})),
    "with a name": ("other_person", lambda d: d["user"].update(name="Anna")),
    "of nobody": ("other_person", lambda d: d.pop("user")),
    "of another machine": ("other_device", lambda d: d["torwart"].update(device="agent-ffffffffffffffff")),
    "about another machine": ("other_device", lambda d: d["torwart"].update(subject="agent-ffffffffffffffff")),
    "of no machine": ("event_odd", lambda d: d["torwart"].pop("device")),
    "an act": ("event_odd", lambda d: d["torwart"].update(act={"id": "x"})),
    "an export": ("event_odd", lambda d: d["torwart"].update(exports=[])),
    "a mark with a name": ("event_odd", lambda d: d["torwart"].update(marks=["Anna Feldmann"])),
    "many marks": ("event_odd", lambda d: d["torwart"].update(marks=["AAAA-BBBB-CCCC-DDDD"] * 51)),
    "marks that are no list": ("event_odd", lambda d: d["torwart"].update(marks="AAAA-BBBB-CCCC-DDDD")),
    "with more": ("event_odd", lambda d: d.update(message="Kunde 7")),
    "with a reason": ("event_odd", lambda d: d["event"].update(reason="allowed")),
    "a file name": ("event_odd", lambda d: d["file"].update(name="kunden.csv")),
    "of a kind for the gateway": ("event_kind", lambda d: d["event"].update(action="access")),
    "of no kind": ("event_kind", lambda d: d["event"].update(action="invented")),
    "on the web": ("event_odd", lambda d: d["torwart"].update(channel="web")),
    "without an id": ("event_unreadable", lambda d: d["event"].update(id="x")),
    "without a time": ("event_unreadable", lambda d: d.pop("@timestamp")),
    "with a time of no zone": ("event_unreadable", lambda d: d.update({"@timestamp": "2026-05-12T09:30:00"})),
    "with no set": ("event_unreadable", lambda d: d["torwart"].update(suspected="n1:x:y")),
    "with more than is said": ("event_odd", lambda d: d["torwart"].update(suspected_count=1)),
    "with a bomb": (
        "event_unreadable",
        lambda d: d["torwart"].update(suspected=encode_ids(map(str, range(5_000_000))), suspected_count=1 << 40),
    ),
    "with too many": (
        "event_unreadable",
        lambda d: d["torwart"].update(suspected=encode_ids(str(n << 40) for n in range(SUSPECTED_MAX + 1))),
    ),
    "with a time of another shape": ("event_unreadable", lambda d: d.update({"@timestamp": "2026-05-12T09:30:00+00:00"})),
    "a list": ("event_unreadable", lambda d: d.update(torwart=[])),
}


@pytest.mark.parametrize("what", ODD)
def test_an_event_that_is_not_this_agents_to_say_is_refused_and_alarms(pages: Pages, agent: Forger, what: str) -> None:
    cause, change = ODD[what]
    rows = agent.files(2)
    bad = chained(agent.producer, [edited(agent, change)], after=rows[-1])
    answer = send(pages, agent, [*rows, *bad])
    assert (answer.status_code, answer.json()["cause"], answer.json()["head"]["sequence"]) == (409, cause, 2)
    assert kept(pages, agent) == rows
    assert [alarm["torwart"]["words"]["cause"] for alarm in alarms(pages)] == [cause]


@pytest.mark.parametrize("canonical", [b"", b"[]", b"{}", b'{"b":1,"a":2}', b'{"a":1,"a":2}', b"\xc3\xa4", b"null", b"[" * 5_000])
def test_what_is_no_event_is_refused(pages: Pages, agent: Forger, canonical: bytes) -> None:
    answer = send(pages, agent, chained(agent.producer, [canonical]))
    assert (answer.status_code, answer.json()["cause"]) == (409, "event_unreadable")


def test_an_agent_that_begins_a_new_epoch_says_so_and_goes_on(pages: Pages, agent: Forger) -> None:
    rows = agent.files(2)
    send(pages, agent, rows)
    facts: dict[str, int | str] = {"cause": "damaged", "epoch": 2, "last_sequence": 2}
    alarm = plain_event(EventAction.STORE_ALARM, at=datetime.now(UTC), subject=agent.producer, outcome="failure", numbers=facts)
    later = agent.rows(alarm, seen(agent.producer, agent.pseudonym), after=rows[-1], epoch=2)
    assert send(pages, agent, later).json()["head"]["sequence"] == 4


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"rows":[{}]}', b'{"rows":[],"x":1}', b'{"rows":[{"epoch":1,"sequence":0,"event":"","hash":""}]}', b"\xff"],
)
def test_a_body_that_is_no_delivery_is_said_and_alarms(pages: Pages, agent: Forger, body: bytes) -> None:
    answer = send(pages, agent, body)
    assert (answer.status_code, answer.json()["cause"]) == (400, "delivery_unreadable")
    assert [alarm["torwart"]["words"]["cause"] for alarm in alarms(pages)] == ["delivery_unreadable"]


def test_only_the_intake_takes_a_megabyte_and_no_more(pages: Pages, agent: Forger) -> None:
    large = b'{"rows":[]}' + b" " * (INTAKE_LIMIT_BYTES - 11)
    assert send(pages, agent, large).status_code == 200
    assert send(pages, agent, large + b" ").status_code == 413
    assert wire(pages).post("/api/agents/enrol", content=large).status_code == 413


def test_from_a_page_of_another_site_nothing_is_taken(pages: Pages, agent: Forger) -> None:
    body = delivery(agent.files(1))
    client = TestClient(pages.app, base_url=pages.url, headers={"origin": "https://elsewhere.example"})
    assert client.post(PATH, content=body, headers=agent.headers("POST", PATH, body)).status_code == 403


def test_when_the_copy_cannot_be_written_the_agent_comes_again(pages: Pages, agent: Forger) -> None:
    folder = pages.services.installation.state / "spool" / agent.producer
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)  # others may enter: nothing is kept there
    assert send(pages, agent, agent.files(1)).status_code == 503
    folder.chmod(0o700)
    assert send(pages, agent, agent.files(1)).status_code == 200


def test_two_agents_are_two_records(pages: Pages, agent: Forger) -> None:
    other = enrolled(pages, "Boris Hartwig")
    send(pages, agent, agent.files(2))
    send(pages, other, other.files(3))
    assert [len(kept(pages, one)) for one in (agent, other)] == [2, 3]


def test_an_agent_that_has_used_up_its_room_is_refused_and_no_other(pages: Pages, agent: Forger) -> None:
    other = enrolled(pages, "Boris Hartwig")
    assert send(pages, agent, agent.files(3)).status_code == 200
    pages.services.intake._replica(agent.producer).room.cap_bytes = 1
    answer = send(pages, agent, agent.files(1))
    assert (answer.status_code, answer.json()["cause"]) == (507, "quota")
    assert send(pages, other, other.files(1)).status_code == 200
    assert len(kept(pages, agent)) == 3
    assert [alarm["torwart"]["words"]["cause"] for alarm in alarms(pages)] == ["quota"]
