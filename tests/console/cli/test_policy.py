"""`torwart policy`, run as a command on real files and a real installation."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit_store.spool import SpoolReader
from auth.installation import template
from console.cli import people, policy
from policies.store import SHIPPED
from tests.policies.stores import store_in


def _run(*words: object, code: int = 0) -> Any:
    result = CliRunner().invoke(policy.app, [str(word) for word in words], env={"COLUMNS": "160"})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "torwart.yaml"
    path.write_text(template(), encoding="utf-8")
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "rules"))


def _change(rules: Path, old: str, new: str) -> None:
    path = rules / "sales.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _events(config: Path) -> list[dict[str, Any]]:
    reader = SpoolReader.open(config.parent / "state" / "spool" / "cli")
    try:
        return [json.loads(stored.canonical) for stored in reader.read(0, 100)]
    finally:
        reader.close()


def test_the_shipped_rules_are_checked_and_green() -> None:
    assert "no error" in _run("check").stdout
    assert "all as expected" in _run("test").stdout
    document = json.loads(_run("test", "--json").stdout)
    assert document["red"] == 0
    assert {case["green"] for case in document["cases"]} == {True}


def test_every_error_is_named_with_its_place_and_exit_code_2(rules: Path) -> None:
    _change(rules, "actions: [copy]", "actions: [cpy]")
    _change(rules, "size(resource.written_contact_fields)", "size(resource.asked_fields)")
    result = _run("check", rules, code=2)
    assert result.stderr.count("sales.yaml:") == 3
    assert "'asked_fields' is not known here" in result.stderr
    document = json.loads(_run("check", rules, "--json", code=2).stdout)
    assert [error["file"] for error in document["errors"]] == ["sales.yaml"] * 3


def test_a_newcomer_who_edits_a_number_sees_which_cases_turn_red(rules: Path) -> None:
    _change(rules, "{counter: exported_day, percent: 10,", "{counter: exported_day, percent: 5,")
    result = _run("test", rules, code=1)
    assert "allowed: expected 260, got 110" in result.stdout
    assert "sales.cases.yaml:" in result.stdout


def test_green_rules_are_put_in_force_and_recorded_with_a_pseudonym(config: Path, rules: Path) -> None:
    people_run = CliRunner().invoke(people.app, ["add", "Oskar Brandt", "oskar@firma.example", "--role", "owner", "--config", str(config)])
    assert people_run.exit_code == 0, people_run.output
    assert "Version 1" in _run("activate", rules, "--config", config).stdout
    assert json.loads(_run("activate", rules, "--config", config, "--by", "oskar@firma.example", "--json").stdout) == {"activated": 2}
    shown = json.loads(_run("show", "--config", config, "--json").stdout)
    assert shown["version"] == "2"
    assert "manager-exports" in _run("show", "--config", config).stdout
    activated = [event for event in _events(config) if event["event"]["action"] == "policy-activated"]
    assert len(activated) == 2
    assert "Oskar" not in json.dumps(activated)
    assert "P-" in json.dumps(activated[1])


def test_red_rules_are_not_put_in_force_and_the_refusal_is_recorded(config: Path, rules: Path) -> None:
    _run("activate", rules, "--config", config)
    _change(rules, "percent: 15", "percent: 95")
    assert "red" in _run("activate", rules, "--config", config, code=1).stdout
    _change(rules, "percent: 95", "percent: 950")
    _run("activate", rules, "--config", config, code=2)
    assert store_in(config.parent / "state" / "policies").version() == 1
    actions = [event["event"]["action"] for event in _events(config)]
    assert actions == ["policy-activated", "policy-refused", "policy-refused"]


def test_an_unknown_person_or_folder_is_one_line_and_exit_code_2(config: Path, rules: Path) -> None:
    assert "nobody is called" in _run("activate", rules, "--config", config, "--by", "nobody", code=2).stderr
    assert "cannot be read" in _run("activate", config.parent / "nowhere", "--config", config, code=2).stderr
    assert "no policy is in force" in _run("show", "--config", config, code=2).stderr
