"""Fetches what Torwart orders, believes none of it before its signature held, and carries out the two things that can be ordered (X29).

Every order is answered by one event: what became of it, or why it was refused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from agent.aside import Aside, LeftError
from agent.identity import Identity
from agent.journal import ASIDE, GIVEN, GIVING, LEFT, TAKING, WAITS, File, Journal
from agent.seen import Seen
from agent.server import UnreachableError, cause_of
from agent.telling import Telling
from audit_store.event import Event, EventAction, plain_event
from audit_store.spool import Spool
from auth.agent_order import ORDER_BYTES_MAX, Order, Verb, order_of
from auth.agent_signature import decode, signature_holds

PATH = "/api/agents/orders"
ANSWER_BYTES_MAX = 64 * 1024
ORDERS_MAX = 50
"""Orders in one answer that are looked at."""
SOON_SECONDS = (0.3, 0.3, 0.4, 0.5, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses between questions after a file was told of: the server takes about a quarter of a second to judge it."""
ALARM_EVERY_SECONDS = 60.0
SEVERITY_HIGH = 73
"""Of 100: where Elastic's scale of rules has `high`."""


class RefusedOrderError(Exception):
    """It must not be obeyed. `order` is there only if it was genuine and for this machine."""

    def __init__(self, cause: str, order: Order | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.order = order


@dataclass(slots=True)
class _Alarm:
    at: float
    more: int = 0


class Orders:
    """One thread; `soon` and `heard` may be called from any."""

    def __init__(
        self,
        *,
        ask: Callable[[int], httpx.Response],
        identity: Identity,
        journal: Journal,
        aside: Aside,
        seen: Seen,
        spool: Spool,
        told: Callable[[], None] = lambda: None,
        moved: Callable[[File], None] = lambda _: None,
        idle_seconds: float = 60.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`ask` sends a signed GET for `PATH` with the counter of the last order; raises UnreachableError. `told`: there is a new event.
        `moved`: something of this file's place has changed, and is to be looked at.
        """
        self._ask = ask
        self._identity = identity
        self._key = decode(identity.order_key) if identity.order_key else b""
        self._journal = journal
        self._aside = aside
        self._seen = seen
        self._spool = spool
        self._telling = Telling(spool, journal)
        self._told = told
        self._moved = moved
        self._idle = idle_seconds
        self._now = now
        self._wake = threading.Event()
        self._pauses: list[float] = []
        self._alarms: dict[str, _Alarm] = {}

    def soon(self) -> None:
        """A file was told of: an order about it may come within seconds."""
        self._pauses = list(SOON_SECONDS)
        self._wake.set()

    def heard(self, highest: int) -> None:
        """Torwart says that an order with this counter waits."""
        if highest > self._journal.last():
            self._pauses = [0.0, *SOON_SECONDS]
            self._wake.set()

    def wait(self, ending: threading.Event) -> None:
        """Until the next question is due, or something is to be done at once."""
        due = time.monotonic() + (self._pauses.pop(0) if self._pauses else self._idle)
        while not ending.is_set() and (left := due - time.monotonic()) > 0:
            if self._wake.wait(min(left, 1.0)):
                self._wake.clear()
                due = min(due, time.monotonic() + (self._pauses.pop(0) if self._pauses else self._idle))
            if self._journal.to_do():
                return  # its person asks for a file that was released

    def step(self) -> int:
        """Go on with what was begun, then fetch and carry out what is new; how many orders came.

        Raises UnreachableError; StoreError: then nothing is lost and the next step goes on.
        """
        self._telling.recover()
        self._carry_out()
        if not self._key:
            return 0
        found = _offered(self._ask(self._journal.last()))
        for signed, signature in found:
            self._obey(signed, signature)
        self._carry_out()
        return len(found)

    def recover(self) -> None:
        """At the start: what a crash left. Raises StoreError."""
        self._aside.sweep()
        self._telling.recover()
        for file in self._journal.all():
            if file.state == GIVEN:
                self._aside.drop(file)

    def _obey(self, signed: bytes, signature: bytes) -> None:
        try:
            order = self._genuine(signed, signature)
            found = self._about(order)
        except RefusedOrderError as error:
            self._refuse(error)
            return
        self._journal.take(order, *found)

    def _genuine(self, signed: bytes, signature: bytes) -> Order:
        """The signature first: what does not hold is not read at all."""
        if len(signed) > ORDER_BYTES_MAX:
            raise RefusedOrderError("too_large")
        if not signature_holds(self._key, signature, signed):
            raise RefusedOrderError("forged")
        try:
            order = order_of(signed)
        except (ValueError, OverflowError, OSError):
            raise RefusedOrderError("unreadable") from None
        if order.agent != self._identity.agent:
            raise RefusedOrderError("other_machine")
        if order.counter <= self._journal.last():
            raise RefusedOrderError("repeated")
        if order.expires <= self._now():
            raise RefusedOrderError("expired", order)
        return order

    def _about(self, order: Order) -> tuple[Any, Any, bytes]:
        """Place, path and digest of the file that this agent told of: all that is done follows from them, nothing from the order."""
        if order.verb is Verb.RELEASE:
            file = self._journal.find(order.event)
            if file is None or file.state not in (ASIDE, WAITS, GIVING):
                raise RefusedOrderError("not_aside", order)
            digest, found = file.digest, (file.root, file.path, file.digest)
        else:
            told = self._seen.about(order.event)
            if told is None:
                raise RefusedOrderError("never_told", order)
            digest, found = told.digest, (told.root, told.path, told.digest)
        if order.digest is not None and order.digest != digest.hex():
            raise RefusedOrderError("other_content", order)
        return found

    def _carry_out(self) -> None:
        for file in self._journal.to_do():
            if file.state == TAKING:
                self._put_aside(file)
            else:
                self._put_back(file)
            self._moved(file)
            self._told()

    def _put_aside(self, file: File) -> None:
        try:
            moved = self._aside.put(file)
        except LeftError as left:
            self._end(file, LEFT, left.cause, {"cause": left.cause})
            return
        self._end(file, ASIDE, "", {"size": moved.size, "links": moved.links})

    def _put_back(self, file: File) -> None:
        try:
            self._aside.put_back(file)
        except LeftError as left:
            if file.asked and left.cause == file.cause:
                self._journal.asked_in_vain(file.event, left.cause)
            else:
                self._end(file, WAITS, left.cause, {"cause": left.cause})
            return
        self._end(file, GIVEN, "", {})
        self._aside.drop(file)

    def _end(self, file: File, state: str, cause: str, facts: dict[str, int | str]) -> None:
        action = EventAction.FILE_QUARANTINED if state in (ASIDE, LEFT) else EventAction.FILE_RELEASED
        said = {"order": file.counter, "event": file.event, **facts}
        event = self._event(action, "failure" if cause else "success", said)
        self._telling.tell(event, lambda pending: self._journal.end(file.event, state, cause, pending))

    def _refuse(self, error: RefusedOrderError) -> None:
        if error.order is not None:
            order = error.order
            event = self._refusal(error.cause, {"order": order.counter, "event": order.event})
            self._telling.tell(event, lambda pending: self._journal.refuse(order, pending))
        elif (count := self._alarm(error.cause)) > 0:
            self._spool.append(self._refusal(error.cause, {"count": count}))
        self._told()

    def _alarm(self, cause: str) -> int:
        """How many refusals of this cause are to be told now; 0: none yet. Each cause at once, then together once a minute."""
        known, now = self._alarms.get(cause), time.monotonic()
        if known is not None and now - known.at < ALARM_EVERY_SECONDS:
            known.more += 1
            return 0
        self._alarms[cause] = _Alarm(now)
        return 1 + (known.more if known else 0)

    def _refusal(self, cause: str, facts: dict[str, int | str]) -> Event:
        return self._event(EventAction.ORDER_REFUSED, "failure", {"cause": cause, **facts}, SEVERITY_HIGH)

    def _event(self, action: EventAction, outcome: str, facts: dict[str, int | str], severity: int | None = None) -> Event:
        who, machine = self._identity.pseudonym, self._identity.producer
        return plain_event(action, at=self._now(), pseudonym=who, subject=machine, outcome=outcome, numbers=facts, severity=severity)


def _offered(answer: httpx.Response) -> list[tuple[bytes, bytes]]:
    """What the answer holds, as bytes that nobody has believed yet. Raises UnreachableError for anything else."""
    if answer.status_code != 200:
        raise UnreachableError(f"Torwart answered {answer.status_code} {cause_of(answer)}".rstrip())
    if len(answer.content) > ANSWER_BYTES_MAX:
        raise UnreachableError("what answered sends more orders than Torwart would")
    try:
        offered = answer.json()["orders"]
        return [(str(one["order"]).encode(), decode(str(one["signature"]))) for one in offered[:ORDERS_MAX]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreachableError(f"what answered is not Torwart ({type(error).__name__})") from error
