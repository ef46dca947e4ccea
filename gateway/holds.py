"""Acts that wait for a touch: the request stays open here, the pages of the session are told, the grant lets it go on once.

Nothing is stored and replayed (`docs/step-up.md`): what waits is the open request itself, with the CRM's answer in memory or, for a
writing act, with nothing sent yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from dataclasses import dataclass, field

from auth.stepup import StepUp
from auth.tables import Act
from policies.request import KeyProof

POLL_SECONDS = 0.15
"""How often the database is asked whether the act was confirmed: the touch happens in another process."""
PAGE_CONNECTED_SECONDS = 35.0
"""A page that polled within this time counts as connected: one long poll lasts at most 25 s, plus the time to come back."""
ENDED_NOTICE_SECONDS = 8.0
"""How long an ended act is still told to pages, so that a stale poll of a closed page cannot swallow the end."""


@dataclass(slots=True)
class Notice:
    """What the pages of a session are told about one act."""

    act_id: str
    session_id: str
    language: str
    text: str
    asked: int
    allowed: int
    link: str
    deadline: float
    """`time.monotonic()` at which the act ends by itself."""
    repeat: bool = False
    """True: nobody holds the call open; once confirmed, the person repeats it."""
    state: str = "open"
    """`open`, then `released`, `cancelled` or `expired`."""
    ended: float | None = None


@dataclass(slots=True)
class _Session:
    version: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    polled: float = float("-inf")


class Holds:
    """The open acts of this gateway process."""

    def __init__(self, stepup: StepUp) -> None:
        self._stepup = stepup
        self._notices: dict[str, Notice] = {}
        self._sessions: defaultdict[str, _Session] = defaultdict(_Session)
        self._waiting: dict[str, set[str]] = defaultdict(set)  # connection id -> act ids
        self._following: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected while it runs

    def page_connected(self, session_id: str) -> bool:
        """True while a page of this session listens for held acts."""
        return time.monotonic() - self._sessions[session_id].polled < PAGE_CONNECTED_SECONDS if session_id in self._sessions else False

    async def wait(self, act: Act, notice: Notice, connection_id: str) -> KeyProof | None:
        """Wait until the act is confirmed, cancelled, expired or its client has gone; the proof, or None.

        The proof is taken (single use) here: whoever gets it must release or record.
        """
        self._show(notice)
        self._waiting[connection_id].add(act.id)
        try:
            while time.monotonic() < notice.deadline:
                if act.id not in self._waiting.get(connection_id, ()):
                    self._stepup.cancel(act.id)  # the client has gone
                    break
                match self._stepup.get(act.id):
                    case Act(state="confirmed"):
                        proof = self._stepup.take(act.id, act.digest)
                        self._end(notice, "released" if proof else "expired")
                        return proof
                    case Act(state="open"):
                        await asyncio.sleep(POLL_SECONDS)
                    case Act(state="cancelled"):
                        break
                    case _:
                        self._end(notice, "expired")
                        return None
            else:
                self._stepup.cancel(act.id)
                self._end(notice, "expired")
            return None
        finally:
            if notice.state == "open":  # cancelled task: the gateway stops
                self._end(notice, "cancelled")
            self._waiting.get(connection_id, set()).discard(act.id)

    def announce(self, act: Act, notice: Notice) -> None:
        """Tell the session's pages about an act whose client does not wait: it is confirmed first and repeated then."""
        self._show(notice)
        task = asyncio.get_running_loop().create_task(self._follow(act, notice))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _follow(self, act: Act, notice: Notice) -> None:
        while time.monotonic() < notice.deadline:
            current = self._stepup.get(act.id)
            if current is None or current.state != "open":
                known = {"confirmed": "released", "used": "released", "cancelled": "cancelled"}
                self._end(notice, known.get(current.state if current else "", "expired"))
                return
            await asyncio.sleep(POLL_SECONDS)
        self._end(notice, "expired")

    def disconnected(self, connection_id: str) -> None:
        """The client has closed its connection: its acts end."""
        self._waiting.pop(connection_id, None)

    def cancel(self, act_id: str, session_id: str) -> bool:
        """The person turns the act down on the page; only pages of the same session may."""
        notice = self._notices.get(act_id)
        if notice is None or notice.session_id != session_id:
            return False
        self._stepup.cancel(act_id)
        return True

    async def poll(self, session_id: str, seen: int, timeout_seconds: float) -> tuple[int, list[Notice]]:
        """The session's acts, at once if anything changed since version `seen`, else after the time at the latest."""
        session = self._sessions[session_id]
        session.polled = time.monotonic()
        if session.version == seen:
            session.changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(session.changed.wait(), timeout_seconds)
        session.polled = time.monotonic()
        return session.version, self._current(session_id)

    def _show(self, notice: Notice) -> None:
        self._forget_ended()  # here too: perhaps no page ever asks again
        self._notices[notice.act_id] = notice
        self._tell(notice.session_id)

    def _forget_ended(self) -> None:
        now = time.monotonic()
        for act_id in [n.act_id for n in self._notices.values() if n.ended is not None and now - n.ended > ENDED_NOTICE_SECONDS]:
            del self._notices[act_id]

    def _current(self, session_id: str) -> list[Notice]:
        self._forget_ended()
        return [notice for notice in self._notices.values() if notice.session_id == session_id]

    def _end(self, notice: Notice, state: str) -> None:
        notice.state, notice.ended = state, time.monotonic()
        self._tell(notice.session_id)

    def _tell(self, session_id: str) -> None:
        session = self._sessions[session_id]
        session.version += 1
        session.changed.set()
