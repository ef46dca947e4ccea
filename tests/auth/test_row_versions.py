"""The memory of rows beside the database: the highest version counts, for every process of the machine."""

import stat
from pathlib import Path

import pytest

from auth import row_versions
from auth.row_versions import RowVersions


def test_the_highest_version_is_known_to_all_processes(tmp_path: Path) -> None:
    one, other = RowVersions(tmp_path / "rows"), RowVersions(tmp_path / "rows")
    assert one.of("people:a") == 0
    one.came_to({"people:a": 3, "people:b": 1})
    other.came_to({"people:a": 2})
    assert (one.of("people:a"), other.of("people:a"), other.of("people:b")) == (3, 3, 1)
    assert RowVersions(tmp_path / "rows").of("people:a") == 3
    assert stat.S_IMODE((tmp_path / "rows").stat().st_mode) == 0o600


def test_an_alarm_was_told_or_not(tmp_path: Path) -> None:
    one = RowVersions(tmp_path / "rows")
    assert not one.was_told("x")
    one.told("x")
    assert RowVersions(tmp_path / "rows").was_told("x")
    assert not one.was_told("y")


def test_half_a_line_of_a_full_disk_spoils_no_other_one(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    RowVersions(path).came_to({"people:a": 3})
    with path.open("ab") as file:
        file.write(b"row people:a")
    after = RowVersions(path)
    assert after.of("people:a") == 3
    after.came_to({"people:b": 1})
    assert (RowVersions(path).of("people:a"), RowVersions(path).of("people:b")) == (3, 1)


def test_made_anew_it_has_one_line_for_each_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_versions, "LARGEST_BYTES", 400)
    one, other = RowVersions(tmp_path / "rows"), RowVersions(tmp_path / "rows")
    one.told("x")
    for number in range(1, 400):
        (one, other)[number % 2].came_to({"people:a": number, "people:b": 1})
    assert (tmp_path / "rows").stat().st_size < 700
    again = RowVersions(tmp_path / "rows")
    assert (again.of("people:a"), again.of("people:b"), again.was_told("x")) == (399, 1, True)


def test_a_memory_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    with pytest.raises(OSError, match="directory"):
        RowVersions(tmp_path / "rows").came_to({"people:a": 1})


def test_what_was_given_away_stands_as_it_was(tmp_path: Path) -> None:
    one = RowVersions(tmp_path / "rows")
    one.came_to({"people:a": 3})
    before = one.as_of_now()
    RowVersions(tmp_path / "rows").came_to({"people:a": 4})
    assert before["people:a"] == 3
    assert one.as_of_now()["people:a"] == 4
    assert before["people:a"] == 3
