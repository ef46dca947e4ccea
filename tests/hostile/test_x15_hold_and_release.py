"""X15, X24: the time between hold and release. What was counted before the touch is not believed after it."""

import asyncio

import pytest

from audit_store.event import EventAction, Phase
from auth.sessions import LOGOUT
from gateway.exchange import Request, Response
from gateway.touch import digest_of
from policies.request import AccessRequest
from tests.services.gate import Gate, answers, call, told
from tests.services.tryton_calls import TRYTON, rest, result

pytestmark = pytest.mark.asyncio


def delete(*clients: int, number: int) -> Request:
    return call("model.party.party.delete", list(clients), number=number)


async def test_deletions_that_wait_side_by_side_share_one_limit(gate: Gate) -> None:
    gate.own(*range(1, 101))  # a book of 100: five deletions a day
    gate.listen()
    waiting = [asyncio.create_task(gate.ask(delete(*range(first, first + 5), number=7), answers(None))) for first in (1, 11, 21)]
    for act_id in await gate.held(3):
        gate.touch(act_id)
    responses = await asyncio.gather(*waiting)
    assert len(gate.reached) == 1
    assert sorted(told(response) == "" for response in responses) == [False, False, True]


async def test_an_answer_beyond_what_was_signed_asks_again(gate: Gate) -> None:
    gate.own(*range(1, 101))
    gate.listen()
    asked = [1, 2]
    rows = [[number, f"Name {number}"] for number in asked]

    def grown(_request: Request) -> Response:
        return result([*rows, [3, "Name 3"]])

    task = asyncio.create_task(gate.ask(call("model.party.party.export_data", asked, ["name"]), grown))
    (first,) = await gate.held()
    gate.touch(first)
    (second,) = await gate.held(besides=first)
    gate.touch(second)
    response = await task
    assert told(response) == ""
    held = [event for event in gate.events() if event["torwart"].get("act", {}).get("phase") == Phase.HELD]
    assert [event["torwart"]["clients"]["asked_count"] for event in held] == [2, 3]


async def test_a_sign_out_while_an_act_is_held_ends_it_and_is_recorded(gate: Gate) -> None:
    gate.own(*range(1, 101))
    gate.listen()
    task = asyncio.create_task(gate.ask(call("model.party.party.export_data", [1, 2], ["name"]), answers([[1, "A"], [2, "B"]])))
    (act_id,) = await gate.held()
    session_id = gate.assembled.handler.touch.stepup.get(act_id).session_id  # type: ignore[union-attr]
    gate.assembled.handler.signin.sessions.end(session_id, LOGOUT)
    gate.touch(act_id)
    assert (await task).status == 401 or told(await task) != ""
    assert gate.reached == []
    last = [event for event in gate.events() if event["event"]["action"] == EventAction.ACCESS][-1]
    assert (last["torwart"]["act"]["phase"], last["event"]["reason"]) == (Phase.DENIED, "no_principal")


def digest(gate: Gate, request: Request) -> str:
    """What the key would sign for a call, if the policy asked for the key."""
    act = TRYTON.read(request)
    handler = gate.assembled.handler
    principal = handler.directory.person(gate.boris.id)
    question: AccessRequest = handler.questions.before("act", principal, act, request, {}).question
    return digest_of(act, question, question.resource.ids or (), question.resource.fields | question.resource.written_fields)


async def test_a_touch_for_one_value_is_none_for_another(gate: Gate) -> None:
    one = digest(gate, call("model.party.party.write", [1], {"name": "A"}))
    again = digest(gate, call("model.party.party.write", [1], {"name": "A"}, number=8, screen_size=[1, 2]))
    other = digest(gate, call("model.party.party.write", [1], {"name": "B"}))
    assert one == again != other
    assert digest(gate, rest("PUT", "model/party.party/1", "", {"name": "A"})) != digest(
        gate, rest("PUT", "model/party.party/1", "", {"name": "B"})
    )


async def test_a_touch_for_the_versions_that_were_seen_is_none_for_others(gate: Gate) -> None:
    one = digest(gate, call("model.party.party.write", [1], {"name": "A"}, _timestamp={"party.party,1": "1.5"}))
    again = digest(gate, call("model.party.party.write", [1], {"name": "A"}, number=8, _timestamp={"party.party,1": "1.5"}))
    later = digest(gate, call("model.party.party.write", [1], {"name": "A"}, _timestamp={"party.party,1": "1.6"}))
    blind = digest(gate, call("model.party.party.write", [1], {"name": "A"}))
    assert one == again
    assert len({one, later, blind}) == 3
    sent = TRYTON.read(call("model.party.party.write", [1], {"name": "A"}, _timestamp={"party.party,1": "1.5"})).upstream.body
    assert b'"_timestamp":{"party.party,1":"1.5"}' in sent.replace(b" ", b""), "and the CRM is told them too"


async def test_a_touch_for_one_kind_of_record_is_none_for_another(gate: Gate) -> None:
    clients = digest(gate, call("model.party.party.export_data_domain", [], ["email"]))
    contacts = digest(gate, call("model.party.contact_mechanism.export_data_domain", [], ["email"]))
    assert clients != contacts
