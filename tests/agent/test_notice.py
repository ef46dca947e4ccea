"""The note in a file's place: in two languages, never over anything, taken away only as it was left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.notice import leave, take_away


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("name", ["kunden.csv", "ü" * 127, "x" * 255, os.fsdecode(b"latin-\xe4.csv"), "zeile\neins.csv"])
def test_it_is_left_beside_any_name_and_taken_away_again(tmp_path: Path, folder: int, name: str) -> None:
    leave(folder, name, "7F3A19C2")
    (note,) = tmp_path.iterdir()
    text = note.read_text(encoding="utf-8")
    assert (text.count("7F3A19C2"), note.name.endswith(".torwart.txt")) == (2, True)
    assert "Torwart hat die Datei" in text
    assert "Torwart has put the file" in text
    take_away(folder, name, "7F3A19C2")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_no_link_is_followed_and_what_was_changed_stays(tmp_path: Path, folder: int) -> None:
    (tmp_path / "a.torwart.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "b.torwart.txt").symlink_to(tmp_path / "target")
    for name in ("a", "b"):
        leave(folder, name, "7F3A19C2")
        take_away(folder, name, "7F3A19C2")
    assert (tmp_path / "a.torwart.txt").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "b.torwart.txt").is_symlink()
    assert not (tmp_path / "target").exists()


def test_where_nothing_can_be_written_that_is_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"no folder")
    descriptor = os.open(path, os.O_RDONLY)
    leave(descriptor, "a", "7F3A19C2")
    take_away(descriptor, "a", "7F3A19C2")
    os.close(descriptor)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
