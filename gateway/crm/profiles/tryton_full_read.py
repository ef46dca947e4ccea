"""Reads all clients of a Tryton over JSON-RPC: names, contact values and official numbers, page by page, for the client index.

Pages go by the client's id and not by an offset, so that a client who is created or deleted meanwhile moves nobody out of sight.
Clients who were deactivated are read too: whoever was a client once is still worth carrying away.
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from typing import Any, Final

from detectors.client_index.identifier import Identifier
from gateway.crm.profile import Batch, FullRead, FullReadError, UninspectableError
from gateway.crm.profiles.tryton_fields import CONTACT, IDENTIFIER, MODELS, PARTY
from gateway.crm.profiles.tryton_identifying import identifying, of_record
from gateway.crm.profiles.tryton_identity import is_token
from gateway.crm.protocols.jsonrpc import RpcCall, read_answer
from gateway.exchange import Request, Response

PAGE: Final = 500
"""Clients of one call."""
_CONTEXT: Final = {"active_test": False}
_FIELDS: Final = ("id", "name", "contact_mechanisms.value", "identifiers.code")
_REFUSED: Final = "the CRM refuses this account and password, or asks for more than a password"
_NESTED: Final = {"contact_mechanisms.": CONTACT, "identifiers.": IDENTIFIER}
"""Where a read of related fields nests their records (`tryton_records`)."""


def full_read(database: str, account: str, password: str) -> FullRead:
    """The conversation. Raises FullReadError and UninspectableError."""
    session = _Session(database)
    yield from session.log_in(account, password)
    try:
        total = yield from session.call("search_count", [], 0, None, _CONTEXT)
        if type(total) is not int:
            raise UninspectableError("number of clients")
        if not total:
            raise FullReadError("the CRM shows this account no client: name one that may read all of them")
        last = done = 0
        while True:
            page = yield from session.call("search_read", [["id", ">", last]], 0, PAGE, [["id", "ASC"]], list(_FIELDS), _CONTEXT)
            records = _records(page, last)
            if not records:
                return
            last = records[-1]["id"]
            done += len(records)
            yield Batch([one for record in records for one in _identifiers(record)], done, max(total, done))
    finally:
        session.forget()


class _Session:
    """A sign-in at Tryton."""

    def __init__(self, database: str) -> None:
        self._path = f"/{database}/rpc/"
        self._number = 0
        self._authorization: str | None = None

    def log_in(self, account: str, password: str) -> Generator[Request, Response | None]:
        answer = yield self._request("common.db.login", account, {"password": password}, "en")
        outcome = read_answer(_body(answer))
        if outcome.error is not None:
            raise FullReadError(_REFUSED)
        match outcome.result:
            case [int() as user, str() as token, *_] if is_token(token):
                secret = f"{account}:{user}:{token}".encode()
                self._authorization = "Session " + base64.b64encode(secret).decode()
            case _:
                raise UninspectableError("answer to a sign-in")

    def call(self, method: str, *params: Any) -> Generator[Request, Response | None, Any]:
        """The result of a method of the client's model."""
        answer = yield self._request(f"model.{PARTY}.{method}", *params)
        outcome = read_answer(_body(answer))
        if outcome.error is not None:
            raise FullReadError(f"the CRM refuses to answer {method}: name an account that may read all clients")
        return outcome.result

    def forget(self) -> None:
        """The token is not kept longer than it is used; Tryton lets it run out."""
        self._authorization = None

    def _request(self, method: str, *params: Any) -> Request:
        self._number += 1
        headers = [("x-requested-with", "XMLHttpRequest"), ("content-type", "application/json"), ("accept", "application/json")]
        if self._authorization is not None:
            headers.append(("authorization", self._authorization))
        body = RpcCall(self._number, method, list(params)).body()
        return Request("POST", self._path, (), tuple(headers), body, "127.0.0.1", "index-build")


def _body(answer: Response | None) -> bytes:
    if answer is None:
        raise TypeError("a request needs its answer")
    if answer.status in (401, 403):
        raise FullReadError(_REFUSED)
    if answer.status != 200:
        raise FullReadError(f"the CRM answers {answer.status}: check crm.upstream and crm.database in the configuration")
    return answer.body


def _records(page: Any, last: int) -> list[dict[str, Any]]:
    """The records of a page, which must go on behind the last one: else the read would never end."""
    if not isinstance(page, list) or len(page) > PAGE:
        raise UninspectableError("page of clients")
    for record in page:
        if not isinstance(record, dict) or type(record.get("id")) is not int or record["id"] <= last:
            raise UninspectableError("record of a client")
        last = record["id"]
    return page


def _identifiers(record: dict[str, Any]) -> list[Identifier]:
    client = str(record["id"])
    found = of_record(client, record, identifying(MODELS[PARTY], ("name",)))
    for place, model in _NESTED.items():
        nested = record.get(place)
        if not isinstance(nested, list):
            raise UninspectableError("related records of a client")
        for one in nested:
            if not isinstance(one, dict):
                raise UninspectableError("related record of a client")
            found += of_record(client, one, identifying(MODELS[model], one.keys()))
    return found
