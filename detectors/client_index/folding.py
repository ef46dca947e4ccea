"""One spelling for what reads the same: width, invisible characters, other scripts' digits, look-alike letters, accents."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Final

_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_DOTS = "\u00b7\u2022\u2027\u30fb"


def _by_category() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {"Cf": [], "Mn": [], "Me": [], "Nd": []}
    for code, category in enumerate(map(unicodedata.category, map(chr, range(sys.maxunicode + 1)))):
        if category in found and code > 0x7F:
            found[category].append(code)
    return found


def _class(codes: list[int]) -> str:
    """A character class of ranges, for the pattern is compiled at every start."""
    parts, codes = [], sorted(codes)
    start = last = codes[0]
    for code in [*codes[1:], sys.maxunicode + 2]:
        if code != last + 1:
            parts.append(f"\\U{start:08x}-\\U{last:08x}")
            start = code
        last = code
    return "".join(parts)


_CODES = _by_category()
_INSTEAD: Final = {
    **dict.fromkeys((*_CODES["Cf"], *_CODES["Mn"], *_CODES["Me"]), ""),
    **dict.fromkeys(map(ord, _HYPHENS), "-"),
    **dict.fromkeys(map(ord, _DOTS), "."),
    **{code: str(unicodedata.digit(chr(code))) for code in _CODES["Nd"]},
}
"""What stands for a character: nothing for zero-width characters, soft hyphens, direction marks, and marks upon a character that stayed
apart from it after NFKC; and the ASCII one for hyphens, dots and digits."""
_TO_FOLD = re.compile(f"[{_class([code for code in _INSTEAD if code <= 0xFFFF])}]")
_TO_FOLD_BEYOND = re.compile(f"[{_class([code for code in _INSTEAD if code > 0xFFFF])}]")
"""The same beyond the Basic Multilingual Plane, apart: a class that reaches there is looked up range by range, twenty times slower."""
_USUAL: Final = tuple(zip("\xa0\u2026\u202f\u2009\u2122²³", (" ", "...", " ", " ", "TM", "2", "3"), strict=True))
"""Characters that NFKC takes apart and that stand in ordinary texts. Without them a text is normalised already, which is seen at once;
normalising it would cost four times as much as everything else."""
_LATIN1 = bytes.maketrans("\xa0\xb7¹²³ªº".encode("latin-1"), b" .123ao")

_LOOKALIKES = str.maketrans(
    "авеёкмнорстухіїјѕԁһԛԝгпьαβεικνορτυχγηωϲ",
    "abeekmhopctyxiijsdhqwrnbabeiknoptuxynwc",
)
"""Cyrillic and Greek small letters that look like a Latin one (Unicode TS 39, confusables), where no other letter is as near."""
_LEGAL_FORMS: Final = frozenset(
    re.findall(
        r"\w+",
        "ab ag aps as bv co cokg corp eg ev gbr ggmbh gmbh inc kg kgaa limited llc llp ltd mbh nv oe og ohg oy plc sa sarl sas se sl spa "
        "srl",
    )
)
"""Words that a firm's name is often written without."""
_WORD = re.compile(r"[^\W\d_]+")
MOST_WORDS = 7
"""Words of a name that count; more do not fit beside its hash."""


def visible(text: str) -> str:
    """The text with one code point for each thing seen: NFKC, no invisible characters, ASCII digits, hyphens and dots."""
    if text.isascii():
        return text
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        pass
    else:
        return raw.translate(_LATIN1, b"\xad").decode("latin-1")
    for usual, instead in _USUAL:
        if usual in text:
            text = text.replace(usual, instead)
    text = _TO_FOLD.sub(_instead, unicodedata.normalize("NFKC", text))
    return text if _is_basic(text) else _TO_FOLD_BEYOND.sub(_instead, text)


def _instead(found: re.Match[str]) -> str:
    return _INSTEAD[ord(found[0])]


def _is_basic(text: str) -> bool:
    """Whether all of it lies in the Basic Multilingual Plane: then each character is one unit of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text)


def plain_letters(text: str) -> str:
    """Small letters without accents, `ß` as `ss`."""
    text = text.casefold()
    return text if text.isascii() else "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def address(local: str, domain: str) -> str | None:
    """The canonical form of an e-mail address of which both parts are `visible`; None for a domain without a dot."""
    both = f"{local}@{domain}"
    if both.isascii() and "xn--" not in (both := both.lower()) and "mail.com" not in both:
        return both if "." in domain and local else None  # the usual case
    domain = _letters(domain).strip(".")
    if "xn--" in domain:
        domain = _letters(".".join(map(_decoded, domain.split("."))))
    if "." not in domain:
        return None
    local = _letters(local)
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.partition("+")[0].replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if local else None


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name, sorted: without accents, umlauts and their two-letter forms alike, legal forms left out; at most 7."""
    words = [folded for word in _WORD.findall(visible(name)) if (folded := name_word(word)) is not None]
    return tuple(sorted(words[:MOST_WORDS]))


def name_word(word: str) -> str | None:
    """One word as it counts in a name; None for a legal form or a single letter."""
    folded = plain_letters(word)
    if len(folded) < 2 or folded in _LEGAL_FORMS:
        return None
    # Müller, Mueller and Muller: the e after a, o and u is left out everywhere, on both sides.
    return folded.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def _letters(text: str) -> str:
    text = text.lower()
    return text if text.isascii() else plain_letters(text).translate(_LOOKALIKES)


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label
