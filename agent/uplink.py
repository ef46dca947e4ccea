"""Delivers the agent's record to Torwart: in order, each event once, for as long as it takes.

Where to go on, Torwart says (the end of its copy): nothing about it is kept here, so nothing about it can be wrong here. What is not
delivered stays in the spool.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from agent.server import UnreachableError, cause_of
from agent.stored import event_of
from audit_store.event import Event, EventAction
from audit_store.spool import Head, Spool, SpoolError, Stored

PATH = "/api/intake"
BATCH_BYTES = 384 * 1024
"""Of events in one request; with the quotation marks of JSON around them it stays far below `console.guard.INTAKE_LIMIT_BYTES`."""
BATCH_ROWS = 500
FIRST_WAIT_SECONDS = 0.5
"""After the first try that failed; it doubles with each."""
MISFITS = frozenset({"chain", "epoch", "epoch_silent", "fork", "gap"})
"""Causes of a refusal by which the record here does not go on with Torwart's copy."""
_READ_ROWS = 200


@dataclass(slots=True)
class Delivery:
    """How it stands, for `torwart-agent status`."""

    delivered: int = 0
    """Sequence up to which Torwart has the record."""
    trouble: str = ""
    """Why nothing is delivered now; empty when all is well."""


class Uplink:
    """One thread of its own; `wake` may be called from any."""

    def __init__(
        self,
        spool: Spool,
        send: Callable[[bytes], httpx.Response],
        told: Callable[[Delivery], None] = lambda _: None,
        delivered: int = 0,
        longest_wait_seconds: float = 30.0,
        ordered: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`send` posts a body to `PATH`, signed; raises UnreachableError. `told` hears of every change of the state; `delivered` is what it
        heard last. `ordered` hears after every delivery which order waits at Torwart: the highest counter, 0 for none.
        """
        self._spool = spool
        self._send = send
        self._told = told
        self._ordered = ordered
        self._longest_wait = longest_wait_seconds
        self._ending = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
        self._head: Head | None = None
        self._behind = 0
        """Rows up to here are of an epoch that Torwart's copy does not go on with."""
        self.state = Delivery(delivered)

    def start(self) -> None:
        """Begin; may be called once."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    def stop(self, seconds: float = 5.0) -> None:
        """End after what is being sent just now."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def step(self) -> bool:
        """One request; False when everything is delivered. Raises UnreachableError, SpoolError."""
        if self._head is None:
            self._head = self._deliver([])
            self._check(self._head)
        rows = self._next(max(self._head.sequence, self._behind))
        if not rows:
            return False
        self._head = self._deliver(rows)
        return True

    def _run(self) -> None:
        wait = first = min(FIRST_WAIT_SECONDS, self._longest_wait)
        while not self._ending.is_set():
            self._wake.clear()
            try:
                while self.step() and not self._ending.is_set():
                    wait = first
                    self._say("")
                wait = first
                self._say("")
                self._wake.wait()
            except (UnreachableError, SpoolError) as error:
                self._head = None  # whoever answers next says anew what they have
                self._say(str(error))
                self._ending.wait(wait * random.uniform(0.8, 1.2))  # noqa: S311 -- so that agents do not come all at once
                wait = min(2 * wait, self._longest_wait)

    def _next(self, after: int) -> list[Stored]:
        """The next batch by bytes; one event at least."""
        batch: list[Stored] = []
        size = 0
        while len(batch) < BATCH_ROWS and (rows := self._spool.read(batch[-1].sequence if batch else after, _READ_ROWS)):
            for row in rows:
                size += len(row.canonical)
                if batch and (size > BATCH_BYTES or len(batch) >= BATCH_ROWS):
                    return batch
                batch.append(row)
        return batch

    def _deliver(self, rows: Sequence[Stored]) -> Head:
        answer = self._send(json.dumps({"rows": [_said(row) for row in rows]}, ensure_ascii=False, separators=(",", ":")).encode())
        try:
            if answer.status_code == 200:
                said = answer.json()
                head, waiting = _head(said["head"]), said.get("orders", 0)
                self._ordered(waiting if isinstance(waiting, int) else 0)
                return head
            cause = cause_of(answer)
            if answer.status_code == 409 and cause in MISFITS:
                theirs = _head(answer.json()["head"])
                refused = next((row for row in rows if row.sequence > theirs.sequence), rows[0])
                self._go_round(theirs, refused.epoch, cause)
                return theirs
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreachableError(f"what answered is not Torwart ({type(error).__name__})") from error
        raise UnreachableError(f"Torwart answered {answer.status_code} {cause}".rstrip())

    def _check(self, theirs: Head) -> None:
        """Torwart's copy must be a piece of this record; if not, only a later epoch goes on with it."""
        self._behind = 0
        rows = self._spool.read(theirs.sequence - 1, 1) if theirs.sequence else []
        if theirs.sequence and (
            not rows or (rows[0].sequence, rows[0].epoch, rows[0].hash) != (theirs.sequence, theirs.epoch, theirs.hash)
        ):
            self._go_round(theirs, theirs.epoch, "the record here is not the one that was delivered")

    def _go_round(self, theirs: Head, epoch: int, cause: str) -> None:
        """Nothing of this epoch goes on with what Torwart has: a later one does, if need be a new one. The record here is an older copy
        then, or was edited or replaced.
        """
        begins = self._spool.epoch_after(epoch)
        if begins is None or begins <= theirs.sequence:
            left = self._left_over()
            begins = self._spool.begin_epoch(cause, after=theirs).sequence
            for event in left:
                self._spool.append(event)
        self._behind = begins - 1

    def _left_over(self) -> list[Event]:
        """What Torwart may not have, each once: it is told again in the new epoch."""
        found: dict[str, Event] = {}
        after = self.state.delivered
        while rows := self._spool.read(after, _READ_ROWS):
            after = rows[-1].sequence
            found.update({event.id: event for event in map(event_of, (row.canonical for row in rows))})
        return [event for event in found.values() if event.action is not EventAction.STORE_ALARM]

    def _say(self, trouble: str) -> None:
        state = Delivery(self._head.sequence if self._head else self.state.delivered, trouble)
        if state != self.state:
            self.state = state
            self._told(state)


def _said(row: Stored) -> dict[str, Any]:
    return {"epoch": row.epoch, "sequence": row.sequence, "event": row.canonical.decode(), "hash": row.hash.hex()}


def _head(said: dict[str, Any]) -> Head:
    return Head(int(said["sequence"]), int(said["epoch"]), bytes.fromhex(said["hash"]))
