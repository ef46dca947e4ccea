"""The walk: rules that ask the same of an act are asked once, and nothing that it keeps changes what it says."""

from dataclasses import replace

import pytest

from policies.attributes import Facts
from policies.document import PolicyText
from policies.engine import decide
from policies.request import Action, Channel, Status
from policies.rule import compiled
from policies.walk import Walk
from tests.policies.acts import act

RULE = {"roles": "any", "actions": ["list"], "resource": "client", "effect": "allow"}
MANY = "resource.asked > 2"


def rules(*given):
    return compiled([PolicyText.model_validate({"rules": [RULE | {"id": f"r{n}"} | one for n, one in enumerate(given)]})], "1").rules


def facts(asked=3, **given):
    request = act(Action.LIST, own=asked, **given)
    return Facts(request, request.action)


def names(found):
    return [rule.text.id for rule in found]


def counted(found, asked):
    """The same rules; each call of a condition is noted."""

    def counting(rule):
        def when(given):
            asked.append(rule.text.id)
            return rule.when(given)

        return replace(rule, when=when)

    return tuple(rule if rule.when is None else counting(rule) for rule in found)


def test_rules_that_ask_the_same_are_asked_as_one():
    asked: list[str] = []
    walk = Walk(counted(rules({"when": MANY}, {}, {"when": MANY}, {"when": "resource.asked > 9"}, {"when": MANY}), asked))
    assert names(walk.matched(facts()).allows) == ["r0", "r1", "r2", "r4"]
    assert asked == ["r0", "r3"]


@pytest.mark.parametrize(
    "other",
    [{"channels": ["rest"]}, {"status": ["gone"]}, {"reaches": {"counter": "shown_day", "count": 3}}, {"when": "!(resource.asked > 2)"}],
)
def test_rules_that_ask_anything_else_are_asked_by_themselves(other):
    walk = Walk(rules({"when": MANY}, {"when": MANY} | other, {"when": MANY}))
    assert names(walk.matched(facts()).allows) == ["r0", "r2"]


def test_what_matched_is_in_the_order_of_the_rules_whatever_was_asked_first():
    deny = {"effect": "deny", "reason": "not_for_you"}
    walk = Walk(rules({"when": MANY}, {}, deny, {"when": MANY, **deny}, {}, {"when": "1 / 0 > 1"}, {"when": MANY}, {"when": "1 / 0 > 1"}))
    found = walk.matched(facts())
    assert names(found.allows) == ["r0", "r1", "r4", "r6"]
    assert names(found.denies) == ["r2", "r3"]
    assert names(found.failed) == ["r5", "r7"]
    assert names(found.acting) == ["r0", "r1", "r4", "r6", "r2", "r3"]


def test_a_rule_in_warn_only_mode_acts_on_nothing():
    observed = {"mode": "observe"}
    found = Walk(rules(observed, observed | {"when": "1 / 0 > 1"}, observed | {"when": "false"})).matched(facts())
    assert [(rule.text.id, failed) for rule, failed in found.observed] == [("r0", False), ("r1", True)]
    assert not found.acting
    assert not found.failed


def test_a_set_of_rules_is_worked_out_once_and_every_act_gets_its_own():
    walk = Walk(rules({"when": MANY}, {"channels": ["rest"]}, {"status": ["talk_planned"]}))
    few, many = walk.matched(facts(2)), walk.matched(facts(3))
    assert walk.matched(facts(9)) is many
    assert walk.matched(facts(1)) is few
    assert (names(few.allows), names(many.allows)) == ([], ["r0"])
    assert names(walk.matched(facts(2, status=Status.TALK_PLANNED)).allows) == ["r2"]
    request = act(Action.LIST, own=2)
    rest = replace(request, context=replace(request.context, channel=Channel.REST))
    assert names(walk.matched(Facts(rest, rest.action)).allows) == ["r1"]


def test_what_is_kept_is_bounded():
    given = rules(*[{"when": f"resource.asked == {number}"} for number in range(100)])
    walk = Walk(given)
    for number in [*range(100), *range(100)]:
        assert names(walk.matched(facts(number)).allows) == [f"r{number}"]
    assert len(walk._found) < 100


def test_what_is_about_some_records_waits():
    needs = {"require": "key", "reason": "export_needs_key"}
    found = Walk(rules({"where": "record.own"}, needs, {"where": "record.active", "effect": "deny", "reason": "not_for_you"})).matched(
        facts()
    )
    assert found.some
    assert names(found.at_once.acting) == ["r1"]
    assert not found.at_once.some
    assert found.at_once.at_once is found.at_once


def test_what_each_rule_has_to_do_with_an_allow_is_known_beforehand():
    found = Walk(
        rules(
            {"effect": "oblige", "masks": {"contact": "hide"}, "for": "all"},
            {"keep": "own", "whole": True},
            {"effect": "oblige", "limit": {"counter": "answer", "count": 3, "reason": "export_limit"}},
            {"effect": "require", "require": "justify", "reason": "send_justified"},
            {"require": "key", "reason": "export_needs_key"},
            {"effect": "oblige", "notify": True},
            {"effect": "oblige", "watermark": True},
        )
    ).matched(facts())
    assert names(found.masking) == ["r0"]
    assert names(found.narrowing) == ["r1", "r2"]
    assert names(found.whole) == ["r1"]
    assert names(found.needing) == ["r4", "r3"]
    assert names(found.marking) == ["r5", "r6"]
    assert found.names == ("1:r1", "1:r4", "1:r0", "1:r2", "1:r5", "1:r6", "1:r3")


def test_another_version_of_the_rules_has_walks_of_its_own():
    def policy(effect):
        return compiled([PolicyText.model_validate({"rules": [RULE | {"id": "one", "effect": effect, "reason": "not_for_you"}]})], "1")

    request = act(Action.LIST, own=2)
    one, other = policy("allow"), policy("deny")
    assert type(decide(request, one)) is not type(decide(request, other))
    assert one.walk(Action.LIST, "client", frozenset(), request.principal.level) is one.walk(
        Action.LIST, "client", frozenset(), request.principal.level
    )
