"""How a field is masked: the kinds of masks, which of two tells less, what goes out instead of a value, and how a mask is known again."""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import partial
from hashlib import blake2b


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
"""Stands for every hidden value, whatever it is and whether there is one: neither value nor length nor presence can be read from it.

Every other mask that goes out as text begins with it, so that it is known when it comes back."""

CONTACT_GROUP = "contact"
"""Name of the field group that masks every field that carries a contact value."""

_BULLET = "•"
_ABOUT = "≈"
_REST = 2
"""LAST keeps its letters only where more than so many others go: of a short value they would be nearly all of it."""
_HASH_BYTES = 5
"""40 bits, eight letters: among 100,000 different values two look alike with a chance of 1 in 220."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_MAX_DIGITS = 20
"""A number with more of them before its point is no amount of anything, and rounding it would cost time."""
_ISO_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9]{2}:[0-9]{2}[0-9:.,]*(?:Z|[+-][0-9:]{2,6})?)?")


@dataclass(frozen=True, slots=True)
class Telling:
    """What one kind does and gives away: the table of the reference."""

    written: str
    """As it stands in a file of rules."""
    meaning: str
    tells: str
    """What somebody who sees only masks still learns."""
    fields: str
    """The types of fields that it fits; a field of any other type, a relation too, reads as empty."""


TELLING: Mapping[MaskKind, Telling] = {
    MaskKind.HIDE: Telling("hide", f"The text `{HIDDEN}`.", "Nothing, not even whether there is a value.", "text"),
    MaskKind.NULL: Telling("null", "The field reads as empty.", "Nothing, not even that it is masked.", "every type"),
    MaskKind.LAST: Telling(
        "{last: 3}",
        f"`{HIDDEN}` and the last letters and digits, for example `{HIDDEN}123`. A value with up to two more than those is hidden whole.",
        "Those letters, and that the value is longer than they are. Neither its length nor, where it is short, whether there is one.",
        "text",
    ),
    MaskKind.HASH: Telling(
        "hash",
        f"`{HIDDEN}` and eight letters, for example `{HIDDEN}K7QF2MZA`.",
        "Which values are equal, to every reader alike, and whether there is one. Whoever may write the field and sees its hash can try "
        "out guesses.",
        "text",
    ),
    MaskKind.PSEUDONYM: Telling(
        "pseudonym",
        "As hash, with other letters for each reader.",
        "Which values are equal, to one reader, and whether there is one. Two readers cannot put together what they see.",
        "text",
    ),
    MaskKind.ROUND: Telling(
        "{round: 1000}",
        f"The nearest multiple of the step; of a number that stands in a text `{HIDDEN}{_ABOUT}1000`.",
        "The value up to half a step, its sign, and whether there is one.",
        "numbers, and text that is one; any other text is hidden",
    ),
    MaskKind.DATE: Telling(
        "{date: month}",
        f"The first day of the month or of the year, without a time; of a date that stands in a text `{HIDDEN}2026-05`.",
        "The month or the year, and whether there is one.",
        "dates and times, and text that begins with YYYY-MM-DD; any other text is hidden",
    ),
}
"""Kind -> what it does and gives away."""


def apply(mask: Mask, value: object, *, key: bytes, reader: str) -> object:
    """What goes out instead of a value: None for NULL, a number or date where the kind keeps the type, else a text that begins with HIDDEN.

    `key` is a secret of the installation of at most 64 bytes, `reader` the id of the person who reads. Text, bool, int, float, Decimal,
    date, datetime and None are values; whatever a kind cannot work with is hidden. Never raises for a value.
    """
    match mask.kind:
        case MaskKind.HIDE:
            return HIDDEN
        case MaskKind.NULL:
            return None
        case MaskKind.LAST:
            return _last(_text(value), mask.size)
        case MaskKind.HASH:
            return _hashed(_text(value), key, b"torwart-mask-all", "")
        case MaskKind.PSEUDONYM:
            return _hashed(_text(value), key, b"torwart-mask-one", reader)
        case MaskKind.ROUND:
            return _rounded(value, mask.size)
        case MaskKind.DATE:
            return _cut(value, mask.unit)


type Masking = Callable[[Mask, object], object]
"""`apply` for one reader, with the installation's key."""


def masking(key: bytes, reader: str) -> Masking:
    """The masks of one reader."""
    return partial(apply, key=key, reader=reader)


def conceal(mask: Mask, value: object) -> str | None:
    """The `Masking` of nobody: without a key every kind hides."""
    return None if mask.kind is MaskKind.NULL else HIDDEN


def is_mask(value: object) -> bool:
    """Whether a written value is a mask that came back: such a value is never stored.

    Any text that holds our bullet three times in a row counts, blanks and additions around it included (a form that appended to a mask
    would otherwise store it). None, numbers and dates count not, for nobody can tell them from a value: `policies.hidden.blind_writes`
    says which fields must not be written for that reason.
    """
    return isinstance(value, str) and _BULLET * 3 in value


KNOWN_AGAIN = frozenset({MaskKind.HIDE, MaskKind.LAST, MaskKind.HASH, MaskKind.PSEUDONYM})
"""Kinds that always go out as text, if the field can hold one: `is_mask` knows them when they come back."""


def strictest(one: Mask | None, other: Mask) -> Mask:
    """Of two masks for one field the one that tells less; of two that tell different things neither: the field is hidden.

    NULL says not even that something is hidden. Of one kind: fewer letters, the larger step, the year.
    """
    if one is None or one == other:
        return other
    if MaskKind.NULL in (one.kind, other.kind):
        return NULL
    if one.kind is not other.kind:
        return HIDE
    match one.kind:
        case MaskKind.LAST:
            return min(one, other, key=lambda mask: mask.size)
        case MaskKind.ROUND:
            return max(one, other, key=lambda mask: mask.size)
        case MaskKind.DATE:
            return one if one.unit == "year" else other
        case _:
            return HIDE


def covers(masked: str, path: str) -> bool:
    """Whether a mask on the field of this name covers a dotted path: the field itself, what is reached through it, and any path that ends
    in it. Suffixes (`name:lang=de`) and case make no difference. The group `contact` is none of its business."""
    return masked in [part.partition(":")[0] for part in path.casefold().split(".")]


def _text(value: object) -> str:
    """One spelling for equal values; empty for what is none."""
    match value:
        case str():
            return value
        case bool() | date():
            return str(value)
        case int():
            return str(value) if abs(value) < 10**_MAX_DIGITS else ""
        case float() | Decimal():
            number = Decimal(str(value)) if isinstance(value, float) else value
            if number.is_finite() and abs(number.adjusted()) <= _MAX_DIGITS:
                return f"{number.normalize() + 0:f}"
    return ""


def _last(text: str, size: int) -> str:
    kept = [letter for letter in text if letter.isalnum()]
    return HIDDEN + "".join(kept[-size:]) if len(kept) > size + _REST else HIDDEN


def _hashed(text: str, key: bytes, use: bytes, reader: str) -> str:
    if not text:
        return HIDDEN
    whose = reader.encode("utf-8", "surrogatepass")
    said = len(whose).to_bytes(4) + whose + text.encode("utf-8", "surrogatepass")
    digest = blake2b(said, key=key, person=use, digest_size=_HASH_BYTES)
    return HIDDEN + b32encode(digest.digest()).decode("ascii")


def _rounded(value: object, step: int) -> object:
    match value:
        case bool():
            return HIDDEN
        case int():
            near = (abs(value) + step // 2) // step * step
            return near if value >= 0 else -near
        case float() | Decimal():
            number = Decimal(value) if isinstance(value, float) else value
            near_by = _near(number, step)
            return HIDDEN if near_by is None else float(near_by) if isinstance(value, float) else near_by
        case str() if _NUMBER.fullmatch(value):
            return f"{HIDDEN}{_ABOUT}{_near(Decimal(value), step)}"
    return HIDDEN


def _near(number: Decimal, step: int) -> Decimal | None:
    if not number.is_finite() or number.adjusted() >= _MAX_DIGITS:
        return None
    return (number / step).quantize(Decimal(1), ROUND_HALF_UP) * step + 0  # `+ 0`: a zero has no sign


def _cut(value: object, unit: str) -> object:
    match value:
        case datetime():
            first = value.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
            return first.replace(month=1) if unit == "year" else first
        case date():
            return value.replace(month=1, day=1) if unit == "year" else value.replace(day=1)
        case str() if found := _ISO_DATE.fullmatch(value):
            try:
                day = date.fromisoformat(found[1])
            except ValueError:
                return HIDDEN
            return HIDDEN + day.isoformat()[: 4 if unit == "year" else 7]
    return HIDDEN
