"""Whether bytes are CBOR as authenticators write it (RFC 8949): definite lengths, nothing cut off, no name of a map twice, not deep.

The library that decodes takes what is cut off for complete, and of two members of one name the last; nobody honest sends either.
"""

from __future__ import annotations

MAX_DEPTH = 8
"""An attestation object has four levels; CTAP 2.2, section 8, allows authenticators four."""
_TEXT = 3
_FALSE, _TRUE = 20, 21


def end_of(data: bytes, start: int = 0, depth: int = 0) -> int:
    """Where the value that begins at `start` ends. Raises ValueError for what is no such CBOR."""
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    kind, number, place = _head(data, start)
    match kind:
        case 0 | 1:
            return place
        case 2 | 3:
            if number > len(data) - place:
                raise ValueError("cut off")
            if kind == _TEXT:
                data[place : place + number].decode("utf-8")
            return place + number
        case 4:
            for _ in range(_fits(number, data, place)):
                place = end_of(data, place, depth + 1)
            return place
        case 5:
            names = set()
            for _ in range(_fits(number, data, place)):
                end = end_of(data, place, depth + 1)
                names.add(data[place:end])
                place = end_of(data, end, depth + 1)
            if len(names) != number:
                raise ValueError("a name twice")
            return place
        case 7 if number in (_FALSE, _TRUE) and place == start + 1:
            return place
    raise ValueError("not used by authenticators")


def _head(data: bytes, start: int) -> tuple[int, int, int]:
    """Kind, number and the place behind them."""
    if start >= len(data):
        raise ValueError("cut off")
    kind, number, place = data[start] >> 5, data[start] & 0x1F, start + 1
    if number < 24:
        return kind, number, place
    if number > 27:
        raise ValueError("no definite length")
    size = 1 << (number - 24)
    if size > len(data) - place:
        raise ValueError("cut off")
    return kind, int.from_bytes(data[place : place + size]), place + size


def _fits(number: int, data: bytes, place: int) -> int:
    """The number of members, which take a byte each at least."""
    if number > len(data) - place:
        raise ValueError("cut off")
    return number
