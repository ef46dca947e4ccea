"""What a rule may look at: the names and types of an act, as expressions and limits see them.

`Facts` is the act with the few numbers that rules need and that nobody should work out twice. A name that is not in `ROOTS` is an error
when the policy is loaded, never a surprise when it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from policies.request import AccessRequest, Action, Channel, ClientId, Counts, Level, Status

NOBODY: frozenset[ClientId] = frozenset()


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a value in an expression."""

    name: str
    """`bool`, `int`, `double`, `string`, `timestamp`, `duration`, `list`, `map` or `record`."""
    element: Type | None = None
    """Of a list; of a map the type of its values."""
    key: Type | None = None
    """Of a map."""
    ordered: bool = True
    """Of a list: false where the order means nothing, so that it has no first item and equals no other list."""
    members: Mapping[str, Member] | None = None
    """Of a record."""
    words: frozenset[str] | None = None
    """Of a string that can only be one of these: a comparison with another word is an error."""

    @property
    def each(self) -> Type | None:
        """What `in` and `all` find in it: items of a list, keys of a map; None: it holds nothing."""
        return self.key or self.element

    def __str__(self) -> str:
        if self.key:
            return f"map of {self.key} to {self.element}"
        return f"list of {self.element}" if self.element else self.name


@dataclass(frozen=True, slots=True)
class Member:
    """One name inside a record."""

    type: Type
    optional: bool = False
    """May have no value: reading it then is an error, so `has()` must be asked first."""


BOOL, INT, DOUBLE, STRING = Type("bool"), Type("int"), Type("double"), Type("string")
TIMESTAMP, DURATION = Type("timestamp"), Type("duration")
ANY = Type("anything")
"""Of the items that an empty list does not have: fits to every other type."""


class ResourceType(StrEnum):
    """What kind of thing an act is about, as `Resource.type` says it."""

    CLIENT = "client"
    CONTENT = "content"
    SYSTEM = "system"
    OTHER = "other"


class Facts:
    """An act as rules see it. The sets are worked out once per decision, without an object per record.

    `record` is set only where one record is judged by itself: an object with the attributes of `RECORD`.
    """

    __slots__ = ("act", "asked", "context", "findings", "known", "others", "others_count", "principal", "record", "resource", "usage")

    def __init__(self, request: AccessRequest, action: Action) -> None:
        resource = request.resource
        ids = resource.ids
        self.act = action
        self.principal = request.principal
        self.resource = resource
        self.context = request.context
        self.usage = request.usage
        self.findings = request.findings
        self.known = ids is not None
        # The fastest way to `ids - own` for an own book inside ids; should it ever not be, it counts too many others, never too few.
        self.others = resource.own.symmetric_difference(ids) if ids else NOBODY
        self.asked = len(ids) if ids else 0
        self.others_count = len(self.others)
        self.record: object = None

    @property
    def own_count(self) -> int:
        """Clients of the own book that are asked for."""
        return max(0, self.asked - self.others_count)

    @property
    def written_contact_fields(self) -> frozenset[str]:
        """Contact fields that are written with something that is not a mask."""
        resource = self.resource
        return (resource.written_fields & resource.contact_fields) - resource.mask_written_fields


def _words(values: Iterable[StrEnum]) -> Type:
    return Type("string", words=frozenset(value.value for value in values))


_TEXTS = Type("list", element=STRING)
_NAMES = Type("list", element=STRING, ordered=False)


type Attributes = Mapping[str, Member]
"""What is known about one record."""

RECORD: Attributes = {
    "own": Member(BOOL),
    "active": Member(BOOL),
    "created_at": Member(TIMESTAMP, optional=True),
    "changed_at": Member(TIMESTAMP, optional=True),
    "language": Member(STRING, optional=True),
    "countries": Member(_TEXTS),
    "postal_codes": Member(_TEXTS),
    "cities": Member(_TEXTS),
    "categories": Member(_TEXTS),
}
"""Attributes of a client that `where` may ask for. `own`: in the person's own book. `language`, `countries`: ISO 639-1 and ISO 3166-1
alpha-2 codes. `countries`, `postal_codes` and `cities` are those of all its addresses, `categories` names as the CRM has them."""

_COUNTS = Type("record", members={field.name: Member(INT) for field in fields(Counts)})

ROOTS: Mapping[str, Type] = {
    "principal": Type(
        "record",
        members={
            "roles": Member(_NAMES),
            "status": Member(_words(Status)),
            "frozen": Member(BOOL),
            "language": Member(STRING),
            "level": Member(_words(Level)),
            "team": Member(STRING, optional=True),
            "territory": Member(STRING, optional=True),
            "device": Member(STRING, optional=True),
        },
    ),
    "act": _words(Action),
    "resource": Type(
        "record",
        members={
            "type": Member(_words(ResourceType)),
            "model": Member(STRING),
            "known": Member(BOOL),
            "asked": Member(INT),
            "own_count": Member(INT),
            "others_count": Member(INT),
            "fields": Member(_NAMES),
            "contact_fields": Member(_NAMES),
            "questioned_fields": Member(_NAMES),
            "questioned_contact_fields": Member(_NAMES),
            "written_fields": Member(_NAMES),
            "written_contact_fields": Member(_NAMES),
            "limit": Member(INT, optional=True),
        },
    ),
    "context": Type(
        "record",
        members={
            "at": Member(TIMESTAMP),
            "channel": Member(_words(Channel)),
            "source_ip": Member(STRING, optional=True),
            "destination": Member(STRING, optional=True),
            "origin_trusted": Member(BOOL),
        },
    ),
    "usage": Type("record", members={"before": Member(_COUNTS), "after": Member(_COUNTS), "base": Member(INT), "book": Member(INT)}),
    "findings": Type(
        "list",
        element=Type(
            "record",
            members={
                "kind": Member(STRING),
                "detector": Member(STRING),
                "clients": Member(INT),
                "confidence": Member(DOUBLE),
                "where": Member(STRING),
            },
        ),
    ),
}
"""Root name -> type. `resource.asked`, `own_count` and `others_count` count distinct clients and are 0 while `resource.known` is false."""

PLACES: Mapping[str, str] = {
    "resource.known": "known",
    "resource.asked": "asked",
    "resource.own_count": "own_count",
    "resource.others_count": "others_count",
    "resource.written_contact_fields": "written_contact_fields",
}
"""Names whose value lies elsewhere in `Facts` than the name says."""

COUNTERS = frozenset(field.name for field in fields(Counts))
"""Names that `reaches` and `limit` may count."""
