"""JSON-RPC as Tryton speaks it: an object of exactly `id`, `method` and `params` as `application/json` (attacks X4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.crm.formats.strict_json import JsonError, dump, parse
from gateway.crm.profile import UninspectableError, UnreadableError

_MEMBERS = frozenset({"id", "method", "params"})
_CONTENT_TYPE = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
_METHOD = re.compile(r"[a-z][A-Za-z0-9_.-]{2,200}")
_OUTCOME = re.compile(rb'\{"id":(?:\d+|null|"[\w-]*"),"(result|error)":')


@dataclass(frozen=True, slots=True)
class RpcCall:
    """A call, read."""

    id: int | str
    method: str
    params: list[Any]

    def body(self) -> bytes:
        """The one text that is sent for it. Raises UnreadableError."""
        try:
            return dump({"id": self.id, "method": self.method, "params": self.params})
        except JsonError as error:
            raise UnreadableError(error.what) from error


@dataclass(frozen=True, slots=True)
class RpcAnswer:
    """An answer, read: either a result or an error."""

    id: Any
    result: Any = None
    error: list[Any] | None = None

    def body(self) -> bytes:
        """The answer as text. Raises UninspectableError."""
        outcome = {"result": self.result} if self.error is None else {"error": self.error}
        try:
            return orjson.dumps({"id": self.id, **outcome})
        except orjson.JSONEncodeError as error:
            raise UninspectableError("answer cannot be written again") from error


def is_json(content_type: str | None) -> bool:
    """True for `application/json` in UTF-8 and nothing else: Tryton takes any type with `json` in it."""
    return content_type is not None and _CONTENT_TYPE.fullmatch(content_type.strip()) is not None


def read_call(content_type: str | None, body: bytes) -> RpcCall:
    """Read a call. Raises UnreadableError for everything that has a second reading."""
    if not is_json(content_type):
        raise UnreadableError("content type of a call")
    try:
        call = parse(body)
    except JsonError as error:
        raise UnreadableError(error.what) from error
    if not isinstance(call, dict) or call.keys() != _MEMBERS:
        raise UnreadableError("members of a call")
    number, method, params = call["id"], call["method"], call["params"]
    if isinstance(number, bool) or not isinstance(number, (int, str)) or (isinstance(number, str) and len(number) > 64):
        raise UnreadableError("id of a call")
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise UnreadableError("method of a call")
    if not isinstance(params, list):
        raise UnreadableError("params of a call")
    return RpcCall(number, method, params)


def failed(body: bytes) -> bool:
    """True unless the answer is recognisably a result; without parsing it, for answers that hold no client."""
    match = _OUTCOME.match(body)
    return match is None or match[1] == b"error"


def read_answer(body: bytes) -> RpcAnswer:
    """Read an answer. Raises UninspectableError."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UninspectableError("answer is not JSON") from error
    if isinstance(answer, dict):
        if answer.keys() == {"id", "result"}:
            return RpcAnswer(answer["id"], result=answer["result"])
        if answer.keys() == {"id", "error"} and isinstance(answer["error"], list):
            return RpcAnswer(answer["id"], error=answer["error"])
    raise UninspectableError("members of an answer")
