"""Reads Tryton's roads beside RPC: the CSV download and the REST interface (attacks X4)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.crm.formats.csv_table import QUOTE, SEPARATORS
from gateway.crm.formats.strict_json import JsonError, dump, parse
from gateway.crm.profile import CallKind, UnreadableError
from gateway.crm.profiles.tryton_domain import Questions
from gateway.crm.profiles.tryton_fields import MODELS, PARTY, Model
from gateway.crm.profiles.tryton_plan import Node, plan
from gateway.crm.profiles.tryton_reading import Expected, Reading, Shape, clients, context, id_list, resource, text_as_json
from gateway.crm.profiles.tryton_rows import sheet
from gateway.crm.profiles.tryton_write import Values
from gateway.crm.protocols import rest
from gateway.crm.protocols.jsonrpc import is_json
from gateway.exchange import Request
from policies.request import Action

_CSV_SINGLE = frozenset({"d", "c", "s", "p", "l", "enc", "dl", "qc", "h", "loc"})
_CSV_LISTS = frozenset({"f", "o"})
_REST_LISTS = frozenset({"f"})
_LANGUAGE = re.compile(r"[a-z]{2}(?:_[A-Z]{2})?")
_ORDER = re.compile(r"([a-z0-9_.]+)(?:,(.*))?")
_REST_PATH = re.compile(r"model/([a-z][a-z0-9_.-]*)(?:/([1-9][0-9]{0,14}))?")
_UNKNOWN_ROAD = "address of the CRM"


def read_csv(model_name: str, request: Request, owner_field: str | None) -> tuple[Reading, Request]:
    """Read a CSV download; the second is what is sent. Raises UnreadableError.

    Encoding, separator, quote character, header and number format are set by the gateway: the answer is UTF-8 whatever was asked for.
    """
    model = MODELS.get(model_name)
    if model is None or request.method != "GET":
        raise UnreadableError("CSV of a model that is not known", unknown=True)
    single = _parameters(request, _CSV_SINGLE, _CSV_LISTS)
    columns = sheet(model, list(request.values("f")), owner_field)
    questions, ids = Questions(), None
    domain = text_as_json(single.get("d", "[]"))
    if isinstance(domain, list) and domain and isinstance(domain[0], (int, float)):
        ids, sent_domain = id_list(domain), domain
    else:
        sent_domain = questions.domain(domain, model)
    limit = rest.number(single["s"]) if "s" in single else None
    page = rest.number(single["p"]) if "p" in single else 0
    order = [_order(text) for text in request.values("o")]
    questions.order(order, model)
    separator, header = single.get("dl", ","), _switch(single, "h", "1")
    if separator not in SEPARATORS or single.get("qc", QUOTE) != QUOTE:
        raise UnreadableError("separator of a table")
    query = [("d", _text(sent_domain)), ("c", _text(context(text_as_json(single.get("c", "{}")))))]
    query += [("f", path) for path in columns.upstream()]
    query += [("o", f"{name},{direction or ''}") for name, direction in order]
    if limit is not None:
        query += [("s", str(limit)), ("p", str(page))]
    if "l" in single:
        if not _LANGUAGE.fullmatch(single["l"]):
            raise UnreadableError("language of a table")
        query.append(("l", single["l"]))
    query += [("enc", "utf-8"), ("dl", separator), ("qc", QUOTE), ("h", str(int(header))), ("loc", str(int(_switch(single, "loc", "0"))))]
    asked = resource(model, questions, ids=clients(ids) if ids is not None and model.name == PARTY else None, node=columns, limit=limit)
    expected = Expected(Shape.ROWS, sheet=columns, header=header, separator=separator)
    return Reading(CallKind.DATA, Action.EXPORT, asked, expected), replace(request, query=tuple(query))


def read_rest(road: str, request: Request, owner_field: str | None) -> tuple[Reading, Request]:
    """Read a REST call; `road` is the path behind `/rest/`. Raises UnreadableError: for actions and reports always."""
    match = _REST_PATH.fullmatch(road)
    model = MODELS.get(match[1]) if match is not None else None
    if match is None or model is None:
        raise UnreadableError(_UNKNOWN_ROAD, unknown=True)
    number = match[2]
    single = _parameters(
        request, frozenset({"d", "s", "p", "o"}) if number is None and request.method == "GET" else frozenset(), _REST_LISTS
    )
    names = list(request.values("f")) or ["rec_name"]
    node = plan(model, names, owner_field)
    query = [("f", name) for name in node.upstream()]
    match request.method, number:
        case "GET", None:
            return _rest_list(model, node, single, query, request)
        case "GET", str():
            ids = clients([int(number)]) if model.name == PARTY else None
            reading = Reading(
                CallKind.DATA, Action.READ, resource(model, ids=ids, node=node), Expected(Shape.RECORDS, node=node, single=True, rest=True)
            )
            return reading, replace(request, query=tuple(query), body=b"")
        case "POST" | "PUT", _:
            return _rest_write(model, node, number, query, request, owner_field)
        case "DELETE", str() if model.name == PARTY:
            gone = clients([int(number)])
            reading = Reading(CallKind.DATA, Action.DELETE, resource(model, ids=gone), Expected(Shape.BARE, deletes=gone, rest=True))
            return reading, replace(request, query=(), body=b"")
        case _:
            raise UnreadableError(_UNKNOWN_ROAD, unknown=True)


def _rest_list(model: Model, node: Node, single: dict[str, str], query: list[tuple[str, str]], request: Request) -> tuple[Reading, Request]:
    questions = Questions()
    if "d" in single:
        query.append(("d", rest.encode(questions.domain(rest.decode(single["d"]), model))))
    if "o" in single:
        query.append(("o", rest.encode(questions.order(rest.decode(single["o"]), model))))
    offset, limit = (rest.number(single.get("p", "0")), rest.number(single["s"]) if "s" in single else None)
    header = request.header("range")
    if header is not None:
        if "s" in single or "p" in single:
            raise UnreadableError("two pages")
        offset, limit = rest.records(header)
    elif limit is not None or offset:
        query.append(("p", str(offset)))
        if limit is not None:
            query.append(("s", str(limit)))
    asked = resource(model, questions, node=node, limit=limit)
    reading = Reading(CallKind.DATA, Action.LIST, asked, Expected(Shape.RECORDS, node=node, rest=True))
    return reading, replace(request, query=tuple(query), body=b"")


def _rest_write(
    model: Model, node: Node, number: str | None, query: list[tuple[str, str]], request: Request, owner_field: str | None
) -> tuple[Reading, Request]:
    """A write answers with the record as it is then: that answer is judged as a read."""
    if model.name != PARTY or (request.method == "PUT") != (number is not None):
        raise UnreadableError(_UNKNOWN_ROAD, unknown=True)
    if not is_json(request.header("content-type")):
        raise UnreadableError("content type of a call")
    try:
        values = Values(owner_field)
        client = int(number) if number is not None else None
        body = dump(values.read(model, parse(request.body), client=client))
    except JsonError as error:
        raise UnreadableError(error.what) from error
    act = Action.CREATE if number is None else values.update
    ids = clients([client]) if client is not None else None
    asked = resource(model, ids=ids, node=node, written=values)
    expected = Expected(Shape.RECORDS, node=node, single=True, rest=True, creates=number is None, model=model)
    return Reading(CallKind.DATA, act, asked, expected), replace(request, query=tuple(query), body=body)


def _parameters(request: Request, single: Iterable[str], lists: Iterable[str]) -> dict[str, str]:
    """The parameters that occur once. Raises UnreadableError for unknown and for repeated ones: Tryton would take the first."""
    found: dict[str, str] = {}
    for name, value in request.query:
        if name in lists:
            continue
        if name not in single:
            raise UnreadableError("parameter that is not known", unknown=True)
        if name in found:
            raise UnreadableError("repeated parameter")
        found[name] = value
    return found


def _order(text: str) -> list[str | None]:
    match = _ORDER.fullmatch(text)
    if match is None:
        raise UnreadableError("order")
    return [match[1], match[2] or None]


def _switch(single: dict[str, str], name: str, default: str) -> bool:
    value = single.get(name, default)
    if value not in ("0", "1"):
        raise UnreadableError("switch of a table")
    return value == "1"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
