"""The answer to an `AccessRequest`: a closed union that cannot lose its reasons. Match it with `assert_never`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from policies.reasons import Because
from policies.request import ClientId


class MaskKind(StrEnum):
    """How a field is masked. Every kind gives the same text for a present and an absent value unless it says otherwise."""

    HIDE = "hide"
    """A constant text: neither the value, nor its length, nor whether there is one can be seen."""
    NULL = "null"
    """The field reads as empty: for fields whose type allows no text."""


@dataclass(frozen=True, slots=True)
class Obligations:
    """What must be done to an answer before it goes out."""

    keep: frozenset[ClientId] | None = None
    """Clients that may be in the answer; None: all of the answer. Records of others are taken out."""
    masks: Mapping[str, MaskKind] = field(default_factory=dict)
    """Field group (`contact`) or field name -> mask, for the clients in `masked`."""
    masked: frozenset[ClientId] = frozenset()
    """Clients whose fields in `masks` are masked."""
    drop_written: frozenset[str] = frozenset()
    """Written fields whose value, if it is a mask, is taken out of an update: a mask is never written back."""
    notify: bool = False
    watermark: bool = False


class RequirementKind(StrEnum):
    """What can be missing."""

    KEY = "key"
    """A touch of a hardware key with user verification, bound to this act."""


@dataclass(frozen=True, slots=True)
class Allow:
    """The act may happen, with these obligations."""

    reasons: tuple[Because, ...]
    obligations: Obligations = field(default_factory=Obligations)
    rules: tuple[str, ...] = ()
    """Ids of the rules that decided, `policy-version:rule-id`."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The act is held until what is missing is there."""

    reasons: tuple[Because, ...]
    needs: tuple[RequirementKind, ...]
    asked: int
    """Distinct clients asked for."""
    allowed: int
    """Distinct clients that would go out after the touch: equal to or smaller than `asked`."""
    obligations: Obligations = field(default_factory=Obligations)
    """What will hold after the touch: exactly this is signed."""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deny:
    """The act does not happen. Nothing about the records is said."""

    reasons: tuple[Because, ...]
    rules: tuple[str, ...] = ()


type Decision = Allow | Challenge | Deny
