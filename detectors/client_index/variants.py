"""All spellings under which a value is indexed, so that a scan hashes each candidate once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from detectors.client_index.candidates import SHORTEST, addresses
from detectors.client_index.folding import name_words, visible
from detectors.client_index.hashes import MOST_DIGITS
from detectors.client_index.identifier import Identifier, Kind
from detectors.client_index.officials import is_official

SHORTEST_AT_HOME = 4
"""Digits of the shortest valid number of the firm's own regions: people there write it as they dial it (Andorra has 6 digits, Niue 4)."""
MOST_CHARACTERS = 500
"""Of a value: whoever may write to the CRM must not make us work for a novel (attacks X13)."""
_BETWEEN = re.compile(r"[/,;|\n]|\b(?:oder|or|und|and)\b")
_OFFICIAL_SUFFIXES = ("MWST", "TVA", "IVA")
"""Words that belong to Swiss VAT numbers but are often left out (MWSTG, article 66)."""


@dataclass(slots=True)
class Spellings:
    """What is hashed of one value."""

    kind: Kind
    numbers: set[str] = field(default_factory=set)
    """Digits."""
    texts: set[str] = field(default_factory=set)
    """Canonical e-mail addresses or official numbers."""
    words: tuple[str, ...] = ()
    """Of a name."""


def spellings(identifier: Identifier, regions: Sequence[str]) -> Spellings:
    """Spellings of one value; `regions` are those of which the firm's numbers are dialled without a country code (ISO 3166-1), the first
    one first. A value in which nothing is recognised has none.
    """
    found = Spellings(identifier.kind)
    text = visible(identifier.value[:MOST_CHARACTERS])
    match identifier.kind:
        case Kind.PHONE:
            found.numbers = phone(text, regions)
        case Kind.EMAIL:
            found.texts = set(addresses(text))
        case Kind.TAX:
            official = "".join(c for c in text.upper() if c.isascii() and c.isalnum())
            for value in {official, *(official.removesuffix(word) for word in _OFFICIAL_SUFFIXES)}:
                if is_official(value):
                    found.texts.add(value)
                elif value.isdigit() and SHORTEST <= len(value) <= MOST_DIGITS:
                    found.numbers.add(value)
        case Kind.NAME:
            found.words = name_words(text)
    return found


def phone(text: str, regions: Sequence[str]) -> set[str]:
    """The digits of every usual spelling of the phone numbers in a field: as written, international without its sign, as dialled in its own
    country, and without the leading zero that spreadsheets drop.
    """
    found: set[str] = set()
    for one in _apart(text):
        digits = _digits(one)
        if SHORTEST <= len(digits) <= MOST_DIGITS:
            found.add(digits.removeprefix("00"))
        for region in regions:
            try:
                found |= _of(phonenumbers.parse(one, region), regions)
            except NumberParseException:
                continue
            if one.lstrip("( ").startswith(("+", "00")):
                break  # it names its country itself
    return {value for value in found if SHORTEST_AT_HOME <= len(value) <= MOST_DIGITS}


def _apart(text: str) -> Iterator[str]:
    """The field as a whole, and the numbers in it where people write several: `089 123456 / 7`, `0151 1234567, 089 123456`."""
    yield text
    parts = _BETWEEN.split(text)
    for place, part in enumerate(parts[1:], 1):
        before = "/".join(parts[:place])
        if len(_digits(before)) >= SHORTEST:
            yield before
        if len(_digits(part)) > SHORTEST and part.lstrip("( ").startswith(("+", "0")):
            yield part


def _of(parsed: PhoneNumber, regions: Sequence[str]) -> set[str]:
    bare = PhoneNumber(
        country_code=parsed.country_code,
        national_number=parsed.national_number,
        italian_leading_zero=parsed.italian_leading_zero,
        number_of_leading_zeros=parsed.number_of_leading_zeros,
    )  # without an extension, which is written behind the number in too many ways
    code = str(bare.country_code)
    dialled = _digits(phonenumbers.format_number(bare, PhoneNumberFormat.NATIONAL))
    significant = phonenumbers.national_significant_number(bare)
    plain = significant.lstrip("0")  # where the library left the trunk prefix in a number that it does not know
    own = phonenumbers.region_codes_for_country_code(bare.country_code or 0)
    prefix = (phonenumbers.ndd_prefix_for_region(own[0], True) if own else None) or ""
    short = not set(regions).isdisjoint(own) and phonenumbers.is_valid_number(bare)
    shortest = SHORTEST_AT_HOME if short else SHORTEST
    local = {value for value in (dialled, significant, plain, prefix + plain) if len(value) >= shortest}
    return local | {value for value in (code + significant, code + plain) if len(value) >= SHORTEST}


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())
