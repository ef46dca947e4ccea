"""The head of an answer as it goes to the client: framing is ours alone, and nothing in a header can split it."""

from __future__ import annotations

import re
from http import HTTPStatus

from gateway.exchange import Response

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FRAMING = frozenset(
    {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive", "trailer", "upgrade", "alt-svc"}
)
_REASONS = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


def reason(status: int) -> bytes:
    """The reason phrase of RFC 9110; empty for a status that it does not know."""
    return _REASONS.get(status, b"")


def wire_headers(response: Response, *, close: bool) -> list[tuple[bytes, bytes]]:
    """The header lines of an answer; the length is that of the body. Raises ValueError for what could split it, or an interim status."""
    if not 200 <= response.status <= 599:
        raise ValueError("not a final status")
    lines: list[tuple[bytes, bytes]] = []
    for name, value in response.headers:
        if name in _FRAMING:
            continue
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError("a header that cannot be sent")
        lines.append((name.encode("ascii"), value.encode("latin-1")))
    if response.status not in (204, 304):
        lines.append((b"content-length", str(len(response.body)).encode("ascii")))
    if close:
        lines.append((b"connection", b"close"))
    return lines
