"""Folders and files by descriptors: no link on the way, nothing beside the place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.folders import opened, opened_file


def test_a_folder_below_its_place_is_opened_and_its_file_read(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"here")
    with opened(tmp_path, tmp_path / "a" / "b") as folder, opened_file(folder, "file") as file:
        assert os.read(file, 10) == b"here"


@pytest.mark.parametrize("link", ["place", "place/a", "place/a/b"])
def test_a_link_anywhere_from_the_place_down_is_not_followed(tmp_path: Path, link: str) -> None:
    (tmp_path / "place" / "a" / "b").mkdir(parents=True)
    (tmp_path / link).rename(tmp_path / "elsewhere")
    (tmp_path / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"Not a directory|symbolic"), opened(tmp_path / "place", tmp_path / "place" / "a" / "b"):
        pass


@pytest.mark.parametrize("folder", ["/etc", "{place}/../etc", "{place}/a/../../etc"])
def test_what_is_not_below_the_place_is_refused(tmp_path: Path, folder: str) -> None:
    place = tmp_path / "place"
    (place / "a").mkdir(parents=True)
    with pytest.raises(ValueError, match="not"), opened(place, Path(folder.format(place=place))):
        pass


def test_a_link_in_the_place_of_a_file_is_refused_and_a_pipe_does_not_wait(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    with opened(tmp_path, tmp_path) as folder:
        with pytest.raises(OSError, match="symbolic"), opened_file(folder, "link"):
            pass
        with opened_file(folder, "pipe"):
            pass


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        with opened(tmp_path, tmp_path / "a" / "b"):
            pass
        with pytest.raises(OSError, match="No such file"), opened(tmp_path, tmp_path / "a" / "missing" / "c"):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before
