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

import orjson

from audit_store.client_sets import decode_ids, numbers_json
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
_KEPT_BYTES_MAX = 4_000
"""Of what an event says, for its marks to be kept for the next one like it: bounds the memory, whatever a producer writes."""
_NOBODY: frozenset[ClientId] = frozenset()
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
_OF_EVENT = tuple(_MEMBERS.below["event"].below)
_OF_ACT = tuple(name for name in _MEMBERS.below["torwart"].below["act"].below if name != "id")
_OF_OURS = tuple(name for name in _MEMBERS.below["torwart"].below if name != "act")
_OF_ALL = tuple(name for name in _MEMBERS.below if name not in ("event", "torwart"))
"""What is found by, but for the id of the act, which hardly any two events have in common."""
_ACT_MARK = f"{Facet.ACT.value}:"
UNREAD_MARK = f"{Facet.UNREAD.value}:clients"
"""Of an event whose clients cannot be read."""


@dataclass(frozen=True, slots=True)
class Said:
    """What events that are alike are found by, their clients and the ids of their acts aside."""

    facets: frozenset[str]
    words: frozenset[str]
    facets_in_order: tuple[str, ...]
    words_in_order: tuple[str, ...]


@dataclass(frozen=True)
class Marks:
    """The marks of one event, each worked out when it is asked for."""

    document: Mapping[str, Any]

    @cached_property
    def at(self) -> int | None:
        """The producer's time in milliseconds since 1970, UTC; None if it cannot be read: then no question with a time finds the event."""
        return time_in(self.document)

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
        said, act = self._said
        own = [mark for mark in (act, None if self.clients is not None else UNREAD_MARK) if mark is not None]
        return said.facets.union(own) if own else said.facets

    @property
    def words(self) -> frozenset[str]:
        """The words of all members that free text is looked for in."""
        return self._said[0].words

    @cached_property
    def _said(self) -> tuple[Said, str | None]:
        return said_in(self.document)

    @cached_property
    def clients(self) -> tuple[frozenset[ClientId], frozenset[ClientId], frozenset[ClientId]] | None:
        """Clients that were asked for only, shown, taken: each stands once, at the most that was delivered of it. None: unreadable."""
        ours = self.document.get("torwart")
        sets = ours.get("clients") if isinstance(ours, dict) else None
        if sets is None:
            return frozenset(), frozenset(), frozenset()
        try:
            asked, shown, taken = sets.get("asked", ""), sets.get("shown", ""), sets.get("taken", "")
            takes = decode_ids(taken, most=CLIENTS_MAX)
            shows = _NOBODY if shown == taken else decode_ids(shown, most=CLIENTS_MAX) - takes
            asks = _NOBODY if asked in (shown, taken) else decode_ids(asked, most=CLIENTS_MAX) - shows - takes
        except (AttributeError, TypeError, ValueError):
            return None
        return _sayable(asks), _sayable(shows), _sayable(takes)


def time_in(document: Mapping[str, Any]) -> int | None:
    """The producer's time, as `Marks.at`."""
    try:
        return milliseconds(datetime.fromisoformat(document["@timestamp"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def clients_json(document: Mapping[str, Any]) -> tuple[bytes, bytes, bytes] | None:
    """`Marks.clients` as JSON arrays, for whoever passes them on; empty for an empty set.

    The ordinary case, one set of numbers that stands at one, two or all three places, is never taken apart.
    """
    ours = document.get("torwart")
    sets = ours.get("clients") if type(ours) is dict else None
    if type(sets) is dict:
        asked, shown, taken = sets.get("asked", ""), sets.get("shown", ""), sets.get("taken", "")
        most = taken or shown or asked
        if type(most) is str and shown in (most, "") and asked in (most, ""):
            try:
                array = numbers_json(most, most=CLIENTS_MAX)
            except ValueError:
                return None
            if array is not None:
                return (b"", b"", array) if taken else (b"", array, b"") if shown else (array, b"", b"")
    clients = Marks(document).clients
    if clients is None:
        return None
    asks, shows, takes = (orjson.dumps(sorted(ids)) if ids else b"" for ids in clients)
    return asks, shows, takes


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970, rounded down. Raises ValueError for a time without zone."""
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return (at - _EPOCH) // _MILLISECOND


def _sayable(ids: frozenset[ClientId]) -> frozenset[ClientId]:
    return ids if max(map(len, ids), default=0) <= VALUE_MAX else frozenset(one for one in ids if len(one) <= VALUE_MAX)


def said_in(document: Mapping[str, Any]) -> tuple[Said, str | None]:
    """What the event is found by, and the facet of its act, if that is not among it.

    Events are much alike: who, what, how it ended and why repeats. What has been worked out for one holds for the next.
    """
    event, ours = document.get("event", {}), document.get("torwart", {})
    act = ours.get("act", {}) if type(ours) is dict else None
    if not type(event) is type(ours) is type(act) is dict:
        return _worked_out(document), None
    act_id = act.get("id")
    try:
        key = orjson.dumps([*map(document.get, _OF_ALL), *map(event.get, _OF_EVENT), *map(ours.get, _OF_OURS), *map(act.get, _OF_ACT)])
    except orjson.JSONEncodeError:
        return _worked_out(document), None
    if len(key) > _KEPT_BYTES_MAX or (act_id is not None and type(act_id) is not str):
        return _worked_out(document), None
    said = _said_before(key)
    if act_id is None or len(mark := _ACT_MARK + act_id) > VALUE_MAX:
        return said, None
    return said, mark


@lru_cache(maxsize=2048)
def _said_before(key: bytes) -> Said:
    values = iter(orjson.loads(key))
    of_all, event, ours, act = ({name: next(values) for name in names} for names in (_OF_ALL, _OF_EVENT, _OF_OURS, _OF_ACT))
    return _worked_out({**of_all, "event": event, "torwart": {**ours, "act": act}})


def _worked_out(document: Mapping[str, Any]) -> Said:
    leaves: list[tuple[_Member, str]] = []
    _collect(document, _MEMBERS, leaves)
    facets = {mark for member, text in leaves for facet in member.facets if len(mark := f"{facet.value}:{text}") <= VALUE_MAX}
    found: dict[str, None] = {}
    for member, text in leaves:
        if member.is_text:
            found.update(dict.fromkeys(words_of(text)))
    words = frozenset(found if len(found) <= WORDS_MAX else list(found)[:WORDS_MAX])
    return Said(frozenset(facets), words, tuple(sorted(facets)), tuple(sorted(words)))


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
