"""The memory beside the database: lines are only added, all processes of a machine read the same."""

import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from auth import used_acts
from auth.used_acts import APPROVAL, UsedActs


def test_an_act_is_used_up_once_for_every_process(tmp_path: Path) -> None:
    one, other = UsedActs(tmp_path / "used"), UsedActs(tmp_path / "used")
    assert one.spend("a")
    assert not other.spend("a")
    assert not one.spend("a")
    assert other.spend("b")
    assert not UsedActs(tmp_path / "used").spend("b")
    assert stat.S_IMODE((tmp_path / "used").stat().st_mode) == 0o600


def test_the_number_only_grows(tmp_path: Path) -> None:
    one, other = UsedActs(tmp_path / "used"), UsedActs(tmp_path / "used")
    assert one.highest() == 0
    one.came_to(7)
    other.came_to(3)
    assert one.highest() == other.highest() == 7


def test_half_a_line_of_a_full_disk_spoils_no_other_one(tmp_path: Path) -> None:
    path = tmp_path / "used"
    UsedActs(path).spend("a")
    with path.open("ab") as file:
        file.write(b"used torn")
    after = UsedActs(path)
    assert after.spend("b")
    again = UsedActs(path)
    assert not again.spend("a")
    assert not again.spend("b")


def test_made_anew_it_keeps_the_last_acts_and_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used_acts, "LARGEST_BYTES", 400)
    monkeypatch.setattr(used_acts, "KEPT", 10)
    one, other = UsedActs(tmp_path / "used"), UsedActs(tmp_path / "used")
    one.came_to(99)
    for number in range(200):
        assert (one, other)[number % 2].spend(f"act{number}")
    assert (tmp_path / "used").stat().st_size < 600
    assert not any(one.spend(f"act{number}") for number in range(190, 200))
    assert UsedActs(tmp_path / "used").highest() == 99


def test_approvals_are_remembered_however_many_acts_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used_acts, "LARGEST_BYTES", 400)
    monkeypatch.setattr(used_acts, "KEPT", 10)
    memory = UsedActs(tmp_path / "used")
    assert memory.spend(f"{APPROVAL}of last week")
    for number in range(200):
        assert memory.spend(f"act{number}")
    assert not memory.spend(f"{APPROVAL}of last week")
    assert not UsedActs(tmp_path / "used").spend(f"{APPROVAL}of last week")


def spend_all(path: Path) -> list[str]:
    memory = UsedActs(path)
    return [f"act{number}" for number in range(100) if memory.spend(f"act{number}")]


def test_of_two_processes_at_once_each_act_goes_to_one(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as processes:
        found = [name for spent in processes.map(spend_all, [tmp_path / "used"] * 2) for name in spent]
    assert sorted(found) == sorted(f"act{number}" for number in range(100))


def test_a_torn_line_stops_nobody(tmp_path: Path) -> None:
    """A power cut may take the end of a line that was not on the disk yet."""
    UsedActs(tmp_path / "used").came_to(7)
    with (tmp_path / "used").open("ab") as file:
        file.write(b"at 1")
    after = UsedActs(tmp_path / "used")
    assert after.spend("act-1")
    after.came_to(9)
    with (tmp_path / "used").open("ab") as file:
        file.write(b"at used act-2\n")
    assert UsedActs(tmp_path / "used").highest() == 9
    assert not UsedActs(tmp_path / "used").spend("act-1")
