"""`torwart policy check`: every error of rules and cases at once, warnings for what is suspicious, compared with the CRM if it is known."""

import json
from pathlib import Path

from policies.vocabulary import VOCABULARY, Vocabulary, write_vocabulary
from tests.console.cli.policy.firm import RULES, install, put, run


def test_the_shipped_rules_have_no_error() -> None:
    shown = run("check").stdout
    assert "no error" in shown
    document = json.loads(run("check", "--json").stdout)
    assert document["errors"] == []
    assert document["cases"] > document["rules"] > 20
    assert not [warning for warning in document["warnings"] if warning["widens"]]


def test_every_error_of_rules_and_cases_is_named_with_its_place_and_exit_code_2(tmp_path: Path) -> None:
    rules = put(tmp_path / "rules", RULES.replace("[read]", "[red]"))
    (rules / "a.cases.yaml").write_text("cases: [{name: x}]\n")
    result = run("check", rules, code=2)
    lines = [line.removeprefix("torwart: ") for line in result.stderr.splitlines()]
    assert [line.partition(" ")[0] for line in lines[:-1]] == ["a.cases.yaml:1:9:", "a.cases.yaml:1:9:", "a.yaml:2:53:"]
    assert lines[-1] == "3 errors: nothing of it is used."
    document = json.loads(run("check", rules, "--json", code=2).stdout)
    assert [(error["file"], error["line"]) for error in document["errors"]] == [("a.cases.yaml", 1)] * 2 + [("a.yaml", 2)]


def test_warnings_are_listed_with_their_place_and_are_no_error(tmp_path: Path) -> None:
    rules = put(tmp_path / "rules", RULES + RULES.partition("\n")[2].replace("managers-read", "again"))
    shown = run("check", rules).stdout
    assert "a.yaml:3:10: warning: again changes nothing: managers-read says the same of all that it is about (take it out)" in shown
    assert "1 warning" in shown
    assert "were not compared with a CRM" in shown
    (warning,) = json.loads(run("check", rules, "--json").stdout)["warnings"]
    assert (warning["file"], warning["line"], warning["rule"], warning["code"]) == ("a.yaml", 3, "again", "shadowed")


def test_with_the_configuration_fields_and_roles_are_compared(tmp_path: Path) -> None:
    config = install(tmp_path)
    rules = put(tmp_path / "rules", RULES.replace("{contact: hide}", "{contact: hide, fone: hide}"))
    assert "were not compared" in run("check", rules, "--config", config).stdout
    seen = Vocabulary(profile="x", fields=frozenset({"phone"}), contact_fields=frozenset({"phone"}), record=frozenset({"own"}))
    write_vocabulary(tmp_path / "state" / VOCABULARY, seen)
    document = json.loads(run("check", rules, "--config", config, "--json").stdout)
    assert {warning["code"] for warning in document["warnings"]} == {"unknown_field", "nobody_has_role"}
    assert document["fields_compared"] is True
    (tmp_path / "state" / VOCABULARY).write_text("{")
    assert "delete it" in run("check", rules, "--config", config, code=2).stderr


def test_without_a_path_what_is_in_force_is_checked(tmp_path: Path) -> None:
    config = install(tmp_path)
    assert "no policy is in force" in run("check", "--config", config, code=2).stderr
    run("activate", put(tmp_path / "rules"), "--config", config)
    assert "1 rules and 1 cases read" in run("check", "--config", config).stdout
