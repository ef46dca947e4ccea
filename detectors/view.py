"""What the rules may know beside the event: each person's day so far, and how much a day of that person usually is.

Kept in memory, fed event by event, rebuilt from the central log at the start. Applying an event twice changes nothing: everything is a set.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median

from audit_store.event import Phase
from detectors.deed import WAYS_OUT, Deed
from policies.request import DEPARTING, Action, Channel, ClientId

LOOK_BACK_DAYS = 30
USUAL_NEEDS_DAYS = 5
"""Working days with a delivery before a "usual day" is spoken of: with fewer there is nothing to compare with."""
NOBODY: frozenset[ClientId] = frozenset()
OPEN_DAYS = 2
"""Days kept in full: today, and yesterday for events that arrive late."""


@dataclass(frozen=True, slots=True)
class Released:
    """An export that went out."""

    pseudonym: str
    """Who exported."""
    event_id: str
    at: datetime
    clients: int


@dataclass(slots=True)
class Day:
    """One person's day so far. Clients are distinct clients."""

    shown: set[ClientId] = field(default_factory=set)
    asked: set[ClientId] = field(default_factory=set)
    """Asked for by exports, reports and prints under any name, whether they were released or not."""
    left: set[ClientId] = field(default_factory=set)
    """Left the house: delivered by a released export, report or print under any name. Pages read on the screen do not count."""
    exports: set[str] = field(default_factory=set)
    """Acts that carry clients away, or would have."""
    stopped_exports: set[str] = field(default_factory=set)
    """Those of `exports` that were held, denied or not confirmed, and have not been released since."""
    ways: set[Channel] = field(default_factory=set)
    """Roads of those acts."""
    denied: set[str] = field(default_factory=set)
    """Acts of any kind that were denied."""
    to_delete: set[ClientId] = field(default_factory=set)
    """Clients that the person wanted to delete, whether it was done or not."""
    deleted: set[ClientId] = field(default_factory=set)
    """Clients whose deletion was let through to the CRM."""
    released: dict[str, Released] = field(default_factory=dict)
    """Exports that were released, by the short name of their manifest."""
    carried: set[ClientId] = field(default_factory=set)
    """Recognised in content on a way out, whether it was stopped or not."""
    sent: set[ClientId] = field(default_factory=set)
    """Recognised in uploads that were let out."""
    on_sticks: dict[str, frozenset[ClientId]] = field(default_factory=dict)
    """By act: recognised in a file on a removable device that was not put aside."""
    put_aside: set[str] = field(default_factory=set)
    """Acts whose file an agent has put aside."""
    stopped_uploads: set[str] = field(default_factory=set)
    """Uploads that were stopped because of clients in them."""
    unread_uploads: set[str] = field(default_factory=set)
    """Uploads that were stopped because they could not be inspected."""
    departing: set[str] = field(default_factory=set)
    """Acts of a departing person that were stopped, took out or deleted."""

    @property
    def copied(self) -> set[ClientId]:
        """Recognised in files that are on a removable device, as far as is known."""
        return set().union(*self.on_sticks.values())

    @property
    def gone(self) -> set[ClientId]:
        """Left the house by any road: a released export, an upload that was let out, a file on a stick."""
        return self.left | self.sent | self.copied


class View:
    """Every person's days. One thread at a time."""

    def __init__(self) -> None:
        self._days: defaultdict[str, dict[date, Day]] = defaultdict(dict)
        self._shown: defaultdict[str, dict[date, int]] = defaultdict(dict)

    def apply(self, deed: Deed) -> None:
        """Add what happened."""
        day = self._open(deed.pseudonym, deed.at.astimezone(UTC).date())
        if deed.phase is Phase.RELEASED:
            day.shown |= deed.shown
        if deed.takes_out or deed.act_id in day.exports:  # what was held as an export is one when it is released
            _taking_out(day, deed)
        if deed.manifest is not None and deed.phase is Phase.RELEASED:
            day.released[deed.manifest] = Released(deed.pseudonym, deed.event_id, deed.at, deed.shown_count)
        if deed.action in WAYS_OUT:
            _way_out(day, deed)
        if deed.action is Action.DELETE:
            day.to_delete |= deed.asked
            if deed.phase is Phase.ALLOWED:
                day.deleted |= deed.asked
        if deed.phase is Phase.DENIED:
            day.denied.add(deed.act_id)
        if deed.status in DEPARTING and (deed.stopped or deed.act_id in day.exports or deed.action is Action.DELETE):
            day.departing.add(deed.act_id)

    def day(self, pseudonym: str, at: datetime) -> Day:
        """The person's day (UTC) that holds this moment; empty when nothing is known of it."""
        return self.find(pseudonym, at) or Day()

    def find(self, pseudonym: str, at: datetime) -> Day | None:
        """`day`, but None when nothing is known of it. May be called while another thread applies."""
        return self._days.get(pseudonym, {}).get(at.astimezone(UTC).date())

    def released(self, pseudonym: str, name: str) -> Released | None:
        """The export of that short name, of anybody, if it was released today or yesterday; this person's own first."""
        others = (days for person, days in self._days.items() if person != pseudonym)
        for days in (self._days.get(pseudonym, {}), *others):
            for day in days.values():
                if name in day.released:
                    return day.released[name]
        return None

    def usual(self, pseudonym: str, at: datetime) -> int | None:
        """Distinct clients shown on the person's median day of the last 30 before this one; None while there are too few days."""
        first = at.date() - timedelta(days=LOOK_BACK_DAYS)
        known = [count for day, count in self._shown[pseudonym].items() if first <= day < at.date() and count]
        known += [len(day.shown) for when, day in self._days[pseudonym].items() if when < at.date() and day.shown]
        return round(median(known)) if len(known) >= USUAL_NEEDS_DAYS else None

    def _open(self, pseudonym: str, today: date) -> Day:
        days = self._days[pseudonym]
        if today not in days:
            if len(days) >= OPEN_DAYS and today < min(days):
                return Day()  # too late to change a closed day
            days[today] = Day()
            for old in sorted(days)[:-OPEN_DAYS]:
                self._shown[pseudonym][old] = len(days.pop(old).shown)
            oldest = max(days) - timedelta(days=LOOK_BACK_DAYS)
            for old in [day for day in self._shown[pseudonym] if day < oldest]:
                del self._shown[pseudonym][old]
        return days[today]


def _taking_out(day: Day, deed: Deed) -> None:
    day.exports.add(deed.act_id)
    day.asked |= deed.asked
    if deed.phase is Phase.RELEASED:
        day.left |= deed.shown
        day.stopped_exports.discard(deed.act_id)
    elif deed.stopped:
        day.stopped_exports.add(deed.act_id)
        day.ways.add(deed.channel)


def _way_out(day: Day, deed: Deed) -> None:
    day.carried |= deed.asked
    if deed.action is Action.FILE_COPY:
        if deed.phase is Phase.PUT_ASIDE:
            day.put_aside.add(deed.act_id)
        if deed.channel is Channel.REMOVABLE:
            day.on_sticks[deed.act_id] = NOBODY if deed.phase is Phase.PUT_ASIDE else deed.asked
    elif not deed.stopped:
        day.sent |= deed.asked
    elif deed.unread:
        day.unread_uploads.add(deed.act_id)
    else:
        day.stopped_uploads.add(deed.act_id)
