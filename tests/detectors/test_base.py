import importlib
from pathlib import Path

import pytest

from detectors.base import RULE_FAILED, RuleError, above, load_rules, percent, pieces, rules, sentence

RULE_FILE = """
from dataclasses import replace
from detectors.behaviour.mass_export import RULE as OTHER
RULE = replace(OTHER, id="{id}")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder of rules under a name of its own."""
    name = f"rules_{tmp_path.name}".replace("-", "_")
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / name


def test_a_rule_is_found_by_its_file_alone(folder: Path):
    (folder / "new_rule.py").write_text(RULE_FILE.format(id="new_rule"))
    assert list(load_rules(importlib.import_module(folder.name))) == ["new_rule"]


def test_two_rules_of_one_name_are_an_error_at_the_start(folder: Path):
    for name in ("one", "two"):
        (folder / f"{name}.py").write_text(RULE_FILE.format(id="same"))
    with pytest.raises(RuleError, match="'same'"):
        load_rules(importlib.import_module(folder.name))


def test_a_file_without_a_rule_is_an_error_at_the_start(folder: Path):
    (folder / "helper.py").write_text("")
    with pytest.raises(RuleError, match=r"helper has no RULE"):
        load_rules(importlib.import_module(folder.name))


def test_a_folder_without_rules_is_an_error_at_the_start(folder: Path):
    with pytest.raises(RuleError, match="no rule"):
        load_rules(importlib.import_module(folder.name))


def test_the_rules_are_there_under_the_names_of_their_files():
    assert set(rules()) == {
        "agent_refused",
        "carried_export",
        "departing_access",
        "mass_delete",
        "mass_export",
        "put_aside",
        "script_paging",
        "strange_key",
        "told_by_rule",
        "way_out",
    }


def test_a_reason_is_said_with_grouped_numbers_and_only_what_is_known():
    numbers: dict[str, int | str] = {"asked": 3_000, "share": 100}
    assert sentence("mass_export", "export_stopped", numbers, "de") == "3.000 Kunden angefragt und angehalten, 100 % des Bestands."
    assert sentence("mass_export", "export_stopped", numbers, "en") == "3,000 clients asked for and stopped, 100 % of the base."
    assert "75× so viel wie sonst" in sentence("mass_export", "export_stopped", numbers | {"times": 75}, "de")


def test_a_share_below_ten_has_the_decimal_sign_of_its_language():
    numbers: dict[str, int | str] = {"left": 29, "share": percent(29, 3_000)}
    assert "0,9 %" in sentence("mass_export", "export_left", numbers, "de")
    assert "0.9 %" in sentence("mass_export", "export_left", numbers, "en")


def test_the_numbers_of_a_sentence_can_be_told_from_its_words():
    found = pieces("mass_export", "export_left", {"left": 3_000, "share": 100}, "de")
    assert [piece.text for piece in found if piece.number] == ["3.000", "100"]


def test_a_rule_that_failed_says_so_in_both_languages():
    assert "ließ sich" in sentence("mass_export", RULE_FAILED, {}, "de")
    assert "could not be evaluated" in sentence("mass_export", RULE_FAILED, {}, "en")


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(3_000, 3_000, 100), (2_999, 3_000, 99), (299, 3_000, "9.9"), (30, 3_000, 1), (1, 3_000, 0), (5, 0, 500)]
)
def test_a_share_is_rounded_down(part: int, whole: int, said: int | str):
    assert percent(part, whole) == said


def test_above_a_share_is_exact():
    assert not above(300, 10, 3_000)
    assert above(301, 10, 3_000)
    assert above(31, 10, 300)
