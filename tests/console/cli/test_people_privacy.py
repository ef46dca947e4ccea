"""`torwart people erase` and `access`, run as commands on a real installation."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from audit_store.database import Base, open_database
from audit_store.log import Log
from audit_store.spool import SpoolReader
from auth.installation import template
from console.cli import events, people
from tests.console.cli.test_people import Shell, torwart
from tests.services.postgres import Cluster

__all__ = ["torwart"]


def pseudonym(torwart: Shell) -> str:
    return str(torwart.json("list")["people"][0]["pseudonym"])


def take(torwart: Shell) -> None:
    """What the console does all the time."""
    log = Log.open(torwart.folder / "state" / "log")
    reader = SpoolReader.open(torwart.folder / "state" / "spool" / "cli")
    log.take(reader)
    reader.close()
    log.close()


def test_erasure_needs_the_pseudonym_typed(torwart: Shell) -> None:
    name = pseudonym(torwart)
    assert "only somebody who is gone" in torwart("erase", "anna", "--confirm", name).stderr
    assert torwart("status", "anna", "gone", "--reason", "Anna geht").exit_code == 0
    assert "--confirm PSEUDONYM" in torwart("erase", "anna", "--json").stderr
    wrong = CliRunner().invoke(people.app, ["erase", "anna", "--config", str(torwart.config)], input="anna\n")
    assert wrong.exit_code == 2
    assert "nothing was deleted" in wrong.stderr
    assert torwart.json("list")["people"][0]["name"] == "Anna Feldmann"
    right = CliRunner().invoke(people.app, ["erase", "anna", "--config", str(torwart.config)], input=f"{name}\n")
    assert right.exit_code == 0
    assert f"{name} is erased" in right.stdout
    assert "backups" in right.stdout
    assert torwart.json("list")["people"][0]["name"] == name


def test_after_erasure_the_record_verifies(torwart: Shell) -> None:
    name = pseudonym(torwart)
    torwart("status", "anna", "gone", "--reason", "Anna geht")
    (torwart.folder / "state" / "torwart.db.schema-8").touch(mode=0o600)
    done = torwart.json("erase", "anna", "--confirm", name)
    assert done["overwritten"] is True
    assert done["deleted"]["subject_keys"] == 1
    assert any("torwart.db.schema-8" in one for one in done["not_reached"])
    take(torwart)
    verified = CliRunner().invoke(events.app, ["verify", "--config", str(torwart.config)])
    assert verified.exit_code == 0, verified.output


def test_access_writes_two_files_for_nobody_else_and_is_recorded(torwart: Shell, tmp_path: Path) -> None:
    take(torwart)
    said = torwart.json("access", "anna", "--out", str(tmp_path / "anna"))
    page, data = tmp_path / "anna.html", tmp_path / "anna.json"
    assert said["files"] == [str(page), str(data)]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (page, data)] == [0o600, 0o600]
    assert "Was über P-" in page.read_text("utf-8")
    assert json.loads(data.read_text("utf-8"))["tables"]["people"][0]["name"] == "Anna Feldmann"
    assert torwart.events()[-1]["event"]["action"] == "person-disclosed"
    again = torwart("access", "anna", "--out", str(page))
    assert again.exit_code == 2
    assert "exists: choose another name" in again.stderr


@pytest.mark.parametrize(("language", "says"), [("de", "Was über"), ("en", "What is stored about")])
def test_access_speaks_the_language_that_is_asked_for(torwart: Shell, tmp_path: Path, language: str, says: str) -> None:
    take(torwart)
    assert torwart("access", "anna", "--out", str(tmp_path / "x.json"), "--language", language).exit_code == 0
    assert says in (tmp_path / "x.html").read_text("utf-8")


@pytest.mark.parametrize("words", [("erase", "anna", "--confirm", "{name}"), ("access", "anna", "--out", "{folder}/anna")])
def test_in_a_process_of_its_own_every_table_is_known(torwart: Shell, words: tuple[str, ...]) -> None:
    """Other tests have imported everything; a command has imported only what it needs."""
    torwart("status", "anna", "gone", "--reason", "Anna geht")
    name = pseudonym(torwart)
    take(torwart)
    filled = [word.format(name=name, folder=torwart.folder) for word in words]
    command = [sys.executable, "-m", "console.cli", "people", *filled, "--config", str(torwart.config), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pseudonym"] == name


@pytest.mark.needs("postgresql")
def test_access_and_erasure_reach_what_several_machines_share(tmp_path: Path, postgres: Cluster) -> None:
    server = postgres.migrated()
    shell = Shell(tmp_path)
    shell.config.write_text(f"{template()}\nmachine: nord\ndatabase:\n  url: {server.url}\n", encoding="utf-8")
    assert shell("add", "Anna Feldmann", "anna@firma.example", "--role", "manager", "--account", "anna").exit_code == 0
    assert shell("add", "Boris Berg", "boris@firma.example", "--role", "security", "--account", "boris").exit_code == 0
    assert shell("level", "anna", "watched", "--reason", "Boris Berg hat sie gesehen", "--days", "3", "--by", "boris").exit_code == 0
    assert shell("status", "anna", "gone", "--reason", "Anna geht").exit_code == 0
    log, reader = Log.open(server), SpoolReader.open(tmp_path / "state" / "spool" / "cli-nord")
    log.take(reader)
    (name,) = [one["pseudonym"] for one in shell.json("list")["people"] if one["name"] == "Anna Feldmann"]

    shell.json("access", "anna", "--out", str(tmp_path / "anna"))
    told = (tmp_path / "anna.json").read_text("utf-8")
    assert "anna@firma.example" in told
    assert "Anna geht" in told
    assert "eine andere Person hat sie gesehen" in told
    assert "Boris" not in told

    done = shell.json("erase", "anna", "--confirm", name)
    assert done["overwritten"] is False, "old rows stay until the server cleans up"
    engine = open_database(server)
    with engine.connect() as connection:
        rows = repr([connection.execute(select(table)).all() for table in Base.metadata.sorted_tables])
    engine.dispose()
    assert name in rows
    assert [word for word in ("Feldmann", "anna@firma.example", "Anna geht") if word in rows] == []
    log.take(reader)
    assert log.verify(reader) == []
    reader.close()
    log.close()
    verified = CliRunner().invoke(events.app, ["verify", "--config", str(shell.config)])
    assert verified.exit_code == 0, verified.output
