"""What rules may ask about a client (`policies.attributes.RECORD`), read from Tryton in the asking person's own session.

The answer that the person gets does not hold these fields, so they are read beside it: only those that a rule asks for, only of clients
in the answer, and nothing of them is delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.crm.profile import UninspectableError
from gateway.crm.profiles.tryton_fields import PARTY
from gateway.crm.protocols import rest
from gateway.crm.protocols.jsonrpc import RpcCall, read_answer
from gateway.exchange import Request, Response
from policies.request import ClientId, Value

RPC_CHUNK, REST_CHUNK = 1_000, 200
"""Clients of one read. REST names them in the address, which is not to grow beyond what servers take."""
_ACTIVE_OR_NOT = ["active", "in", [True, False]]
_CREDENTIALS = frozenset({"authorization", "cookie"})
_NUMBER = 1
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")

type _Record = Mapping[str, Any]


def _flag(record: _Record) -> Value:
    value = record.get("active")
    return bool(value) if value in (0, 1) else None  # over SQLite, Tryton gives a number


def _time(name: str) -> Callable[[_Record], Value]:
    def read(record: _Record) -> Value:
        value = record.get(name)
        if isinstance(value, dict) and value.get("__class__") == "datetime":
            return datetime(**{part: value.get(part, 0) for part in _PARTS}, tzinfo=UTC)
        if isinstance(value, str):  # REST writes times as text
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return None

    return read


def _language(record: _Record) -> Value:
    below = _below(record, "lang")
    code = below.get("code") if isinstance(below, dict) else None
    return code.partition("_")[0] if isinstance(code, str) and code else None


def _items(relation: str, name: str) -> Callable[[_Record], Value]:
    *hops, last = name.split(".")

    def read(record: _Record) -> Value:
        below = _below(record, relation)
        if not isinstance(below, list):
            return None
        found: dict[str, None] = {}
        for one in below:
            for hop in hops:
                one = _below(one, hop) if isinstance(one, dict) else None
            value = one.get(last) if isinstance(one, dict) else None
            if isinstance(value, str) and value:
                found[value] = None
        return tuple(found)

    return read


def _below(record: _Record, name: str) -> Any:
    """Related records: RPC answers keep them under the name with a dot, REST answers without."""
    return record[f"{name}."] if f"{name}." in record else record.get(name)


_READERS: Mapping[str, tuple[str, Callable[[_Record], Value]]] = {
    "active": ("active", _flag),
    "created_at": ("create_date", _time("create_date")),
    "changed_at": ("write_date", _time("write_date")),
    "language": ("lang.code", _language),
    "countries": ("addresses.country.code", _items("addresses", "country.code")),
    "postal_codes": ("addresses.postal_code", _items("addresses", "postal_code")),
    "cities": ("addresses.city", _items("addresses", "city")),
    "categories": ("categories.name", _items("categories", "name")),
}
"""Attribute -> field of a client, how its value is read."""
ATTRIBUTES = frozenset(_READERS)


def read_of(
    database: str, call: Request, ids: Sequence[ClientId], names: frozenset[str], *, by_rest: bool
) -> tuple[Request, tuple[ClientId, ...]]:
    """The call that reads attributes of the first of these clients, with the credential that `call` carries, and which they are."""
    fields = sorted(_READERS[name][0] for name in names & ATTRIBUTES)
    carried = tuple((name, value) for name, value in call.headers if name in _CREDENTIALS)
    plain = (("x-requested-with", "XMLHttpRequest"), ("accept", "application/json"))
    chunk = tuple(ids[: REST_CHUNK if by_rest else RPC_CHUNK])
    numbers = [int(one) for one in chunk]
    if by_rest:
        domain = rest.encode([["id", "in", numbers], _ACTIVE_OR_NOT])
        query = (("d", domain), ("s", str(len(chunk))), ("p", "0"), *(("f", name) for name in fields))
        path = f"/{database}/rest/model/{PARTY}"
        return Request("GET", path, query, (*plain, *carried), b"", call.source_ip, call.connection_id), chunk
    body = RpcCall(_NUMBER, f"model.{PARTY}.read", [numbers, fields, {}]).body()
    headers = (*plain, ("content-type", "application/json"), *carried)
    return Request("POST", f"/{database}/rpc/", (), headers, body, call.source_ip, call.connection_id), chunk


def read(response: Response, names: frozenset[str], body: bytes, *, by_rest: bool) -> dict[ClientId, dict[str, Value]]:
    """Client -> attribute -> value, from one answer; `body` is its text, unpacked. Raises UninspectableError."""
    if response.status != 200:
        raise UninspectableError("attributes of clients")
    if by_rest:
        try:
            records = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise UninspectableError("attributes of clients") from None
    else:
        answer = read_answer(body)
        if answer.error is not None or answer.id != _NUMBER:
            raise UninspectableError("attributes of clients")
        records = answer.result
    if not isinstance(records, list):
        raise UninspectableError("attributes of clients")
    found: dict[ClientId, dict[str, Value]] = {}
    try:
        for record in records:
            if type(record["id"]) is not int:
                raise UninspectableError("attributes of clients")
            found[str(record["id"])] = {name: _READERS[name][1](record) for name in names & ATTRIBUTES}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UninspectableError("attributes of clients") from None
    return found
