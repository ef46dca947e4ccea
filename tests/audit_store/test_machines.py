"""Machines that share a PostgreSQL: a turn that ends with its holder, and nothing released that others cannot count."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from audit_store.database import Server
from audit_store.event import Phase
from audit_store.history import History
from audit_store.log import Log
from audit_store.machines import Machines
from audit_store.spool import FILE, Spool, SpoolError
from audit_store.turns import BusyError, Turns
from tests.audit_store.acts import NOW, access
from tests.services.postgres import Cluster

pytestmark = pytest.mark.needs("postgresql")
ANNA, BERTA = "P-00000001", "P-00000002"


@dataclass
class Machine:
    """One of several: its gateway's spool, what it has counted, and its turns."""

    spool: Spool
    history: History
    machines: Machines
    turns: Turns

    def shown(self) -> int:
        return self.history.usage(ANNA, NOW + timedelta(minutes=1), own=frozenset(), base=100, book=0).before.shown_day

    def record(self, *clients: str) -> None:
        self.spool.append(access(clients, phase=Phase.RELEASED, at=NOW))


@contextmanager
def machine(folder: Path, server: Server, name: str, seconds: float = 5.0) -> Iterator[Machine]:
    spool = Spool.open(folder / name / "spool" / f"gateway-{name}", f"gateway-{name}")
    machines, history = Machines(server, name, spool.folder), History()
    log = Log.open(server)
    history.rebuild(log, now=NOW)
    log.close()
    machines.begin(history)
    turns = Turns(folder / name / "turns", seconds=seconds, shared=machines)
    yield Machine(spool, history, machines, turns)
    turns.close()
    spool.close()


@pytest.fixture
def server(postgres: Cluster) -> Server:
    return postgres.migrated()


async def test_what_was_done_in_a_turn_counts_in_the_next_one_elsewhere(tmp_path: Path, server: Server) -> None:
    with machine(tmp_path, server, "nord") as nord, machine(tmp_path, server, "sued") as sued:
        async with nord.turns.of(ANNA) as at_once:
            assert not at_once, "with several machines everything is judged again in its turn"
            nord.record("1", "2")
        assert sued.shown() == 0
        async with sued.turns.of(ANNA):
            assert sued.shown() == 2
            sued.record("2", "3")
        async with nord.turns.of(ANNA):
            pass
        assert nord.shown() == 2, "what this machine's processes do is followed in their spools"
        with machine(tmp_path, server, "west") as west:
            assert west.shown() == 3
            assert not await west.machines.follow()


async def test_a_turn_is_had_by_one_machine_at_a_time_and_by_others_for_others(tmp_path: Path, server: Server) -> None:
    with machine(tmp_path, server, "nord") as nord, machine(tmp_path, server, "sued", seconds=0.2) as sued:
        async with nord.turns.of(ANNA):
            async with sued.turns.of(BERTA):
                pass
            for _ in range(2):
                with pytest.raises(BusyError):
                    async with sued.turns.of(ANNA):
                        pytest.fail("two have the same turn")
        for _ in range(3):
            async with sued.turns.of(ANNA):
                pass
            async with nord.turns.of(ANNA):
                pass


async def test_who_gave_up_waiting_holds_nothing(tmp_path: Path, server: Server) -> None:
    with machine(tmp_path, server, "nord") as nord, machine(tmp_path, server, "sued") as sued:
        for _ in range(20):
            waiting = asyncio.ensure_future(sued.machines.enter(8))
            await asyncio.sleep(0.002)
            if not waiting.cancel():  # it was quicker
                sued.machines.leave(8)
            await asyncio.gather(waiting, return_exceptions=True)
            held = await asyncio.wait_for(nord.machines.enter(8), 5)
            await nord.machines.hand_in(held)
            nord.machines.leave(8)


async def robbed(nord: Machine, sued: Machine, server: Server) -> None:
    """In the midst of a turn the server ends the connection that holds it, and another machine comes in."""
    async with nord.turns.of(ANNA):
        nord.record("1")
        ends = create_engine(server.url, isolation_level="AUTOCOMMIT")
        with ends.connect() as connection:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        ends.dispose()
        async with sued.turns.of(ANNA):
            pass


async def test_a_turn_that_the_server_has_ended_lets_nothing_out(tmp_path: Path, server: Server) -> None:
    with machine(tmp_path, server, "nord") as nord, machine(tmp_path, server, "sued") as sued:
        with pytest.raises(SpoolError):
            await robbed(nord, sued, server)
        async with nord.turns.of(ANNA):
            nord.record("2")
        async with sued.turns.of(ANNA):
            assert sued.shown() == 2


async def test_another_connection_is_not_taken_for_the_one_that_holds_a_turn(tmp_path: Path, server: Server) -> None:
    with machine(tmp_path, server, "nord") as nord:
        held = await nord.machines.enter(8)
        nord.machines._drop()
        assert await nord.machines.enter(10) != held
        with pytest.raises(SpoolError, match="was lost"):
            await nord.machines.hand_in(held)


async def test_what_the_log_does_not_take_is_not_released(tmp_path: Path, server: Server) -> None:
    with machine(tmp_path, server, "nord") as nord:
        async with nord.turns.of(ANNA):
            nord.record("1")
        nord.spool._store([access(("2",)).canonical()])
        with contextlib.closing(sqlite3.connect(nord.spool.folder / FILE)) as connection:
            connection.execute("UPDATE event SET hash = x'00' WHERE sequence = 2")
            connection.commit()
        with pytest.raises(SpoolError, match="does not take this record"):
            async with nord.turns.of(ANNA):
                nord.record("3")
