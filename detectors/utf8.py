"""Which letters beyond ASCII stand in UTF-8, and whether it is any: told from all bytes at once, and letter by letter for the rare ones."""

from __future__ import annotations

import numpy as np

from detectors import bits
from detectors.bits import Bytes, Places

WESTERN = frozenset(map(chr, range(0xC0, 0x100)))
"""Letters of western languages with umlauts and accents, all that begin with the byte 0xC3: in a German text nine of ten beyond ASCII."""
_WESTERN_LEAD = 0xC3
_LEADS, _LEADS_OF_THREE, _LEADS_OF_FOUR = 0xC0, 0xE0, 0xF0
"""Bytes from which on a letter of two, three, four bytes begins (RFC 3629); below lie those that go on with one, from 0x80."""
_OWN = np.repeat(np.array([0xFFFF, 0xFFFFFF, 0xFFFFFFFF], np.uint32), [_LEADS_OF_THREE, 16, 16])
"""Which of four bytes belong to a letter, by the first of them, which is the lowest."""
_CUT = (_LEADS, _LEADS_OF_THREE, _LEADS_OF_FOUR)
"""Of the last byte, the one before it and the one before that: from which on a letter begins there that has not its end."""
_FACTS = (lambda piece: piece >= _LEADS, lambda piece: piece == _WESTERN_LEAD, lambda piece: piece.view(np.int8) < _LEADS - 0x100)
"""Bytes with which a letter begins, those of western ones among them, and bytes that go on with one."""
_STEP = 4 << 20
"""Bytes that are read together: what is no UTF-8 mostly shows within them."""
_MOST = 64
"""Different letters that are counted beside the western ones: German, French and Polish texts with their quotes and dashes have 40."""
_FEW, _SMALL = 8, 1 << 15
"""One letter on so many bytes of a text that is not small may be a rare one; where more are, reading it as a whole is cheaper."""


def beyond_ascii(content: bytes) -> frozenset[str] | None:
    """The different letters beyond ASCII, `WESTERN` as a whole where it has one of them; None where they are many or the bytes no UTF-8."""
    if content.isascii():
        return frozenset()
    data = np.frombuffer(content, np.uint8)
    any_western, rare = False, set[str]()
    begin = 0
    while begin < len(content):
        end = begin + _STEP
        for _ in range(3):  # no letter is cut
            end -= end < len(content) and content[end] & 0xC0 == 0x80
        piece = data[begin:end]
        if any(piece[-behind] >= least for behind, least in enumerate(_CUT, 1) if behind <= len(piece)):
            return None
        leads, western, follows = bits.marked(piece, _FACTS)
        others = leads ^ western
        if bits.count(others) * _FEW > len(piece) + _SMALL:
            return None
        # All are whole: none is cut at the end, the rare ones are read below, and a western one is followed by a byte of those that go on.
        # Then each has its own, and there are strays among those bytes where they are more than all letters need.
        at = bits.places(others)
        kinds = piece.take(at)
        due = bits.count(leads) + int(np.count_nonzero(kinds >= _LEADS_OF_THREE)) + int(np.count_nonzero(kinds >= _LEADS_OF_FOUR))
        if bits.count(follows) != due or bool(np.any(bits.after(western) & ~follows)):
            return None
        any_western |= bool(np.any(western))
        try:
            rare.update(_different(piece, at, kinds))
        except UnicodeDecodeError:
            return None
        if len(rare) > _MOST:
            return None
        begin = end
    return WESTERN.union(rare) if any_western else frozenset(rare)


def _different(piece: Bytes, at: Places, first: Bytes) -> str:
    """The letters that begin at these places with these bytes, each once. Raises UnicodeDecodeError for what is none."""
    letters = first.astype(np.uint32)
    for number in range(1, 4):
        letters |= piece.take(at + number, mode="clip").astype(np.uint32) << np.uint32(8 * number)
    letters &= _OWN.take(first)
    letters.sort()
    last = np.ones(len(letters), np.bool_)
    np.not_equal(letters[1:], letters[:-1], out=last[:-1])
    return letters[last].astype("<u4").tobytes().replace(b"\0", b"").decode("utf-8")
