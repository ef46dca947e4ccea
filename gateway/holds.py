"""Acts that wait for a touch: the request stays open here, the pages of the session are told, the grant lets it go on once.

Nothing is stored and replayed (`docs/step-up.md`): what waits is the open request itself, with the CRM's answer in memory or, for a
writing act, with nothing sent yet. Any gateway process tells its pages of any act of their session, also of one that another process
holds: behind a load balancer the page asks one of them and the call waits in another.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from sqlalchemy.exc import SQLAlchemyError

from auth.stepup import StepUp
from auth.tables import Act
from gateway.notice import Notice
from policies.request import Proof

POLL_SECONDS = 0.15
"""How often the database is asked whether the act was confirmed: the touch happens in another process."""
LOOK_SECONDS = 0.5
"""How often a process whose pages listen looks for acts that other processes hold."""
ELSEWHERE_SECONDS = 1.5
"""How long is waited for another process to say that its page listens: three of its looks."""
PAGE_CONNECTED_SECONDS = 35.0
"""A page that polled within this time counts as connected: one long poll lasts at most 25 s, plus the time to come back."""
ENDED_NOTICE_SECONDS = 8.0
"""How long an ended act is still told to pages, so that a stale poll of a closed page cannot swallow the end."""
MAX_WAITING = 200
"""Requests that one process holds open at once; beyond, a call is confirmed first and repeated then."""
MAX_WAITING_BYTES = 256 * 1024 * 1024
"""Of the CRM's answers that wait in the memory of one process."""
_ENDS = {"confirmed": "released", "used": "released", "cancelled": "cancelled", "asked": "asked"}
"""State of an act -> what its pages are told."""


@dataclass(slots=True)
class _Session:
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    polled: float = float("-inf")


class Holds:
    """The open acts of this gateway process."""

    def __init__(self, stepup: StepUp, tell: Callable[[Act, float], Notice] | None = None) -> None:
        """`tell`: the notice of an act that another process holds, with the seconds that are left; None: such acts are told by nobody."""
        self._stepup = stepup
        self._tell = tell
        self._notices: dict[str, Notice] = {}
        self._sessions: defaultdict[str, _Session] = defaultdict(_Session)
        self._waiting: dict[str, set[str]] = defaultdict(set)  # connection id -> act ids
        self._weights: dict[str, int] = {}  # act id -> bytes of the answer that waits with it
        self._following: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected while it runs
        self._looking: asyncio.Task[None] | None = None

    def page_connected(self, session_id: str) -> bool:
        """True while a page of this session listens for held acts at this process."""
        return time.monotonic() - self._sessions[session_id].polled < PAGE_CONNECTED_SECONDS if session_id in self._sessions else False

    async def page_elsewhere(self, act: Act) -> bool:
        """True if a page of the act's session listens at another gateway process, which has told it of the act."""
        if not self._stepup.has_company():
            return False
        deadline = time.monotonic() + ELSEWHERE_SECONDS
        while time.monotonic() < deadline:
            if self._stepup.was_told(act.id):
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    def has_room(self, weight: int) -> bool:
        """Whether one more request can stay open, with so many bytes of an answer."""
        return len(self._weights) < MAX_WAITING and sum(self._weights.values()) + weight <= MAX_WAITING_BYTES

    async def wait(self, act: Act, notice: Notice, connection_id: str, weight: int = 0) -> Proof | None:
        """Wait until the act is confirmed, cancelled, expired or its client has gone; the proof, or None.

        The proof is taken (single use) here: whoever gets it must release or record. `weight`: bytes that wait in memory.
        """
        self._show(notice)
        self._waiting[connection_id].add(act.id)
        self._weights[act.id] = weight
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
            self._weights.pop(act.id, None)

    def announce(self, act: Act, notice: Notice) -> None:
        """Tell the session's pages about an act whose client does not wait here; it ends when the act does."""
        self._show(notice)
        task = asyncio.get_running_loop().create_task(self._follow(act, notice))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _follow(self, act: Act, notice: Notice) -> None:
        while time.monotonic() < notice.deadline:
            current = self._stepup.get(act.id)
            if current is None or current.state != "open":
                self._end(notice, _ENDS.get(current.state if current else "", "expired"))
                return
            if current.repeats and not notice.repeat:  # its process has given up waiting for a page
                notice.repeat = True
                self._changed(notice.session_id)
            await asyncio.sleep(POLL_SECONDS)
        self._end(notice, "expired")

    async def _look_around(self) -> None:
        """Find the acts of listening sessions that this process does not know, as long as any page listens."""
        while any(map(self.page_connected, list(self._sessions))):
            with contextlib.suppress(SQLAlchemyError, sqlite3.Error, OSError):  # the database is away: then nobody confirms anything
                for act, left in self._stepup.waiting():
                    if act.id not in self._notices and self._tell is not None and self.page_connected(act.session_id):
                        self.announce(act, self._tell(act, left))
                        self._stepup.told(act.id)
            await asyncio.sleep(LOOK_SECONDS)

    def disconnected(self, connection_id: str) -> None:
        """The client has closed its connection: its acts end."""
        self._waiting.pop(connection_id, None)

    def cancel(self, act_id: str, session_id: str) -> bool:
        """The person turns the act down on the page; only pages of the same session may."""
        act = self._stepup.get(act_id)
        return act is not None and act.session_id == session_id and act.state in ("open", "confirmed") and self._stepup.cancel(act_id)

    async def poll(self, session_id: str, seen: str, timeout_seconds: float) -> tuple[str, list[Notice]]:
        """The session's acts, at once if they are not those of the token `seen`, else after the time at the latest.

        The token is made of what is told: it means the same at every process.
        """
        session = self._sessions[session_id]
        session.polled = time.monotonic()
        if self._tell is not None and (self._looking is None or self._looking.done()):
            self._looking = asyncio.get_running_loop().create_task(self._look_around())
        deadline = time.monotonic() + timeout_seconds
        while _token(told := self._current(session_id)) == seen and (left := deadline - time.monotonic()) > 0:
            session.changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(session.changed.wait(), left)
        session.polled = time.monotonic()
        return _token(told), told

    def _show(self, notice: Notice) -> None:
        self._forget_ended()  # here too: perhaps no page ever asks again
        self._notices[notice.act_id] = notice
        self._changed(notice.session_id)

    def _forget_ended(self) -> None:
        now = time.monotonic()
        for act_id in [n.act_id for n in self._notices.values() if n.ended is not None and now - n.ended > ENDED_NOTICE_SECONDS]:
            del self._notices[act_id]

    def _current(self, session_id: str) -> list[Notice]:
        self._forget_ended()
        return [notice for notice in self._notices.values() if notice.session_id == session_id]

    def _end(self, notice: Notice, state: str) -> None:
        notice.state, notice.ended = state, time.monotonic()
        self._changed(notice.session_id)

    def _changed(self, session_id: str) -> None:
        self._sessions[session_id].changed.set()


def _token(told: Iterable[Notice]) -> str:
    said = " ".join(sorted(f"{notice.act_id}:{notice.state}:{notice.repeat}" for notice in told))
    return blake2b(said.encode(), digest_size=8).hexdigest()
