"""Blocks of the central log: older entries, packed, still readable and verifiable one by one (decision 0012).

A block holds the entries `first` to `last` without a gap. `places` says where each came from and when, `hashes` and `seals` stand side by
side, 32 bytes each; `content` is the producers' own bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import zstandard

HASH_BYTES = 32
LEVEL = 9
"""Of zstd: 121 bytes for an event of 849; level 15 gains 2 more for four times the work."""
_MAX_BYTES = 1 << 30
"""Of one unpacked part: far above a block of the largest events, and a bound for one that was tampered with."""


class BlockError(Exception):
    """A block cannot be read: it was damaged or tampered with."""


class NotPackedError(Exception):
    """Entries are not as they must be, and stay as they are: `Log.verify` names what was done to them."""


class Full(NamedTuple):
    """One entry with all that verifies it."""

    sequence: int
    received: int
    producer: str
    epoch: int
    producer_sequence: int
    canonical: bytes | None
    """None: it is gone, and only its hash is left. Where no removal names it (`audit_store.removal`), it was tampered with."""
    hash: bytes
    seal: bytes


def pack(entries: Sequence[Full]) -> dict[str, Any]:
    """The columns `first`, `last`, `places`, `hashes`, `seals`, `content` of entries that follow each other. Raises NotPackedError if
    they do not, or if one of them was tampered with so that it has no hash.
    """
    first = entries[0].sequence
    if [one.sequence for one in entries] != list(range(first, first + len(entries))):
        raise NotPackedError("entries are missing between them")
    if any(len(one.hash) != HASH_BYTES or len(one.seal) != HASH_BYTES for one in entries):
        raise NotPackedError("one of them has no hash")
    producers = sorted({one.producer for one in entries})
    numbers = {name: number for number, name in enumerate(producers)}
    places = {
        "received": _steps([one.received for one in entries]),
        "producers": producers,
        "producer": [numbers[one.producer] for one in entries],
        "epoch": [one.epoch for one in entries],
        "sequence": _steps([one.producer_sequence for one in entries]),
    }
    contents = [one.canonical or b"" for one in entries]
    lengths = struct.pack(f"<{len(contents)}I", *map(len, contents))
    squeeze = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    return {
        "first": first,
        "last": entries[-1].sequence,
        "places": squeeze.compress(orjson.dumps(places)),
        "hashes": b"".join(one.hash for one in entries),
        "seals": b"".join(one.seal for one in entries),
        "content": squeeze.compress(lengths + b"".join(contents)),
    }


def unpack(block: Mapping[str, Any]) -> list[Full]:
    """The entries of a block. Raises BlockError."""
    try:
        first, count = block["first"], block["last"] - block["first"] + 1
        places = orjson.loads(_widened(block["places"]))
        names = places["producers"]
        columns = (_sums(places["received"]), places["producer"], places["epoch"], _sums(places["sequence"]))
        hashes, seals = _split(block["hashes"], count), _split(block["seals"], count)
        contents = [None] * count if block["content"] is None else _contents(block["content"], count)
        return [
            Full(first + at, received, names[number], epoch, sequence, contents[at], hashes[at], seals[at])
            for at, (received, number, epoch, sequence) in enumerate(zip(*columns, strict=True))
        ]
    except (zstandard.ZstdError, ValueError, TypeError, LookupError, struct.error, MemoryError) as error:
        raise BlockError(f"the block of {block['first']} to {block['last']} cannot be unpacked ({type(error).__name__})") from error


def ends_of(block: Mapping[str, Any]) -> dict[str, tuple[int, int, bytes]]:
    """Of each producer in a block its last event: epoch, number, hash. Reads no content. Raises BlockError."""
    try:
        count = block["last"] - block["first"] + 1
        places = orjson.loads(_widened(block["places"]))
        hashes, sequences = _split(block["hashes"], count), _sums(places["sequence"])
        last = {number: at for at, number in enumerate(places["producer"])}
        return {places["producers"][number]: (places["epoch"][at], sequences[at], hashes[at]) for number, at in last.items()}
    except (zstandard.ZstdError, ValueError, TypeError, LookupError, MemoryError) as error:
        raise BlockError(f"the block of {block['first']} to {block['last']} cannot be unpacked ({type(error).__name__})") from error


def _contents(packed: bytes, count: int) -> list[bytes | None]:
    data = _widened(packed)
    at = 4 * count
    found: list[bytes | None] = []
    for length in struct.unpack_from(f"<{count}I", data):
        found.append(data[at : at + length] or None)
        at += length
    if at != len(data):
        raise ValueError("lengths and bytes do not agree")
    return found


def _widened(packed: bytes) -> bytes:
    if not 0 <= zstandard.frame_content_size(packed) <= _MAX_BYTES:
        raise ValueError("no size of ours")
    return zstandard.ZstdDecompressor().decompress(packed)


def _split(data: bytes, count: int) -> list[bytes]:
    if len(data) != count * HASH_BYTES:
        raise ValueError("not as many hashes as entries")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _steps(numbers: Sequence[int]) -> list[int]:
    return [number - before for before, number in zip((0, *numbers), numbers, strict=False)]


def _sums(steps: Sequence[int]) -> list[int]:
    total, found = 0, []
    for step in steps:
        total += step
        found.append(total)
    return found
