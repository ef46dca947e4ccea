"""X20: floods of what is refused anyhow. The record stays small and exact, the CRM's own lock-out is not reached, others go on."""

import json
from dataclasses import replace

from audit_store.event import EventAction
from audit_store.gathered import ALONE
from gateway.exchange import Request, Response
from gateway.login_limit import IN_ALL, PER_PERSON_AND_SOURCE, PER_SOURCE
from tests.services.gate import Gate, answers, call, told
from tests.services.tryton_calls import BROWSER, JSON, error, request

FLOOD = 3_000


def refused(gate: Gate) -> list[dict[str, object]]:
    return [dict(event) for event in gate.events() if event["event"]["action"] == EventAction.REFUSED]


def times(event: dict[str, object]) -> int:
    numbers = event["torwart"].get("numbers", {})  # type: ignore[attr-defined]
    return int(numbers.get("times", 1))


async def test_a_flood_of_refused_calls_is_a_few_events_with_the_exact_count(gate: Gate) -> None:
    unknown = call("model.ir.cron.read", [1], ["name"])
    said = {(await gate.ask(unknown, answers(None))).status for _ in range(FLOOD)}
    assert len(said) == 1
    await gate.assembled.count_out(all_of_them=True)
    events = refused(gate)
    assert sum(times(event) for event in events) == FLOOD
    assert len(events) <= ALONE + FLOOD // 1_000 + 1
    assert gate.reached == []


async def test_whoever_is_counted_is_told_an_act_that_is_on_record(gate: Gate) -> None:
    nobody = replace(call("model.party.party.read", [1], ["name"]), headers=(JSON, *BROWSER))
    for _ in range(ALONE):
        await gate.ask(nobody, answers(None))
    counted = await gate.ask(nobody, answers(None))
    known = {event["torwart"]["act"]["id"] for event in refused(gate)}  # type: ignore[index]
    assert len(refused(gate)) == ALONE
    assert any(str(act) in counted.body.decode() for act in known)


async def test_the_flood_of_one_is_not_in_the_way_of_another(gate: Gate) -> None:
    gate.own(1, 2)
    for _ in range(ALONE * 3):
        await gate.ask(replace(call("model.party.party.read", [1], ["name"]), headers=(JSON, *BROWSER)), answers(None))
    before = len(gate.events())
    answer = await gate.ask(call("model.party.party.read", [1], ["name"]), answers([{"id": 1, "name": "A"}]))
    assert told(answer) == ""
    assert gate.events()[before]["event"]["action"] == EventAction.ACCESS, "at once, and by itself"
    other = replace(call("model.party.party.read", [1], ["name"]), headers=(JSON, *BROWSER), source_ip="192.0.2.9")
    await gate.ask(other, answers(None))
    assert refused(gate)[-1]["torwart"].get("numbers") is None  # type: ignore[attr-defined]
    assert gate.events()[-1]["event"]["action"] == EventAction.REFUSED


def login(account: str, source: str = "192.0.2.1") -> Request:
    body = json.dumps({"method": "common.db.login", "params": [account, {"password": "wrong"}, "de"], "id": 0}).encode()
    return replace(request("POST", "/crm/session/login", JSON, *BROWSER, body=body), source_ip=source)


def not_accepted(_request: Request) -> Response:
    return error("LoginException", ["password", "Password", "password"], number=0)


def wrong(_request: Request) -> Response:
    return Response(401, (JSON,), b"")


async def test_failed_log_ins_of_one_person_stop_at_the_gateway(gate: Gate) -> None:
    for _ in range(60):
        await gate.ask(login("boris"), wrong)
    assert len(gate.reached) == PER_PERSON_AND_SOURCE
    assert refused(gate)[-1]["event"]["reason"] == "too_many_logins"  # type: ignore[index]
    gate.people.add("Anna Feldmann", "anna@firma.example", ["manager"], "de", ["anna"])
    gate.assembled.handler.directory.refresh()
    await gate.ask(login("anna"), wrong)
    assert len(gate.reached) == PER_PERSON_AND_SOURCE + 1, "a colleague behind the same address still may"
    await gate.ask(login("boris", "192.0.2.7"), wrong)
    assert len(gate.reached) == PER_PERSON_AND_SOURCE + 2, "and the same person from elsewhere"


async def test_made_up_accounts_never_reach_the_crm_and_end_their_source(gate: Gate) -> None:
    for number in range(PER_SOURCE + 20):
        await gate.ask(login(f"nobody{number}", "192.0.2.3"), wrong)
    assert gate.reached == []
    assert refused(gate)[-1]["event"]["reason"] in ("no_principal", "too_many_logins")  # type: ignore[index]
    answer = await gate.ask(login("boris", "192.0.2.3"), wrong)
    assert gate.reached == []
    assert answer.status in (200, 429)
    assert IN_ALL < 300


async def test_a_further_question_of_the_crm_is_no_failure(gate: Gate) -> None:
    for _ in range(2 * PER_PERSON_AND_SOURCE):
        await gate.ask(login("boris"), not_accepted)
    assert len(gate.reached) == 2 * PER_PERSON_AND_SOURCE
