"""Reading all clients of a Tryton, with its answers played: what goes out, what comes in, and what is refused."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from detectors.client_index.identifier import Kind
from gateway.crm.profile import Batch, FullReadError, UninspectableError
from gateway.crm.profiles.tryton import profile
from gateway.crm.profiles.tryton_full_read import PAGE
from gateway.exchange import Request, Response

TOKEN = "t" * 43
type Play = Callable[[str, list[Any]], Any]


def party(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Firma {number}",
        "contact_mechanisms.": [{"id": 1, "value": f"030 77{number:05d}"}, {"id": 2, "value": f"f{number}@firma.example"}],
        "identifiers.": [{"id": 3, "code": f"DE{number:09d}"}],
    }


def tryton(count: int) -> Play:
    """A Tryton with so many clients."""

    def answer(method: str, params: list[Any]) -> Any:
        match method.rpartition(".")[2]:
            case "login":
                return [7, TOKEN, None]
            case "search_count":
                return count
            case "search_read":
                after = params[0][0][2]
                return [party(number) for number in range(after + 1, min(after + params[2], count) + 1)]
        raise AssertionError(method)

    return answer


def read(play: Play) -> tuple[list[Request], list[Batch]]:
    conversation = profile(database="crm", owner_field=None).full_read("reader", "secret")
    requests: list[Request] = []
    batches: list[Batch] = []
    answer: Response | None = None
    while True:
        try:
            step = conversation.send(answer)
        except StopIteration:
            return requests, batches
        if isinstance(step, Batch):
            batches.append(step)
            answer = None
            continue
        requests.append(step)
        call = json.loads(step.body)
        outcome = play(call["method"], call["params"])
        if isinstance(outcome, Response):
            answer = outcome
        else:
            key = "error" if isinstance(outcome, list) and outcome[:1] == ["refused"] else "result"
            answer = Response(200, (), json.dumps({"id": call["id"], key: outcome}).encode())


def test_all_values_of_all_clients_come_out_page_by_page() -> None:
    count = 2 * PAGE + 3
    requests, batches = read(tryton(count))
    assert [(batch.done, batch.total) for batch in batches] == [(PAGE, count), (2 * PAGE, count), (count, count)]
    found = [one for batch in batches for one in batch.identifiers]
    assert len(found) == 4 * count
    assert {(one.kind, one.value) for one in found if one.client == "1003"} == {
        (Kind.NAME, "Firma 1003"),
        (Kind.PHONE, "030 7701003"),
        (Kind.EMAIL, "f1003@firma.example"),
        (Kind.TAX, "DE000001003"),
    }
    assert {request.path for request in requests} == {"/crm/rpc/"}


def test_the_session_proves_every_call_after_the_sign_in() -> None:
    requests, _ = read(tryton(3))
    proof = "Session " + base64.b64encode(f"reader:7:{TOKEN}".encode()).decode()
    assert requests[0].header("authorization") is None
    assert {request.header("authorization") for request in requests[1:]} == {proof}


@pytest.mark.parametrize(
    ("broken", "outcome", "words"),
    [
        ("login", ["refused", ["LoginException"]], "account and password"),
        ("login", Response(401), "account and password"),
        ("login", Response(404), "404"),
        ("search_count", 0, "no client"),
        ("search_count", ["refused", []], "refuses"),
        ("search_read", ["refused", []], "refuses"),
        ("search_read", Response(500), "500"),
    ],
)
def test_a_refusal_of_the_crm_says_what_to_do(broken: str, outcome: Any, words: str) -> None:
    usual = tryton(3)

    def play(method: str, params: list[Any]) -> Any:
        return outcome if method.endswith("." + broken) else usual(method, params)

    with pytest.raises(FullReadError, match=words) as raised:
        read(play)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [
        ("login", [7, "short", None]),
        ("login", "token"),
        ("search_count", "3"),
        ("search_count", True),
        ("search_read", {"id": 1}),
        ("search_read", [{"name": "no id"}]),
        ("search_read", [party(2), party(1)]),
        ("search_read", [party(1), party(1)]),
        ("search_read", [party(number) for number in range(1, PAGE + 2)]),
        ("search_read", [{"id": 1, "name": "no related records"}]),
        ("search_read", [party(1) | {"identifiers.": ["DE1"]}]),
        ("search_read", Response(200, (), b"<html>")),
    ],
)
def test_an_answer_that_cannot_be_read_ends_the_read(broken: str, outcome: Any) -> None:
    usual = tryton(3)

    def play(method: str, params: list[Any]) -> Any:
        return outcome if method.endswith("." + broken) else usual(method, params)

    with pytest.raises(UninspectableError):
        read(play)


def test_a_crm_that_repeats_a_page_for_ever_is_noticed() -> None:
    usual = tryton(PAGE)

    def play(method: str, params: list[Any]) -> Any:
        return [party(number) for number in range(1, PAGE + 1)] if method.endswith("search_read") else usual(method, params)

    with pytest.raises(UninspectableError):
        read(play)
