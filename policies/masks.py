"""How a field is masked: the kinds of masks, which of two tells less, what goes out instead of a value, and how a mask is known again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MaskKind(StrEnum):
    """How a field is masked."""

    HIDE = "hide"
    """A constant text: neither the value, nor its length, nor whether there is one can be seen."""
    NULL = "null"
    """The field reads as empty: for fields whose type allows no text."""
    LAST = "last"
    """Only the last `size` letters or digits stay."""
    HASH = "hash"
    """A keyed hash: equal values are equal for everybody."""
    PSEUDONYM = "pseudonym"
    """A keyed hash that is stable for one reader: two readers cannot compare what they see."""
    ROUND = "round"
    """A number rounded to a multiple of `size`."""
    DATE = "date"
    """A date cut to its month or year (`unit`)."""


@dataclass(frozen=True, slots=True)
class Mask:
    """A kind with its measure."""

    kind: MaskKind
    size: int = 0
    """LAST: letters and digits that stay. ROUND: the step."""
    unit: str = ""
    """DATE: `month` or `year`."""


HIDE, NULL = Mask(MaskKind.HIDE), Mask(MaskKind.NULL)

HIDDEN = "•••"
"""Stands for every hidden value, whatever it is and whether there is one: neither value nor length nor presence can be read from it."""

CONTACT_GROUP = "contact"
"""Name of the field group that masks every field that carries a contact value."""

_BULLET = "•"


def masked(mask: Mask) -> str | None:
    """What goes out instead of a value."""
    match mask.kind:
        case MaskKind.NULL:
            return None
        case _:
            return HIDDEN


def is_mask(value: object) -> bool:
    """Whether a written value is a mask that came back: such a value is never stored.

    Any text that holds our bullet three times in a row counts, blanks and additions around it included (a form that appended to a mask
    would otherwise store it). None counts not: emptying a field is an ordinary act, and NULL masks are for fields that nobody writes.
    """
    return isinstance(value, str) and _BULLET * 3 in value


def strictest(one: Mask | None, other: Mask) -> Mask:
    """Of two masks for one field the one that tells less; of two that tell different things neither: the field is hidden.

    NULL says not even that something is hidden.
    """
    if one is None or one == other:
        return other
    if NULL in (one, other):
        return NULL
    return HIDE
