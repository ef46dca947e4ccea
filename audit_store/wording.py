"""What may stand in an event as a word: names of ours as they are, free texts bounded, everything else left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from audit_store.client_sets import encode_ids
from policies.request import ClientId

TEXT_MAX = 400
"""Characters of a free text (a route, a word of a reason); the rest is replaced by its length."""
VALUES_MAX = 40
"""Numbers and words of one reason."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,119}")
_SURROGATE = re.compile("[\ud800-\udfff]")
UNREADABLE = "(unreadable)"
"""Stands for what was left out."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def split(values: Mapping[str, int | str]) -> dict[str, Any]:
    """Numbers and words apart, so that no member is a number in one event and a word in the next."""
    numbers: dict[str, int] = {}
    words: dict[str, str] = {}
    for key, value in list(values.items())[:VALUES_MAX]:
        if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
            numbers[name(key)] = int(value)
        else:
            words[name(key)] = short(str(value))
    return ({"numbers": numbers} if numbers else {}) | ({"words": words} if words else {})


def name(text: str) -> str:
    """A name of ours (a field, a model, a code); what has not the shape of one could be a value and is left out."""
    return text if _NAME.fullmatch(text) else UNREADABLE


@lru_cache(maxsize=2048)
def names(found: frozenset[str]) -> tuple[str, ...]:
    """The names in order, each once."""
    return tuple(sorted({name(one) for one in found}))


def ids_text(ids: Collection[ClientId]) -> str:
    """The set of clients as text. What has not the shape of an id is counted, never stored: it could be a value."""
    text = encode_ids(ids)
    return encode_ids(filter(_ID.fullmatch, ids)) if text.startswith("t") else text


def short(text: str) -> str:
    """A text of bounded length that says how much was cut."""
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}… (+{len(text) - TEXT_MAX})"


def without_surrogates(value: Any) -> Any:
    """The same document with each lone surrogate as the six characters of its escape: UTF-8 has no bytes for it."""
    match value:
        case str():
            return _SURROGATE.sub(lambda hit: f"\\u{ord(hit[0]):04x}", value)
        case dict():
            return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [without_surrogates(item) for item in value]
    return value
