"""Where Tryton would sort by what is hidden, the gateway names another order."""

from typing import Any

import pytest

from gateway.crm.protocols import rest as addresses
from gateway.exchange import Request
from policies.decision import Obligations
from tests.services.tryton_calls import TRYTON, base64url, csv, rest, rpc, sent

PARTY, ADDRESS = "model.party.party", "model.party.address"
BY_NUMBER = [["id", "ASC"]]


def going(one: Request, *hidden: str) -> Any:
    return TRYTON.with_obligations(TRYTON.read(one), Obligations(hidden=frozenset(hidden)))


@pytest.mark.parametrize(
    ("method", "args", "place"),
    [
        (f"{PARTY}.search", ([], 0, 10, None), 3),
        (f"{PARTY}.search", ([],), 3),
        (f"{PARTY}.search_read", ([], 0, None, None, ["name"]), 3),
        (f"{PARTY}.export_data_domain", ([], ["name"]), 4),
        (f"{ADDRESS}.search_read", ([], 0, None, None, ["city"]), 3),
        ("model.party.contact_mechanism.search", ([], 0, None, None), 3),
    ],
)
def test_clients_come_by_number_where_their_names_are_hidden(method: str, args: tuple[Any, ...], place: int) -> None:
    one = rpc(method, *args)
    assert sent(going(one, "name", "contact"))[place] == BY_NUMBER
    assert sent(going(one, "contact", "code"))[place] is None
    assert sent(going(one))[place] is None


def test_an_order_that_the_caller_names_stays() -> None:
    one = rpc(f"{PARTY}.search", [], 0, None, [["code", "DESC"]])
    assert sent(going(one, "name"))[3] == [["code", "DESC"]]
    assert going(csv("d=[]&f=code&o=code,DESC"), "name").upstream.query.count(("o", "code,DESC")) == 1
    named = rest("GET", "model/party.party", f"f=code&o={base64url([['code', 'ASC']])}")
    orders = [addresses.decode(value) for name, value in going(named, "name").upstream.query if name == "o"]
    assert orders == [[["code", "ASC"]]]


def test_tables_and_rest_lists_come_by_number_too() -> None:
    assert ("o", "id,ASC") in going(csv("d=[]&f=code"), "name").upstream.query
    assert ("o", "id,ASC") not in going(csv("d=[]&f=code"), "code").upstream.query
    listed = dict(going(rest("GET", "model/party.party", "f=code"), "name").upstream.query)
    assert addresses.decode(listed["o"]) == BY_NUMBER
    assert "o" not in dict(going(rest("GET", "model/party.party/7", "f=code"), "name").upstream.query)


@pytest.mark.parametrize(
    ("method", "args"),
    [(f"{PARTY}.read", ([1], ["name"])), (f"{PARTY}.search_count", ([],)), ("model.party.identifier.search", ([], 0, None, None))],
)
def test_what_has_no_order_gets_none(method: str, args: tuple[Any, ...]) -> None:
    one = rpc(method, *args)
    assert sent(going(one, "name")) == sent(TRYTON.read(one))
