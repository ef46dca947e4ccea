"""`torwart policy test`: a table for people, JSON and JUnit XML for programs, exit codes for both."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from typer.testing import CliRunner

from console.cli import policy
from policies.store import SHIPPED

RULES = "rules:\n  - {id: reads, roles: [manager], actions: [read], resource: client, effect: allow}\n"
CASES = """
people:
  anna: {roles: [manager]}
  iris: {roles: [intern]}
tables:
  - name: who reads
    people: [anna, iris]
    given: {own: 1}
    rows:
      - {people: anna, expect: {read: allow}}
cases:
  - {name: a card, given: {person: anna, own: 1, action: read}, expect: allow}
"""


def _run(*words: object, code: int = 0) -> Any:
    result = CliRunner().invoke(policy.app, ["test", *[str(word) for word in words]], env={"COLUMNS": "160"})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_text(RULES)
    (folder / "a.cases.yaml").write_text(CASES)
    return folder


def test_a_green_table_is_one_line_and_names_how_many_acts_were_asked(rules: Path) -> None:
    lines = _run(rules).stdout.splitlines()
    assert [line.split() for line in lines if line.startswith("ok")] == [
        ["ok", "a", "card", "(anna)", "read"],
        ["ok", "who", "reads", "all", "36"],
    ]
    assert lines[-1] == "37 decisions, all as expected."


def test_a_red_case_says_who_what_differs_and_which_rule_it_was(rules: Path) -> None:
    (rules / "a.yaml").write_text(RULES.replace("[manager]", "[intern]"))
    shown = _run(rules, code=1).stdout
    assert "who reads (iris)" in shown
    assert "a.cases.yaml:6" in shown
    assert "decision: expected deny, got allow" in shown
    assert "decided by: reads" in shown
    assert "decided by: no rule" in shown
    assert "37 decisions, 3 red." in shown


def test_programs_get_every_decision(rules: Path) -> None:
    (rules / "a.yaml").write_text(RULES.replace("[read]", "[list]"))
    document = json.loads(_run(rules, "--json", code=1).stdout)
    assert document["red"] == 3
    red = [case for case in document["cases"] if not case["green"]]
    assert [(case["name"], case["who"], case["action"]) for case in red] == [
        ("a card", "anna", "read"),
        ("who reads", "anna", "list"),
        ("who reads", "anna", "read"),
    ]
    assert red[1]["wrong"] == ["decision: expected deny, got allow"]
    assert (red[0]["reasons"], red[0]["rules"]) == (["not_for_you"], [])


def test_a_ci_gets_junit_whether_green_or_red_or_unreadable(rules: Path, tmp_path: Path) -> None:
    xml = tmp_path / "results.xml"
    _run(rules, "--junit", xml)
    root = etree.fromstring(xml.read_bytes())
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "37", "0", "0")
    assert len(root.findall("testsuite/testcase")) == 37
    (rules / "a.yaml").write_text(RULES.replace("[read]", "[list]"))
    _run(rules, "--junit", xml, "--json", code=1)
    assert etree.fromstring(xml.read_bytes()).get("failures") == "3"
    (rules / "a.yaml").write_text(RULES.replace("[read]", "[reed]"))
    _run(rules, "--junit", xml, code=2)
    root = etree.fromstring(xml.read_bytes())
    assert (root.get("failures"), root.get("errors")) == ("0", "1")
    assert "a.yaml:2:" in root.find("testsuite/testcase/error").get("message")


def test_results_that_cannot_be_written_are_one_line_and_exit_code_2(rules: Path, tmp_path: Path) -> None:
    assert "cannot be written" in _run(rules, "--junit", tmp_path / "nowhere" / "results.xml", code=2).stderr


def test_rules_without_a_case_are_not_green(rules: Path) -> None:
    (rules / "a.cases.yaml").unlink()
    assert "There is no case" in _run(rules, code=1).stdout


def test_a_newcomer_who_edits_a_number_sees_which_cases_turn_red(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "shipped"))
    assert "all as expected" in _run(folder).stdout
    (path,) = [path for path in folder.glob("*.yaml") if "{counter: exported_day, percent: 10," in path.read_text()]
    path.write_text(path.read_text().replace("{counter: exported_day, percent: 10,", "{counter: exported_day, percent: 5,"))
    shown = _run(folder, code=1).stdout
    assert "allowed: expected 260, got 110" in shown
    assert "sales.cases.yaml:" in shown
