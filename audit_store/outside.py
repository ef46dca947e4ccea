"""Places outside this machine that keep signed statements: what they have, nobody here can unsay.

A place is asked in a thread of its own and with a time limit: a mounted folder whose server is gone may hang for ever, and then it counts
as failed. One more kind of place is one more class with `name`, `every` and `put`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from audit_store.spool_file import SpoolError
from audit_store.statement import Statement
from audit_store.statements import Statements, StatementsError

_BATCH = 1_000
_NEVER = datetime.min.replace(tzinfo=UTC)
HEAD_START = timedelta(seconds=10)
"""So long a statement is left to the process that made it, before the one that delivers for all takes it: it is rarely sent twice."""


class Trouble(StrEnum):
    """What is wrong with a place."""

    ABSENT = "absent"
    """It is not there: not mounted."""
    EMPTIED = "emptied"
    """It is there, and what it had taken is not."""
    LOST = "lost"
    """It has less than it had taken."""
    AHEAD = "ahead"
    """It has more than this machine: what is here was set back to an older state."""
    UNWRITABLE = "unwritable"
    SILENT = "silent"
    """It does not answer in time."""
    MAIL = "mail"
    """The mail server does not take it."""
    OWN = "own"
    """The statements of this machine cannot be read."""


class PlaceError(Exception):
    """A place does not take statements now; the text says what to do."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble


class NotWitnessedError(SpoolError):
    """No place outside has the checkpoint that an act must have first: the act is denied."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Statements of one signer for a place."""

    statements: Sequence[Statement]
    """At least one, in order."""
    after: Statement | None
    """The newest that the place has from before."""
    newest: int
    """Number of the signer's newest."""


class Place(Protocol):
    """Somewhere outside that keeps statements."""

    @property
    def name(self) -> str:
        """As it is shown, and as what it has is remembered under."""

    @property
    def every(self) -> timedelta:
        """How long statements may wait for each other; zero: each is sent at once, and one that must be there first is sent here first."""

    @property
    def seconds(self) -> float:
        """How long it may take."""

    def put(self, batches: Sequence[Batch]) -> None:
        """Keep statements, of each signer in order; on return they are kept. Raises PlaceError."""


@dataclass(slots=True)
class PlaceState:
    """How a place is doing."""

    name: str
    failing_since: datetime | None = None
    trouble: Trouble | None = None
    advice: str = ""
    """What to do, in the words of the command line."""
    taken_at: datetime | None = None
    """When it took something last."""
    waiting: int = 0
    """Statements that it has not got yet."""


class Outside:
    """The places of one installation, as one process sees them. May be used from several threads."""

    def __init__(self, statements: Statements, places: Sequence[Place], clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.states = {place.name: PlaceState(place.name) for place in places}
        self._statements = statements
        self._places = places
        self._clock = clock
        self._threads = {place.name: ThreadPoolExecutor(1, f"place {place.name}") for place in places}
        self._busy: dict[str, Future[None]] = {}
        self._gate = threading.Lock()

    def close(self) -> None:
        """Does not wait for a place that hangs."""
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)

    def must_have(self, statement: Statement) -> None:
        """Return when one place has the statement, or when there are no places. Raises NotWitnessedError.

        Places that take statements at once are asked first, all of them; the others only where none of those has it.
        """
        if not self._places:
            return
        at_once = [self._try(place, [statement.signer]) for place in self._places if not place.every]
        if any(at_once) or any(self._try(place, [statement.signer], only=statement) for place in self._places if place.every):
            return
        troubles = "; ".join(f"{state.name}: {state.advice}" for state in self.states.values())
        raise NotWitnessedError(f"no place outside has taken the checkpoint that must be there first ({troubles})")

    def deliver(self, *, at_once: bool = False) -> None:
        """Send each place what is due; how that went is in `states`. `at_once`: folders get all that there is. Raises StatementsError."""
        newest = {signer: found for signer in self._statements.signers() if (found := self._statements.newest(signer)) is not None}
        for place in self._places:
            sent, now = self._statements.sent(place.name), self._clock()
            behind = {signer: last.number - (sent[signer].number if signer in sent else 0) for signer, last in newest.items()}
            waiting = [signer for signer, count in behind.items() if count]
            if place.every:
                due = waiting if now - max((one.at for one in sent.values()), default=_NEVER) >= place.every else []
            else:
                due = [signer for signer in waiting if at_once or now - newest[signer].time >= HEAD_START]
            if due and not self._hangs(place) and self._try(place, due):
                behind |= dict.fromkeys(due, 0)
            self.states[place.name].waiting = sum(behind.values())

    def _hangs(self, place: Place) -> bool:
        """It has not answered the last time, and is not asked again before it has."""
        busy = self._busy.get(place.name)
        return busy is not None and not busy.done()

    def _try(self, place: Place, signers: Sequence[str], only: Statement | None = None) -> bool:
        state = self.states[place.name]
        try:
            self._ask(place, signers, only)
        except PlaceError as error:
            state.failing_since = state.failing_since or self._clock()
            state.trouble, state.advice = error.trouble, str(error)
            return False
        state.failing_since, state.trouble, state.advice, state.taken_at = None, None, "", self._clock()
        return True

    def _ask(self, place: Place, signers: Sequence[str], only: Statement | None) -> None:
        with self._gate:
            if self._hangs(place):
                raise PlaceError(Trouble.SILENT, "it does not answer: is its server reachable?")
            answer = self._busy[place.name] = self._threads[place.name].submit(self._send, place, signers, only)
        try:
            answer.result(place.seconds)
        except TimeoutError:
            raise PlaceError(Trouble.SILENT, f"it did not answer within {place.seconds:.0f} seconds: is its server reachable?") from None

    def _send(self, place: Place, signers: Sequence[str], only: Statement | None) -> None:
        try:
            while batches := [batch for signer in signers if (batch := self._batch(place, signer, only)) is not None]:
                place.put(batches)
                for batch in batches:
                    self._statements.note_sent(place.name, batch.statements[0].signer, batch.statements[-1].number)
        except StatementsError as error:
            raise PlaceError(Trouble.OWN, str(error)) from error

    def _batch(self, place: Place, signer: str, only: Statement | None) -> Batch | None:
        newest, sent = self._statements.newest(signer), self._statements.sent(place.name).get(signer)
        number = sent.number if sent else 0
        before = self._statements.after(signer, number - 1, 1) if number else []
        if newest is None or newest.number < number:
            text = f"it has statement {number} of {signer}, and this machine has lost it: the state folder is an older one"
            raise PlaceError(Trouble.AHEAD, text)
        rows = self._statements.after(signer, number, _BATCH)
        if only is not None:
            rows = [row for row in rows if row.number == only.number]
        return Batch(rows, before[0] if before else None, newest.number) if rows else None
