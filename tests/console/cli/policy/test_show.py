"""`torwart policy show`: the rules as a table, of a folder or in force."""

import json
from pathlib import Path

import pytest

from auth.command_line import out
from tests.console.cli.policy.firm import install, put, run


def test_the_rules_of_a_folder_and_those_in_force_are_shown(tmp_path: Path) -> None:
    rules = put(tmp_path / "rules")
    assert "managers-read" in run("show", rules).stdout
    config = install(tmp_path)
    run("activate", rules, "--config", config)
    assert "Policy 1" in run("show", "--config", config).stdout
    document = json.loads(run("show", "--config", config, "--json").stdout)
    assert document["version"] == "1"
    assert [rule["id"] for rule in document["rules"]] == ["managers-read"]


def test_the_shipped_rules_are_shown_if_nothing_is_named() -> None:
    document = json.loads(run("show", "--json").stdout)
    assert {"manager-exports", "lead-exports"} <= {rule["id"] for rule in document["rules"]}


def test_a_rule_is_shown_once_for_each_way_that_it_is_at_a_level_and_a_warning_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "width", 300)  # no cell is folded
    rules = json.loads(run("show", "--json").stdout)["rules"]
    limits = {tuple(rule["at_levels"]): rule["reaches"]["percent"] for rule in rules if rule["id"] == "manager-others-stop"}
    assert limits == {("normal",): 15, ("watched",): 8, ("departing",): 5}
    assert "at_levels" not in next(rule for rule in rules if rule["id"] == "manager-reads")
    shown = " ".join(run("show").stdout.split())
    assert "warn only" in shown
    assert "at level" in shown
