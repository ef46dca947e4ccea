"""The words of the pages: gettext catalogues compiled in memory, numbers and dates as people write them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from policies.reasons import grouped

LANGUAGES = ("de", "en")
_LOCALE = Path(__file__).parent / "locale"


def catalog(language: str) -> Catalog:
    """The catalogue as it stands in `locale/`. Raises OSError, PoFileError."""
    with (_LOCALE / language / "LC_MESSAGES" / "torwart.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@cache
def _translations(language: str) -> GNUTranslations:
    compiled = io.BytesIO()
    write_mo(compiled, catalog(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@dataclass(frozen=True, slots=True)
class Speech:
    """One language: its words, numbers and times."""

    language: str

    def say(self, text: str, **values: object) -> str:
        """The text in this language, with `%(name)s` filled. Plain text: templates escape it."""
        said = _translations(self.language).gettext(text)
        return said % values if values else said

    def say_many(self, one: str, many: str, number: int, **values: object) -> str:
        """The text in the form that goes with `number`; `%(number)s` is the number as people write it."""
        return self.form(one, many, number) % {"number": self.number(number), **values}

    def form(self, one: str, many: str, number: int) -> str:
        """The form that goes with `number`, its places not filled yet."""
        return _translations(self.language).ngettext(one, many, number)

    def number(self, number: int) -> str:
        """`3.000` in German, `3,000` in English."""
        return grouped(number, self.language)

    def day(self, at: datetime) -> str:
        """`12.05.2026` in German, `12 May 2026` in English."""
        local = at.astimezone()
        return local.strftime("%d.%m.%Y") if self.language == "de" else f"{local.day} {_MONTHS[local.month - 1]} {local.year}"

    def clock(self, at: datetime) -> str:
        """`14:05`."""
        return at.astimezone().strftime("%H:%M")

    def moment(self, at: datetime) -> str:
        """Day and time of day."""
        return f"{self.day(at)} {self.clock(at)}"

    def listed(self, words: Sequence[str]) -> str:
        """`a, b und c`."""
        if len(words) < 2:
            return "".join(words)
        return f"{', '.join(words[:-1])} {self.say('and')} {words[-1]}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@cache
def speech(language: str) -> Speech:
    """The words of a language; English for one that has no catalogue."""
    return Speech(language if language in LANGUAGES else "en")


def preferred(header: str | None, otherwise: str) -> str:
    """The first language of an `Accept-Language` header (RFC 9110, section 12.5.4) that has a catalogue, by weight."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate((header or "")[:400].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES:
            try:
                ranked.append((-float(weight or 1), place, language))
            except ValueError:
                continue
    return min(ranked)[2] if ranked else otherwise
