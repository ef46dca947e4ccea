"""What can be wrong with a policy and where it stands: line, column, what is wrong, what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

type Loc = tuple[str | int, ...]
"""Keys and list positions from the top of a document to a value."""


@dataclass(frozen=True, slots=True, order=True)
class PolicyError:
    """One thing that is wrong, with its place and what would be right. Lines and columns count from 1; 0: the file as a whole."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class PolicyErrors(Exception):  # noqa: N818 - it is several errors
    """Everything that is wrong, sorted by place. Nothing of such a policy is used."""

    def __init__(self, errors: list[PolicyError]) -> None:
        self.errors = tuple(sorted(set(errors)))
        super().__init__("\n".join(str(error) for error in self.errors))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value or key stands."""

    line: int
    column: int
    inset: int | None = None
    """Columns from here to the first character of a text that stands on one line as it is; None: offsets inside it say nothing."""


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file with their places."""

    file: str
    value: Any
    """Of plain dicts, lists, strings, numbers, booleans and None."""
    values: Mapping[Loc, Place]
    keys: Mapping[Loc, Place]

    def at(self, loc: Loc) -> Place:
        """The place of a value, or of the nearest thing around it."""
        while loc and loc not in self.values:
            loc = loc[:-1]
        return self.values.get(loc, Place(1, 1))

    def error(self, loc: Loc, message: str, hint: str = "", offset: int | None = None) -> PolicyError:
        """An error at a value; `offset` is a position inside its text."""
        place = self.at(loc)
        inside = 0 if offset is None or place.inset is None else place.inset + offset
        return PolicyError(self.file, place.line, place.column + inside, message, hint)


def checked[Model: BaseModel](
    model: type[Model], document: Document, errors: list[PolicyError], elsewhere: Mapping[str, str] = MappingProxyType({})
) -> Model | None:
    """The document as a model; None with its errors added to `errors`. `elsewhere`: keys that do not belong here -> the hint for them."""
    try:
        return model.model_validate({} if document.value is None else document.value)
    except ValidationError as found:
        details = found.errors(include_url=False)
        errors.extend(_explained(document, model, error, elsewhere) for error in details if not _other_half(error))
        return None


def _other_half(error: ErrorDetails) -> bool:
    """Of `any` or a list two errors come, one for each half: the one about the list says it."""
    return error["type"] == "literal_error" and error.get("ctx", {}).get("expected") == "'any'"


def _explained(document: Document, model: type[BaseModel], error: ErrorDetails, elsewhere: Mapping[str, str]) -> PolicyError:
    """A pydantic error in words, at its line and column."""
    loc = _known_loc(document, error["loc"])
    kind, name = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        key = document.keys.get(loc)
        place = key or document.at(loc)
        near = get_close_matches(name, _names(model), n=1)
        hint = f"did you mean {near[0]}?" if near else "see the shipped sales.yaml and its cases for what can be written"
        hint = elsewhere.get(name, hint) if len(loc) == 1 else hint
        return PolicyError(document.file, place.line, place.column, f"{name!r} is not known here", hint)
    if kind == "missing":
        return document.error(loc, f"{name!r} is missing", f"given here: {', '.join(_given(document, loc))}")
    if kind == "frozen_set_type":
        return document.error(loc, f"{_where(loc)}this is no list", "write any, or a list in brackets: [one, two]")
    return document.error(loc, f"{_where(loc)}{_plain(error['msg'])}")


def _known_loc(document: Document, loc: tuple[str | int, ...]) -> Loc:
    """Pydantic's location without the names of union members and the like, which stand nowhere in the file."""
    known: Loc = ()
    for part in loc:
        if (*known, part) in document.values or (*known, part) in document.keys:
            known = (*known, part)
    return known


def _names(model: type[BaseModel]) -> list[str]:
    """All member names of a model and of the models inside: enough to guess what was meant."""
    names: list[str] = []
    for field_name, info in model.model_fields.items():
        names.append(info.alias or field_name)
        for argument in (info.annotation, *get_args(info.annotation)):
            if isinstance(argument, type) and issubclass(argument, BaseModel):
                names += _names(argument)
    return names


def _given(document: Document, loc: Loc) -> list[str]:
    return [str(key[-1]) for key in document.keys if key[:-1] == loc]


def _where(loc: Loc) -> str:
    words = [str(part) for part in loc if isinstance(part, str) and part != "rules"]
    return f"{words[-1]}: " if words else ""


def _plain(message: Any) -> str:
    text = str(message).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
