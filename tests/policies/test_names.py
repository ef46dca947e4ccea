"""The names that rules look at, for each kind of act."""

from dataclasses import replace

import pytest

from policies.document import PolicyText, RuleText
from policies.names import NamesUsed, names_of
from policies.request import Action, Level
from policies.rule import compiled
from tests.policies.acts import act


def rule(**members):
    return RuleText(**({"id": "one", "roles": "any", "actions": [Action.LIST], "resource": "client", "effect": "allow"} | members))


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ({}, set()),
        ({"when": "resource.others_count > 0 && !(context.source_ip == 'x')"}, {"resource.others_count", "context.source_ip"}),
        ({"when": "has(principal.team) ? principal.team == 'a' : false"}, {"principal.team"}),
        ({"when": "findings.exists(f, f.kind == 'clients' && usage.base > 3)"}, {"findings", "usage.base"}),
        ({"when": "act in ['list', 'read']"}, {"act"}),
        ({"when": "{'web': usage.base}[context.channel] > usage.book"}, {"usage.base", "context.channel", "usage.book"}),
        ({"when": "within_hours(context.at, '22:00', '06:00', 'Europe/Berlin')"}, {"context.at"}),
        ({"when": "usage.after.shown_day - usage.before.shown_day == 5"}, {"usage.after.shown_day", "usage.before.shown_day"}),
        ({"where": "'AT' in record.countries"}, {"record.countries"}),
        ({"reaches": {"counter": "sent_day", "count": 3}}, {"usage.after.sent_day", "usage.before.sent_day"}),
        ({"limit": {"counter": "taken_day", "count": 3, "reason": "day_limit"}}, {"usage.before.taken_day"}),
        ({"limit": {"counter": "answer", "count": 3, "reason": "day_limit"}}, set()),
    ],
)
def test_every_name_of_a_rule_is_found(members, names):
    assert set(names_of(rule(**members))) == names


def test_only_rules_that_can_apply_count_and_what_it_may_be_by_its_effect():
    policy = compiled(
        [
            PolicyText(
                rules=[
                    rule(when="usage.base > 1"),
                    rule(id="two", actions=[Action.EXPORT], when="usage.book > 1"),
                    rule(id="three", actions=[Action.DELETE], when="principal.frozen"),
                    rule(id="four", roles=["owner"], when="principal.team == 'a'"),
                    rule(id="five", where="record.active"),
                ]
            )
        ],
        "1",
    )
    used = NamesUsed(policy)
    assert used.by(act(Action.LIST, own=2)) == {"usage.base", "usage.book", "record.active"}
    assert used.by(act(Action.LIST, own=None)) == {"usage.base", "usage.book"}
    assert used.by(act(Action.DELETE, own=2)) == {"principal.frozen", "usage.book"}
    watched = act(Action.LIST, own=2)
    assert used.by(replace(watched, principal=replace(watched.principal, level=Level.WATCHED))) == used.by(watched)
