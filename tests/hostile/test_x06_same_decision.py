"""X6: the same clients with the same fields by read, list, search_read, exports, CSV and REST: one decision, whatever the call is named."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.exchange import Request, Response
from tests.services.gate import Gate, call
from tests.services.tryton_calls import BROWSER, JSON, KEY, TOKEN, request, result

FIELDS = ["name", "phone", "email"]
BY_CSV = "d=[]&f=name&f=phone&f=email&h=0"
REST_KEY = KEY[1].removeprefix("Bearer ")
ROADS = ["read", "search_read", "export_data", "export_data_domain", "csv", "rest"]
TABLES = ("export_data", "export_data_domain", "csv")
"""Those whose answer carries the mark of the export: the one thing that differs by road, beside the decision (decision 10)."""


def values(number: int) -> list[Any]:
    return [f"Firma {number}", f"+49 30 55{number:05d}", f"person{number}@kunde.example"]


def road(name: str, ids: list[int]) -> tuple[Request, Response]:
    """A call by this road, and what the CRM says to it."""
    records = [{"id": one, **dict(zip(FIELDS, values(one), strict=True))} for one in ids]
    rows = [[one, *values(one)] for one in ids]
    domain = [["id", "in", ids]]
    cookie = ("cookie", f"tryton_session=boris:3:{TOKEN}")
    match name:
        case "read":
            return call("model.party.party.read", ids, FIELDS), result(records)
        case "search_read":
            return call("model.party.party.search_read", domain, 0, None, None, FIELDS), result(records)
        case "export_data":
            return call("model.party.party.export_data", ids, FIELDS, False), result(rows)
        case "export_data_domain":
            return call("model.party.party.export_data_domain", domain, FIELDS, 0, None, None, False), result(rows)
        case "csv":
            text = "".join(",".join(map(str, row)) + "\r\n" for row in rows)
            return request("GET", "/crm/data/party.party", cookie, *BROWSER, query=BY_CSV), Response(200, (), text.encode())
        case _:
            said = json.dumps([record | {"__name__": "party.party"} for record in records]).encode()
            one = request("GET", "/crm/rest/model/party.party", KEY, query="f=name&f=phone&f=email")
            return one, Response(200, (JSON,), said)


async def asked(gate: Gate, name: str, ids: list[int]) -> tuple[Mapping[str, Any], Response]:
    """What the record says of the act, and the answer."""
    gate.assembled.handler.signin.sessions.bind(REST_KEY, "api_key", gate.boris.id, "boris")
    gate.assembled.handler.directory.refresh()
    one, said = road(name, ids)
    response = await gate.ask(one, lambda _request: said)
    return gate.events()[-1]["torwart"], response


def decision(about: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in the record that the decision says."""
    clients = {name: about["clients"][name] for name in ("asked_count", "allowed_count") if name in about["clients"]}
    act = {name: about["act"][name] for name in ("action", "phase")}
    return act | clients | {name: about.get(name) for name in ("reasons", "needs", "fields", "rules")}


def mails(response: Response) -> set[int]:
    """Numbers of the clients whose address is in an answer."""
    return {int(number) for number in re.findall(rb"person(\d+)@", response.body)}


@pytest.mark.parametrize("name", ROADS)
@pytest.mark.parametrize(("own", "allowed"), [(300, 100), (201, 100), (1_000, 100)])
async def test_so_many_clear_contacts_are_an_export_by_every_road(gate: Gate, name: str, own: int, allowed: int) -> None:
    gate.own(*range(1, own + 1))
    about, response = await asked(gate, name, list(range(1, own + 1)))
    limit = {"asked": own, "limit": 100, "day_limit": 100, "share": 10}
    assert decision(about) == {
        "action": "export",
        "phase": "held",
        "asked_count": own,
        "allowed_count": allowed,
        "reasons": [
            {"code": "export_limit", "numbers": limit},
            {"code": "export_needs_key", "numbers": {"asked": own, "allowed": allowed}},
        ],
        "needs": ["key"],
        "fields": sorted(FIELDS),
        "rules": ["1:manager-exports", *(["1:sales-exports-marked"] if name in TABLES else [])],
    }
    assert mails(response) == set()


@pytest.mark.parametrize("name", ROADS)
async def test_others_clients_among_them_stay_where_they_are_by_every_road(gate: Gate, name: str) -> None:
    gate.own(*range(1, 251))
    _, response = await asked(gate, name, list(range(100, 400)))
    assert mails(response) <= set(range(100, 251))
    about, response = await asked(gate, name, list(range(20, 300)))
    assert decision(about)["action"] == "export"
    assert decision(about)["phase"] == "held"
    assert decision(about)["allowed_count"] == 100
    assert mails(response) == set()


@pytest.mark.parametrize("name", ROADS)
async def test_a_touch_lets_the_day_s_share_go_by_one_road_and_nothing_more_by_any(gate: Gate, name: str) -> None:
    """X24 too: what is left after the touch is what the limit leaves."""
    gate.own(*range(1, 301))
    about, _ = await asked(gate, name, list(range(1, 301)))
    gate.touch(about["act"]["id"])
    about, response = await asked(gate, name, list(range(1, 301)))
    assert about["act"]["phase"] == "released"
    assert mails(response) == set(range(1, 101))
    for other in ROADS:
        about, response = await asked(gate, other, list(range(1, 301)))
        if about["act"]["phase"] == "held":
            gate.touch(about["act"]["id"])
            about, response = await asked(gate, other, list(range(1, 301)))
        assert mails(response) <= set(range(1, 101)), other
