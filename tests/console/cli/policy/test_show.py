"""`torwart policy show`: the rules as a table, of a folder or in force."""

import json
from pathlib import Path

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
