"""Roles that are known: of the words, of people, and of the rules in force."""

from auth.policy_signature import PolicyKey
from console.people_roles import approver_roles, known_roles
from policies.store import PolicyStore
from tests.services.console import Pages


def test_roles_of_words_people_and_rules_are_known_and_others_are_not(pages: Pages) -> None:
    installation, people = pages.services.installation, pages.services.people
    before = known_roles(installation, people)
    assert {"manager", "owner", "admin"} <= before
    assert "night_shift" not in before
    pages.add("Nina Nacht", "night_shift")
    assert "night_shift" in known_roles(installation, people)


def test_rules_that_cannot_be_used_name_nobody(pages: Pages) -> None:
    installation, people = pages.services.installation, pages.services.people
    PolicyStore(installation.state / "policies", PolicyKey(installation.state / "keys")).prepare("test")
    with_rules = known_roles(installation, people)
    assert "head_of_sales" in with_rules
    for rules in (installation.state / "policies" / "versions" / "0001").glob("*.yaml"):
        rules.write_text("rules: [", encoding="utf-8")
    assert known_roles(installation, people) <= with_rules


def test_approvers_are_those_whom_a_rule_in_force_asks_and_no_others(pages: Pages) -> None:
    installation = pages.services.installation
    assert approver_roles(installation) == frozenset()
    PolicyStore(installation.state / "policies", PolicyKey(installation.state / "keys")).prepare("test")
    assert approver_roles(installation) == {"owner", "head_of_sales"}, "of the hand-over; managers are named by rules, and approve nothing"
