"""The texts that stand in for masked values, and how they are known again when a form brings them back."""

from __future__ import annotations

from policies.decision import MaskKind

HIDDEN = "•••"
"""Stands for every hidden value, whatever it is and whether there is one: neither value nor length nor presence can be read from it."""

CONTACT_GROUP = "contact"
"""Name of the field group that masks every field that carries a contact value."""

_BULLET = "•"


def masked(kind: MaskKind) -> str | None:
    """What goes out instead of a value."""
    match kind:
        case MaskKind.HIDE:
            return HIDDEN
        case MaskKind.NULL:
            return None


def is_mask(value: object) -> bool:
    """Whether a written value is a mask that came back: such a value is never stored.

    Any text that holds our bullet three times in a row counts, blanks and additions around it included (a form that appended to a mask
    would otherwise store it). None counts not: emptying a field is an ordinary act, and NULL masks are for fields that nobody writes.
    """
    return isinstance(value, str) and _BULLET * 3 in value


def strictest(one: MaskKind | None, other: MaskKind) -> MaskKind:
    """Of two masks for one field the one that tells less: NULL says not even that something is hidden."""
    return MaskKind.NULL if MaskKind.NULL in (one, other) else other
