"""A client that the rules keep away from a person answers no question either (X5): not by its number, not by a denial, not by a gap."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.exchange import Headers, Request, Response
from policies.load import load
from policies.rule import Policy
from tests.services.gate import Gate, call, told
from tests.services.tryton_calls import TOKEN, base64url, request, result

GERMAN, FRENCH = 7, 8
PARTY = "model.party.party"
LANGUAGE, POSTCODE = 'record.language == "fr"', 'record.postal_codes.exists(code, code.startsWith("1"))'
"""What Tryton cannot filter by, and what it can."""
NO_TREE = "size(record.categories) > 1"
"""What no plan can say: the plan is that everything may be given, and it is not exact."""
AWAY = """
rules:
  - {id: all, roles: [manager], actions: [list, read, search, export], resource: client, effect: allow}
  - {id: away, roles: [manager], actions: [list, read, search, export], resource: client, effect: deny, reason: not_for_you,
      where: 'WHERE'}
"""
COOKIE: Headers = (("cookie", f"tryton_session=boris:3:{TOKEN}"),)
NAMED_A = [["name", "ilike", "A%"]]


def rules(tmp_path: Path, where: str) -> Policy:
    path = tmp_path / "rules.yaml"
    path.write_text(AWAY.replace("WHERE", where), encoding="utf-8")
    return load(path, "1")


def ruled(gate: Gate, policy: Callable[[], Policy]) -> None:
    handler = gate.assembled.handler
    gate.assembled = replace(gate.assembled, handler=replace(handler, questions=replace(handler.questions, policy=policy)))


def crm(*found: int) -> Callable[[Request], Response]:
    """A CRM whose filter finds these clients; one of them is French."""

    def answer(asked: Request) -> Response:
        body = orjson.loads(asked.body)
        method, params = body["method"].rpartition(".")[2], body["params"]
        ids, fields = (params[0], params[1]) if method == "read" else (found, params[4])
        records: list[dict[str, Any]] = [{"id": one, **{name: f"{name} {one}" for name in fields if name != "id"}} for one in ids]
        for record in records:
            if record.pop("lang.code", None):
                record["lang."] = {"code": "fr" if record["id"] == FRENCH else "de"}
        return result(records, number=body["id"])

    return answer


QUESTIONS = {
    "numbers": call(f"{PARTY}.search_read", NAMED_A, 0, None, None, ["id"]),
    "numbers and what nobody knows": call(f"{PARTY}.search_read", NAMED_A, 0, None, None, ["id", "no_such_field"]),
    "all numbers": call(f"{PARTY}.search_read", [], 0, None, None, []),
    "numbers of addresses": call("model.party.address.search_read", [["party.name", "ilike", "A%"]], 0, None, None, ["id"]),
    "a filter": call(f"{PARTY}.search_read", NAMED_A, 0, None, None, ["name"]),
    "a page behind one that is known": call(f"{PARTY}.search_read", ["OR", ["id", "=", GERMAN], *NAMED_A], 0, 1, None, ["name"]),
    "an order": call(f"{PARTY}.search_read", [], 0, 1, [["name", "ASC"]], ["name"]),
    "an export": call(f"{PARTY}.export_data_domain", NAMED_A, ["name"]),
    "a search": call(f"{PARTY}.search", NAMED_A),
    "a count": call(f"{PARTY}.search_count", NAMED_A),
    "a count of what hangs on them": call("model.sale.sale.search_count", [["party.name", "ilike", "A%"]]),
    "CSV": request("GET", "/crm/data/party.party", *COOKIE, query=f"d={orjson.dumps(NAMED_A).decode()}&f=name"),
}


@pytest.mark.parametrize("where", [LANGUAGE, NO_TREE, f"!record.own && {NO_TREE}", f"!record.own || {LANGUAGE}"])
@pytest.mark.parametrize("asked", QUESTIONS.values(), ids=QUESTIONS.keys())
async def test_where_the_crm_cannot_leave_them_out_it_is_not_asked(gate: Gate, tmp_path: Path, asked: Request, where: str) -> None:
    policy = rules(tmp_path, where)
    ruled(gate, lambda: policy)
    answer = await gate.ask(asked, crm(GERMAN, FRENCH))
    assert gate.reached == []
    assert answer.status == 403 or told(answer)


async def test_rest_gives_no_numbers_of_them_either(gate: Gate, tmp_path: Path) -> None:
    policy = rules(tmp_path, LANGUAGE)
    ruled(gate, lambda: policy)
    key = "0123456789abcdef" * 4
    gate.assembled.handler.signin.sessions.bind(key, "api_key", gate.boris.id, "boris")
    bearer = ("authorization", f"Bearer {key}")
    for query in ("f=id", f"f=id&d={base64url(NAMED_A)}", f"f=name&d={base64url(NAMED_A)}"):
        answer = await gate.ask(request("GET", "/crm/rest/model/party.party", bearer, query=query), crm(GERMAN, FRENCH))
        assert (answer.status, gate.reached) == (403, [])


async def test_a_list_without_a_question_is_cut(gate: Gate, tmp_path: Path) -> None:
    policy = rules(tmp_path, LANGUAGE)
    ruled(gate, lambda: policy)
    answer = await gate.ask(call(f"{PARTY}.search_read", [["id", "in", [GERMAN, FRENCH]]], 0, None, None, ["name"]), crm(GERMAN, FRENCH))
    assert [record["id"] for record in orjson.loads(answer.body)["result"]] == [GERMAN]


async def test_where_the_crm_can_leave_them_out_it_is_asked_to(gate: Gate, tmp_path: Path) -> None:
    policy = rules(tmp_path, POSTCODE)
    ruled(gate, lambda: policy)
    await gate.ask(QUESTIONS["numbers"], crm())
    (sent,) = gate.reached
    assert orjson.loads(sent.body)["params"][0][:2] == ["AND", NAMED_A]


UNLESS_KNOWN = 'has(record.language) && record.language == "fr"'


async def test_a_client_of_which_the_crm_tells_nothing_is_kept_away(gate: Gate, tmp_path: Path) -> None:
    """Nobody can say that the rule is not about it: that nothing was read is not the same as that there is nothing."""
    policy = rules(tmp_path, UNLESS_KNOWN)
    ruled(gate, lambda: policy)
    whole = crm()

    def forgetful(asked: Request) -> Response:
        body = orjson.loads(asked.body)
        if "lang.code" not in body["params"][1]:
            return whole(asked)
        return result([{"id": GERMAN, "lang.": {"code": "de"}}, {"id": 99, "lang.": {"code": "de"}}], number=body["id"])

    answer = await gate.ask(call(f"{PARTY}.read", [GERMAN, FRENCH], ["name"]), forgetful)
    assert [record["id"] for record in orjson.loads(answer.body)["result"]] == [GERMAN]


async def test_rules_that_come_while_the_crm_answers_see_what_they_ask_for(gate: Gate, tmp_path: Path) -> None:
    before, after = rules(tmp_path, POSTCODE), rules(tmp_path, UNLESS_KNOWN)
    in_force = [before]
    ruled(gate, lambda: in_force[0])
    whole = crm()

    def slow(asked: Request) -> Response:
        body = orjson.loads(asked.body)
        if "addresses.postal_code" in body["params"][1]:
            return result([{"id": one, "addresses.": []} for one in (GERMAN, FRENCH)], number=body["id"])
        if "name" in body["params"][1]:
            in_force[0] = after
        return whole(asked)

    answer = await gate.ask(call(f"{PARTY}.read", [GERMAN, FRENCH], ["name"]), slow)
    assert [record["id"] for record in orjson.loads(answer.body)["result"]] == [GERMAN]


async def test_a_table_of_named_records_is_no_filter(gate: Gate, tmp_path: Path) -> None:
    policy = rules(tmp_path, POSTCODE)
    ruled(gate, lambda: policy)

    def table(asked: Request) -> Response:
        if asked.method == "GET":
            return Response(200, (("content-type", "text/csv"),), b"party/id,city\r\n7,Kiel\r\n8,Ulm\r\n")
        postcodes = [{"id": 7, "addresses.": [{"postal_code": "24103"}]}, {"id": 8, "addresses.": [{"postal_code": "10115"}]}]
        return result(postcodes, number=orjson.loads(asked.body)["id"])

    answer = await gate.ask(request("GET", "/crm/data/party.address", *COOKIE, query="d=[70,80]&f=city"), table)
    assert ("d", "[70,80]") in gate.reached[0].query
    assert answer.body.decode().split() == ["city", "Kiel"]
