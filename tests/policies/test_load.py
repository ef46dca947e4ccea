"""Rule files: read exactly, or refused with everything that is wrong, each at its place."""

import pytest

from policies.load import load, parse_document
from policies.problems import PolicyErrors

RULE = """
  - id: {id}
    roles: [manager]
    actions: [read]
    resource: client
    effect: allow
"""


def errors_of(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(PolicyErrors) as found:
        load(tmp_path)
    return [str(error) for error in found.value.errors]


def test_all_errors_of_all_files_come_at_once_sorted_by_place(tmp_path):
    first = """rules:
  - id: one
    roles: [manager]
    actions: [lst, read]
    resource: client
    wen: 3
    effect: allow
  - id: one
    roles: any
    actions: any
    resource: client
    effect: deny
    when: usage.after.shown_dya > 3
    reason: nope
  - roles: manager
    when: "usage.base > 'x'"
"""
    found = errors_of(tmp_path, a=first, b="rules: [\n")
    places = [error.split(": ", 1)[0] for error in found]
    assert places == [
        "a.yaml:4:15",
        "a.yaml:6:5",
        "a.yaml:8:9",
        "a.yaml:13:23",
        "a.yaml:14:13",
        "a.yaml:15:5",
        "a.yaml:15:5",
        "a.yaml:15:5",
        "a.yaml:15:5",
        "a.yaml:15:12",
        "a.yaml:16:25",
        "b.yaml:2:1",
    ]
    assert "did you mean when?" in found[1]
    assert "first at a.yaml:2" in found[2]
    assert "did you mean shown_day?" in found[3]
    assert "in brackets" in found[9]


def test_rules_of_all_files_make_one_policy_and_cases_are_none(tmp_path):
    (tmp_path / "b.yaml").write_text("rules:" + RULE.format(id="two"))
    (tmp_path / "a.yaml").write_text("rules:" + RULE.format(id="one"))
    (tmp_path / "a.cases.yaml").write_text("cases: []")
    assert [rule.text.id for rule in load(tmp_path).rules] == ["one", "two"]


def test_an_id_is_given_once_over_all_files(tmp_path):
    found = errors_of(tmp_path, a="rules:" + RULE.format(id="one"), b="rules:" + RULE.format(id="one"))
    assert found == ["b.yaml:2:9: the id 'one' is given twice (first at a.yaml:2)"]


def test_the_version_follows_the_content(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("rules:" + RULE.format(id="one"))
    before = load(tmp_path).version
    assert load(tmp_path).version == before
    path.write_text("rules:" + RULE.format(id="two"))
    assert load(tmp_path).version != before
    assert load(tmp_path, "12").rules[0].id == "12:two"


def test_words_that_look_like_switches_stay_words():
    document = parse_document(b"a: [no, on, yes, 0o7, 1e3, 1_000, .inf, 012, 2026-05-12, ~, true, -3, 2.5, '7']", "a")
    assert document.value == {"a": ["no", "on", "yes", "0o7", "1e3", "1_000", ".inf", 12, "2026-05-12", None, True, -3, 2.5, "7"]}


def test_places_of_keys_and_values_are_known():
    document = parse_document(b"a:\n  - b: |\n      text\n    c: 'x'\n", "f")
    assert (document.at(("a", 0, "c")).line, document.at(("a", 0, "c")).column) == (4, 8)
    assert (document.keys["a", 0, "c"].line, document.keys["a", 0, "c"].column) == (4, 5)
    assert document.at(("a", 0, "missing", 3)).line == 2


def test_an_offset_points_into_plain_and_quoted_text_but_not_into_folded_text():
    document = parse_document(b"""a: usage > 3\nb: "usage > 3"\nc: "us\\x61ge > 3"\nd: >\n  usage\n""", "f")
    columns = [document.error((name,), "", "", 6).column for name in "abcd"]
    assert columns == [10, 11, 4, 4]


def test_a_condition_on_records_is_checked_where_it_stands(tmp_path):
    rule = "rules:" + RULE.format(id="one")
    (tmp_path / "a.yaml").write_text(rule + "    where: record.own\n")
    assert load(tmp_path).rules[0].where is not None
    (found,) = errors_of(tmp_path, a=rule + "    where: record.owner == 3\n")
    assert found.startswith("a.yaml:7:")
    assert "where: 'owner' is not known here (did you mean own" in found
    (found,) = errors_of(tmp_path, a=rule + "    when: record.own\n")
    assert "when: 'record' is not known" in found
