"""JSON that has exactly one reading (hostile input C50).

Parsers differ on duplicate members, on numbers beyond a double, on lone surrogates and on a byte order mark (RFC 8259, sections 4, 6, 8):
whoever lets such a text pass has judged another one than the CRM executes. So a *request* is parsed here or not at all.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

MAX_DEPTH = 64
"""Levels of arrays and objects; Tryton's web client stays below 20."""


class JsonError(ValueError):
    """A text without exactly one reading. `what` names the structure, never a value."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def parse(text: bytes | str) -> Any:
    """The value of a JSON text with unique members. Raises JsonError."""
    try:
        # One parser for what is not JSON (NaN, 1e400, lone surrogates, UTF-16, byte order mark), the other one for duplicate members.
        orjson.loads(text)
        value = json.loads(text, object_pairs_hook=_unique)
    except orjson.JSONDecodeError as error:
        raise JsonError("JSON") from error
    except RecursionError as error:
        raise JsonError("JSON depth") from error
    if _too_deep(value):
        raise JsonError("JSON depth")
    return value


def dump(value: Any) -> bytes:
    """The one text that is sent for a value. Raises JsonError for numbers beyond 64 bits."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise JsonError("JSON number") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonError("duplicate member")
    return members


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for item in level if isinstance(item, (dict, list)) for child in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return False
    return True
