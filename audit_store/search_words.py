"""Free text as words, the same in the question and in the event: neither SQLite's tokenizer nor Elasticsearch's analyser has a say in it.

A word is a run of letters and digits of any script. Capitals, ligatures, full-width letters and accents that are written as two characters
make no difference (compatibility composition and full case folding of the Unicode Standard, sections 3.11 and 3.13: `STRASSE` is `Straße`);
`ё` is written as `е` by most people and is the same here. Everything else separates: `party.party_read` is three words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import normalize

LETTERS_MAX = 64
"""Of a word; what is longer is found by its first so many. The longest of ours is a SHA-256 in hexadecimal."""
_WORD = re.compile(r"[^\W_]+")
_KEPT_MAX = 500
"""Characters of a text whose words are kept for the next time; longer than any that the builders of events write."""


def words_of(text: str) -> tuple[str, ...]:
    """The words, each once, in their order."""
    return _kept(text) if len(text) <= _KEPT_MAX else _split(text)


def _split(text: str) -> tuple[str, ...]:
    folded = normalize("NFKC", normalize("NFKC", text).casefold())
    return tuple(dict.fromkeys(word[:LETTERS_MAX] for word in _WORD.findall(normalize("NFKC", folded.casefold()).replace("ё", "е"))))


_kept = lru_cache(maxsize=8192)(_split)
