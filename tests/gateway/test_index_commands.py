"""`torwart index`, as it is called."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from audit_store.spool import SpoolReader
from auth.template import template
from gateway.index_commands import app

TABLE = "id;Firma;Telefon;E-Mail\n7;Müller GmbH;0151 2345678;info@mueller.example\n8;Groß;030 1234567;\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "torwart.yaml"
    path.write_text(template(), encoding="utf-8")
    return path


def index(config: Path, *words: str, said: str | None = None) -> Result:
    return CliRunner().invoke(app, [*words, "--config", str(config)], input=said)


def built(config: Path) -> Path:
    table = config.parent / "clients.csv"
    table.write_text(TABLE, encoding="utf-8")
    done = index(config, "build", "--csv", str(table))
    assert done.exit_code == 0, done.output
    return config.parent / "state"


def recorded(state: Path) -> list[dict[str, Any]]:
    reader = SpoolReader.open(state / "spool" / "cli")
    try:
        return [json.loads(stored.canonical) for stored in reader.read(0, 100)]
    finally:
        reader.close()


def test_build_from_a_table_says_and_records_what_was_built(config: Path) -> None:
    table = config.parent / "clients.csv"
    table.write_text(TABLE, encoding="utf-8")
    done = index(config, "build", "--csv", str(table), "--json")
    document = json.loads(done.stdout)
    state = config.parent / "state"
    assert (done.exit_code, document["clients"], document["keys"]) == (0, 2, 7)
    assert document["size"] == (state / "index" / "clients.idx").stat().st_size
    (event,) = [event for event in recorded(state) if event["event"]["action"] == "index-built"]
    assert event["torwart"]["numbers"] == {"clients": 2, "keys": 7}


def test_a_faulty_table_leaves_the_old_index_as_it_was(config: Path) -> None:
    state = built(config)
    before = (state / "index" / "clients.idx").read_bytes()
    (config.parent / "clients.csv").write_text("id;phone\n7;030 1\n;030 2\n8\n", encoding="utf-8")
    done = index(config, "build", "--csv", str(config.parent / "clients.csv"))
    assert done.exit_code == 2
    assert [":3:" in done.stderr, ":4:" in done.stderr] == [True, True]
    assert (state / "index" / "clients.idx").read_bytes() == before


@pytest.mark.parametrize("words", [[], ["--csv", "clients.csv", "--account", "admin"]])
def test_build_wants_exactly_one_source(config: Path, words: list[str]) -> None:
    done = index(config, "build", *words)
    assert (done.exit_code, "--csv" in done.stderr, "--account" in done.stderr) == (2, True, True)


def test_build_from_a_crm_that_is_not_there_is_one_clear_line(config: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config.write_text(config.read_text("utf-8").replace("upstream: http://127.0.0.1:8000", f"upstream: http://127.0.0.1:{port}"), "utf-8")
    password = config.parent / "password"
    password.write_text("secret word\n", encoding="utf-8")
    done = index(config, "build", "--account", "admin", "--password-file", str(password))
    assert done.exit_code == 2
    assert "gave no answer" in done.stderr
    assert "secret word" not in done.output


def test_stats_show_what_is_in_the_index(config: Path) -> None:
    built(config)
    document = json.loads(index(config, "stats", "--json").stdout)
    assert (document["clients"], document["keys"], document["kinds"]) == (2, 7, {"email": 1, "phone": 6, "tax": 0})
    plain = index(config, "stats")
    assert (plain.exit_code, "clients      2" in plain.stdout) == (0, True)


def test_without_an_index_the_commands_say_how_to_get_one(config: Path) -> None:
    for words in (["stats"], ["probe", "030 1234567"]):
        done = index(config, *words)
        assert (done.exit_code, "torwart index build" in done.stderr) == (2, True)


def test_probe_says_whose_value_it_is_and_records_only_that_somebody_asked(config: Path) -> None:
    state = built(config)
    asked = index(config, "probe", said="+49 (151) 234-56-78\n")
    assert (asked.exit_code, asked.stdout) == (1, "client 7, by phone\n")
    file = config.parent / "value"
    file.write_text("INFO@mueller.example\n", encoding="utf-8")
    by_file = index(config, "probe", "--value-file", str(file), "--json")
    assert (by_file.exit_code, json.loads(by_file.stdout)) == (1, {"is_client": True, "clients": {"7": ["email"]}})
    nobody = index(config, "probe", "030 9999999")
    assert (nobody.exit_code, nobody.stdout) == (0, "no client's\n")
    events = [event for event in recorded(state) if event["event"]["action"] == "record-viewed"]
    assert len(events) == 3
    spoken = json.dumps(events)
    assert [value for value in ("mueller", "2345678", "234-56-78", "9999999") if value in spoken] == []


def test_a_column_of_an_unknown_kind_is_refused(config: Path) -> None:
    done = index(config, "build", "--csv", "clients.csv", "--column", "fon=Telefon")
    assert (done.exit_code, "kinds are id, name, phone" in done.stderr) == (2, True)


@pytest.mark.parametrize("rows", ["", "7;nobody\n8;none\n"])
def test_a_table_in_which_nobody_can_be_recognised_replaces_no_index(config: Path, rows: str) -> None:
    built(config)
    (config.parent / "clients.csv").write_text("id;phone\n" + rows, encoding="utf-8")
    done = index(config, "build", "--csv", str(config.parent / "clients.csv"))
    assert (done.exit_code, "nothing was changed" in done.stderr) == (2, True)
    assert index(config, "probe", "0151 2345678").exit_code == 1


@pytest.mark.parametrize("said", ["", " \n"])
def test_probe_does_not_take_nothing_for_nobodys_value(config: Path, said: str) -> None:
    built(config)
    done = index(config, "probe", said=said)
    assert (done.exit_code, done.stdout, "there is no value" in done.stderr) == (2, "", True)
