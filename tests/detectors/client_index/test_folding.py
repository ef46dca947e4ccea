"""Folding: whatever the road through it, a text has one visible form."""

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from detectors.client_index.folding import name_words, visible

_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_DOTS = "\u00b7\u2022\u2027\u30fb"
TRICKY = st.sampled_from(
    "\u0301\u0308\u200b\u00ad\u0660\uff11\U0001d7d8\u2010\u2022\u00b7\u00a0\u0410\u1100\u1161\u20ac\ufb01\u2026\u2122²³\U000e0020"
)


def plainly(text: str) -> str:
    """The definition, character by character."""
    out = []
    for character in unicodedata.normalize("NFKC", text):
        category = unicodedata.category(character)
        if character in _HYPHENS or character in _DOTS:
            out.append("-" if character in _HYPHENS else ".")
        elif category == "Nd":
            out.append(str(unicodedata.digit(character)))
        elif category not in ("Cf", "Mn", "Me") or ord(character) <= 0x7F:
            out.append(character)
    return "".join(out)


def test_every_character_that_there_is_folds_as_it_is_defined() -> None:
    every = (chr(code) for code in range(0x100, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)
    assert [hex(ord(one)) for one in every if visible(one) != plainly(one)] == []


@given(st.text(st.one_of(TRICKY, st.characters(codec="utf-8"), st.sampled_from("ab09 .@-"))))
def test_any_text_folds_as_it_is_defined(text: str) -> None:
    beyond = text + "\u20ac"
    assert visible(beyond) == plainly(beyond)


def test_umlauts_accents_and_legal_forms_make_no_other_name() -> None:
    assert name_words("Müller & Söhne GmbH") == name_words("MUELLER Soehne") == name_words("Sohne, Muller")
