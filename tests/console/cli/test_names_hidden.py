"""Where pages show pseudonyms, commands do too: nothing they print says who somebody is (law 11)."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from auth.template import MANY_PEOPLE, template
from console.cli import keys, people
from console.cli.house import open_house
from deploy.demo.software_key import SoftwareKey
from gateway.commands import init

TRACES = ("Anna", "Feldmann", "anna@", "anna.f", "Laptop")
COMMANDS = [
    ("list",),
    ("accounts",),
    ("plans",),
    ("devices",),
    ("sessions", "anna.f"),
    ("status", "anna.f", "talk_planned"),
    ("level", "anna.f", "watched", "--reason", "x"),
    ("freeze", "anna.f"),
    ("unfreeze", "anna.f"),
    ("change", "anna.f", "--team", "Nord"),
    ("leave", "anna.f", "--from", "2099-01-01", "--until", "2099-01-05"),
    ("bind", "anna.f", "other"),
    ("token", "anna.f"),
    ("device", "anna.f"),
    ("proxy", "anna.f"),
]


def install(folder: Path, names: str) -> Path:
    config = folder / "torwart.yaml"
    config.write_text(template(names=names), encoding="utf-8")
    with open_house(config) as house:
        anna = house.people.add("Anna Feldmann", "anna@firma.example", ["manager"], "de", ["anna.f"])
        house.sessions.bind("secret", "session", anna.id, "anna.f")
        token, key = house.keys.issue_token(anna.id, None), SoftwareKey()
        house.keys.complete_registration(token, key.create(house.keys.begin_registration(token)[0], house.installation.origin))
    return config


def run(app: object, *words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "250"})  # type: ignore[arg-type]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return install(tmp_path, "pseudonyms")


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("way", [(), ("--json",)], ids=["text", "json"])
def test_a_command_names_nobody(config: Path, words: tuple[str, ...], way: tuple[str, ...]) -> None:
    said = run(people.app, *words, *way, "--config", config)
    assert said.exit_code == 0, said.output
    assert [trace for trace in TRACES if trace in said.output] == []


def test_keys_name_nobody(config: Path) -> None:
    for way in ((), ("--json",)):
        said = run(keys.app, "list", *way, "--config", config)
        assert said.exit_code == 0
        assert "P-" in said.output
        assert [trace for trace in TRACES if trace in said.output] == []


def test_where_names_are_shown_they_are(tmp_path: Path) -> None:
    config = install(tmp_path, "shown")
    assert "Anna Feldmann" in run(people.app, "list", "--config", config).output
    assert "Anna Feldmann" in run(keys.app, "list", "--json", "--config", config).output


@pytest.mark.parametrize(("number", "names"), [(3, "shown"), (MANY_PEOPLE, "shown"), (MANY_PEOPLE + 1, "pseudonyms")])
def test_a_new_installation_hides_names_where_many_work(tmp_path: Path, number: int, names: str) -> None:
    config = tmp_path / "torwart.yaml"
    assert run(init, "--config", config, "--people", number).exit_code == 0
    assert f"\nnames: {names}\n" in config.read_text(encoding="utf-8")
    with open_house(config) as house:
        assert house.installation.names == names


def test_a_firm_that_grows_is_told_and_not_changed(tmp_path: Path) -> None:
    config = install(tmp_path, "shown")
    before = config.read_bytes()
    said = ""
    for number in range(MANY_PEOPLE):
        assert "pseudonyms" not in said
        said = run(people.app, "add", f"Neu {number}", f"n{number}@firma.example", "--role", "manager", "--config", config).output
    assert "`names: pseudonyms`" in said
    assert config.read_bytes() == before
    assert json.loads(run(people.app, "list", "--json", "--config", config).output)["people"][0]["name"]
