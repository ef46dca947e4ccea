"""The answer to an `AccessRequest`: a closed union that cannot lose its reasons. Match it with `assert_never`."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.masks import Mask, strictest
from policies.needs import Need, RequirementKind, kinds
from policies.reasons import Because
from policies.request import ClientId

NOBODY: frozenset[ClientId] = frozenset()


@dataclass(frozen=True, slots=True)
class FieldMask:
    """One field, or group of fields, that is masked for some clients. Several may speak about one field: the strictest holds."""

    field: str
    """A field's name, or the group `contact`."""
    mask: Mask
    clients: frozenset[ClientId]


@dataclass(frozen=True, slots=True)
class Obligations:
    """What must be done to an answer before it goes out."""

    keep: frozenset[ClientId] | None = None
    """Clients that may be in the answer; None: all of the answer. Records of others are taken out."""
    masks: tuple[FieldMask, ...] = ()
    drop_written: frozenset[str] = frozenset()
    """Written fields whose value, if it is a mask, is taken out of an update: a mask is never written back."""
    notify: bool = False
    """The reviewer is told of this act by an alert of its own."""
    watermark: bool = False
    """A table that is exported carries a mark that names the act; an export that can carry none is denied."""
    hidden: frozenset[str] = frozenset()
    """Of a question: fields (and the group `contact`) that no order of the answer may tell, where the CRM would choose one by itself."""

    @property
    def masked(self) -> frozenset[ClientId]:
        """Clients of whom any field is masked."""
        return frozenset().union(*[one.clients for one in self.masks])

    def mask_of(self, field_name: str, client: ClientId) -> Mask | None:
        """The mask of this field or group, by its own name, for one client."""
        mask = None
        for one in self.masks:
            if one.field == field_name and client in one.clients:
                mask = strictest(mask, one.mask)
        return mask

    def masked_in(self, field_name: str) -> frozenset[ClientId]:
        """Clients of whom this field or group is masked by its own name."""
        return frozenset().union(*[one.clients for one in self.masks if one.field == field_name])


@dataclass(frozen=True, slots=True)
class Allow:
    """The act may happen, with these obligations."""

    reasons: tuple[Because, ...]
    obligations: Obligations = field(default_factory=Obligations)
    rules: tuple[str, ...] = ()
    """Ids of the rules that decided, `policy-version:rule-id`."""
    observed: tuple[str, ...] = ()
    """Ids of rules in warn-only mode that would have denied, or asked for something."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The act is held until what is missing is there."""

    reasons: tuple[Because, ...]
    need: Need
    """What is still missing."""
    asked: int
    """Distinct clients asked for."""
    allowed: int
    """Distinct clients that would go out after the touch: equal to or smaller than `asked`."""
    obligations: Obligations = field(default_factory=Obligations)
    """What will hold after the touch: exactly this is signed."""
    rules: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    warnings: tuple[Because, ...] = ()
    """Those of the reasons that the person has to have read before going on."""

    @property
    def needs(self) -> tuple[RequirementKind, ...]:
        """The kinds of what is missing, each once, in the order of the rules."""
        return kinds(self.need)


@dataclass(frozen=True, slots=True)
class Deny:
    """The act does not happen. Nothing about the records is said."""

    reasons: tuple[Because, ...]
    rules: tuple[str, ...] = ()
    quarantine: bool = False
    """The agent puts the file aside, where its person cannot open it."""
    observed: tuple[str, ...] = ()


type Decision = Allow | Challenge | Deny
