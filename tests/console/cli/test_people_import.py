"""`torwart people import`, run as a command on a real installation."""

from pathlib import Path

import pytest

from tests.console.cli.test_people import Shell, torwart

__all__ = ["torwart"]

ROWS = "anna@firma.example;Anna Berg;manager;=Nord;;anna;notice_given\nneu@firma.example;Neu Hier;manager;Nord;anna@firma.example;neu;\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(f"email;name;roles;team;manager;accounts;status\n{ROWS}", encoding="utf-8-sig")
    return path


def test_a_table_is_compared_first_and_nothing_is_changed(torwart: Shell, table: Path) -> None:
    said = torwart.json("import", str(table))
    anna = torwart.json("list")["people"][0]
    assert (said["applied"], said["same"], said["gone"]) == (False, 0, [])
    (changed,) = said["changed"]
    assert changed["pseudonym"] == anna["pseudonym"]
    assert changed["before"] == {"name": "Anna Feldmann", "team": "", "status": "active"}
    assert changed["after"] == {"name": "Anna Berg", "team": "=Nord", "status": "notice_given"}
    assert said["new"][0]["after"]["manager"] == anna["email"]
    shown = torwart("import", str(table)).stdout
    assert "Neu Hier" in shown
    assert "Nothing was changed: --apply takes it over." in shown.replace("\n", " ")
    assert anna["name"] == "Anna Feldmann"


def test_a_preview_is_a_look_at_those_it_names(torwart: Shell, table: Path) -> None:
    anna = torwart.json("list")["people"][0]["pseudonym"]
    before = len(torwart.events())
    torwart.json("import", str(table))
    (look,) = torwart.events()[before:]
    assert look["event"]["action"] == "record-viewed"
    assert anna in str(look["torwart"])


def test_it_is_taken_over_and_taken_back(torwart: Shell, table: Path) -> None:
    assert torwart.json("import", str(table), "--apply")["applied"]
    people = {one["email"]: one for one in torwart.json("list")["people"]}
    assert (people["anna@firma.example"]["name"], people["anna@firma.example"]["status"]) == ("Anna Berg", "notice_given")
    assert people["neu@firma.example"]["manager"] == people["anna@firma.example"]["pseudonym"]
    assert torwart.json("import", "--undo")["undone"] == 2
    people = {one["email"]: one for one in torwart.json("list")["people"]}
    assert (people["anna@firma.example"]["name"], people["neu@firma.example"]["status"]) == ("Anna Feldmann", "gone")
    assert "no import to take back" in torwart("import", "--undo").stderr


def test_who_is_not_in_a_complete_table_is_gone(torwart: Shell, table: Path) -> None:
    torwart("add", "Weg Bald", "weg@firma.example", "--role", "manager")
    assert [one["email"] for one in torwart.json("import", str(table), "--complete", "--apply")["gone"]] == ["weg@firma.example"]
    assert {one["email"]: one["status"] for one in torwart.json("list")["people"]}["weg@firma.example"] == "gone"


def test_all_faults_are_lines_with_their_places(torwart: Shell, table: Path) -> None:
    table.write_text("email,name,roles\nanna@firma.example,Anna,manger\nx,,manager\n", encoding="utf-8")
    result = torwart("import", str(table), "--apply")
    assert result.exit_code == 2
    told = result.stderr.replace("\n", "")
    for place in ("people.csv:2:3: roles:", "people.csv:3:1: email:", "people.csv:3:2: name:", "Nothing was changed."):
        assert place in told
    table.write_text("email,roles\nanna@firma.example,manger\n", encoding="utf-8")
    assert torwart("import", str(table), "--apply", "--new-role", "manger").exit_code == 0


def test_a_table_or_the_undoing_is_named_and_a_missing_file_is_one_line(torwart: Shell, table: Path) -> None:
    for words in ((), (str(table), "--undo")):
        assert "name a table, or say --undo" in torwart("import", *words).stderr
    assert "cannot be read" in torwart("import", str(table.with_name("none.csv"))).stderr
