"""One person's acts in several processes come one after the other."""

import asyncio
import multiprocessing
from multiprocessing.synchronize import Event as Signal
from pathlib import Path

import pytest

from audit_store.spool import SpoolError
from audit_store.turns import SHARE_SECONDS, BusyError, Turns

ANNA, BERTA = "P-00000001", "P-00000002"
_SPAWN = multiprocessing.get_context("spawn")


def one_more(file: Path, seen: int) -> None:
    file.write_text(str(seen + 1), encoding="ascii")


def read(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))


async def count_up(turns: Turns, file: Path, times: int) -> None:
    """Read, let others run, write one more: what is lost where two do it at once."""
    for _ in range(times):
        async with turns.of(ANNA):
            seen = read(file)
            await asyncio.sleep(0)
            one_more(file, seen)
        await asyncio.sleep(0)


def counting(folder: Path, times: int) -> None:
    asyncio.run(count_up(Turns(folder / "turns"), folder / "number", times))


def test_what_several_processes_do_in_their_turns_is_never_lost(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0", encoding="ascii")
    processes = [_SPAWN.Process(target=counting, args=(tmp_path, 60)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert (tmp_path / "number").read_text(encoding="ascii") == "180"


async def test_one_person_waits_for_another_process_and_others_do_not(tmp_path: Path) -> None:
    here, there = Turns(tmp_path / "turns"), Turns(tmp_path / "turns", seconds=0.05)
    async with here.of(ANNA) as at_once:
        assert at_once
        async with there.of(BERTA) as at_once:
            assert at_once
        with pytest.raises(BusyError):
            async with there.of(ANNA):
                pytest.fail("two have the same turn")
    async with there.of(ANNA) as at_once:
        assert at_once


async def test_who_had_to_wait_is_told_so(tmp_path: Path) -> None:
    here, there = Turns(tmp_path / "turns"), Turns(tmp_path / "turns")
    done: list[str] = []

    async def wait() -> None:
        async with there.of(ANNA) as at_once:
            done.append(f"second {at_once}")

    async with here.of(ANNA):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.02)
        done.append("first")
    await waiting
    assert done == ["first", "second False"]


async def test_within_a_process_a_young_turn_is_shared_and_an_old_one_is_not(tmp_path: Path) -> None:
    here, there = Turns(tmp_path / "turns"), Turns(tmp_path / "turns", seconds=0.05)
    async with here.of(ANNA), here.of(ANNA) as at_once:
        assert at_once, "nothing was awaited"
        with pytest.raises(BusyError):
            async with there.of(ANNA):
                pytest.fail("two processes have the same turn")
    old = Turns(tmp_path / "turns", seconds=0.05)
    async with old.of(ANNA):
        await asyncio.sleep(SHARE_SECONDS * 2)
        with pytest.raises(BusyError):
            async with old.of(ANNA):
                pytest.fail("others would wait for ever")
    async with old.of(ANNA) as at_once:
        assert at_once


async def test_a_turn_ends_with_an_error_and_with_a_cancellation(tmp_path: Path) -> None:
    here, there = Turns(tmp_path / "turns"), Turns(tmp_path / "turns", seconds=0.05)
    with pytest.raises(ValueError, match="of the act"):
        async with here.of(ANNA):
            raise ValueError("of the act")
    held = asyncio.Event()

    async def hold() -> None:
        async with here.of(ANNA):
            held.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await held.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with there.of(ANNA) as at_once:
        assert at_once


def hold_for_ever(path: Path, held: Signal) -> None:
    async def hold() -> None:
        async with Turns(path).of(ANNA):
            held.set()
            await asyncio.Event().wait()

    asyncio.run(hold())


async def test_the_turn_of_a_process_that_was_killed_ends(tmp_path: Path) -> None:
    path, held = tmp_path / "turns", _SPAWN.Event()
    process = _SPAWN.Process(target=hold_for_ever, args=(path, held))
    process.start()
    assert await asyncio.to_thread(held.wait, 60)
    turns = Turns(path, seconds=0.05)
    with pytest.raises(BusyError):
        async with turns.of(ANNA):
            pytest.fail("two have the same turn")
    process.kill()
    process.join()
    async with turns.of(ANNA) as at_once:
        assert at_once


async def test_a_file_that_was_replaced_gives_no_turns(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "turns")
    (tmp_path / "other").touch()
    (tmp_path / "other").replace(tmp_path / "turns")
    with pytest.raises(SpoolError, match="start this process again"):
        async with turns.of(ANNA):
            pytest.fail("others have their turns by another file")


async def test_the_file_names_nobody_and_is_for_nobody_else(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "turns")
    async with turns.of(ANNA):
        assert (tmp_path / "turns").read_bytes() == b""
    assert (tmp_path / "turns").stat().st_mode & 0o077 == 0
    turns.close()
    turns.close()
