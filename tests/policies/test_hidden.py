"""What is masked for a person may not be asked for, by any act."""

from typing import Any

import pytest

from policies.decision import Deny
from policies.document import PolicyText
from policies.engine import decide
from policies.hidden import hidden_fields, masked_question
from policies.request import Action, Level, Status
from policies.rule import Policy, compiled
from tests.policies.acts import act, starter

READS = {"id": "reads", "roles": "any", "actions": ["list", "search"], "resource": "client", "effect": "allow"}
MASKS = READS | {"id": "masks", "effect": "oblige", "masks": {"phone": "hide"}, "for": "others"}


def policy(*rules: dict[str, Any]) -> Policy:
    return compiled([PolicyText.model_validate({"rules": list(rules)})], "1")


def hidden(*rules: dict[str, Any], **about: Any) -> frozenset[str]:
    return hidden_fields(act(Action.SEARCH, own=None, **about), policy(*rules))


@pytest.mark.parametrize("action", ["list", "read", "search", "export", "report", "print"])
def test_what_one_reading_act_masks_is_hidden_for_all(action: str) -> None:
    assert hidden(READS, MASKS | {"actions": [action]}) == {"phone"}


def test_a_mask_on_another_act_hides_nothing() -> None:
    assert hidden(READS, MASKS | {"actions": ["update"]}) == frozenset()


@pytest.mark.parametrize(
    "change",
    [
        {"roles": ["accountant"]},
        {"status": ["notice_given"]},
        {"mode": "observe"},
        {"when": '"accountant" in principal.roles'},
        {"when": "principal.status == 'last_day' || principal.roles.exists(role, role == 'owner')"},
    ],
)
def test_a_rule_about_other_people_hides_nothing_from_this_one(change: dict[str, Any]) -> None:
    assert hidden(READS, MASKS | change) == frozenset()


@pytest.mark.parametrize(
    "change",
    [
        {"channels": ["rest"]},
        {"reaches": {"counter": "shown_day", "count": 500}},
        {"when": "resource.asked > 1000"},
        {"when": '"phone" in resource.fields'},
        {"when": 'context.channel == "rest"'},
        {"when": "principal.level == 'normal' && usage.after.shown_day > 5"},
        {"when": "principal.territory == 'north'"},
    ],
)
def test_a_rule_that_may_hold_in_the_next_act_hides_already_now(change: dict[str, Any]) -> None:
    """The last one fails, for nobody knows where the person works: then nobody knows either that it does not hold."""
    assert hidden(READS, MASKS | change) == {"phone"}


def test_status_and_level_are_those_of_now() -> None:
    leaving = MASKS | {"status": ["notice_given"]}
    watched = MASKS | {"levels": {"normal": {"effect": "deny", "reason": "not_for_you"}}}
    assert hidden(READS, leaving, status=Status.NOTICE_GIVEN) == {"phone"}
    assert hidden(READS, watched) == frozenset()
    assert hidden(READS, watched, principal={"level": Level.WATCHED}) == {"phone"}


@pytest.mark.parametrize(
    ("masked", "questioned"),
    [
        ("phone", "phone"),
        ("city", "addresses.city"),
        ("addresses", "addresses.city"),
        ("name", "name:lang=de"),
        ("name", "party.Name"),
        ("contact", "mobile"),
    ],
)
def test_a_question_under_another_spelling_is_the_same_question(masked: str, questioned: str) -> None:
    rules = policy(READS, MASKS | {"masks": {masked: "hide"}})
    contact = {questioned} & {"mobile"}
    asked = act(Action.SEARCH, own=None, questioned_fields=frozenset({questioned, "id"}), questioned_contact_fields=frozenset(contact))
    decision = decide(asked, rules)
    assert isinstance(decision, Deny)
    assert [because.reason.code for because in decision.reasons] == ["masked_question"]
    assert decision.reasons[0].values == {"fields": questioned}
    assert decision.rules == ("1:masks",)


@pytest.mark.parametrize("questioned", ["city_code", "phones", "name", "id"])
def test_a_question_on_something_else_is_an_ordinary_one(questioned: str) -> None:
    rules = policy(READS, MASKS | {"masks": {"city": "hide", "contact": "hide", "phone": "hide"}})
    assert masked_question(act(Action.SEARCH, own=None, questioned_fields=frozenset({questioned})), rules) is None


@pytest.mark.parametrize("action", [Action.UPDATE, Action.COPY, Action.DELETE, Action.REPORT, Action.PRINT, Action.EXPORT, Action.BULK])
def test_whatever_is_done_with_what_a_question_finds_the_question_is_denied(action: Action) -> None:
    everything = READS | {"id": "all", "actions": [action.value]}
    rules = policy(READS, everything, MASKS)
    assert isinstance(decide(act(action, own=2, questioned_fields=frozenset({"phone"})), rules), Deny)
    assert not isinstance(decide(act(action, own=2, questioned_fields=frozenset({"name"})), rules), Deny)


def test_no_count_and_no_challenge_comes_before_it() -> None:
    key = {"id": "key", "roles": "any", "actions": ["search"], "resource": "client", "effect": "require", "require": "key"}
    rules = policy(READS, MASKS, key | {"reason": "limit_needs_key"})
    for own in (None, 0, 1, 500):
        decision = decide(act(Action.SEARCH, own=own, questioned_fields=frozenset({"phone"})), rules)
        assert isinstance(decision, Deny)
        assert decision.reasons[0].values == {"fields": "phone"}


def test_the_shipped_rules_need_no_rule_of_their_own_for_it() -> None:
    for role, denied in (("manager", True), ("accountant", True), ("head_of_sales", False), ("owner", False)):
        asked = act(
            Action.LIST, role=role, own=None, questioned_fields=frozenset({"phone"}), questioned_contact_fields=frozenset({"phone"})
        )
        decision = decide(asked, starter())
        assert (isinstance(decision, Deny) and decision.reasons[0].reason.code == "masked_question") is denied


@pytest.mark.parametrize(
    ("mask", "written", "denied"),
    [
        ("null", {"phone"}, True),
        ({"round": 1000}, {"phone", "name"}, True),
        ({"date": "year"}, {"contact.phone"}, True),
        ("hide", {"phone"}, False),
        ({"last": 3}, {"phone"}, False),
        ("hash", {"phone"}, False),
        ("pseudonym", {"phone"}, False),
        ("null", {"name"}, False),
        ("null", set(), False),
    ],
)
def test_a_mask_that_looks_like_a_value_is_not_written_over_one(mask: Any, written: set[str], denied: bool) -> None:
    """A mask that is a text is known when it comes back, and is taken out; the rest of what is written may be meant."""
    rules = policy(READS | {"actions": ["update"]}, MASKS | {"actions": ["read"], "masks": {"phone": mask}})
    decision = decide(act(Action.UPDATE, own=1, others=1, written_fields=frozenset(written)), rules)
    assert isinstance(decision, Deny) is denied
    if isinstance(decision, Deny):
        assert decision.reasons[0].reason.code == "masked_write"
        assert decision.rules == ("1:masks",)


def test_what_a_person_sees_may_be_written_and_so_may_what_is_new() -> None:
    others = policy(READS | {"actions": ["update", "create"]}, MASKS | {"actions": ["read"], "masks": {"contact": "null"}})
    everybody = policy(READS | {"actions": ["update", "create"]}, MASKS | {"actions": ["read"], "masks": {"phone": "null"}, "for": "all"})
    phone = frozenset({"phone"})
    assert not isinstance(decide(act(Action.UPDATE, own=2, written_fields=phone), others), Deny)
    assert not isinstance(decide(act(Action.CREATE, own=None, written_fields=phone), everybody), Deny)
    assert isinstance(decide(act(Action.UPDATE, own=2, written_fields=phone), everybody), Deny)
    assert isinstance(decide(act(Action.UPDATE, own=2, others=1, written_fields=phone), others), Deny)
    came_back = act(Action.UPDATE, own=2, others=1, written_fields=phone, mask_written_fields=phone)
    assert not isinstance(decide(came_back, others), Deny)
