"""A record of any length for the search to look through: a year of a firm with 100 people and 12,000 clients, made by number.

Each event is one of some thousands that the real builders wrote, with its own time, act and id in their places. The same number makes the
same event, so that what an answer must be can be worked out without the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random

from audit_store.event import Content, Event, EventAction, Phase, access_event, plain_event, refused_event
from audit_store.log import Entry, Logged
from audit_store.log_file import parsed, received_at
from policies.decision import Allow, Challenge, Deny
from policies.needs import Key
from policies.reasons import ALLOWED, EXPORT_NEEDS_KEY, NOT_FOR_YOU, UNREADABLE, Because
from policies.request import AccessRequest, Action, Channel, Context, Principal, Resource, Status

PEOPLE, CLIENTS, DAYS = 100, 12_000, 365
KINDS_EACH = 60
"""Different events of each person."""
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_ACT, _STAMP = "act-of-22-characters--", "2026-01-01T00:00:00.000Z"
_64_BITS = (1 << 64) - 1
_CONTACTS = frozenset({"name", "phone", "email", "addresses.city"})


def pseudonym(person: int) -> str:
    """How the record calls a person of the firm."""
    return f"P-{person * 0x1F35A7:08X}"


class MadeLog:
    """A log whose events are made when they are read: what `audit_store.log.Log` gives its readers, and nothing on the disk."""

    def __init__(self, events: int) -> None:
        self.events = events
        self._step = timedelta(days=DAYS) / max(events, 1)
        chance = Random(7)  # noqa: S311 -- the same firm in every run
        self.kinds = [_pieces(event) for person in range(PEOPLE) for event in _kinds(chance, person)]

    def kind(self, sequence: int) -> int:
        """Which of `kinds` an event is: by chance, and always the same."""
        mixed = sequence * 0x9E3779B97F4A7C15 & _64_BITS
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _64_BITS
        return (mixed ^ mixed >> 27) % len(self.kinds)

    def at(self, sequence: int) -> datetime:
        """When it happened."""
        return BEGIN + sequence * self._step

    def canonical(self, sequence: int) -> bytes:
        """The bytes of an event."""
        return self.filled(self.kind(sequence), sequence)

    def filled(self, kind: int, sequence: int) -> bytes:
        """An event of this kind in this place."""
        digest = blake2b(sequence.to_bytes(8), digest_size=27).hexdigest().encode()
        values = (self.at(sequence).isoformat(timespec="milliseconds")[:-6].encode() + b"Z", digest[:32], digest[32:])
        pieces, order = self.kinds[kind]
        return b"".join([pieces[0], *(part for number, piece in zip(order, pieces[1:], strict=True) for part in (values[number], piece))])

    def entries(self, after: int, limit: int, *, until: int | None = None) -> list[Entry]:
        """As `Log.entries`."""
        end = min(self.events, after + limit, self.events if until is None else until)
        return [self._entry(sequence) for sequence in range(max(after, 0) + 1, end + 1)]

    def tail(self, count: int) -> list[Logged]:
        """As `Log.tail`."""
        found = self.entries(self.events - count, count)
        return [Logged(one.sequence, received_at(one.received), one.producer, 1, one.sequence, parsed(one.canonical)) for one in found]

    def _entry(self, sequence: int) -> Entry:
        received = int(self.at(sequence).timestamp() * 1_000)
        return Entry(sequence, received, "gateway", 1, sequence, self.canonical(sequence), sequence.to_bytes(32))


def _pieces(event: Event) -> tuple[list[bytes], tuple[int, ...]]:
    """The bytes between time (0), event id (1) and act id (2), and in which order those come."""
    whole = event.canonical()
    marks = [(_STAMP.encode(), 0), (event.id.encode(), 1), (_ACT.encode(), 2)]
    places = sorted((whole.index(mark), len(mark), number) for mark, number in marks if mark in whole)
    pieces, end = [], 0
    for place, length, _ in places:
        pieces.append(whole[end:place])
        end = place + length
    return [*pieces, whole[end:]], tuple(number for _, _, number in places)


def _kinds(chance: Random, person: int) -> Sequence[Event]:
    return [_kind(chance, person, number) for number in range(KINDS_EACH)]


def _kind(chance: Random, person: int, number: int) -> Event:
    """Of 60: 24 cards, 18 lists of 25, 6 of 50, 2 of 300, 3 exports, 2 uploads, 5 about no client."""
    if number < 24:
        return _act(chance, person, Action.READ, 1, Phase.ALLOWED)
    if number < 50:
        return _act(chance, person, Action.LIST, 25 if number < 42 else 50 if number < 48 else 300, Phase.ALLOWED)
    if number < 53:
        return _act(chance, person, Action.EXPORT, 300, (Phase.HELD, Phase.RELEASED, Phase.NOT_CONFIRMED)[number - 50])
    if number < 55:
        return _act(chance, person, Action.UPLOAD, 40, Phase.DENIED)
    if number < 57:
        return _act(chance, person, Action.SYSTEM, 0, Phase.ALLOWED)
    if number < 58:
        return refused_event(at=BEGIN, reason=Because(UNREADABLE, {"what": "body"}), route="/rpc", pseudonym=pseudonym(person), act_id=_ACT)
    facts: dict[str, int | str] = {"kind": "session", "why": "idle too long"}
    return plain_event((EventAction.LOGIN, EventAction.LOGOUT)[number - 58], at=BEGIN, pseudonym=pseudonym(person), numbers=facts)


def _act(chance: Random, person: int, action: Action, clients: int, phase: Phase) -> Event:
    book = person * CLIENTS // PEOPLE
    ids = tuple(str(1 + (book + one) % CLIENTS) for one in chance.sample(range(max(600, 2 * clients)), clients))
    way_out = action is Action.UPLOAD
    request = AccessRequest(
        act_id=_ACT,
        principal=Principal(f"person-{person}", pseudonym(person), frozenset({"manager"}), Status.ACTIVE),
        action=action,
        resource=Resource("content" if way_out else "client", "" if way_out else "party.party", ids, fields=_CONTACTS),
        context=Context(BEGIN, Channel.CLOUD, destination="cloud.example") if way_out else Context(BEGIN, Channel.WEB),
    )
    went = phase in (Phase.ALLOWED, Phase.RELEASED)
    shown = frozenset(ids) if went else frozenset[str]()
    decision = {
        Phase.HELD: Challenge((Because(EXPORT_NEEDS_KEY, {"asked": clients, "allowed": 40}),), Key(), asked=clients, allowed=40),
        Phase.DENIED: Deny((Because(NOT_FOR_YOU),)),
    }.get(phase, Allow((Because(ALLOWED),), rules=("4:own-book", "4:reading")))
    return access_event(
        request=request,
        decision=decision,
        phase=phase,
        shown=shown,
        taken=shown if action in (Action.READ, Action.EXPORT) else frozenset(),
        rows=len(shown),
        fields=sorted(_CONTACTS),
        route="upload" if way_out else f"rpc model.party.party.{action.value}",
        content=Content(chance.randrange(1 << 20), f"{chance.randrange(1 << 256):064x}", "zip") if way_out else None,
    )
