"""An admin who widens rules where nobody looks: no case and no recorded act meets it, and yet it is named before it is in force."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from policies.store import SHIPPED
from policies.widening import WideningError
from tests.policies.stores import store_in

READS = "rules:\n  - {id: reads, roles: [manager], actions: [read], resource: client, effect: allow}\n"
CARD = "cases:\n  - {name: a card, given: {roles: [manager], action: read, own: 1}, expect: allow}\n"
NEW = "rules:\n  - {id: back-door, roles: [%s], actions: [%s], resource: client, effect: allow, when: '%s'}\n"
BACK_DOORS = {
    "from one address": ("manager", "export", 'has(context.source_ip) && context.source_ip == "203.0.113.7"'),
    "for one language": ("intern", "list, read", 'principal.language == "fr"'),
    "for one act": ("manager", "reassign", "has(resource.limit) && resource.limit == 4711"),
    "for what one knows to ask": ("accountant", "report", '"category_obscure" in resource.fields'),
}


def named(tmp_path: Path, edit: Callable[[Path], object]) -> list[str]:
    """What an activation of the shipped rules, edited, says would be wider."""
    store = store_in(tmp_path / "policies")
    store.prepare("test")
    rules = Path(shutil.copytree(SHIPPED, tmp_path / "rules"))
    edit(rules)
    with pytest.raises(WideningError) as found:
        store.activate(rules, "another admin")
    assert store.current().version == "1"
    return [line.situation for line in found.value.widenings.lines]


@pytest.mark.parametrize("door", BACK_DOORS.values(), ids=BACK_DOORS.keys())
def test_a_new_rule_that_no_case_meets_is_named(tmp_path: Path, door: tuple[str, str, str]) -> None:
    assert "rule back-door" in named(tmp_path, lambda rules: (rules / "zz.yaml").write_text(NEW % door))


def test_a_threshold_whose_case_was_taken_away_is_named(tmp_path: Path) -> None:
    rules, store = tmp_path / "rules", store_in(tmp_path / "policies")
    rules.mkdir()
    (rules / "a.cases.yaml").write_text(CARD)
    for threshold in ("answer: 200", "answer: 201"):
        (rules / "a.yaml").write_text(f"export_threshold: {{{threshold}, minute: 300}}\n{READS}")
        if threshold == "answer: 200":
            store.activate(rules, "an admin")
    with pytest.raises(WideningError) as found:
        store.activate(rules, "another admin")
    assert [line.situation for line in found.value.widenings.lines] == ["export_threshold"]


def spoil(version: Path) -> None:
    (version / "more.yaml").write_text("rules: []\n")


def test_whoever_spoils_the_strict_version_is_not_compared_with_the_one_before_in_silence(tmp_path: Path) -> None:
    """He may write where the versions lie, and has no key: the rules in force are forgotten, those before them were as wide as he wants."""
    rules, store = tmp_path / "rules", store_in(tmp_path / "policies")
    rules.mkdir()
    (rules / "a.cases.yaml").write_text(CARD)
    for text in (READS, READS.replace("allow}", "allow, masks: {contact: hide}, for: others}")):
        (rules / "a.yaml").write_text(text)
        store.activate(rules, "an admin")
    spoil(tmp_path / "policies" / "versions" / "0002")
    (rules / "a.yaml").write_text(READS)
    with pytest.raises(WideningError) as found:
        store.activate(rules, "another admin")
    (line,) = found.value.widenings.lines
    assert "version 2 cannot be used and may have been stricter: compared with version 1" in str(line)


def test_where_all_versions_are_spoilt_every_allow_is_named(tmp_path: Path) -> None:
    store = store_in(tmp_path / "policies")
    store.prepare("test")
    spoil(tmp_path / "policies" / "versions" / "0001")
    rules = Path(shutil.copytree(SHIPPED, tmp_path / "rules"))
    (rules / "zz.yaml").write_text(NEW % BACK_DOORS["from one address"])
    with pytest.raises(WideningError) as found:
        store.activate(rules, "another admin")
    assert "rule back-door" in [line.situation for line in found.value.widenings.lines]
