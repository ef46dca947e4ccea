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
    about: str = ""
    """What it says, for whoever writes rules."""


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

    __slots__ = (
        "act",
        "asked",
        "by_effect",
        "context",
        "findings",
        "known",
        "others",
        "others_count",
        "principal",
        "record",
        "resource",
        "usage",
    )

    def __init__(self, request: AccessRequest, action: Action) -> None:
        resource = request.resource
        ids = resource.ids
        self.act = action
        self.by_effect = request.named is not None or action is not request.action
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
    "own": Member(BOOL, about="The client is in the person's own book."),
    "active": Member(BOOL, about="The client was not put into the archive."),
    "created_at": Member(TIMESTAMP, optional=True, about="When the client was entered."),
    "changed_at": Member(TIMESTAMP, optional=True, about="When the client was last changed. Missing: never since it was entered."),
    "language": Member(STRING, optional=True, about="ISO 639-1, for example `de`."),
    "countries": Member(_TEXTS, about="Of all its addresses. ISO 3166-1, two letters, for example `DE`."),
    "postal_codes": Member(_TEXTS, about="Of all its addresses."),
    "cities": Member(_TEXTS, about="Of all its addresses."),
    "categories": Member(_TEXTS, about="Names, as the CRM has them."),
}
"""Attributes of a client that `where` may ask for."""

_COUNTS = Type("record", members={field.name: Member(INT) for field in fields(Counts)})

ROOTS: Mapping[str, Type] = {
    "principal": Type(
        "record",
        members={
            "roles": Member(_NAMES, about="What `torwart people add` and `people change` gave the person."),
            "status": Member(_words(Status), about="Where the employment stands."),
            "frozen": Member(BOOL, about="An administrator has frozen the person: everything is refused anyway."),
            "language": Member(STRING, about="In which the person reads, `de` or `en`."),
            "level": Member(_words(Level), about="How closely the person is watched."),
            "on_leave": Member(BOOL, about="The person is away now: `torwart people leave`."),
            "team": Member(STRING, optional=True, about="The person's team."),
            "territory": Member(STRING, optional=True, about="The person's territory."),
            "device": Member(STRING, optional=True, about="The machine that asks. Nothing tells it yet."),
        },
    ),
    "act": _words(Action),
    "resource": Type(
        "record",
        members={
            "type": Member(_words(ResourceType), about="What the act is about."),
            "model": Member(STRING, about="The CRM's own name of the record type, for example `party.party`."),
            "known": Member(BOOL, about="The answer is there, so that the clients can be counted."),
            "asked": Member(INT, about="Different clients in the act. 0 while `known` is false."),
            "own_count": Member(INT, about="Those of them in the person's own book."),
            "others_count": Member(INT, about="All others: a client whose owner is not known is somebody else's."),
            "fields": Member(_NAMES, about="Fields that are asked for, with points: `addresses.city`."),
            "contact_fields": Member(_NAMES, about="Those of the read and written fields that carry a phone number or an e-mail address."),
            "questioned_fields": Member(_NAMES, about="Fields that the filter, the order or a group asks about."),
            "questioned_contact_fields": Member(_NAMES, about="Those of them that carry or search phone numbers or e-mail addresses."),
            "written_fields": Member(_NAMES, about="Fields that the act writes."),
            "written_contact_fields": Member(
                _NAMES, about="Those of them that write a phone number or an e-mail address, and not just a mask that came back."
            ),
            "limit": Member(INT, optional=True, about="How many rows the caller asked for at most."),
        },
    ),
    "context": Type(
        "record",
        members={
            "at": Member(TIMESTAMP, about="When it happens."),
            "channel": Member(_words(Channel), about="The road by which it comes."),
            "source_ip": Member(STRING, optional=True, about="The address that the request comes from."),
            "destination": Member(STRING, optional=True, about="The host name that an upload goes to, in small letters."),
            "origin_trusted": Member(BOOL, about="False: a page of another site has sent the request."),
            "by_effect": Member(BOOL, about="The call is named otherwise (a list, a card), and is an export only by what it delivers."),
        },
    ),
    "usage": Type(
        "record",
        members={
            "before": Member(_COUNTS, about="The counters before the act, for example `usage.before.exported_day`."),
            "after": Member(_COUNTS, about="The counters as the act would leave them."),
            "base": Member(INT, about="Clients of the company, 1 at least. What was entered in the last 30 days does not count."),
            "book": Member(INT, about="Clients in the person's own book. What came in the last 30 days does not count."),
        },
    ),
    "findings": Type(
        "list",
        element=Type(
            "record",
            members={
                "kind": Member(STRING, about="`clients`, or `uninspectable` for what could not be read to its end."),
                "detector": Member(STRING, about="What saw it; of `uninspectable` the cause, for example `encrypted`."),
                "clients": Member(INT, about="Different clients that were recognised."),
                "confidence": Member(DOUBLE, about="How sure that is, 0 to 1."),
                "where": Member(STRING, about="The part of the content."),
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
    "context.by_effect": "by_effect",
}
"""Names whose value lies elsewhere in `Facts` than the name says."""

COUNTERS = frozenset(field.name for field in fields(Counts))
"""Names that `reaches` and `limit` may count."""
