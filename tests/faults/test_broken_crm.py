"""Promises, part 2, fault 17: a CRM that is down, slow or answers nonsense gives a clear problem, one event, and no byte of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from policies import reasons
from policies.masks import HIDDEN
from policies.reasons import Because
from tests.faults.played_crm import CANARY, clients_of, email
from tests.faults.stand import Stand, shown, stand
from tests.services.hop import Hop, http

TIMEOUT_SECONDS = 0.5
ROWS = json.dumps([{"__name__": "party.party", "id": n, "name": f"Name {n}", "email": email(n)} for n in clients_of(0)]).encode()
JSON = "Content-Type: application/json"


@dataclass
class Broken:
    """A gateway before a CRM whose bytes the test sets."""

    gateway: Stand
    crm: Hop


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    crm = Hop(answer=http("200 OK", ROWS, JSON))
    more = f"  upstream_timeout_seconds: {TIMEOUT_SECONDS}\n  answer_limit_bytes: 12000000\n"
    with stand(tmp_path_factory.mktemp("broken") / "firm", crm.port, more) as gateway:
        gateway.sign_in()
        gateway.start()
        yield Broken(gateway, crm)
    crm.down()


@pytest.fixture
def healed(broken: Broken) -> Iterator[Broken]:
    """The same, with a CRM that works again after the test, and proof that it does."""
    yield broken
    broken.crm.healed()
    broken.crm.answer = http("200 OK", ROWS, JSON)
    assert broken.gateway.page().status == 200


def rows(*changed: object) -> bytes:
    """A page whose rows a test writes."""
    return http("200 OK", json.dumps(changed).encode(), JSON)


ROW = {"__name__": "party.party", "id": 1, "name": "Name 1", "email": email(1)}
NONSENSE = {
    "too few bytes": http("200 OK", ROWS, JSON).replace(b"Length: %d" % len(ROWS), b"Length: %d" % (len(ROWS) + 5)),
    "too many bytes": http("200 OK", ROWS, JSON).replace(b"Length: %d" % len(ROWS), b"Length: %d" % (len(ROWS) - 5)),
    "two lengths": http("200 OK", ROWS, JSON, f"Content-Length: {len(ROWS) + 1}"),
    "length and chunks": http("200 OK", ROWS, JSON, "Transfer-Encoding: chunked"),
    "no HTTP": ROWS,
    "a page of HTML": http("200 OK", f"<html>{email(1)}</html>".encode(), "Content-Type: text/html"),
    "HTML that says it is JSON": http("200 OK", f"<html>{email(1)}</html>".encode(), JSON),
    "half of the JSON": http("200 OK", ROWS[:-20], JSON),
    "JSON and more": http("200 OK", ROWS + ROWS, JSON),
    "no UTF-8": http("200 OK", ROWS.replace(b"Name", b"\xff\xfe"), JSON),
    "gzip that is none": http("200 OK", ROWS, JSON, "Content-Encoding: gzip"),
    "half of the gzip": http("200 OK", gzip.compress(ROWS)[:-9], JSON, "Content-Encoding: gzip"),
    "gzip and more": http("200 OK", gzip.compress(ROWS) + ROWS, JSON, "Content-Encoding: gzip"),
    "a gzip bomb": http("200 OK", gzip.compress(b" " * 13_000_000), JSON, "Content-Encoding: gzip"),
    "another encoding": http("200 OK", ROWS, JSON, "Content-Encoding: br"),
    "10 MB of junk": http("200 OK", (CANARY * 1_500_000).encode(), JSON),
    "more than the limit": http("200 OK", ROWS + b" " * 12_000_000, JSON),
    "an object instead of rows": http("200 OK", json.dumps(ROW).encode(), JSON),
    "a word instead of rows": http("200 OK", json.dumps(email(1)).encode(), JSON),
    "a row that is a word": rows(ROW, email(2)),
    "an id that is a word": rows(ROW | {"id": email(1)}),
    "an id that is a fraction": rows(ROW | {"id": 1.5}),
    "no id": rows({"__name__": "party.party", "email": email(1)}),
}


def judged(broken: Broken, page: int = 0) -> str:
    """Ask for a page; the reason that was recorded once. The answer is a problem without a byte of the CRM's."""
    before = len(broken.gateway.acts())
    heard = broken.gateway.page(page)
    assert CANARY.encode() not in heard.body
    assert b"Name 1" not in heard.body
    assert heard.status == 502, (heard.status, heard.body[:300])
    assert heard.problem["status"] == 502
    (event,) = broken.gateway.acts()[before:]
    assert event["torwart"]["act"]["phase"] == "denied"
    assert CANARY not in json.dumps(event)
    return str(event["event"]["reason"])


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_becomes_a_problem_and_one_event(healed: Broken, nonsense: bytes) -> None:
    healed.crm.answer = nonsense
    assert judged(healed) in ("upstream_down", "uninspectable")


def test_a_crm_that_is_down(healed: Broken) -> None:
    healed.crm.down()
    try:
        assert judged(healed) == "upstream_down"
    finally:
        healed.crm.up()


def test_a_crm_that_is_too_slow(healed: Broken) -> None:
    healed.crm.delay_seconds = 3 * TIMEOUT_SECONDS
    assert judged(healed) == "upstream_down"


@pytest.mark.parametrize("after", [0, 20, 120, 200])
def test_a_crm_that_resets_in_the_middle(healed: Broken, after: int) -> None:
    healed.crm.cut_after = after
    assert judged(healed) == "upstream_down"


def rpc(value: object) -> bytes:
    """An answer to a call of the web client."""
    return http("200 OK", json.dumps({"id": 7, "result": value}).encode(), JSON)


RPC_NONSENSE = {
    "a word": rpc(email(1)),
    "an object": rpc({"email": email(1)}),
    "a row that is a list": rpc([[1, email(1)]]),
    "a field that nobody asked for": rpc([ROW | {"password": email(1)}]),
    "neither result nor error": http("200 OK", json.dumps({"id": 7, "email": email(1)}).encode(), JSON),
    "the answer to another call": http("200 OK", json.dumps({"id": 8, "result": [ROW]}).encode(), JSON),
    "result and error": http("200 OK", json.dumps({"id": 7, "result": [ROW], "error": [email(1)]}).encode(), JSON),
    "broken JSON": http("200 OK", b'{"id": 7, "result": [{"email": "%s"' % email(1).encode(), JSON),
}


@pytest.mark.parametrize("answer", RPC_NONSENSE.values(), ids=RPC_NONSENSE)
def test_the_web_client_is_told_of_nonsense_in_its_own_shape(healed: Broken, answer: bytes) -> None:
    healed.crm.answer = answer
    before = len(healed.gateway.acts())
    heard = healed.gateway.call("model.party.party.read", [1, 3], ["name", "email"])
    assert CANARY.encode() not in heard.body
    title, words, _ = json.loads(heard.body)["error"][1]
    assert f"{title}: {words.splitlines()[0]}" == Because(reasons.UNINSPECTABLE).for_employee("de")
    (event,) = healed.gateway.acts()[before:]
    assert (event["torwart"]["act"]["phase"], event["event"]["reason"]) == ("denied", "uninspectable")
    assert CANARY not in json.dumps(event)


def test_clients_that_nobody_asked_for_are_judged_and_counted_as_what_they_are(healed: Broken) -> None:
    healed.crm.answer = rpc([ROW, ROW | {"id": 2, "email": email(2)}])
    said = healed.gateway.call("model.party.party.read", [1, 3], ["name", "email"])
    assert [row["email"] for row in json.loads(said.body)["result"]] == [email(1), HIDDEN]
    assert shown(healed.gateway.acts()[-1]) == {1, 2}


@pytest.mark.parametrize("status", ["500 Internal Server Error", "409 Conflict", "302 Found"])
def test_an_error_of_the_crm_arrives_without_its_words(healed: Broken, status: str) -> None:
    words = f"unique constraint: {email(1)} exists".encode()
    healed.crm.answer = http(status, words, "Content-Type: text/plain", f"Location: http://firma.example/{email(1)}", f"X-Why: {email(1)}")
    before = len(healed.gateway.acts())
    for heard in (healed.gateway.page(), healed.gateway.call("model.party.party.read", [1, 3], ["name"])):
        assert heard.status >= 300
        assert CANARY not in str(heard.headers) + heard.body.decode()
    recorded = healed.gateway.acts()[before:]
    assert [shown(event) for event in recorded] == [frozenset(), frozenset()]
    assert CANARY not in json.dumps(recorded)
