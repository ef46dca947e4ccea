"""What each person has had: distinct clients shown, taken, exported, changed and deleted, in memory, fed by events.

All roads count together (law 6). Windows slide: an hour is the last 60 minutes, a day the last 24 hours, a month the last 30 days. A day of
the calendar would double every limit at midnight. Not safe for several threads: one history belongs to one event loop.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from audit_store.event import EventAction, Phase, decode_ids
from audit_store.log_file import parsed
from audit_store.pace import Pace
from audit_store.spool_file import Stored
from audit_store.windows import SlidingSets
from policies.effect import EXPORTS
from policies.reasons import SCRIPT_PACE
from policies.request import Action, ClientId, Counts, Usage

MINUTE, HOUR, DAY, MONTH = 60, 3_600, 86_400, 30 * 86_400
"""Seconds."""
REMEMBERED_IDS = 10_000
"""Event ids that `apply` knows again: far more than any road delivers twice."""
_BATCH = 1_000
_COUNTED = frozenset({Phase.ALLOWED, Phase.RELEASED, Phase.DENIED})
_NOBODY: frozenset[ClientId] = frozenset()
_CHANGES = frozenset({Action.UPDATE, Action.REASSIGN, Action.BULK})
_BY_ASKED = _CHANGES | {Action.DELETE, Action.UPLOAD}
"""Acts that are about the clients asked for: nothing of them is delivered to the person."""


class Source(Protocol):
    """A spool, or a reader of one."""

    producer: str

    def read(self, after: int, limit: int) -> list[Stored]:
        """Up to `limit` events above the sequence `after`."""


class Past(Protocol):
    """The central log, as far as the history needs it (`audit_store.log.Log`)."""

    def deliveries(self, since: datetime) -> Iterable[Mapping[str, Any]]:
        """Documents of acts that happened since then, and of paces found, in the order of the log."""

    def cursor(self, producer: str) -> int:
        """The last sequence of the producer that the log has."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What an act counts as, beside what it showed and took."""

    exported: frozenset[ClientId] = _NOBODY
    deleted: frozenset[ClientId] = _NOBODY
    card: ClientId | None = None
    sent: frozenset[ClientId] = _NOBODY
    changed: frozenset[ClientId] = _NOBODY


def deed(action: Action, *, asked: Iterable[ClientId], shown: frozenset[ClientId]) -> Deed:
    """The one place that says which act is an export, a change, a deletion, the opening of a card (the reading of exactly one client)."""
    if action in EXPORTS:
        return Deed(exported=shown)
    if action is Action.DELETE:
        return Deed(deleted=frozenset(asked))
    if action in _CHANGES:
        return Deed(changed=frozenset(asked))
    if action is Action.UPLOAD:
        return Deed(sent=frozenset(asked))
    if action is Action.READ and len(shown) == 1:
        return Deed(card=next(iter(shown)))
    return Deed()


class History:
    """Counts per pseudonym. A person who is not known has had nothing."""

    def __init__(self) -> None:
        self._people: dict[str, _Person] = {}
        self._applied: dict[str, None] = {}
        self.unreadable = 0
        """Events that could not be read: above 0, the counts may be too small."""
        self.positions: dict[str, int] = {}
        """Producer -> the last sequence that `rebuild` counted, from the log or from the spool."""

    def note(
        self,
        pseudonym: str,
        at: datetime,
        *,
        shown: frozenset[ClientId] = _NOBODY,
        taken: frozenset[ClientId] = _NOBODY,
        exported: frozenset[ClientId] = _NOBODY,
        deleted: frozenset[ClientId] = _NOBODY,
        card: ClientId | None = None,
        sent: frozenset[ClientId] = _NOBODY,
        changed: frozenset[ClientId] = _NOBODY,
        event_id: str | None = None,
    ) -> None:
        """Count what has just been delivered. With `event_id`, a later `apply` of that event changes nothing."""
        if event_id is not None:
            self._remember(event_id)
        self._person(pseudonym).note(at.timestamp(), shown, taken, Deed(exported, deleted, card, sent, changed))

    def apply(self, document: Mapping[str, Any]) -> None:
        """Count a stored event; one that is among the last 10,000 counted changes nothing. Raises ValueError if it cannot be read."""
        try:
            self._apply(document)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"an event cannot be counted: {error!r}") from None

    def usage(
        self,
        pseudonym: str,
        now: datetime,
        *,
        own: Container[ClientId],
        shown: frozenset[ClientId] = _NOBODY,
        taken: frozenset[ClientId] = _NOBODY,
        exported: frozenset[ClientId] = _NOBODY,
        deleted: frozenset[ClientId] = _NOBODY,
        card: ClientId | None = None,
        sent: frozenset[ClientId] = _NOBODY,
        changed: frozenset[ClientId] = _NOBODY,
        base: int,
        book: int,
    ) -> Usage:
        """What the person has had, and would have had with these clients delivered now.

        `own` is the whole own book; the same frozenset at every call makes the count of foreign clients free. Costs the size of the act.
        """
        person = self._person(pseudonym)
        at = now.timestamp()
        person.expire(at)
        foreign = person.foreign_of(own)
        before = person.counts(foreign=len(foreign), cards=person.pace.cards(at))
        if not (shown or taken or exported or deleted or card or sent or changed):
            return Usage(before, before, max(base, 1), book)
        fresh = (shown - own if isinstance(own, frozenset) else {client for client in shown if client not in own}) - foreign
        done = Deed(exported, deleted, sent=sent, changed=changed)
        after = person.counts_with(shown, taken, done, len(foreign) + len(fresh), person.pace.cards(at, card))
        return Usage(before, after, max(base, 1), book)

    def rebuild(self, log: Past | None, *spools: Source, now: datetime) -> None:
        """Count the last 30 days: what the log has, then what the spools have beyond it. Raises SpoolError, LogError.

        What cannot be read is added to `unreadable` and passed over: `Log.verify` names it, and the doors need not stay shut for it.
        """
        since = datetime.fromtimestamp(now.timestamp() - MONTH, tz=now.tzinfo)
        # Before the log is read: what it takes meanwhile is read twice, and known again.
        self.positions = {spool.producer: log.cursor(spool.producer) if log is not None else 0 for spool in spools}
        if log is not None:
            for document in log.deliveries(since):
                self._try(document)
        for spool in spools:
            while rows := spool.read(self.positions[spool.producer], _BATCH):
                for row in rows:
                    self.take(row)
                self.positions[spool.producer] = rows[-1].sequence

    def take(self, row: Stored) -> None:
        """Count a row of a spool; one that cannot be read is added to `unreadable`."""
        self._try(parsed(row.canonical))

    def _try(self, document: Mapping[str, Any]) -> None:
        try:
            self.apply(document)
        except ValueError:
            self.unreadable += 1

    def _apply(self, document: Mapping[str, Any]) -> None:
        event, act = document["event"], document["torwart"].get("act", {})
        if event["action"] != EventAction.ACCESS or act.get("phase") not in _COUNTED or event["id"] in self._applied:
            return
        at = datetime.fromisoformat(document["@timestamp"]).timestamp()
        pseudonym = document["user"]["id"]
        if act["phase"] == Phase.DENIED:
            if event.get("reason") == SCRIPT_PACE.code:
                self._person(pseudonym).pace.found(at)
        else:
            clients = document["torwart"]["clients"]
            shown, taken = decode_ids(clients["shown"]), decode_ids(clients["taken"])
            action = Action(act["action"])
            asked = decode_ids(clients["asked"]) if action in _BY_ASKED else _NOBODY
            self._person(pseudonym).note(at, shown, taken, deed(action, asked=asked, shown=shown))
        self._remember(event["id"])

    def _person(self, pseudonym: str) -> _Person:
        person = self._people.get(pseudonym)
        if person is None:
            person = self._people[pseudonym] = _Person()
        return person

    def _remember(self, event_id: str) -> None:
        self._applied[event_id] = None
        if len(self._applied) > REMEMBERED_IDS:
            del self._applied[next(iter(self._applied))]


class _Person:
    def __init__(self) -> None:
        self.pace = Pace()
        self._shown = SlidingSets(HOUR, DAY, MONTH)
        self._taken = SlidingSets(MINUTE, HOUR, DAY, MONTH)
        self._exported = SlidingSets(HOUR, DAY, MONTH)
        self._deleted = SlidingSets(DAY, MONTH)
        self._changed = SlidingSets(DAY, MONTH)
        self._sent = SlidingSets(DAY, MONTH)
        self._own: frozenset[ClientId] | None = None
        self._foreign: set[ClientId] = set()
        """Shown in the last day and not in `_own`; kept up to date as long as the same book is asked about."""

    def note(self, at: float, shown: frozenset[ClientId], taken: frozenset[ClientId], done: Deed) -> None:
        self._shown.add(at, shown)
        self._taken.add(at, taken)
        self._exported.add(at, done.exported)
        self._deleted.add(at, done.deleted)
        self._changed.add(at, done.changed)
        self._sent.add(at, done.sent)
        if done.card is not None:
            self.pace.opened(at, done.card)
        if self._own is not None:
            self._foreign |= (shown - self._own) & self._shown.members[1]

    def expire(self, now: float) -> None:
        self._foreign.difference_update(self._shown.expire(now)[1])
        self._taken.expire(now)
        self._exported.expire(now)
        self._deleted.expire(now)
        self._changed.expire(now)
        self._sent.expire(now)

    def foreign_of(self, own: Container[ClientId]) -> set[ClientId]:
        if own is not self._own:
            self._foreign = {client for client in self._shown.members[1] if client not in own}
            self._own = own if isinstance(own, frozenset) else None
        return self._foreign

    def counts(self, *, foreign: int, cards: int) -> Counts:
        return _counts(
            self._shown.counts(),
            self._taken.counts(),
            foreign,
            self._exported.counts(),
            self._deleted.counts(),
            self._changed.counts(),
            self._sent.counts(),
            cards,
        )

    def counts_with(self, shown: frozenset[ClientId], taken: frozenset[ClientId], done: Deed, foreign: int, cards: int) -> Counts:
        return _counts(
            self._shown.counts_with(shown),
            self._taken.counts_with(taken),
            foreign,
            self._exported.counts_with(done.exported),
            self._deleted.counts_with(done.deleted),
            self._changed.counts_with(done.changed),
            self._sent.counts_with(done.sent),
            cards,
        )


type _Windows = tuple[int, ...]


def _counts(
    shown: _Windows, taken: _Windows, foreign: int, exported: _Windows, deleted: _Windows, changed: _Windows, sent: _Windows, cards: int
) -> Counts:
    return Counts(
        shown_hour=shown[0],
        shown_day=shown[1],
        shown_month=shown[2],
        taken_minute=taken[0],
        taken_hour=taken[1],
        taken_day=taken[2],
        taken_month=taken[3],
        foreign_shown_day=foreign,
        exported_hour=exported[0],
        exported_day=exported[1],
        exported_month=exported[2],
        deleted_day=deleted[0],
        deleted_month=deleted[1],
        changed_day=changed[0],
        changed_month=changed[1],
        sent_day=sent[0],
        sent_month=sent[1],
        paced_cards=cards,
    )
