"""X22: forged events from a fake agent frame a colleague. On a real console: nothing forged reaches the log, and each try alarms."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

import pytest

from audit_store.event import EventAction
from tests.services.agents import Office
from tests.services.forger import Forger, chained, delivery, seen
from tests.services.waiting import until

pytestmark = pytest.mark.slow
INTAKE, ENROL, FILTER = "/api/intake", "/api/agents/enrol", "/api/agents/filter"


def call(office: Office, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """A request on a connection of its own, as anybody on the network can send it."""
    connection = http.client.HTTPConnection("127.0.0.1", office.port, timeout=20)
    sent = {"host": f"torwart.localhost:{office.port}", "origin": office.url, "content-type": "application/json", **(headers or {})}
    connection.request(method, path, body or None, sent)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if data.startswith(b"{") else data


def token(office: Office, account: str) -> str:
    with office.people() as (people, agents):
        person = people.by_account(account) or people.add(
            f"{account.title()} Muster", f"{account}@firma.example", ["manager"], "de", [account]
        )
        return agents.issue(person.id, None)


def enrolled(office: Office, account: str) -> Forger:
    forger = Forger(office.url)
    status, said = call(office, "POST", ENROL, json.dumps(forger.wish(token(office, account))).encode())
    assert status == 200
    forger.id, forger.pseudonym = said["agent"], said["pseudonym"]
    return forger


def deliver(office: Office, agent: Forger, body: bytes, /, **how: Any) -> tuple[int, Any]:
    return call(office, "POST", INTAKE, body, agent.headers("POST", INTAKE, body, **how))


def refused(office: Office, *causes: str) -> None:
    until(lambda: sorted(office.refusals()) == sorted(causes), 10, what=f"{causes}, not {office.refusals()}")


def test_a_stranger_frames_nobody(office: Office) -> None:
    anna, stranger = enrolled(office, "anna"), Forger(office.url)
    stranger.pseudonym = anna.pseudonym
    body = delivery(stranger.files(1))
    assert deliver(office, stranger, body)[0] == 401
    assert deliver(office, stranger, delivery(anna.files(1)), agent=anna.id)[0] == 401
    assert call(office, "POST", INTAKE, body) == call(office, "POST", INTAKE, body, {"torwart-agent": anna.id, "torwart-counter": "x"})
    refused(office, "agent_unknown", "unsigned")  # each cause once in a minute; the rest is counted
    assert office.events(EventAction.FILE_SEEN) == []


def test_a_colleague_with_an_agent_of_their_own_frames_nobody(office: Office) -> None:
    anna, boris = enrolled(office, "anna"), enrolled(office, "boris")
    in_annas_name = boris.rows(seen(boris.producer, anna.pseudonym))
    of_annas_machine = boris.rows(seen(anna.producer, boris.pseudonym))
    in_annas_record = chained(anna.producer, [seen(boris.producer, boris.pseudonym).canonical()])
    assert deliver(office, boris, delivery(in_annas_name))[1]["cause"] == "other_person"
    assert deliver(office, boris, delivery(of_annas_machine))[1]["cause"] == "other_device"
    assert deliver(office, boris, delivery(in_annas_record))[1]["cause"] == "chain"
    refused(office, "other_person", "other_device", "chain")
    assert {alarm.document["user"]["id"] for alarm in office.events(EventAction.AGENT_REFUSED)} == {boris.pseudonym}
    assert office.events(EventAction.FILE_SEEN) == []


def test_a_recorded_message_is_worth_nothing(office: Office) -> None:
    anna = enrolled(office, "anna")
    rows = anna.files(3)
    body = delivery(rows[:2])
    headers = anna.headers("POST", INTAKE, body)
    assert call(office, "POST", INTAKE, body, headers)[0] == 200
    status, said = call(office, "POST", INTAKE, body, headers)
    assert (status, said["cause"]) == (409, "counter")
    assert call(office, "POST", INTAKE, delivery(rows), headers)[0] == 401
    assert call(office, "GET", FILTER, b"", headers)[0] == 401
    refused(office, "counter", "unsigned")
    until(lambda: len(office.events(EventAction.FILE_SEEN)) == 2)
    assert deliver(office, anna, delivery(rows))[0] == 200
    until(lambda: len(office.events(EventAction.FILE_SEEN)) == 3)


def test_what_was_told_cannot_be_taken_back_or_told_otherwise(office: Office) -> None:
    anna = enrolled(office, "anna")
    rows = anna.files(3)
    assert deliver(office, anna, delivery(rows))[0] == 200
    assert deliver(office, anna, delivery(anna.files(3)))[1]["cause"] == "fork"
    assert deliver(office, anna, delivery(anna.files(1, after=rows[0])))[1]["cause"] == "fork"
    assert deliver(office, anna, delivery(anna.files(2, after=rows[-1])[1:]))[1]["cause"] == "gap"
    refused(office, "fork", "gap")
    until(lambda: [event.document for event in office.events(EventAction.FILE_SEEN)] == [json.loads(row.canonical) for row in rows])


def test_a_token_enrols_once_and_a_revoked_agent_is_heard_no_more(office: Office) -> None:
    secret, first, second = token(office, "anna"), Forger(office.url), Forger(office.url)
    assert call(office, "POST", ENROL, json.dumps(first.wish(secret)).encode())[0] == 200
    assert call(office, "POST", ENROL, json.dumps(second.wish(secret)).encode())[0] == 403
    with office.people() as (people, agents):
        person = people.by_account("anna")
        assert person is not None
        ((row, _),) = agents.all(person.id)
        assert agents.remove(person.id, row.id, None)
    first.id, first.pseudonym = row.id, person.pseudonym
    assert deliver(office, first, delivery(first.files(1)))[0] == 403
    refused(office, "token_used", "removed")


@pytest.mark.parametrize("action", ["access", "key-enrolled", "alert-closed", "person-unfrozen", "agent-refused"])
def test_a_word_of_another_process_out_of_an_agents_mouth_is_refused(office: Office, action: str) -> None:
    anna = enrolled(office, "anna")
    document = json.loads(seen(anna.producer, anna.pseudonym).canonical())
    document["event"]["action"] = action
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert deliver(office, anna, delivery(chained(anna.producer, [canonical])))[1]["cause"] == "event_kind"
    refused(office, "event_kind")
    assert [event.producer for event in office.events() if event.producer == anna.producer] == []
