"""`torwart people change`, `unbind`, `leave`, `plans` and a status for a day, on a real installation."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auth.standing import local_day
from auth.unmapped import Unmapped
from console.cli.house import open_house
from deploy.demo.software_key import SoftwareKey
from tests.console.cli.test_people import Shell


@pytest.fixture
def torwart(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    for name, role in (("Anna Feldmann", "manager"), ("Helga Stern", "head_of_sales")):
        first = name.split()[0].lower()
        assert shell("add", name, f"{first}@firma.example", "--role", role, "--account", first).exit_code == 0
    return shell


def days_ahead(days: int) -> str:
    return (local_day(datetime.now(UTC)) + timedelta(days=days)).isoformat()


def test_who_somebody_is_changes_and_the_list_has_it(torwart: Shell) -> None:
    helga = next(one for one in torwart.json("list")["people"] if one["name"] == "Helga Stern")
    words = ("--role", "intern", "--team", "Nord", "--manager", "helga", "--territory", "DE-HH", "--by", "helga")
    assert torwart.json("change", "anna", *words)["changed"] == ["roles", "team", "territory", "manager"]
    anna = next(one for one in torwart.json("list")["people"] if one["name"] == "Anna Feldmann")
    assert (anna["roles"], anna["team"], anna["territory"], anna["manager"]) == (["intern"], "Nord", "DE-HH", helga["pseudonym"])
    assert (
        torwart("change", "anna", "--team", "none", "--manager", "none").stdout
        == f"Anna Feldmann ({anna['pseudonym']}): team, manager changed.\n"
    )
    assert "nothing is different" in torwart("change", "anna", "--team", "none").stdout
    roles = [event for event in torwart.events() if event["event"]["action"] == "roles-changed"]
    assert [(event["user"]["id"], event["torwart"]["subject"]) for event in roles] == [(helga["pseudonym"], anna["pseudonym"])]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "say what is to be different"),
        (("--role", "Admin!"), "roles are words"),
        (("--email", "helga@firma.example"), "belongs to somebody else"),
        (("--manager", "anna"), "nobody is their own manager"),
        (("--manager", "nobody"), "nobody is called"),
        (("--team", "Nord", "--by", "anna"), "ask another administrator"),
    ],
)
def test_what_cannot_be_is_one_clear_line(torwart: Shell, words: tuple[str, ...], text: str) -> None:
    result = torwart("change", "anna", *words)
    assert result.exit_code == 2
    assert text in result.stderr.replace("\n", " ")


def test_a_status_is_planned_listed_and_dropped(torwart: Shell) -> None:
    said = torwart.json("status", "anna", "last_day", "--on", days_ahead(30), "--reason", "moves away")
    assert said == {"pseudonym": said["pseudonym"], "status": "last_day", "on": days_ahead(30), "cut": []}
    assert torwart.json("list")["people"][0]["planned"] == [{"status": "last_day", "on": days_ahead(30)}]
    (plan,) = torwart.json("plans")["plans"]
    assert (plan["pseudonym"], plan["status"], plan["on"], plan["automatic"]) == (said["pseudonym"], "last_day", days_ahead(30), False)
    assert days_ahead(30) in torwart("plans").stdout
    assert torwart.json("plans", "--drop", "anna")["dropped"] == 1
    assert torwart.json("plans")["plans"] == []


def test_a_day_that_is_over_or_no_day_is_refused(torwart: Shell) -> None:
    assert "from tomorrow on" in torwart("status", "anna", "last_day", "--on", days_ahead(0)).stderr.replace("\n", " ")
    assert torwart("status", "anna", "last_day", "--on", "31.12.2026").exit_code == 2
    assert "ask another administrator" in torwart("status", "anna", "active", "--by", "anna").stderr.replace("\n", " ")


def test_a_last_day_says_when_it_ends(torwart: Shell) -> None:
    assert torwart("status", "anna", "last_day").exit_code == 0
    assert torwart.json("plans")["plans"][0]["automatic"]
    assert torwart.json("plans")["plans"][0]["on"] == days_ahead(1)


def test_an_account_is_taken_away(torwart: Shell) -> None:
    assert torwart.json("unbind", "anna", "anna") == {
        "pseudonym": torwart.json("list")["people"][0]["pseudonym"],
        "account": "anna",
        "cut": [],
    }
    result = torwart("unbind", "anna@firma.example", "anna")
    assert result.exit_code == 2
    assert "not this person's" in result.stderr.replace("\n", " ")


def test_accounts_are_listed_with_their_people_and_those_of_nobody_apart(torwart: Shell) -> None:
    found = torwart.json("accounts")["accounts"]
    assert [(row["account"], row["name"]) for row in found] == [("anna", "Anna Feldmann"), ("helga", "Helga Stern")]
    assert "Nobody was refused" in torwart("accounts", "--unmapped").stdout
    with open_house(torwart.config) as house:
        unmapped = Unmapped(house.engine, house.credential_key)
        for _ in range(2):
            unmapped.heard("clara")
        unmapped.write_down()
    (row,) = torwart.json("accounts", "--unmapped")["accounts"]
    assert (row["account"], row["times"]) == ("clara", 2)
    assert "torwart people bind" in torwart("accounts", "--unmapped").stdout


def test_a_leave_is_said_and_ended(torwart: Shell) -> None:
    assert torwart("leave", "anna", "--from", "2026-07-01", "--until", "2026-07-14").exit_code == 0
    assert torwart.json("list")["people"][0]["leave"] == {"from": "2026-07-01", "until": "2026-07-14"}
    assert torwart.json("leave", "anna")["from"] is None
    assert torwart.json("list")["people"][0]["leave"] is None
    assert torwart("leave", "anna", "--from", "2026-07-01").exit_code == 2


def test_an_administrator_is_made_by_two_keys_once_somebody_has_one(torwart: Shell) -> None:
    assert torwart("add", "Oskar Brandt", "oskar@firma.example", "--role", "owner").exit_code == 0
    key = SoftwareKey()
    with open_house(torwart.config) as house:
        token = house.keys.issue_token(house.person("oskar@firma.example").id, None)
        options, _ = house.keys.begin_registration(token)
        house.keys.complete_registration(token, key.create(options, house.installation.origin))
    assert torwart.json("change", "anna", "--role", "admin")["state"] == "asked"
    assert "Nothing was done yet" in torwart("add", "Zwei", "zwei@firma.example", "--role", "owner").stdout
    people = {one["email"]: one["roles"] for one in torwart.json("list")["people"]}
    assert people["anna@firma.example"] == ["manager"]
    assert "zwei@firma.example" not in people
    table = torwart.folder / "people.csv"
    table.write_text("email;roles\nanna@firma.example;owner\n", encoding="utf-8")
    assert "give it by hand" in torwart("import", str(table), "--apply").stderr.replace("\n", " ")
