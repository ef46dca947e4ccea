"""Cases beside the rules."""

import pytest

from policies.cases import GivenText, judge, run_cases
from policies.decision import Challenge, Deny
from policies.load import load
from policies.problems import PolicyErrors
from policies.request import Action
from tests.policies.acts import SHIPPED, starter

RULES = "rules:\n  - {id: one, roles: [manager], actions: [read], resource: client, effect: allow}\n"


def results(tmp_path, cases):
    (tmp_path / "a.yaml").write_text(RULES)
    (tmp_path / "a.cases.yaml").write_text(cases)
    return run_cases(tmp_path, load(tmp_path))


def test_the_shipped_cases_are_green():
    found = run_cases(SHIPPED, starter())
    assert [f"{result.name} {result.action}: {result.wrong}" for result in found if not result.green] == []
    assert len(found) > 100


def test_a_case_that_comes_out_otherwise_is_red_and_says_what_differs(tmp_path):
    cases = "cases:\n  - name: wrong\n    given: {roles: [manager], action: read, own: 1}\n    expect: {decision: deny, kept: 3}\n"
    (result,) = results(tmp_path, cases)
    assert not result.green
    assert (result.file, result.line) == ("a.cases.yaml", 2)
    assert result.wrong == ("decision: expected deny, got allow", "kept: expected 3, got all")


def test_an_action_that_a_table_does_not_name_must_be_denied(tmp_path):
    table = "tables:\n  - name: all\n    given: {roles: [manager], own: 1}\n    expect: {%s}\n"
    green = results(tmp_path, table % "read: allow")
    assert len(green) == len(Action)
    assert all(result.green for result in green)
    red = [result for result in results(tmp_path, table % "list: allow") if not result.green]
    assert [result.action for result in red] == [Action.LIST, Action.READ]


def test_a_case_counts_its_own_clients_on_top_of_the_day():
    given = GivenText(roles={"manager"}, own=0, others=100, today={"foreign_shown_day": 250})
    assert isinstance(judge(given, Action.LIST, starter()), Challenge)
    again = given.model_copy(update={"today": {"foreign_shown_day": 449}})
    assert isinstance(judge(again, Action.LIST, starter()), Deny)


@pytest.mark.parametrize(
    ("cases", "says"),
    [
        ("cases:\n  - name: a\n    given: {roles: [m], own: 1}\n    expect: {decision: deny}\n", "names its action"),
        ("cases:\n  - name: a\n    given: {roles: [m], action: red}\n    expect: {decision: deny}\n", "input should be"),
        ("cases:\n  - name: a\n    given: {roles: [m], action: read, today: {seen: 3}}\n    expect: {decision: deny}\n", "not a counter"),
        ("cases:\n  - name: a\n    given: {roles: [m], action: read}\n    expect: {decision: no}\n", "'allow', 'challenge' or 'deny'"),
        ("cases:\n  - name: a\n    given: {roles: [m], action: read}\n    expect: {decision: deny, reasons: [x]}\n", "not a reason"),
        ("cases:\n  - name: a\n    given: {roles: [m], action: read, own: 100000000}\n    expect: {decision: deny}\n", "less than"),
        ("cases:\n  - name: a\n    expect: {decision: deny}\n", "'given' is missing"),
        ("case: []\n", "did you mean cases?"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused_with_its_place(tmp_path, cases, says):
    with pytest.raises(PolicyErrors, match=says) as found:
        results(tmp_path, cases)
    assert all(error.file == "a.cases.yaml" and error.line for error in found.value.errors)


def test_cases_lie_beside_a_single_file_too(tmp_path):
    assert len(run_cases(SHIPPED / "starter.yaml", load(SHIPPED / "starter.yaml"))) == len(run_cases(SHIPPED, starter()))
    (tmp_path / "alone.yaml").write_text(RULES)
    assert run_cases(tmp_path / "alone.yaml", load(tmp_path / "alone.yaml")) == []
