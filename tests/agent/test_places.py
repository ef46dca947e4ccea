"""Places: which one a path is in, what lies below, what is mounted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent import places
from agent.places import Places, mounts, walk
from agent.settings import Kind, Place


def test_the_innermost_place_counts(tmp_path: Path) -> None:
    outer, inner = Place(path=tmp_path, place=Kind.FOLDER), Place(path=tmp_path / "stick", place=Kind.REMOVABLE)
    found = Places((outer, inner))
    assert found.of(tmp_path / "stick" / "a") == inner
    assert found.of(tmp_path / "sticks" / "a") == outer
    assert found.of(tmp_path.parent / "a") is None


def test_a_walk_finds_every_regular_file_once_and_follows_no_link(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*(["d"] * 50))
    deep.mkdir(parents=True)
    names = [tmp_path / "a", deep / "b", tmp_path / "neu\nzeile", tmp_path / os.fsdecode(b"\xff\xfe")]
    for name in names:
        name.write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    os.mkfifo(tmp_path / "pipe")
    assert sorted(path for path, _ in walk(tmp_path)) == sorted(names)


def test_a_walk_over_what_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(walk(tmp_path / "stick"))


def test_devices_mounted_below_a_place_are_watched_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = tmp_path / "media"
    stick = media / "anna" / "STICK 1"
    stick.mkdir(parents=True)
    table = tmp_path / "mountinfo"
    lines = [
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
        f"99 22 8:17 / {str(stick).replace(' ', chr(92) + '040')} rw - vfat /dev/sdb1 rw",
        "odd",
    ]
    table.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(places, "MOUNTS", table)
    found = Places((Place(path=media, place=Kind.REMOVABLE), Place(path=tmp_path / "missing", place=Kind.FOLDER)))
    assert mounts() == [Path("/"), stick]
    assert found.roots() == {media, stick}
    monkeypatch.setattr(places, "MOUNTS", tmp_path / "no list")
    assert found.roots() == {media}
