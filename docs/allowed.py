"""What may stand in a member of a file, in words, read from its type."""

from __future__ import annotations

import types
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.described import text_of_alias
from policies.attributes import ResourceType
from policies.case_text import (
    ApprovalText,
    CasesText,
    CaseText,
    ClientsText,
    ExpectText,
    GivenText,
    PersonText,
    RowText,
    SituationText,
    TableText,
    TouchText,
)
from policies.document import LevelText, LimitText, MaskText, NeedText, ReachText, RuleText, ThresholdText, Word
from policies.masks import Mask
from policies.request import Action, Channel, Level, Status

HEADINGS: dict[object, str] = {
    RuleText: "A rule",
    ThresholdText: "export_threshold",
    ReachText: "reaches",
    LimitText: "limit",
    LevelText: "levels",
    Action: "Acts",
    ResourceType: "Resources",
    Channel: "Roads",
    Status: "Statuses",
    Level: "Levels of a person",
    MaskText: "Masks",
    NeedText: "Needs",
    Word: "Limits",
}
"""What has a section of its own on the page of the language -> its heading."""
CASE_HEADINGS: dict[type[BaseModel], str] = {
    CasesText: "A file of cases",
    PersonText: "A person",
    SituationText: "A situation",
    ClientsText: "Clients",
    TouchText: "A touch",
    ApprovalText: "An approval",
    CaseText: "A case",
    GivenText: "given",
    ExpectText: "expect",
    TableText: "A table",
    RowText: "A row",
}
"""And on the page of cases."""


def link(kind: object, words: str) -> str:
    """To the section; the words alone where there is none."""
    page, headings = ("policy-cases.md", CASE_HEADINGS) if kind in CASE_HEADINGS else ("policy-language.md", HEADINGS)
    heading = headings.get(kind)
    return words if heading is None else f"[{words}]({page}#{heading.lower().replace(' ', '-')})"


def allowed(kind: Any) -> str:
    """What may stand in a place of this type."""
    if isinstance(kind, TypeAliasType):
        text = text_of_alias(kind)
        return allowed(kind.__value__) if text is None else link(kind, text)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return allowed(parts[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(allowed(part) for part in parts if part is not type(None)))
    if origin is Literal:
        return " or ".join(f"`{word}`" for word in parts)
    if origin is dict:
        return f"{allowed(parts[0])}: {allowed(parts[1])}, ..."
    if origin in (frozenset, list, tuple):
        return f"\\[{allowed(parts[0])}, ...\\]"
    return _plain(kind)


def _plain(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        words = " or ".join(f"`{word}`" for word in kind)
        return link(kind, "a word") if kind in HEADINGS else words
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return link(kind, "a rule" if kind is RuleText else "members")
    if kind is Mask:
        return allowed(MaskText)
    return {bool: "`true` or `false`", str: "text", int: "a whole number", float: "a number"}[kind]


def default(field: FieldInfo) -> str:
    """What holds where the member is left out."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, BaseModel) or value in ("", [], (), {}) or value == frozenset():
        return ""
    if isinstance(value, frozenset):
        return "`[" + ", ".join(sorted(value)) + "]`"
    return f"`{str(value).lower()}`"
