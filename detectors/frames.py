"""What passes between a scan worker and its parent. Read with distrust: the worker has read hostile files."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from detectors.budget import Limits
from detectors.client_index.identifier import Kind
from detectors.mark import MARKS_MAX, mark_of
from detectors.verdict import Unread, Verdict

VERSION = 3
"""Of this protocol; both ends must speak the same."""
_LENGTHS = struct.Struct("<IQ")
_HEAD_MAX = 64 << 20
"""Bytes of a head: a verdict that names a million clients."""
_KEY_MAX = 1 << 64
_CLIENT_ID_MAX = 200


class FrameError(Exception):
    """The other end has ended, or says what is no frame."""


type Head = Mapping[str, Any]
type Read = Callable[[int], bytes]
"""Reads up to so many bytes; empty at the end."""


def write_frame(write: Callable[[memoryview], int | None], head: Head, body: bytes | memoryview = b"") -> None:
    """Send one frame. `write` may take less than it is given. Raises OSError when the other end is gone."""
    document = orjson.dumps(head)
    for piece in (_LENGTHS.pack(len(document), len(body)) + document, body):
        rest = memoryview(piece)
        while rest:
            rest = rest[write(rest) or 0 :]


def read_frame(read: Read, *, body_max: int) -> tuple[Head, bytes]:
    """Receive one frame. Raises FrameError at the end, for a frame that is too large and for what is no frame."""
    head_length, body_length = _LENGTHS.unpack(_exactly(read, _LENGTHS.size))
    if head_length > _HEAD_MAX or body_length > body_max:
        raise FrameError("a frame is larger than any frame is")
    try:
        head = orjson.loads(_exactly(read, head_length))
    except orjson.JSONDecodeError as error:
        raise FrameError("a frame has no readable head") from error
    if not isinstance(head, dict) or head.get("version") != VERSION:
        raise FrameError("a frame of another version")
    return head, _exactly(read, body_length)


def verdict_head(number: int, verdict: Verdict) -> Head:
    """A verdict as the head of a frame; `number` is that of the scan."""
    return {
        "version": VERSION,
        "kind": "verdict",
        "number": number,
        "clients": {client: sorted(kinds) for client, kinds in verdict.clients.items()},
        "keys": sorted(verdict.keys),
        "suspected": sorted(verdict.suspected),
        "unread": list(verdict.unread),
        "parts": verdict.parts,
        "marks": [mark.parts for mark in verdict.marks],
    }


def read_verdict(head: Head, number: int, size: int) -> Verdict:
    """The verdict on scan `number` of `size` bytes. Raises FrameError for anything that is none."""
    if head.get("kind") != "verdict" or head.get("number") != number:
        raise FrameError("an answer to another question")
    try:
        clients = {_client(client): frozenset(map(Kind, kinds)) for client, kinds in head["clients"].items()}
        unread = {Unread(word) for word in head["unread"]}
        return Verdict(
            clients=clients,
            keys=frozenset(map(_key, head["keys"])),
            suspected=frozenset(map(_key, head["suspected"])),
            unread=tuple(cause for cause in Unread if cause in unread),
            size=size,
            parts=_count(head["parts"]),
            marks=tuple(map(mark_of, head["marks"][:MARKS_MAX])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FrameError("a verdict that is none") from error


def limits_head(limits: Limits) -> dict[str, int | float]:
    """The limits as a member of a frame."""
    return {name: getattr(limits, name) for name in Limits.__slots__}


def _exactly(read: Read, length: int) -> bytes:
    first = read(min(length, 1 << 20)) if length else b""
    if len(first) == length:
        return first
    whole = bytearray(first)
    while first and len(whole) < length:
        first = read(min(length - len(whole), 1 << 20))
        whole += first
    if len(whole) < length:
        raise FrameError("the other end is gone")
    return bytes(whole)


def _client(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _CLIENT_ID_MAX or not value.isprintable():
        raise ValueError
    return value


def _key(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _KEY_MAX:
        raise ValueError
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return value
