"""Bytes in hexadecimal within text: in one run, wrapped, with blanks, colons, commas or dashes between them, with `0x` or `\\x` before."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import re2

from detectors import bits
from detectors.bits import Bits, Places
from detectors.formats import Decoder, Layer
from detectors.glance import BLOCK, Glance, among, is_full
from detectors.meaning import LONG, means_something
from detectors.text import Text

_RUN = re2.compile(
    rb"(?i)(?:[0-9a-f]{2}){9,}(?:\r?\n(?:[0-9a-f]{2})+)*"
    rb"|\b[0-9a-f]{2}(?:(?:, |[ :,;-]|\r?\n)[0-9a-f]{2}){8,}\b"
    rb"|(?:(?:\\x|0x)[0-9a-f]{2}(?:, |[ ,;])?(?:\r?\n)?){9,}"
)
_PREFIX = re.compile(rb"(?i)\\x|0x")
_BETWEEN = b" :,;-\r"
_LONG = 128


def decode(text: Text) -> Iterator[str | bytes]:
    """The long runs one by one, the short ones together."""
    short: list[bytes] = []
    for match in _runs(text):
        run = match.group()
        if run.isdigit() and len(run) < 24:
            continue
        if b"x" in run or b"X" in run:
            run = _PREFIX.sub(b"", run)
        lines = [line.translate(None, _BETWEEN) for line in run.split(b"\n")]
        for digits in [b"".join(lines), *(lines if len(lines) > 1 else ())]:
            found = bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
            if not (means_something(found) or (len(found) >= LONG and not digits.isdigit())):
                continue
            if len(digits) < _LONG:
                short.append(found)
            else:
                yield found
    if short:
        yield b"\n".join(short)


def _runs(text: Text) -> Iterator[re.Match[bytes]]:
    """What `_RUN` finds in the text, read only where a glance shows that it can be."""
    slices = _slices(text.glance)
    for one in slices if slices is not None else [slice(None)]:
        yield from _RUN.finditer(text.encoded[one])


def _slices(glance: Glance) -> list[slice] | None:
    """Around all blocks that pairs of digits can fill, a block on either side, in which a run begins and ends; None: anywhere."""
    if glance.dense or _prefixed(glance):
        return None
    blocks = _long(glance.low, bits.full(glance.low), _SHORTEST)
    if len(blocks) > _MANY:
        return None
    rows = glance.rows(blocks)
    digits = np.bitwise_count(_IS_DIGIT.take(rows).view(np.uint64))[:, 0]
    blocks = blocks[is_full(_IN_RUN.take(rows)) & (digits >= BLOCK // 2)]
    in_run = _IN_RUN.take(glance.around(blocks * BLOCK, _SHORTEST, _SHORTEST))
    in_run[:, 0] = in_run[:, -1] = False
    blocks = blocks[np.argmin(in_run[:, _SHORTEST::-1], axis=1) + np.argmin(in_run[:, _SHORTEST:], axis=1) > _SHORTEST]
    apart = np.flatnonzero(np.diff(blocks) > 2)
    first, last = np.concatenate((blocks[:1], blocks[apart + 1])), np.concatenate((blocks[apart], blocks[-1:]))
    return [slice(max(one - 1, 0) * BLOCK, (other + 2) * BLOCK) for one, other in zip(first.tolist(), last.tolist(), strict=True)]


def _long(low: Bits, blocks: Places, shortest: int) -> Places:
    """The blocks around which so many bytes are low; and those at the beginning."""
    edge = int(np.searchsorted(blocks, bits.BEFORE // BLOCK))
    before, behind = bits.around(low, blocks[edge:] * BLOCK)
    return np.concatenate((blocks[:edge], blocks[edge:][before + behind >= shortest]))


def _prefixed(glance: Glance) -> bool:
    """Whether a digit can have `0x` or `\\x` before it."""
    digits = glance.mixed_digits
    behind = glance.array.take(digits + 1, mode="clip") | 0x20
    zeros = (glance.array.take(digits) == ord("0")) & (behind == ord("x"))
    return bool(zeros.any()) or (b"\\" in glance.data and _BACKSLASH.search(glance.data) is not None)


_BACKSLASH = re2.compile(rb"\\[xX]")
_IS_DIGIT, _IN_RUN = among(b"0123456789abcdefABCDEF"), among(b"0123456789abcdefABCDEF ,:;-\r\n")
_SHORTEST = 18
"""Bytes of a run: nine pairs."""
_MANY = 4_096
"""Blocks from which on looking around each costs more than reading the text."""

DECODER = Decoder("hexadecimal", Layer.DECODED, decode)
