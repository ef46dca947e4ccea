"""What Tryton's REST interface writes into addresses: base64url of JSON, and paging by `Range: records=` (attacks, settled)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from gateway.crm.formats.strict_json import JsonError, dump, parse
from gateway.crm.profile import UnreadableError

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_RECORDS = re.compile(r"records=(\d{1,9})-(\d{1,9})?")
_NUMBER = re.compile(r"0|[1-9]\d{0,8}")


def decode(value: str) -> Any:
    """The JSON value of a parameter. Raises UnreadableError."""
    if not _BASE64URL.fullmatch(value):
        raise UnreadableError("base64 of a parameter")
    try:
        return parse(base64.urlsafe_b64decode(value))
    except (binascii.Error, JsonError) as error:
        raise UnreadableError("JSON of a parameter") from error


def encode(value: Any) -> str:
    """A JSON value as a parameter. Raises UnreadableError."""
    try:
        return base64.urlsafe_b64encode(dump(value)).decode("ascii")
    except JsonError as error:
        raise UnreadableError(error.what) from error


def records(header: str) -> tuple[int, int | None]:
    """First record and number of records of a `Range: records=FROM-TO` header, where TO is not included.

    Raises UnreadableError for every other unit (Tryton takes any word for `records`) and for lists (Tryton ignores them and gives all).
    """
    match = _RECORDS.fullmatch(header.strip())
    if match is None:
        raise UnreadableError("range unit")
    first = int(match[1])
    if match[2] is None:
        return first, None
    last = int(match[2])
    if last < first:
        raise UnreadableError("range")
    return first, last - first


def number(value: str) -> int:
    """A whole number of a parameter in its one spelling. Raises UnreadableError."""
    if not _NUMBER.fullmatch(value):
        raise UnreadableError("number of a parameter")
    return int(value)
