"""`torwart trace`, run as a command on copies of exports."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from console.cli.scan import app as scan_app
from console.cli.trace import app
from tests.console.cli.firm_files import THIS_YEAR, FirmFiles, installation, rows
from tests.detectors.documents import table as document_table
from tests.detectors.documents import zipped

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> FirmFiles:
    return installation(tmp_path_factory.mktemp("firm"))


def traced(firm: FirmFiles, file: Path, content: str | bytes) -> dict[str, object]:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = firm.run(app, file, "--json")
    return {**json.loads(result.stdout), "code": result.exit_code}


def test_an_export_itself_is_recognised_byte_for_byte(firm: FirmFiles, tmp_path: Path) -> None:
    found = traced(firm, tmp_path / "copy.csv", rows(range(40)))
    assert (found["code"], found["identical"]) == (1, firm.first)
    said = firm.run(app, tmp_path / "copy.csv").stdout
    assert f"This file is export {firm.first} of 12 May by P-00000001, byte for byte." in said
    assert firm.looks()[-1]["torwart"]["words"]["about"] == "P-00000001"


@pytest.mark.parametrize("way", ["shuffled", "cut", "edited", "zipped"])
def test_a_changed_copy_is_traced_to_its_export(way: str, firm: FirmFiles, tmp_path: Path) -> None:
    lines = rows(range(30)).split("\n")
    match way:
        case "shuffled":
            lines.sort(key=lambda line: line[::-1])
        case "cut":
            lines = lines[10:25]
        case "edited":
            lines = [line.replace(";", ",") if number % 3 else "gone" for number, line in enumerate(lines)]
    text = "\n".join(lines)
    found = traced(firm, tmp_path / "copy", zipped({"a": text}) if way == "zipped" else text)
    assert (found["code"], found["identical"], found["unread"]) == (1, None, [])
    exports = found["exports"]
    assert isinstance(exports, list)
    assert (exports[0]["export"], exports[0]["of"], exports[0]["confidence"]) == (firm.first, 40, 1.0)


def test_a_file_from_two_exports_names_both(firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(rows(range(50)), encoding="utf-8")
    result = firm.run(app, tmp_path / "a")
    assert f"export {firm.first} of 12 May by P-00000001: 40 of its 40 clients are in the file" in result.stdout
    assert f"export {firm.second} of 13 May {THIS_YEAR - 1} by P-00000001: 10 of its 20 clients are in the file" in result.stdout


def test_a_file_without_clients_is_exit_0_and_one_that_cannot_be_read_exit_2(firm: FirmFiles, tmp_path: Path) -> None:
    assert traced(firm, tmp_path / "a", "nothing")["code"] == 0
    assert "No client was recognised in this file." in firm.run(app, tmp_path / "a").stdout
    assert traced(firm, tmp_path / "b", rows(range(50, 55)))["exports"] == []
    assert "No export holds what is in this file." in firm.run(app, tmp_path / "b").stdout
    assert traced(firm, tmp_path / "c", b"Rar!\x1a\x07\x01" + bytes(99))["code"] == 2
    assert firm.run(app, tmp_path / "none").exit_code == 2
    assert firm.looks()[-1]["torwart"]["subject"] == "a file, traced to its exports"


def test_a_mark_names_its_export_where_no_client_is_left(firm: FirmFiles, tmp_path: Path) -> None:
    found = traced(firm, tmp_path / "a.xlsx", document_table([["Name", "Telefon"], [str(firm.mark), "-"]]))
    assert (found["code"], found["clients"], found["exports"]) == (1, 0, [])
    (mark,) = found["marks"]  # type: ignore[misc]
    assert (mark["mark"], mark["export"], mark["person"], mark["says"]) == ("genuine", firm.marked, "P-00000002", str(firm.mark))
    said = firm.run(app, tmp_path / "a.xlsx").stdout
    assert f"It carries the mark of export {firm.marked} of 14 May by P-00000002: genuine; 0 of its 3 clients are in the file." in said
    assert "A mark alone can be copied into another file." in said


def test_a_mark_beside_its_clients_and_one_in_anothers_file_are_told_apart(firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "own").write_text(f"{rows(range(57, 60))}\n{firm.mark}", encoding="utf-8")
    assert "genuine; 3 of its 3 clients are in the file." in firm.run(app, tmp_path / "own").stdout
    (tmp_path / "other").write_text(f"{rows(range(30))}\n{firm.mark}", encoding="utf-8")
    said = firm.run(app, tmp_path / "other").stdout
    assert "genuine; 0 of its 3 clients are in the file." in said
    assert f"export {firm.first} of 12 May by P-00000001: 30 of its 40 clients are in the file" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("Boris", "Anna"), "It carries an altered mark: its code is that of export {marked} of 14 May by P-00000002;"),
        (("| {year}", "| 1999"), "It carries an altered mark: its code is that of export {marked} of 14 May by P-00000002;"),
        (("{code}", "AAAA-BBBB-CCCC-DDDD"), "It carries a mark that is not ours or altered: no export here has its code."),
    ],
)
def test_a_mark_that_was_changed_frames_nobody(change: tuple[str, str], said: str, firm: FirmFiles, tmp_path: Path) -> None:
    old, new = (word.format(code=firm.mark.code, year=THIS_YEAR) for word in change)
    assert old in str(firm.mark)
    (tmp_path / "a.csv").write_text(str(firm.mark).replace(old, new), encoding="utf-8")
    result = firm.run(app, tmp_path / "a.csv")
    assert result.exit_code == 1
    assert said.format(marked=firm.marked) in result.stdout
    scanned = firm.run(scan_app, tmp_path / "a.csv")
    assert scanned.exit_code == 1
    assert said.format(marked=firm.marked).removeprefix("It carries") in scanned.stdout
    found = json.loads(firm.run(scan_app, tmp_path / "a.csv", "--json").stdout)["files"][0]["marks"]
    assert [mark["mark"] for mark in found] == ["foreign" if "AAAA" in new else "altered"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("folder", "is a folder, and one file is traced at a time: `torwart scan`"),
        ("pipe", "pipe cannot be read: no regular file"),
        ("none", "none cannot be read: no such file or directory"),
        ("x" * 300, "cannot be read: file name too long"),
    ],
)
def test_what_is_no_file_says_what_it_is(name: str, words: str, firm: FirmFiles, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    result = firm.run(app, tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_what_cannot_be_read_is_one_document_for_programs(firm: FirmFiles, tmp_path: Path) -> None:
    result = firm.run(app, tmp_path / "none", "--json")
    assert (result.exit_code, json.loads(result.stdout)["problem"]) == (2, "no such file or directory")
