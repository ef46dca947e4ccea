"""Calls to Tryton as the gateway gets them, and answers as Tryton gives them."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

from gateway.crm.profile import Answer, Call, Delivered
from gateway.crm.profiles.tryton import Tryton, profile
from gateway.exchange import Headers, Request, Response
from policies.decision import FieldMask, Obligations
from policies.masks import CONTACT_GROUP, HIDE

TOKEN = "85e787d27f709ca47b81c3f75eb53188f24fc3b5b10d97a1c2b3933851899e2b"
COOKIE = ("cookie", f"tryton_session=anna:2:{TOKEN}")
KEY = ("authorization", "Bearer 7fcfedc6919041d8aea777e87c91c198cd43971974814c61be967e42870560b5")
JSON = ("content-type", "application/json")
BROWSER: Headers = (("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"))

TRYTON: Tryton = profile(database="crm", owner_field=None)


def request(method: str, path: str, *headers: tuple[str, str], body: bytes = b"", query: str = "") -> Request:
    """A canonical request."""
    return Request(method, path, tuple(parse_qsl(query, keep_blank_values=True)), headers, body, "127.0.0.1", "connection")


def rpc(method: str, *params: Any, number: int = 7, headers: Headers = (COOKIE,), **context: Any) -> Request:
    """An RPC call with its context."""
    body = json.dumps({"id": number, "method": method, "params": [*params, {"language": "en", **context}]}).encode()
    return request("POST", "/crm/rpc/", JSON, *headers, body=body)


def csv(query: str, model: str = "party.party") -> Request:
    """A CSV download."""
    return request("GET", f"/crm/data/{model}", COOKIE, query=query)


def rest(method: str, road: str, query: str = "", body: Any = None, *headers: tuple[str, str]) -> Request:
    """A REST call."""
    text = b"" if body is None else json.dumps(body).encode()
    return request(method, f"/crm/rest/{road}", KEY, JSON, *headers, body=text, query=query)


def base64url(value: Any) -> str:
    """A parameter of the REST interface."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def sent(call: Call) -> Any:
    """The parameters that go to the CRM."""
    return json.loads(call.upstream.body)["params"]


def result(value: Any, *, number: int = 7) -> Response:
    """Tryton's answer to an RPC call."""
    return Response(200, (JSON,), json.dumps({"id": number, "result": value}).encode())


def error(*said: Any, number: int = 7) -> Response:
    """Tryton's error to an RPC call."""
    return Response(200, (JSON,), json.dumps({"id": number, "error": list(said)}).encode())


def answer(call: Call, value: Any) -> Answer:
    """What the profile reads in an RPC answer."""
    return TRYTON.answer(call, result(value))


def released(delivered: Delivered) -> Any:
    """The result that goes out."""
    return json.loads(delivered.response.body)["result"]


def hide(*clients: int) -> Obligations:
    """Contact values of these clients are masked."""
    return Obligations(masks=(FieldMask(CONTACT_GROUP, HIDE, frozenset(map(str, clients))),))


def keep(*clients: int) -> Obligations:
    """Only these clients may go."""
    return Obligations(keep=frozenset(map(str, clients)))
