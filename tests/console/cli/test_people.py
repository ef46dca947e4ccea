"""`torwart people`, run as a command on a real installation."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from auth.attendance import Attendance
from auth.installation import template
from console.cli.house import open_house
from console.cli.people import app
from tests.services.forger import Forger


class Shell:
    """Runs the command on one installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "torwart.yaml"
        self.config.write_text(template(), encoding="utf-8")

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def json(self, *words: str) -> Any:
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def events(self) -> list[dict[str, Any]]:
        from audit_store.spool import Spool

        spool = Spool.open(self.folder / "state" / "spool" / "cli", "cli")
        try:
            return [json.loads(stored.canonical) for stored in spool.read(0, 1000)]
        finally:
            spool.close()


@pytest.fixture
def torwart(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    assert shell("add", "Anna Feldmann", "anna@firma.example", "--role", "manager", "--account", "anna").exit_code == 0
    return shell


def test_a_person_is_added_and_listed_with_the_pseudonym(torwart: Shell) -> None:
    (anna,) = torwart.json("list")["people"]
    assert (anna["name"], anna["status"], anna["frozen"], anna["accounts"], anna["keys"]) == ("Anna Feldmann", "active", False, ["anna"], 0)
    shown = torwart("list").stdout
    assert anna["pseudonym"] in shown
    assert "Anna" in shown


def test_a_level_is_set_for_some_days_and_listed(torwart: Shell) -> None:
    said = torwart.json("level", "anna", "watched", "--reason", "copies at night", "--days", "3")
    assert said["level"] == "watched"
    (anna,) = torwart.json("list")["people"]
    assert anna["level"] == "watched"
    assert "watched" in torwart("list").stdout
    assert torwart("level", "anna", "watched", "--reason", " ").exit_code == 2
    assert torwart.json("level", "anna", "normal", "--reason", "cleared up")["until"] is None
    assert [event["event"]["action"] for event in torwart.events()] == [
        "person-created",
        "level-changed",
        "record-viewed",
        "record-viewed",
        "level-changed",
    ]


def test_a_status_is_changed_by_account_and_recorded(torwart: Shell) -> None:
    assert torwart("status", "anna", "notice_given").exit_code == 0
    (anna,) = torwart.json("list")["people"]
    assert anna["status"] == "notice_given"
    assert [event["event"]["action"] for event in torwart.events()] == ["person-created", "status-changed", "record-viewed"]


def test_a_freeze_says_what_it_cut_and_is_lifted_again(torwart: Shell, tmp_path: Path) -> None:
    (tmp_path / "rest.key").write_text("0123456789abcdef\n", encoding="utf-8")
    assert torwart("bind", "anna", "--api-key-file", str(tmp_path / "rest.key")).exit_code == 0
    frozen = torwart.json("freeze", "anna@firma.example")
    assert [(piece["kind"], piece["account"]) for piece in frozen["cut"]] == [("api_key", "anna")]
    assert torwart.json("list")["people"][0]["frozen"]
    assert torwart("unfreeze", "anna").exit_code == 0
    assert not torwart.json("list")["people"][0]["frozen"]


def test_who_is_gone_is_cut_and_every_piece_is_tried(torwart: Shell, tmp_path: Path) -> None:
    (tmp_path / "rest.key").write_text("0123456789abcdef\n", encoding="utf-8")
    assert torwart("bind", "anna", "--api-key-file", str(tmp_path / "rest.key")).exit_code == 0
    assert torwart("token", "anna").exit_code == 0
    said = torwart.json("status", "anna", "gone")
    assert [piece["kind"] for piece in said["cut"]] == ["api_key", "key_token"]
    tried = [{"kind": kind, "tried": 1, "refused": 1} for kind in ("api_key", "key_token", "sign_in")]
    assert (said["tried"], said["gateways"], said["holds"]) == (tried, [], True)
    shown = torwart("freeze", "anna").stdout
    assert "sign_in" in shown
    assert "No gateway runs" in shown


def test_a_gateway_that_does_not_answer_is_named_and_the_command_says_that_it_is_not_shown(torwart: Shell) -> None:
    with open_house(torwart.config) as house:
        Attendance(house.engine, "gateway-b").tell(0)
    result = torwart("freeze", "anna")
    assert result.exit_code == 1
    assert "0 of 1 gateways work with it" in result.stdout
    assert "gateway-b has not answered" in result.stdout
    assert torwart.json("list")["people"][0]["frozen"]


def test_of_a_rest_key_only_the_hash_is_kept_and_nothing_is_printed(torwart: Shell, tmp_path: Path) -> None:
    (tmp_path / "rest.key").write_text("0123456789abcdef\n", encoding="utf-8")
    result = torwart("bind", "anna", "--api-key-file", str(tmp_path / "rest.key"))
    assert "0123456789abcdef" not in result.output
    with sqlite3.connect(tmp_path / "state" / "torwart.db") as database:
        assert "0123456789abcdef" not in "".join(database.iterdump())
    assert "0123456789abcdef" not in json.dumps(torwart.events())


@pytest.mark.parametrize("text", ["", "two words", "one\ntwo"])
def test_a_file_that_is_no_key_alone_is_refused(torwart: Shell, tmp_path: Path, text: str) -> None:
    (tmp_path / "rest.key").write_text(text, encoding="utf-8")
    result = torwart("bind", "anna", "--api-key-file", str(tmp_path / "rest.key"))
    assert result.exit_code == 2
    assert "must hold the key alone" in result.stderr


def test_owners_are_imported_or_all_errors_are_told(torwart: Shell, tmp_path: Path) -> None:
    table = tmp_path / "clients.csv"
    table.write_text("client_id,person\n1,anna\n2,\n", encoding="utf-8")
    assert torwart.json("assign", str(table))["changed"] == 2
    table.write_text("client_id,person\n1,nobody\n1,anna\n,anna\n", encoding="utf-8")
    result = torwart("assign", str(table))
    assert result.exit_code == 2
    assert all(f"clients.csv:{line}:" in result.stderr.replace("\n", "") for line in (2, 4))
    assert "Nothing was imported" in result.stderr


def test_a_token_is_a_link_on_torwarts_own_host(torwart: Shell) -> None:
    link = torwart.json("token", "anna")["link"]
    assert link.startswith("http://torwart.localhost:8401/enrol/")
    assert len(link.rpartition("/")[2]) >= 43
    assert link.rpartition("/")[2] not in json.dumps(torwart.events())


@pytest.mark.parametrize(
    "words",
    [
        ("status", "nobody", "active"),
        ("freeze", "nobody"),
        ("bind", "anna"),
        ("add", "Anna Zwei", "anna@firma.example", "--role", "manager"),
        ("add", "Boris", "boris@firma.example", "--role", "manager", "--account", "anna"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(torwart: Shell, words: tuple[str, ...]) -> None:
    result = torwart(*words)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_a_faulty_configuration_ends_the_command_with_all_faults(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.config.write_text("state: state\nlanguage: fr\n", encoding="utf-8")
    result = shell("list")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 3


def test_open_rights_end_the_command(torwart: Shell, tmp_path: Path) -> None:
    (tmp_path / "state" / "torwart.db").chmod(0o644)
    result = torwart("list")
    assert result.exit_code == 2
    assert "chmod 600" in result.stderr


def test_a_log_in_for_the_proxy_is_shown_once_and_ends_the_earlier_one(torwart: Shell) -> None:
    first = torwart.json("proxy", "anna")
    second = torwart.json("proxy", "anna")
    assert first["password"] != second["password"]
    assert (first["ended"], second["ended"]) == (0, 1)
    assert len(second["password"]) == 43  # 256 bits in base64url
    recorded = json.dumps(torwart.events())
    assert [event["event"]["action"] for event in torwart.events()][1:] == ["account-bound", "account-bound", "session-cut"]
    assert first["password"] not in recorded
    assert second["password"] not in recorded
    database = (torwart.folder / "state" / "torwart.db").read_bytes()
    assert second["password"].encode() not in database
    shown = torwart("proxy", "anna")
    assert "password" in shown.stdout
    assert "has ended" in shown.stdout


def test_who_is_gone_gets_no_log_in_for_the_proxy(torwart: Shell) -> None:
    assert torwart("status", "anna", "gone").exit_code == 0
    result = torwart("proxy", "anna")
    assert result.exit_code == 2
    assert "gone" in result.output


def test_a_token_for_a_machine_is_shown_once_and_its_agent_is_listed_and_revoked(torwart: Shell) -> None:
    given = torwart.json("device", "anna")
    assert given["token"] not in json.dumps(torwart.events())
    forger = Forger(given["url"])
    with open_house(torwart.config) as house:
        agent = house.agents.enrol(given["token"], forger.public_key, forger.proof(given["token"]), "desk 7")
    (device,) = torwart.json("devices")["devices"]
    assert (device["agent"], device["label"], device["last_seen_at"], device["revoked_at"]) == (agent.id, "desk 7", None, None)
    assert "desk 7" in torwart("devices").stdout
    assert torwart("device", "anna", "--revoke", agent.producer).exit_code == 0
    again = torwart("device", "anna", "--revoke", agent.id)
    assert again.exit_code == 2
    assert "torwart people devices" in again.output
    assert torwart.json("devices")["devices"][0]["revoked_at"] is not None
