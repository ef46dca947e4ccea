"""A folder judged as a whole."""

from pathlib import Path

import pytest

from policies.judged import judged
from policies.problems import PolicyErrors

RULE = "rules:\n  - {id: %s, roles: [manager], actions: [read], resource: client, effect: allow}\n"
CASE = "cases:\n  - {name: a, given: {roles: [manager], action: read, own: 1}, expect: %s}\n"


def test_errors_of_rules_and_cases_come_together_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(RULE % "UPPER")
    (tmp_path / "a.cases.yaml").write_text(CASE % "perhaps")
    (tmp_path / "a.yaml").write_text("rules: [\n")
    with pytest.raises(PolicyErrors) as found:
        judged(tmp_path)
    assert [error.file for error in found.value.errors] == ["a.cases.yaml", "a.yaml", "b.yaml"]


def test_rules_cases_results_and_places_are_given(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE % "reads")
    (tmp_path / "a.cases.yaml").write_text(CASE % "deny")
    found = judged(tmp_path)
    assert tuple(found.places["reads"]) == ("a.yaml", 2, 10)
    assert [(question.name, result.green) for question, result in zip(found.questions, found.results, strict=True)] == [("a", False)]
