"""`torwart policy versions`: all of them, with what is wrong with one that cannot be trusted."""

import json
from pathlib import Path

from tests.console.cli.policy.firm import RULES, WIDER, install, put, run


def test_versions_are_listed_with_who_when_and_which_is_in_force(tmp_path: Path) -> None:
    config = install(tmp_path)
    assert "No version yet" in run("versions", "--config", config).stdout
    run("activate", put(tmp_path / "a", WIDER), "--config", config)
    run("activate", put(tmp_path / "b", RULES), "--config", config, "--by", "oskar@firma.example")
    run("rollback", 2, "--config", config)
    document = json.loads(run("versions", "--config", config, "--json").stdout)["versions"]
    assert [(line["version"], line["active"], line["rules"], line["cases"], line["rollback_to"]) for line in document] == [
        (1, False, 1, 1, None),
        (2, False, 1, 1, None),
        (3, True, 1, 1, 2),
    ]
    assert [line["by"][:2] for line in document] == ["co", "P-", "co"]
    assert document[1]["digest"] == document[2]["digest"] != document[0]["digest"]
    shown = run("versions", "--config", config).stdout
    assert [line.split()[0] for line in shown.splitlines() if line[:1].isdigit()] == ["1", "2", "3"]
    assert "in force" in shown


def test_a_version_that_was_changed_is_listed_with_what_is_wrong(tmp_path: Path) -> None:
    config = install(tmp_path)
    run("activate", put(tmp_path / "a"), "--config", config)
    (tmp_path / "state" / "policies" / "versions" / "0001" / "a.yaml").write_text(WIDER)
    document = json.loads(run("versions", "--config", config, "--json").stdout)["versions"]
    assert document[0]["active"] is False
    assert "changed after it was signed" in document[0]["wrong"][0]
    assert "cannot be used" in run("versions", "--config", config).stdout
