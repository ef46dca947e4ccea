"""Rules as they are written and compiled."""

import pytest
from pydantic import ValidationError

from policies.document import PolicyText, RuleText
from policies.request import Action, Level, Usage
from policies.rule import compiled
from policies.shares import Of, Share
from policies.syntax import ExpressionError

RULE = {"id": "one", "roles": ["manager"], "actions": ["read"], "resource": "client", "effect": "allow"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"effect": "deny"}, "needs a reason"),
        ({"require": "key"}, "needs a reason"),
        ({"effect": "deny", "reason": "day_limit", "require": "key"}, "a deny has no require"),
        ({"effect": "deny", "reason": "day_limit", "keep": "own", "masks": {"a": "hide"}, "for": "all"}, "no masks and no keep"),
        ({"effect": "require", "reason": "day_limit"}, "needs `require: key`"),
        ({"masks": {"contact": "hide"}}, "belong together"),
        ({"for": "others"}, "belong together"),
        ({"masks": {}, "for": "all"}, "at least 1"),
        ({"actions": "any"}, "names its actions"),
        ({"actions": "any", "resource": "any"}, "names its actions"),
        ({"actions": []}, "at least 1"),
        ({"roles": []}, "at least 1"),
        ({"roles": ["*"]}, "pattern"),
        ({"id": "One Rule"}, "pattern"),
        ({"reason": "because"}, "not a reason"),
        ({"reaches": {"counter": "shown_day"}}, "either percent or count"),
        ({"reaches": {"counter": "shown_day", "percent": 1, "count": 1}}, "either percent or count"),
        ({"reaches": {"counter": "shown_week", "count": 1}}, "not a counter"),
        ({"reaches": {"counter": "shown_day", "percent": 0}}, "greater than 0"),
        ({"limit": {"counter": "shown_day", "percent": 101, "reason": "export_limit"}}, "less than or equal"),
        ({"limit": {"counter": "shown_day", "percent": float("nan"), "reason": "export_limit"}}, "finite"),
        ({"reaches": {"counter": "shown_day", "percent": True}}, "valid number"),
        ({"reaches": {"counter": "shown_day", "count": "3"}}, "valid integer"),
        ({"whole": "yes"}, "valid boolean"),
        ({"when": ""}, "at least 1"),
        ({"priority": 3}, "not permitted"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(change, says):
    with pytest.raises(ValidationError, match=says):
        RuleText.model_validate(RULE | change)


def test_only_rules_that_can_apply_are_asked_in_their_order():
    rules = [
        RULE | {"id": "a"},
        RULE | {"id": "b", "roles": ["owner"]},
        RULE | {"id": "c", "roles": "any"},
        RULE | {"id": "d", "actions": ["list"]},
        RULE | {"id": "e", "roles": ["owner", "manager"]},
        RULE | {"id": "f", "resource": "other"},
    ]
    policy = compiled([PolicyText.model_validate({"rules": rules})], "7")

    def asked(*roles):
        return "".join(rule.text.id for rule in policy.applicable(Action.READ, "client", frozenset(roles)))

    assert asked("manager") == "ace"
    assert asked("owner") == "bce"
    assert asked("owner", "manager") == "abce"
    assert asked("owner", "stranger") == "bce"
    assert asked("stranger") == asked() == asked("any") == asked("*") == "c"
    assert policy.applicable(Action.READ, "something", frozenset({"manager"})) == ()
    assert policy.rules[0].id == "7:a"


def test_a_share_is_rounded_down_and_reached_exactly():
    share = Share(10, Of.BASE)
    assert share.clients(Usage(base=3009)) == 300
    assert share.reached_by(300, Usage(base=3000))
    assert not share.reached_by(299, Usage(base=3000))
    assert not share.reached_by(300, Usage(base=3001))
    assert Share(5, Of.BOOK, 1).clients(Usage(base=3000, book=10)) == 1
    assert Share(5, Of.BOOK, 1).clients(Usage(base=3000, book=480)) == 24
    assert Share(5, Of.BOOK).percent_of(3, Usage(base=3000, book=0)) == 300


def test_of_several_thresholds_the_strictest_holds():
    one = PolicyText.model_validate({"export_threshold": {"answer": 50, "minute": 500}})
    two = PolicyText.model_validate({"export_threshold": {"answer": 100, "minute": 60}})
    threshold = compiled([one, two], "1").threshold
    assert (threshold.answer, threshold.minute) == (50, 60)


def test_a_rule_costs_nothing_at_another_level():
    rule = RULE | {"id": "a", "levels": {"watched": {"effect": "deny", "reason": "day_limit"}}}
    policy = compiled([PolicyText.model_validate({"rules": [rule, RULE | {"id": "b"}]})], "7")
    manager = frozenset({"manager"})

    def effects(level=None):
        return [rule.effect.value for rule in policy.applicable(Action.READ, "client", manager, level)]

    assert effects(Level.NORMAL) == ["allow", "allow"]
    assert effects(Level.WATCHED) == ["deny", "allow"]
    assert effects() == ["allow", "deny", "allow"]
    assert policy.applicable(Action.READ, "client", manager, Level.WATCHED) is policy.applicable(
        Action.READ, "client", manager, Level.WATCHED
    )


def test_a_condition_on_records_that_cannot_be_read_is_refused():
    with pytest.raises(ExpressionError, match="'owner' is not known here"):
        compiled([PolicyText.model_validate({"rules": [RULE | {"where": "record.owner == 1"}]})], "7")
