"""Pieces of a page: paragraphs, tables, tables of what a model or a list of words holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from textwrap import wrap

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.allowed import allowed, default
from docs.described import one_line, texts_of

WIDTH = 140
_TEXTS = {"when": "condition", "where": "condition", "reason": "reason", "counter": "counter"}
"""Members that are text for the model, and of which a section says what text."""


def heading(words: str, depth: int = 2) -> list[str]:
    """A heading with its blank lines."""
    return ["", f"{'#' * depth} {words}"]


def prose(*sentences: str) -> list[str]:
    """One paragraph."""
    return ["", *wrap(" ".join(sentences), WIDTH, break_long_words=False, break_on_hyphens=False)]


def items(*sentences: str) -> list[str]:
    """A list with points."""
    return ["", *(line for one in sentences for line in wrap(f"- {one}", WIDTH, subsequent_indent="  ", break_on_hyphens=False))]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; a stroke in a cell would end it."""
    lines = ["| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return ["", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *lines]


def members(model: type[BaseModel], without: frozenset[str] = frozenset()) -> list[str]:
    """What can stand in a part of a file."""
    texts = texts_of(model)
    rows = (
        (f"`{field.alias or name}`", _allowed(name, field), default(field), texts.get(name, ""))
        for name, field in model.model_fields.items()
        if name not in without
    )
    return table(("member", "what may stand there", "default", "what it says"), rows)


def _allowed(name: str, field: FieldInfo) -> str:
    known = _TEXTS.get(name)
    return allowed(field.annotation) if known is None else f"[a {known}](policy-language.md#{known}s)"


def words(head: str, kind: type[StrEnum]) -> list[str]:
    """What each of some words says."""
    texts = texts_of(kind)
    return table((head, "what it says"), ((f"`{word.value}`", texts.get(word.name, "")) for word in kind))
