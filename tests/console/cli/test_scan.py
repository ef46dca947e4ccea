"""`torwart scan`, run as a command on real files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from auth.installation import template
from console.cli.scan import app
from detectors.budget import Limits
from detectors.files import FileError, files, read
from tests.console.cli.firm_files import MAILS, FirmFiles, installation, rows
from tests.detectors.documents import zipped

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> FirmFiles:
    return installation(tmp_path_factory.mktemp("firm"))


def test_a_finding_names_number_values_and_export(firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(rows(range(9, 40)), encoding="utf-8")
    result = firm.run(app, tmp_path)
    assert result.exit_code == 1
    assert f"list.txt: 31 of your clients, by e-mail and phone, from export {firm.first} of 12 May" in result.stdout
    assert "1 files: 31 distinct clients, 0 files not read or not whole." in result.stdout
    assert firm.looks()[-1]["torwart"]["words"]["about"] == "P-00000001"


def test_clean_files_are_exit_0_and_the_look_is_recorded(firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Rechnung 4711", encoding="utf-8")
    before = len(firm.looks())
    result = firm.run(app, tmp_path)
    assert (result.exit_code, result.stdout) == (0, "1 files: 0 distinct clients, 0 files not read or not whole.\n")
    look = firm.looks()[before:]
    assert [event["torwart"]["subject"] for event in look] == ["files, scanned for clients"]
    assert "a.txt" not in json.dumps(look)


def test_for_programs_there_is_one_document(firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.zip").write_bytes(zipped({"a": rows(range(3))}))
    (tmp_path / "b.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(99))
    result = firm.run(app, tmp_path, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["clients"], found["unread"]) == (1, 3, 1)
    by_name = {Path(file["path"]).name: file for file in found["files"]}
    assert by_name["a.zip"]["by"] == ["email", "phone"]
    assert by_name["a.zip"]["exports"][0]["act"] == "a" * 32
    assert by_name["b.7z"]["unread"] == ["unknown_format"]


def test_d71_links_are_not_followed_and_what_is_no_file_is_passed_over(firm: FirmFiles, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text(rows(range(9)), encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert firm.run(app, folder).exit_code == 0
    assert "a link, which is not followed" in firm.run(app, folder / "link").stdout
    assert firm.run(app, folder / "link").exit_code == 1
    assert "no regular file" in firm.run(app, folder / "pipe").stdout


def test_d71_a_file_without_a_byte_and_a_sparse_one_are_read_within_limits(firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert firm.run(app, tmp_path).exit_code == 0
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.write(MAILS[1].encode())
        sparse.truncate(4 << 30)
    result = firm.run(app, tmp_path / "sparse", "--json")
    file = json.loads(result.stdout)["files"][0]
    assert (result.exit_code, file["clients"], file["unread"], file["bytes"]) == (1, 1, ["too_large"], 4 << 30)


def test_d71_a_file_that_vanishes_is_a_cause_and_no_crash(firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    there = list(files([tmp_path]))
    (tmp_path / "a").unlink()
    with pytest.raises(FileError, match="no such file"):
        read(there[0], Limits().size)
    assert firm.run(app, tmp_path / "a").exit_code == 2


def test_names_cannot_steer_a_terminal(firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\n.txt").write_text(rows(range(2)), encoding="utf-8")
    (tmp_path / os.fsdecode(b"b\xff.txt")).write_text(rows(range(2)), encoding="utf-8")
    result = firm.run(app, tmp_path)
    assert "\x1b" not in result.stdout
    assert r"a\x1b[2J\n.txt: 2 of your clients" in result.stdout
    assert json.loads(firm.run(app, tmp_path, "--json").stdout)["clients"] == 2


def test_without_index_or_file_it_says_what_to_do(firm: FirmFiles, tmp_path: Path) -> None:
    assert "there is no" in firm.run(app, tmp_path / "none").stderr
    (tmp_path / "torwart.yaml").write_text(template(), encoding="utf-8")
    (tmp_path / "state").mkdir(mode=0o700)
    result = FirmFiles(tmp_path).run(app, tmp_path / "torwart.yaml")
    assert result.exit_code == 2
    assert "torwart index build" in result.stderr


def test_a_name_that_no_file_can_have_is_a_cause_and_no_crash(firm: FirmFiles, tmp_path: Path) -> None:
    result = firm.run(app, tmp_path / ("x" * 300))
    assert (result.exit_code, "file name too long" in result.stdout) == (1, True)
