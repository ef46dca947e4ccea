"""What an event is found by, said once for every back end: its facets, its words, its clients and its time.

The log's own index stores these marks and Elasticsearch is sent them, so that the same question finds the same events in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from audit_store.client_sets import decode_ids
from audit_store.search_words import words_of
from policies.request import ClientId

MARKS_VERSION = 1
"""Grows when an event is found by something else than before: then the log's own index is built anew, and Elasticsearch needs
`torwart events reindex`."""
VALUE_MAX = 512
"""Characters of a facet or a client id that can be found; longer than any of ours."""
WORDS_MAX = 1_000
"""Different words of one event that can be found."""
CLIENTS_MAX = 4_000_000
"""Ids of one set; a larger one counts as unreadable."""
_NESTED_MAX = 12
"""Lists and objects in one another; ours have six."""
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


class Facet(StrEnum):
    """What has one value, or few, and is asked for by the whole value."""

    PERSON = "person"
    """Who acted, and whom it was about."""
    ACT = "act"
    ACTION = "action"
    """What the event is about: `event.action`."""
    DEED = "deed"
    """What was done, where a person did something: `torwart.act.action`."""
    PHASE = "phase"
    OUTCOME = "outcome"
    CHANNEL = "channel"
    DEVICE = "device"
    DESTINATION = "destination"
    REASON = "reason"
    OBSERVED = "observed"
    CAME_FROM = "came_from"
    """The act of an export that clients in some content came from."""
    UNREAD = "unread"
    """`clients`: which clients it is about cannot be read, so it may be about any."""


FACET_MEMBERS: Mapping[Facet, tuple[str, ...]] = {
    Facet.PERSON: ("user.id", "torwart.subject"),
    Facet.ACT: ("torwart.act.id",),
    Facet.ACTION: ("event.action",),
    Facet.DEED: ("torwart.act.action",),
    Facet.PHASE: ("torwart.act.phase",),
    Facet.OUTCOME: ("event.outcome",),
    Facet.CHANNEL: ("torwart.channel",),
    Facet.DEVICE: ("torwart.device",),
    Facet.DESTINATION: ("destination.domain",),
    Facet.REASON: ("torwart.reasons.code",),
    Facet.OBSERVED: ("torwart.observed",),
    Facet.CAME_FROM: ("torwart.exports.act",),
}
TEXT_MEMBERS: tuple[str, ...] = (
    "destination.domain",
    "event.action",
    "event.outcome",
    "event.reason",
    "file.extension",
    "file.hash.sha256",
    "rule.id",
    "rule.name",
    "torwart.act.action",
    "torwart.act.phase",
    "torwart.channel",
    "torwart.device",
    "torwart.exports.name",
    "torwart.fields",
    "torwart.findings.detector",
    "torwart.findings.kind",
    "torwart.findings.where",
    "torwart.manifest",
    "torwart.needs",
    "torwart.observed",
    "torwart.policy.version",
    "torwart.reasons.code",
    "torwart.reasons.words",
    "torwart.resource.model",
    "torwart.resource.questioned_fields",
    "torwart.resource.type",
    "torwart.resource.written_fields",
    "torwart.route",
    "torwart.rules",
    "torwart.status",
    "torwart.subject",
    "torwart.unread",
    "torwart.words",
    "user.id",
    "user.roles",
)
"""What free text is looked for in. Of `words` the values count, not their names. Not here: numbers, times, ids of acts and events, digests
of acts: they are asked for as what they are."""


@dataclass(slots=True)
class _Member:
    """A place in a document that something is found by, or that leads to one."""

    below: dict[str, _Member] = field(default_factory=dict)
    facets: tuple[Facet, ...] = ()
    is_text: bool = False

    def at(self, path: str) -> _Member:
        member = self
        for name in path.split("."):
            member = member.below.setdefault(name, _Member())
        return member


def _members() -> _Member:
    """All paths as one tree, so that a document is walked once."""
    root = _Member()
    for facet, paths in FACET_MEMBERS.items():
        for path in paths:
            member = root.at(path)
            member.facets += (facet,)
    for path in TEXT_MEMBERS:
        root.at(path).is_text = True
    return root


_MEMBERS = _members()


@dataclass(frozen=True)
class Marks:
    """The marks of one event, each worked out when it is asked for."""

    document: Mapping[str, Any]

    @cached_property
    def at(self) -> int | None:
        """The producer's time in milliseconds since 1970, UTC; None if it cannot be read: then no question with a time finds the event."""
        try:
            return milliseconds(datetime.fromisoformat(self.document["@timestamp"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    @cached_property
    def person(self) -> str | None:
        """Who acted."""
        user = self.document.get("user")
        found = user.get("id") if isinstance(user, dict) else None
        return found if isinstance(found, str) and len(found) <= VALUE_MAX else None

    @cached_property
    def deed(self) -> str:
        """What was done; of an event that is no act, what it is about."""
        deeds, actions = (f"{facet.value}:" for facet in (Facet.DEED, Facet.ACTION))
        found = min((one for one in self.facets if one.startswith((deeds, actions))), key=lambda one: one.startswith(actions), default="")
        return found.partition(":")[2]

    @cached_property
    def facets(self) -> frozenset[str]:
        """`name:value` of every facet."""
        found = {mark for member, text in self._leaves for facet in member.facets if len(mark := f"{facet.value}:{text}") <= VALUE_MAX}
        if self.clients is None:
            found.add(f"{Facet.UNREAD.value}:clients")
        return frozenset(found)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of all members that free text is looked for in."""
        found: dict[str, None] = {}
        for member, text in self._leaves:
            if member.is_text:
                found.update(_words(text))
        return frozenset(found if len(found) <= WORDS_MAX else list(found)[:WORDS_MAX])

    @cached_property
    def _leaves(self) -> list[tuple[_Member, str]]:
        found: list[tuple[_Member, str]] = []
        _collect(self.document, _MEMBERS, found)
        return found

    @cached_property
    def clients(self) -> tuple[frozenset[ClientId], frozenset[ClientId], frozenset[ClientId]] | None:
        """Clients that were asked for only, shown, taken: each stands once, at the most that was delivered of it. None: unreadable."""
        ours = self.document.get("torwart")
        sets = ours.get("clients") if isinstance(ours, dict) else None
        if sets is None:
            return frozenset(), frozenset(), frozenset()
        try:
            asked, shown, taken = (sets.get(name, "") for name in ("asked", "shown", "taken"))
            takes = decode_ids(taken, most=CLIENTS_MAX)
            shows = takes if shown == taken else decode_ids(shown, most=CLIENTS_MAX)
            asks = shows if asked == shown else takes if asked == taken else decode_ids(asked, most=CLIENTS_MAX)
        except (AttributeError, TypeError, ValueError):
            return None
        return _sayable(asks - shows - takes), _sayable(shows - takes), _sayable(takes)


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970, rounded down. Raises ValueError for a time without zone."""
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return (at - _EPOCH) // _MILLISECOND


def _sayable(ids: frozenset[ClientId]) -> frozenset[ClientId]:
    return ids if all(len(one) <= VALUE_MAX for one in ids) else frozenset(one for one in ids if len(one) <= VALUE_MAX)


@lru_cache(maxsize=8192)
def _words(text: str) -> dict[str, None]:
    return dict.fromkeys(words_of(text))


def _collect(value: Any, member: _Member, found: list[tuple[_Member, str]], nested: int = 0) -> None:
    """The texts at the members, also in lists and as values of an object, whatever a producer wrote there."""
    if isinstance(value, str):
        if member.facets or member.is_text:
            found.append((member, value))
    elif nested > _NESTED_MAX:
        return
    elif isinstance(value, list):
        for one in value:
            _collect(one, member, found, nested + 1)
    elif isinstance(value, dict):
        if member.below:
            for name, below in member.below.items():
                if name in value:
                    _collect(value[name], below, found, nested + 1)
        elif member.is_text:
            for one in value.values():
                _collect(one, member, found, nested + 1)
