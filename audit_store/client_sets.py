"""A complete set of client ids as one short text: an event names every client that it is about, not the first thousand.

Forms, by their first letter:
`n1:START:BASE64`  numbers; START is the smallest, BASE64 the distances to the next ones, 1 byte each (n2, n4, n8: 2, 4, 8; little endian)
`z1:START:BASE64`  the same, packed with zlib (RFC 1950): used where it is long
`t:BASE64`         ids of which one is no plain number: a JSON array, packed with zlib
and the empty text for the empty set.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate
from operator import sub
from typing import Any

import orjson

from policies.request import ClientId

_WIDTHS = ((1 << 8, "B", 1), (1 << 16, "H", 2), (1 << 32, "I", 4), (1 << 64, "Q", 8))
_TYPECODES = {str(width): code for _, code, width in _WIDTHS}
_PACK_FROM_BYTES = 768
"""Below this, packing costs more time than the bytes are worth."""
_UNPACKED_BYTES_MAX = 1 << 26
"""64 MiB: a set of 8 million ids; more is not ours."""


def encode_ids(ids: Iterable[ClientId]) -> str:
    """The set as text, the same for equal sets. Any id survives, lone surrogates excepted (they become `?`)."""
    # The usual ones first: to ask any other for its protocol takes longer than a few ids.
    wanted = ids if isinstance(ids, (tuple, frozenset, Collection)) else tuple(ids)
    if not wanted:
        return ""
    numbers = _plain_numbers(wanted)
    if numbers is not None:
        return _numbers(numbers)
    names = sorted({name.encode("utf-8", "replace").decode() for name in wanted})
    return "t:" + _text(zlib.compress(orjson.dumps(names)))


def decode_ids(text: str, *, most: int | None = None) -> frozenset[ClientId]:
    """The set of a text made by `encode_ids`. Raises ValueError for any other text, and for more than `most` ids (8 bytes each at most):
    a text from outside could unpack to more than the memory holds.
    """
    if not text:
        return frozenset()
    kind, _, rest = text.partition(":")
    try:
        if kind == "t":
            return _bounded(frozenset(map(str, orjson.loads(_unpack(a2b_base64(rest, strict_mode=True), most)))), most)
        start, steps = _steps(kind, rest, most)
        return frozenset(map(str, accumulate(steps, initial=start)))
    except (KeyError, ValueError, zlib.error) as error:
        raise ValueError(f"no set of client ids: {error}") from None


def numbers_json(text: str, *, most: int | None = None) -> bytes | None:
    """The set as a JSON array of texts, in half the time of `decode_ids`; None if it is empty, or holds other ids than plain numbers below
    2^64. Raises ValueError as `decode_ids`.
    """
    kind, _, rest = text.partition(":")
    if kind in ("", "t"):
        return None
    try:
        start, steps = _steps(kind, rest, most)
        if 0 in steps:  # an id stands twice, which none of ours does
            return None
        return b'["%b"]' % orjson.dumps(list(accumulate(steps, initial=start)))[1:-1].replace(b",", b'","')
    except orjson.JSONEncodeError:
        return None
    except (KeyError, ValueError, zlib.error) as error:
        raise ValueError(f"no set of client ids: {error}") from None


def _plain_numbers(ids: Collection[ClientId]) -> list[int] | None:
    """The ids as sorted numbers, if each is a number without leading zeros below 2^64; else None.

    The JSON reader does it in a tenth of the time of `int`, and refuses leading zeros and empty ids by itself; the length betrays an id
    with a comma in it, and what is 2^64 or more comes back as a float, which sorts last.
    """
    joined = ",".join(ids)
    if joined.encode("utf-8", "replace").translate(None, b"0123456789,"):
        return None
    try:
        numbers: list[int] = orjson.loads(f"[{joined}]")
    except orjson.JSONDecodeError:
        return None
    if len(numbers) != len(ids):
        return None
    numbers.sort()
    return numbers if isinstance(numbers[-1], int) else None


def _numbers(numbers: list[int]) -> str:
    try:
        width, data = 1, bytes(map(sub, numbers[1:], numbers))  # the ordinary case, without a list
    except ValueError:
        width, data = _wide(list(map(sub, numbers[1:], numbers)))
    if (0 in data) if width == 1 else len(set(numbers)) < len(numbers):  # an id stands twice
        return _numbers(sorted(set(numbers)))
    if len(data) < _PACK_FROM_BYTES:
        return f"n{width}:{numbers[0]}:{_text(data)}"
    return f"z{width}:{numbers[0]}:{_text(zlib.compress(data, 1))}"


def _wide(steps: list[int]) -> tuple[int, bytes]:
    largest = max(steps)
    _, code, width = next(entry for entry in _WIDTHS if largest < entry[0])
    row = array(code, steps)
    if sys.byteorder == "big":
        row.byteswap()
    return width, row.tobytes()


def _steps(kind: str, rest: str, most: int | None) -> tuple[int, Sequence[int]]:
    """The smallest of a set of numbers, and the distances to the next ones."""
    start, _, data = rest.partition(":")
    packed = a2b_base64(data, strict_mode=True)
    if kind[:1] != "n":
        packed = _unpack(packed, most)
    steps: Sequence[int] = packed
    if kind[1:] != "1":
        row = array(_TYPECODES[kind[1:]])
        row.frombytes(packed)
        if sys.byteorder == "big":
            row.byteswap()
        steps = row
    return int(start), _bounded(steps, None if most is None else max(most - 1, 0))


def _text(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _bounded[Many: Collection[Any]](found: Many, most: int | None) -> Many:
    if most is not None and len(found) > most:
        raise ValueError("more than there may be")
    return found


def _unpack(data: bytes, most: int | None) -> bytes:
    stream = zlib.decompressobj()
    plain = stream.decompress(data, _UNPACKED_BYTES_MAX if most is None else min(_UNPACKED_BYTES_MAX, 8 * most + 2))
    if not stream.eof or stream.unused_data:
        raise ValueError("cut off, or longer than any set of ours")
    return plain
