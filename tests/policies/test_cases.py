"""Cases beside the rules."""

import pytest

from policies.cases import FIXTURES, GivenText, judge, questions, run_cases
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
        ("cases:\n  - name: a\n    given: {action: read}\n    expect: deny\n", "3:12: nobody asks here"),
        ("cases:\n  - name: a\n    given: {person: anna, action: read}\n    expect: deny\n", "3:12: 'anna' is not one of the people"),
        ("cases:\n  - {name: a, given: {roles: [m], situation: x, action: read}, expect: deny}\n", "'x' is not one of the situations"),
        ("cases:\n  - {name: a, given: {roles: [m], action: read, own: 1, clients: [{count: 1}]}, expect: deny}\n", "given twice"),
        ("cases:\n  - {name: a, given: {roles: [m], action: read, clients: [{count: 0}]}, expect: deny}\n", "greater than 0"),
        (
            "cases:\n  - {name: a, given: {roles: [m], action: read, clients: [{count: 60000}, {count: 60000}]}, expect: deny}\n",
            "more than 100,000 clients",
        ),
        (
            "cases:\n  - {name: a, given: {roles: [m], action: read, clients: [{count: 1, x: 1}]}, expect: deny}\n",
            "'x' is not known",
        ),
        ("cases:\n  - {name: a, given: {roles: [m], action: read, at: 2026-05-12 22:30}, expect: deny}\n", "2:53: at: a time has its date"),
        (
            "cases:\n  - {name: a, given: {roles: [m], action: read, approvals: [{by: olga}]}, expect: deny}\n",
            "'olga' is not one of the people",
        ),
        ("cases:\n  - {name: a, given: {roles: [m], action: read}, expect: {decision: challenge, needs: luck}}\n", "require is key"),
        ("cases:\n  - {name: a, given: {roles: [m], action: read}, expect: {decision: allow, masks: {phone: blur}}}\n", "a mask is hide"),
        ("tables:\n  - {name: a, given: {roles: [m], action: read}, expect: {read: allow}}\n", "take `action` out"),
        ("cases:\n  - {name: a, given: {roles: [m], action: read}, expect: {}}\n", "expect something"),
        ("tables:\n  - {name: a, given: {roles: [m]}}\n", "give either expect"),
        ("tables:\n  - {name: a, given: {roles: [m]}, expect: {read: maybe}}\n", "'allow', 'challenge' or 'deny'"),
        ("tables:\n  - {name: a, given: {roles: [m]}, rows: [{people: anna, expect: {read: allow}}]}\n", "not among the people"),
        (
            "tables:\n  - {name: a, given: {roles: [m]}, rows: [{expect: {read: allow}}, {expect: {read: deny}}]}\n",
            "expected twice",
        ),
        ("tables:\n  - {name: a, people: [anna], expect: {read: allow}}\n", "2:5: 'anna' is not one"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused_with_its_place(tmp_path, cases, says):
    with pytest.raises(PolicyErrors, match=says) as found:
        results(tmp_path, cases)
    assert all(error.file == "a.cases.yaml" and error.line for error in found.value.errors)


def test_cases_lie_beside_a_single_file_too(tmp_path):
    alone = run_cases(SHIPPED / "sales.yaml", load(SHIPPED / "sales.yaml"))
    assert len(alone) > 100
    assert {result.file for result in alone} == {"sales.cases.yaml"}
    (tmp_path / "alone.yaml").write_text(RULES)
    assert run_cases(tmp_path / "alone.yaml", load(tmp_path / "alone.yaml")) == []


FIRM = """
people:
  anna: {roles: [manager], about: twelve years here}
  iris: {roles: [intern]}
situations:
  one of her own: {own: 1}
  one of others: {others: 1}
  at night: {at: 2026-05-12 23:30 Europe/Berlin}
"""


def test_people_and_situations_are_named_once_and_a_case_may_say_otherwise(tmp_path):
    case = FIRM + (
        "cases:\n"
        "  - {name: a, given: {person: anna, situation: [one of her own, at night], action: read}, expect: allow}\n"
        "  - {name: b, given: {person: anna, situation: one of her own, own: 7, roles: [intern], action: read}, expect: deny}\n"
    )
    assert [result.green for result in results(tmp_path, case)] == [True, True]
    first, second = questions(tmp_path)
    assert (first.given.own, first.given.at.hour, first.who) == (1, 21, "anna, one of her own, at night")
    assert (second.given.own, second.given.roles) == (7, {"intern"})


def test_a_table_asks_every_pair_and_denies_what_no_row_names(tmp_path):
    table = FIRM + (
        "tables:\n"
        "  - name: who reads\n"
        "    people: [anna, iris]\n"
        "    situations: [one of her own, one of others]\n"
        "    rows:\n"
        "      - {people: anna, expect: {read: allow}}\n"
    )
    found = results(tmp_path, table)
    assert len(found) == 4 * len(Action)
    assert all(result.green for result in found)
    assert {result.who for result in found} == {
        f"{who}, {what}" for who in ("anna", "iris") for what in ("one of her own", "one of others")
    }
    everybody = results(tmp_path, table.replace("people: anna, ", ""))
    red = [result for result in everybody if not result.green]
    assert [(result.title, result.action) for result in red] == [
        ("who reads (iris, one of her own)", Action.READ),
        ("who reads (iris, one of others)", Action.READ),
    ]


def test_a_folder_names_its_people_once_for_all_files(tmp_path):
    (tmp_path / FIXTURES).write_text(FIRM)
    case = "cases:\n  - {name: a, given: {person: anna, situation: one of others, action: read}, expect: allow}\n"
    assert [result.green for result in results(tmp_path, case)] == [True]
    assert [result.green for result in run_cases(tmp_path / "a.yaml", load(tmp_path / "a.yaml"))] == [True]
    with pytest.raises(PolicyErrors, match=r"a.cases.yaml:2:9: 'anna' is already one of the people in people.cases.yaml"):
        results(tmp_path, "people:\n  anna: {roles: [manager]}\n" + case)


def test_people_that_cannot_be_read_are_one_error(tmp_path):
    (tmp_path / FIXTURES).write_text("people:\n  anna: {roles: [manager], wage: 3}\n")
    with pytest.raises(PolicyErrors) as found:
        results(tmp_path, "cases:\n  - {name: a, given: {person: anna, action: read}, expect: allow}\n")
    assert [(error.file, error.line, error.column) for error in found.value.errors] == [("people.cases.yaml", 2, 28)]


def test_the_people_of_another_file_are_not_known(tmp_path):
    (tmp_path / "b.cases.yaml").write_text(FIRM)
    with pytest.raises(PolicyErrors, match="'anna' is not one of the people"):
        results(tmp_path, "cases:\n  - {name: a, given: {person: anna, action: read}, expect: allow}\n")


def test_the_errors_of_all_files_are_named_at_once(tmp_path):
    (tmp_path / "b.cases.yaml").write_text("cases:\n  - {name: b, given: {roles: [m], action: reed}, expect: deny}\n")
    (tmp_path / "c.cases.yaml").write_text("cases: [\n")
    with pytest.raises(PolicyErrors) as found:
        results(tmp_path, "tables:\n  - {name: a, people: [anna, iris], expect: {read: allow}}\n")
    assert [error.file for error in found.value.errors] == ["a.cases.yaml", "a.cases.yaml", "b.cases.yaml", "c.cases.yaml"]


def test_the_progress_of_a_run_is_told(tmp_path):
    told = []
    (tmp_path / "a.yaml").write_text(RULES)
    (tmp_path / "a.cases.yaml").write_text("tables:\n  - {name: a, given: {roles: [manager], own: 1}, expect: {read: allow}}\n")
    run_cases(tmp_path, load(tmp_path), lambda done, total: told.append((done, total)))
    assert told == [(number + 1, len(Action)) for number in range(len(Action))]
