"""`torwart events`, run as a command on a real record."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from audit_store.event import EventAction, Phase, plain_event, refused_event
from audit_store.log import FILE, Log
from audit_store.spool import FILE as SPOOL_FILE
from audit_store.spool import Spool
from auth.installation import template
from console.cli.events import app
from policies.decision import Allow
from policies.reasons import ALLOWED, UNREADABLE, Because
from tests.audit_store.acts import NOW, access


class Shell:
    """Runs the command on one installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "torwart.yaml"
        self.config.write_text(template(), encoding="utf-8")

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def looks(self) -> list[dict[str, Any]]:
        spool = Spool.open(self.state / "spool" / "cli", "cli")
        try:
            return [json.loads(stored.canonical) for stored in spool.read(0, 1000)]
        finally:
            spool.close()

    def found(self, *words: str) -> list[int]:
        result = self("search", *words, "--json")
        assert result.exit_code == 0, result.output
        return [event["sequence"] for event in json.loads(result.stdout)["events"]]

    def harm(self, path: Path, statement: str) -> None:
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()


@pytest.fixture
def torwart(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    spool = Spool.open(shell.state / "spool" / "gateway", "gateway")
    for event in (
        access(("1", "2"), taken=frozenset({"1"})),
        access(
            ("1",),
            phase=Phase.HELD,
            at=NOW + timedelta(hours=1),
            pseudonym="P-00000002",
            decision=Allow((Because(ALLOWED),), rules=("1:own",), observed=("1:try-out",)),
        ),
        refused_event(at=NOW + timedelta(hours=2), reason=Because(UNREADABLE, {"what": "\x1b[31mred\x07\nline\u202e"}), route="/"),
        plain_event(EventAction.PERSON_FROZEN, at=NOW + timedelta(hours=3), pseudonym="P-00000002", subject="P-00000001"),
    ):
        spool.append(event)
    log = Log.open(shell.state / "log")
    log.take(spool)
    log.close()
    spool.close()
    return shell


def test_the_tail_shows_who_what_how_many_and_why(torwart: Shell) -> None:
    result = torwart("tail", "-n", "4")
    assert result.exit_code == 0, result.output
    first, second, _, last = result.stdout.splitlines()
    assert "P-00000001  list  allowed  asked 2 shown 2 taken 1" in first
    assert "Allowed by the rules." in first
    assert "list  held" in second
    assert "person-frozen  success  → P-00000001" in last
    assert torwart("tail", "-n", "1").stdout.splitlines() == [last]


def test_nothing_in_the_record_steers_the_terminal(torwart: Shell) -> None:
    """promises G92 and G95."""
    shown = torwart("tail").stdout
    assert len(shown.splitlines()) == 4
    assert r"\x1b[31mred\x07\nline\u202e" in shown
    assert not set("\x1b\x07\u202e") & set(shown)


def test_the_tail_for_programs_is_one_document_a_line(torwart: Shell) -> None:
    rows = [json.loads(line) for line in torwart("tail", "--json").stdout.splitlines()]
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["document"]["torwart"]["clients"]["shown_count"] == 2


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), [1, 2, 3, 4]),
        (("--person", "P-00000001"), [1, 4]),
        (("--act", "act-1"), [1, 2]),
        (("--action", "refused"), [3]),
        (("--phase", "held"), [2]),
        (("--observed", "1:try-out"), [2]),
        (("--observed", "1:own"), []),
        (("--since", "2026-05-12T11:00:00+00:00"), [3, 4]),
        (("--until", "2026-05-12T11:00:00Z"), [1, 2]),
        (("--since", "2h"), []),
        (("--newest", "--limit", "2"), [4, 3]),
        (("--newest", "--limit", "2", "--after", "3"), [2, 1]),
        (("--limit", "1", "--after", "2"), [3]),
    ],
)
def test_a_search_finds_exactly_its_events(torwart: Shell, words: tuple[str, ...], found: list[int]) -> None:
    assert torwart.found(*words) == found


def test_a_search_says_when_there_is_more_and_when_there_is_nothing(torwart: Shell) -> None:
    assert "There may be more: --after 2" in torwart("search", "--limit", "2").stdout
    assert "No event meets all of that." in torwart("search", "--act", "nothing").stdout


def test_a_person_may_be_named_by_account(torwart: Shell) -> None:
    from console.cli.people import app as people

    words = ["Anna Feldmann", "anna@firma.example", "--role", "manager", "--account", "anna"]
    assert CliRunner().invoke(people, ["add", *words, "--config", str(torwart.config)]).exit_code == 0
    assert torwart.found("--person", "anna") == []
    unknown = torwart("search", "--person", "nobody")
    assert unknown.exit_code == 2
    assert "nobody is called 'nobody' here" in unknown.stderr


def test_every_look_is_recorded_before_anything_is_shown(torwart: Shell) -> None:
    torwart("search", "--person", "P-00000001")
    torwart("tail")
    assert [(look["event"]["action"], look["torwart"]["subject"]) for look in torwart.looks()] == [
        *[("record-viewed", "P-00000001")] * 2,  # that it was asked for, and whom else the answer names
        ("record-viewed", "the newest events"),
        ("record-viewed", "the newest events"),
    ]
    (torwart.state / "spool" / "cli").chmod(0o755)
    refused = torwart("tail")
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert "chmod 700" in refused.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("search", "--since", "yesterday"), "--since 'yesterday' is no time: write 2026-05-12"),
        (("search", "--until", "999999d"), "--until '999999d' is no time"),
        (("search", "--action", "nothing"), "nothing"),
        (("search", "--phase", "perhaps"), "perhaps"),
        (("search", "--limit", "100000"), "1000"),
    ],
)
def test_a_question_that_is_none_is_one_clear_line(torwart: Shell, words: tuple[str, ...], says: str) -> None:
    result = torwart(*words)
    assert result.exit_code == 2
    assert says in result.stderr


def test_an_untouched_record_verifies(torwart: Shell) -> None:
    result = torwart("verify")
    assert result.exit_code == 0, result.output
    assert "4 events are as they were written (spools compared: gateway; 0 not in the log yet)." in result.stdout
    assert "No place outside was compared" in result.stdout
    as_json = json.loads(torwart("verify", "--json").stdout)
    assert [as_json[name] for name in ("events", "producers", "waiting", "statements", "problems")] == [4, ["gateway"], 0, 0, []]


def test_what_the_log_has_not_taken_yet_is_said_and_no_problem(torwart: Shell) -> None:
    spool = Spool.open(torwart.state / "spool" / "gateway", "gateway")
    spool.append(access())
    spool.close()
    assert "1 not in the log yet" in torwart("verify").stdout


def test_a_changed_event_fails_the_verification_and_is_named(torwart: Shell) -> None:
    torwart.harm(
        torwart.state / "log" / FILE, "UPDATE entry SET canonical = replace(canonical, '\"rows\":2', '\"rows\":1') WHERE sequence = 1"
    )
    result = torwart("verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("log 1, gateway 1: does not fit its chain")
    as_json = torwart("verify", "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["problems"][0]["sequence"] == 1


def test_a_spool_that_was_cut_fails_the_verification(torwart: Shell) -> None:
    torwart.harm(torwart.state / "spool" / "gateway" / SPOOL_FILE, "DELETE FROM event WHERE sequence = 4")
    result = torwart("verify")
    assert result.exit_code == 1
    assert "gateway 4: in the log and not in the spool" in result.stdout


def test_without_a_record_every_command_says_so_in_one_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    for command in ("tail", "search", "verify"):
        result = shell(command)
        assert result.exit_code == 2
        assert "there is no record in" in result.stderr
        assert not (tmp_path / "state").exists()


def test_a_configuration_with_faults_is_named(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.config.write_text("nonsense: true\n")
    result = shell("tail")
    assert result.exit_code == 2
    assert "nonsense" in result.stderr


def test_a_damaged_log_is_one_clear_line(torwart: Shell) -> None:
    for part in (torwart.state / "log").iterdir():
        part.write_bytes(b"this is no database" * 1000)
    result = torwart("verify")
    assert result.exit_code == 2
    assert "the record cannot be verified" in result.stderr
