"""`torwart people check` and `accept`, run as commands on a real installation (attacks X12)."""

import json
import shlex
import sqlite3

import pytest

from tests.console.cli.test_people import Shell, torwart
from tests.console.cli.test_people_change import days_ahead

__all__ = ["torwart"]


def forge(shell: Shell, statement: str) -> None:
    with sqlite3.connect(shell.config.parent / "state" / "torwart.db") as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def test_nothing_is_found_where_nothing_is_forged(torwart: Shell) -> None:
    done = torwart("check")
    assert (done.exit_code, done.output.strip()) == (0, "Everything is as Torwart wrote it.")


def test_x12_a_forged_person_is_named_and_counts_again_when_accepted(torwart: Shell) -> None:
    pseudonym = torwart.json("list")["people"][0]["pseudonym"]
    forge(torwart, "UPDATE people SET team = 'north'")
    found = torwart("check")
    assert found.exit_code == 1
    assert pseudonym in found.output
    assert "written or changed by something else" in found.output
    refused = torwart("accept", "anna", "--confirm", "P-00000000")
    assert refused.exit_code == 2
    assert f"--confirm {pseudonym}" in refused.output.replace("\n", " ")
    assert torwart("check").exit_code == 1
    done = {"pseudonym": pseudonym, "withheld": [], "ended": 0, "left": [], "gone_from": None}
    assert torwart.json("accept", "anna", "--confirm", pseudonym) == done
    assert torwart("check").exit_code == 0
    (said,) = [event["torwart"]["words"] for event in torwart.events() if event["event"]["action"] == "person-changed"]
    assert said["what"] == "seal"
    again = torwart("accept", "anna", "--confirm", pseudonym)
    assert again.exit_code == 2
    assert "as Torwart wrote it" in again.output


def test_where_no_administrator_has_a_key_a_role_is_kept(torwart: Shell) -> None:
    """Nobody has a key here, so nobody could say yes: the role stays, as `add` would give it."""
    pseudonym = torwart.json("list")["people"][0]["pseudonym"]
    forge(torwart, """UPDATE people SET roles = '["owner"]'""")
    assert torwart.json("accept", "anna", "--confirm", pseudonym)["withheld"] == []


def test_x12_a_deleted_account_is_named_and_missed_until_it_is_made_anew_or_accepted(torwart: Shell) -> None:
    pseudonym = torwart.json("list")["people"][0]["pseudonym"]
    for account, repair in (("first", ("bind", "anna", "first")), ("second", ("accept", "anna", "--confirm", pseudonym))):
        assert torwart("bind", "anna", account).exit_code == 0
        forge(torwart, f"DELETE FROM crm_accounts WHERE account = '{account}'")  # noqa: S608 -- names of ours
        found = torwart("check", "--json")
        assert found.exit_code == 1
        (row,) = json.loads(found.output)["rows"]
        assert (row["table"], row["person"], row["cause"]) == ("people", pseudonym, "missing")
        assert row["says"] == f"manager; active; lost: account {account}"
        assert torwart(*repair).exit_code == 0
        assert torwart("check").exit_code == 0
    (said,) = [event["torwart"]["words"] for event in torwart.events() if event["event"]["action"] == "person-changed"]
    assert (said["what"], said["missing"]) == ("seal", "crm_accounts")


def words(command: str, **values: str) -> list[str]:
    """What somebody types who copies a command that `check` has named, without `torwart people`."""
    given = shlex.split(command)
    assert given[:2] == ["torwart", "people"]
    return [values.get(word, word) for word in given[2:]]


FORGED = {
    "a person": "UPDATE people SET team = 'north'",
    "a pseudonym": "UPDATE people SET pseudonym = 'P-00000000'",
    "an account": "UPDATE crm_accounts SET kind = 'rest'",
    "an account with odd letters": "UPDATE crm_accounts SET account = 'an na''s'",
    "a level": "UPDATE risk_levels SET level = 'watched'",
    "a planned status": "UPDATE status_plans SET day = '2999-01-01'",
    "a level that is lost": "DELETE FROM risk_levels",
    "a planned status that is lost": "DELETE FROM status_plans",
}


@pytest.mark.parametrize("what", FORGED)
def test_the_commands_that_it_names_are_all_that_is_needed(torwart: Shell, what: str) -> None:
    torwart("level", "anna", "departing", "--reason", "copies at night")
    torwart("status", "anna", "last_day", "--on", days_ahead(30))
    forge(torwart, FORGED[what])
    found = json.loads(torwart("check", "--json").output)["rows"]
    shown = torwart("check").output
    assert found
    for row in found:
        assert f"  {row['command']}\n" in shown, "in one line, to be copied"
        done = torwart(*words(row["command"], LEVEL="watched", TEXT="copies at night"))
        assert done.exit_code == 0, done.output
    assert torwart("check").exit_code == 0


def test_a_planned_status_that_was_deleted_is_dropped_by_the_command_for_planned_statuses(torwart: Shell) -> None:
    torwart("status", "anna", "gone", "--on", days_ahead(30))
    forge(torwart, "DELETE FROM status_plans")
    assert torwart("check").exit_code == 1
    assert torwart.json("plans", "--drop", "anna")["dropped"] == 1
    assert torwart("check").exit_code == 0


def test_x12_a_deleted_person_is_named_by_the_pseudonym_until_it_is_accepted(torwart: Shell) -> None:
    pseudonym = torwart.json("list")["people"][0]["pseudonym"]
    forge(torwart, "DELETE FROM crm_accounts")
    forge(torwart, "DELETE FROM people")
    (row,) = json.loads(torwart("check", "--json").output)["rows"]
    command = f"torwart people accept {pseudonym} --confirm {pseudonym}"
    assert row == {"table": "people", "person": pseudonym, "says": "", "cause": "deleted", "command": command}
    shown = torwart("check")
    assert shown.exit_code == 1
    assert "the person was deleted" in shown.output
    assert f"--confirm {pseudonym}" in torwart("accept", pseudonym, "--confirm", "P-00000000").output.replace("\n", " ")
    assert "no account counts" in torwart("accept", pseudonym, "--confirm", pseudonym, "--account", "anna").output.replace("\n", " ")
    assert torwart("accept", "anna", "--confirm", pseudonym).exit_code == 2, "nobody is called so any more"
    assert torwart.json("accept", pseudonym.lower(), "--confirm", pseudonym) == {"pseudonym": pseudonym, "gone": True, "cut": []}
    assert torwart("check").exit_code == 0
    (anna,) = torwart.json("list")["people"]
    assert (anna["pseudonym"], anna["status"], anna["accounts"]) == (pseudonym, "gone", [])
    assert torwart("add", "Anna Feldmann", "anna@firma.example", "--role", "manager", "--account", "anna").exit_code == 0
    assert torwart("check").exit_code == 0
