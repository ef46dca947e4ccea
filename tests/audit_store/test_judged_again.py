"""A recorded act judged by the rules of its time, found by what decided it, else by the date."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_store.event import Phase
from audit_store.judged_again import judged_again
from audit_store.replay import Recorded
from policies.decision import Allow, Deny
from policies.explain import Outcome
from policies.problems import PolicyErrors
from policies.request import Action
from policies.signing import Confirmation
from policies.store import PolicyStore, WideningError
from tests.audit_store.acts import request
from tests.policies.stores import store_in

CASES = """
cases:
  - {name: a list, given: {roles: [manager], action: list, own: 1}, expect: {%s}}
"""
RULE = "rules: [{id: %s, roles: any, actions: [list], resource: client, effect: %s}]"


@pytest.fixture
def store(tmp_path: Path) -> PolicyStore:
    """Version 1 denies lists, version 2 allows them."""
    made = store_in(tmp_path / "policies")
    for effect, expected in (("deny, reason: day_limit", "decision: deny, reasons: [day_limit]"), ("allow", "decision: allow")):
        rules = tmp_path / "rules"
        shutil.rmtree(rules, ignore_errors=True)
        rules.mkdir()
        (rules / "a.yaml").write_text(RULE % ("lists", effect))
        (rules / "a.cases.yaml").write_text(CASES % expected)
        try:
            made.activate(rules, "P-00000001")
        except WideningError as error:
            made.activate(rules, "P-00000001", confirmed=Confirmation(digest=error.widenings.digest, by="P-00000001"))
    return made


def act(version: str | None, phase: Phase = Phase.DENIED, at: datetime | None = None) -> Recorded:
    asked = request()
    asked = replace(asked, context=replace(asked.context, at=at or datetime.now(UTC)))
    return Recorded(asked, frozenset({"principal.team"}), Action.LIST, phase, (), (), (), version, "event", 1)


def test_it_is_judged_by_the_version_that_decided(store: PolicyStore) -> None:
    then, now = judged_again(act("1"), store.versions), judged_again(act("2"), store.versions)
    assert (then.version, then.of_that_time, then.differs) == ("1", True, False)
    assert isinstance(then.explanation.decision, Deny)
    assert [step.outcome for step in then.explanation.steps] == [Outcome.MATCHED]
    assert (now.version, now.of_that_time, now.differs) == ("2", True, True)
    assert isinstance(now.explanation.decision, Allow)


def test_what_no_rule_decided_is_judged_by_the_version_of_its_time(store: PolicyStore) -> None:
    first, second = (store.versions.statement(number).at for number in (1, 2))
    assert judged_again(act(None, at=first), store.versions).version == "1"
    assert judged_again(act(None, at=second), store.versions).version == "2"
    early = judged_again(act(None, at=first - timedelta(days=1)), store.versions)
    assert (early.version, early.of_that_time) == ("2", False)


@pytest.mark.parametrize("version", ["7", "a-digest"])
def test_a_version_that_is_not_there_is_replaced_by_the_one_in_force_and_it_says_so(store: PolicyStore, version: str) -> None:
    found = judged_again(act(version), store.versions)
    assert (found.version, found.of_that_time) == ("2", False)


def test_a_changed_version_is_not_used(store: PolicyStore, tmp_path: Path) -> None:
    (tmp_path / "policies" / "versions" / "0002" / "a.yaml").write_text(RULE % ("other", "allow"))
    with pytest.raises(PolicyErrors, match="changed after it was signed"):
        judged_again(act("2"), store.versions)


def test_names_that_the_record_does_not_hold_are_said_where_a_rule_looks_at_them(store: PolicyStore, tmp_path: Path) -> None:
    assert judged_again(act("2"), store.versions).unknown == frozenset()
    rules = tmp_path / "rules"
    (rules / "a.yaml").write_text(
        'rules: [{id: lists, roles: any, actions: [list], resource: client, effect: allow, when: "!has(principal.team)"}]'
    )
    store.activate(rules, "P-00000001")
    assert judged_again(act("3"), store.versions).unknown == {"principal.team"}
