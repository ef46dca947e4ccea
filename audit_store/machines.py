"""What machines that share a PostgreSQL owe each other: one turn for a person over all of them, and counts that are the same on each.

A turn is an advisory lock of the server's, held by one connection of the process: the server ends it with the connection, so it outlives
nobody. Whoever has it first reads from the log what the others did, and hands in to the log what it did itself before anything goes out.
What the log does not have was not released, so that nobody has to ask another machine.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from audit_store.engines import Server, server_engine
from audit_store.history import History
from audit_store.log import Entry, Log, LogError
from audit_store.spool import SpoolReader
from audit_store.spool_file import SpoolError, Stored

POLL_SECONDS = 0.003
"""Between two tries for a turn that another machine has: a turn takes some milliseconds."""
BATCH = 200
"""Entries of the log between two turns of the event loop."""
_AGENTS = "agent-"


class Machines:
    """This process among those of all machines. For one event loop; its waiting is done in two threads."""

    def __init__(self, server: Server, machine: str, spool: Path) -> None:
        """`spool`: the folder of this process's own record. Raises LogError, SpoolError, DatabaseError."""
        self._own = f"-{machine}"
        self._engine = server_engine(server)
        self._log = Log.open(server)
        self._reader = SpoolReader.open(spool)
        self._locks, self._reads = ThreadPoolExecutor(1, "turns"), ThreadPoolExecutor(1, "machines")
        self._held: Connection | None = None
        self._number = 0
        self._history = History()
        self._position = newest[0].sequence if (newest := self._log.tail(1)) else 0
        self._handed_in = 0
        self._following = asyncio.Lock()

    def begin(self, history: History) -> None:
        """Follow for this history, which was built after this object: what was counted then is known again by its id."""
        self._history = history

    def close(self) -> None:
        """Give everything back; what turns there are end with the connection."""
        self._locks.shutdown()
        self._reads.shutdown()
        self._drop()
        self._reader.close()
        self._log.close()
        self._engine.dispose()

    async def enter(self, place: int) -> int:
        """Have a place for this process alone, with all counts as they are now; what `hand_in` wants to be told.

        Raises SpoolError; CancelledError leaves nothing held.
        """
        while True:
            trying = self._locks.submit(self._try, place)
            try:
                got = await asyncio.wrap_future(trying)
            except asyncio.CancelledError:
                trying.add_done_callback(lambda done: self._give_back(done, place))
                raise
            if got is not None:
                break
            await asyncio.sleep(POLL_SECONDS)
        try:
            await self.follow()
        except BaseException:
            self._locks.submit(self._leave, place)
            raise
        return got

    async def hand_in(self, connection: int) -> None:
        """Have in the log all that this process has recorded, while the turn that `enter` gave still holds. Raises SpoolError: then nothing
        may go out.
        """
        await _in(self._reads, self._hand_in)
        await _in(self._locks, partial(self._still, connection))

    def leave(self, place: int) -> None:
        """Give a place back; soon, and in any case."""
        self._locks.submit(self._leave, place)

    async def follow(self) -> bool:
        """Count what other machines did; True if there was something. Raises SpoolError."""
        found = False
        async with self._following:
            while True:
                entries = await _in(self._reads, self._next)
                for one in entries:
                    if not one.producer.endswith(self._own) and not one.producer.startswith(_AGENTS):
                        found = True
                        self._history.take(Stored(one.producer, one.epoch, one.producer_sequence, one.canonical, one.hash))
                    self._position = one.sequence
                if len(entries) < BATCH:
                    return found

    # in the thread of the locks

    def _try(self, place: int) -> int | None:
        """The number of the connection that has the lock now; None: somebody else has it."""
        return self._number if self._ask("SELECT pg_try_advisory_lock(%s)", place) else None

    def _leave(self, place: int) -> None:
        with contextlib.suppress(SpoolError):  # a connection that is gone has given back everything
            self._ask("SELECT pg_advisory_unlock(%s)", place)

    def _still(self, connection: int) -> None:
        """The connection that took the turn is alive, and so the turn is held."""
        if self._held is None or self._number != connection:
            raise SpoolError("the turn of a person was lost: the database was away")
        self._ask("SELECT 1")

    def _ask(self, statement: str, *values: int) -> object:
        try:
            if self._held is None:
                self._held = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._number += 1
            return self._held.exec_driver_sql(statement, values).scalar_one()
        except SQLAlchemyError as error:
            self._drop()
            raise SpoolError(f"the turn of a person cannot be asked for: {error}") from error

    def _drop(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with contextlib.suppress(SQLAlchemyError):
                held.detach()  # the locks are the connection's: it must not go back among those that are used again
                held.close()

    def _give_back(self, done: Future[int | None], place: int) -> None:
        if not done.cancelled() and done.exception() is None and done.result() is not None:
            self._locks.submit(self._leave, place)

    # in the thread of the log

    def _hand_in(self) -> None:
        with _as_spool_error("what was done cannot be handed in"):
            wanted = self._reader.head().sequence
            if wanted <= self._handed_in:
                return
            self._log.take(self._reader)
            if self._log.cursor(self._reader.producer) < wanted:
                raise SpoolError("the log does not take this record: see `torwart events verify`")
            self._handed_in = wanted

    def _next(self) -> list[Entry]:
        with _as_spool_error("what other machines did cannot be read"):
            return self._log.entries(self._position, BATCH)


async def _in[T](pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run to the end in a thread, also when whoever waits for it gives up."""
    return await asyncio.shield(asyncio.wrap_future(pool.submit(work)))


@contextlib.contextmanager
def _as_spool_error(what: str) -> Iterator[None]:
    try:
        yield
    except LogError as error:
        raise SpoolError(f"{what}: {error}") from error
