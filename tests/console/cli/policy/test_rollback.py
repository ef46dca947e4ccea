"""`torwart policy rollback`: back under a new number, confirmed where it lets more go."""

import json
from pathlib import Path

from tests.console.cli.policy.firm import RULES, WIDER, events, install, put, run


def test_the_rules_of_the_version_before_come_back_under_a_new_number(tmp_path: Path) -> None:
    config = install(tmp_path)
    assert "no policy is in force" in run("rollback", "--config", config, code=2).stderr
    run("activate", put(tmp_path / "a", WIDER), "--config", config)
    assert "there is no earlier version" in run("rollback", "--config", config, code=2).stderr
    run("activate", put(tmp_path / "b", RULES), "--config", config)
    document = json.loads(run("rollback", "--config", config, "--json", code=1).stdout)
    done = run("rollback", "--config", config, "--by", "oskar@firma.example", "--widen", document["widen"], "--json")
    assert json.loads(done.stdout) == {"activated": 3}
    assert (tmp_path / "state" / "policies" / "versions" / "0003" / "a.yaml").read_text() == WIDER
    ours = events(config, "policy-activated")[-1]["torwart"]
    assert (ours["numbers"]["rollback_to"], ours["numbers"]["widenings"]) == (1, 2)
    assert "Version 4 is in force" in run("rollback", 2, "--config", config).stdout
    assert "versions/0009: this version is missing" in run("rollback", 9, "--config", config, code=2).stderr
