"""Everything that a person is signed in to now, in one list: Torwart's pages, the CRM, the proxy on the way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from auth.console_sessions import ConsoleSessions
from auth.sessions import API_KEY, PROXY, Sessions

CONSOLE = "console"
ISSUED = frozenset({API_KEY, PROXY})
"""Kinds that an administrator gave out. They are no sign-in: whoever ends them needs a new one, so they are ended one by one."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of them."""

    id: str
    kind: str
    """`console`, or a kind of `auth.tables.CrmSession`."""
    account: str
    """CRM account; empty for what has none."""
    device: str
    """Browser and system; empty: unknown."""
    source: str | None
    """Network address; None: unknown."""
    since: datetime
    last_used: datetime | None
    """None: not noted for this kind."""
    suspended: bool = False
    """A freeze has cut it; it works again when that is lifted."""


class OpenSessions:
    """The list, and its ends. Each end is recorded."""

    def __init__(self, console: ConsoleSessions, crm: Sessions) -> None:
        self._console = console
        self._crm = crm

    def of(self, person_id: str) -> list[OpenSession]:
        """All of a person's, newest first."""
        console = (
            OpenSession(row.id, CONSOLE, "", row.device, row.source, row.opened_at, row.last_seen_at) for row in self._console.of(person_id)
        )
        crm = (
            OpenSession(row.id, row.kind, row.account, "", None, row.opened_at, None, row.suspended_at is not None)
            for row in self._crm.of(person_id)
        )
        return sorted([*console, *crm], key=lambda one: (one.since, one.id), reverse=True)

    def end(self, person_id: str, session_id: str, why: str) -> bool:
        """End one of this person's; False if there is no such one."""
        found = next((one for one in self.of(person_id) if one.id == session_id), None)
        if found is None:
            return False
        self._end(found, why)
        return True

    def end_all(self, person_id: str, why: str, *, but: str | None = None) -> int:
        """End all sign-ins of this person `but` one, not what an administrator gave out; how many."""
        ending = [one for one in self.of(person_id) if one.id != but and one.kind not in ISSUED]
        for one in ending:
            self._end(one, why)
        return len(ending)

    def _end(self, one: OpenSession, why: str) -> None:
        (self._console if one.kind == CONSOLE else self._crm).end(one.id, why)
