"""Files as they are found and read, whatever happens to them meanwhile."""

import os
from pathlib import Path

import pytest

from detectors.budget import MIB
from detectors.files import FileError, files, is_folder, is_missing, read


def test_files_come_in_order_and_links_pipes_and_loops_are_passed_over(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "link").symlink_to(tmp_path / "b" / "1")
    os.mkfifo(tmp_path / "a" / "pipe")
    assert [str(path.relative_to(tmp_path)) for path in files([tmp_path])] == ["a/x", "b/1", "b/2"]


def test_d71_a_sparse_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(4 << 30)
    content = read(tmp_path / "sparse", 2 * MIB)
    assert (len(content.data), content.size, content.steady) == (2 * MIB + 1, 4 << 30, True)


def test_d71_a_file_that_grows_while_it_is_read_ends_with_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = tmp_path / "log", os.read
    path.write_bytes(b"x")

    def grows(descriptor: int, length: int) -> bytes:
        with path.open("ab") as log:
            log.write(b"x" * 600_000)
        return real(descriptor, length)

    monkeypatch.setattr(os, "read", grows)
    content = read(path, 4 * MIB)
    assert (len(content.data), content.steady) == (4 * MIB + 1, False)
    monkeypatch.undo()
    assert read(path, 4 * MIB).steady


def test_d71_what_is_gone_a_link_or_no_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("none", "no such file"), ("link", "not followed"), ("pipe", "no regular file"), (".", "no regular file")):
        with pytest.raises(FileError, match=words):
            read(tmp_path / name, MIB)


def test_a_folder_that_cannot_be_listed_comes_as_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("closed/a", "open/b"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [str(path.relative_to(tmp_path)) for path in files([tmp_path])] == ["open/b", "closed"]


def test_a_path_that_cannot_be_looked_at_is_neither_missing_nor_a_folder(tmp_path: Path) -> None:
    odd = tmp_path / ("x" * 300)
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    assert [is_missing(path) for path in (odd, tmp_path, tmp_path / "none", tmp_path / "dangling")] == [False, False, True, False]
    assert [is_folder(path) for path in (odd, tmp_path, tmp_path / "none")] == [False, True, False]
    assert list(files([odd])) == [odd]
    with pytest.raises(FileError, match="file name too long"):
        read(odd, MIB)
