"""`torwart people check` and `accept`, run as commands on a real installation (attacks X12)."""

import json
import sqlite3

from tests.console.cli.test_people import Shell, torwart

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
    assert torwart.json("accept", "anna", "--confirm", pseudonym) == {"pseudonym": pseudonym, "withheld": [], "ended": 0, "left": []}
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
        assert row == {"table": "people", "person": pseudonym, "says": f"manager; active; lost: account {account}", "cause": "missing"}
        assert torwart(*repair).exit_code == 0
        assert torwart("check").exit_code == 0
    (said,) = [event["torwart"]["words"] for event in torwart.events() if event["event"]["action"] == "person-changed"]
    assert (said["what"], said["missing"]) == ("seal", "crm_accounts")
