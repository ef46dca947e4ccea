"""What new rules would do to recorded acts: each effect, for whom, with numbers, and what cannot be compared."""

from dataclasses import replace
from typing import Any

import pytest

from audit_store.differences import EXAMPLES, Differences, Effect
from audit_store.event import Phase
from audit_store.replay import Recorded
from policies.document import PolicyText, RuleText
from policies.request import AccessRequest, Action, Counts, Usage
from policies.rule import Policy, compiled
from tests.audit_store.acts import request

READ: dict[str, Any] = {"id": "read", "roles": "any", "actions": [Action.LIST, Action.EXPORT], "resource": "client", "effect": "allow"}
DENY = READ | {"id": "never", "effect": "deny", "reason": "not_for_you"}
KEY = READ | {"id": "key", "effect": "require", "require": "key", "reason": "export_needs_key"}
LIMIT = {"counter": "answer", "reason": "export_limit"}


def policy(version: str, *rules: dict[str, Any]) -> Policy:
    return compiled([PolicyText(rules=[RuleText.model_validate(rule) for rule in rules])], version)


def recorded(number: int = 0, phase: Phase = Phase.RELEASED, asked: AccessRequest | None = None, **members: Any) -> Recorded:
    asked = asked or request()
    asked = replace(
        asked,
        act_id=f"act-{number}",
        resource=replace(asked.resource, own=frozenset({"1"}), contact_fields=frozenset({"phone"})),
        usage=Usage(base=100, book=50),
    )
    given: dict[str, Any] = {"reasons": (), "rules": (), "observed": (), "version": "3", "event_id": f"event-{number}"}
    return Recorded(asked, frozenset({"record.countries", "context.source_ip"}), asked.action, phase, sequence=number, **given | members)


def found(old: Policy, new: Policy, *acts: Recorded) -> Differences:
    tally = Differences(old, new)
    for act in acts or [recorded()]:
        tally.add(act)
    return tally


@pytest.mark.parametrize(
    ("old", "new", "effects"),
    [
        ([READ], [READ], []),
        ([READ], [READ | {"id": "renamed"}], []),
        ([READ], [READ, DENY], [Effect.DENIED]),
        ([READ, KEY], [READ, DENY], [Effect.DENIED]),
        ([READ, DENY], [READ], [Effect.ALLOWED]),
        ([READ, KEY], [READ], [Effect.ALLOWED]),
        ([READ], [READ, KEY], [Effect.CHALLENGED]),
        ([READ, DENY], [READ, KEY], [Effect.EASED]),
        ([READ], [READ | {"keep": "own"}], [Effect.FEWER]),
        ([READ | {"limit": LIMIT | {"count": 1}}], [READ], [Effect.MORE]),
        ([READ], [READ | {"masks": {"contact": "hide"}, "for": "others"}], [Effect.MASKED]),
        (
            [READ | {"masks": {"contact": "hide"}, "for": "all"}],
            [READ | {"masks": {"contact": "hide"}, "for": "others"}],
            [Effect.CLEAR],
        ),
        (
            [READ | {"keep": "own", "masks": {"name": "hide"}, "for": "all"}],
            [READ | {"masks": {"phone": "hide"}, "for": "all"}],
            [Effect.MASKED, Effect.MORE, Effect.CLEAR],
        ),
        ([READ, DENY], [READ, DENY | {"reason": "day_limit"}], [Effect.OTHER]),
        ([READ, KEY], [READ, KEY | {"require": "justify"}], [Effect.OTHER]),
        ([READ], [READ | {"notify": True}], [Effect.OTHER]),
    ],
)
def test_every_effect_is_told_apart(old: list[dict[str, Any]], new: list[dict[str, Any]], effects: list[Effect]) -> None:
    tally = found(policy("3", *old), policy("new", *new))
    assert [effect for effect, _, _ in tally.lines] == effects
    assert (tally.acts, tally.different) == (1, bool(effects))


def test_a_line_counts_all_and_names_three_with_their_numbers() -> None:
    acts = [recorded(number) for number in range(5)] + [recorded(7, asked=request(pseudonym="P-00000002", action=Action.EXPORT))]
    tally = found(policy("3", READ), policy("new", READ | {"keep": "own"}), *acts)
    assert {place: line.count for place, line in tally.lines.items()} == {
        (Effect.FEWER, "P-00000001", Action.LIST): 5,
        (Effect.FEWER, "P-00000002", Action.EXPORT): 1,
    }
    line = tally.lines[Effect.FEWER, "P-00000001", Action.LIST]
    assert [example.act_id for example in line.examples] == ["act-0", "act-1", "act-2"][:EXAMPLES]
    first = line.examples[0]
    assert (first.asked, first.own, first.before, first.after, first.reason, first.said) == (2, 1, 2, 1, "allowed", "allow")
    assert tally.people == {"P-00000001", "P-00000002"}


def test_what_was_said_then_what_holds_and_what_would_are_counted_apart() -> None:
    acts = [recorded(1), recorded(2, Phase.HELD), recorded(3, Phase.NOT_CONFIRMED), recorded(4, Phase.DENIED)]
    tally = found(policy("3", READ, KEY), policy("new", READ, DENY), *acts)
    assert (tally.said, tally.in_force, tally.by_new) == ({"allow": 1, "challenge": 2, "deny": 1}, {"challenge": 4}, {"deny": 4})
    assert tally.otherwise_then == 2


def test_an_act_is_not_compared_where_a_rule_looks_at_what_the_record_does_not_hold() -> None:
    where, night = READ | {"where": "'AT' in record.countries"}, DENY | {"when": "has(context.source_ip)"}
    unknown = recorded(2, asked=request(ids=None))
    for old, new in (([READ], [READ, where | {"id": "where"}]), ([where], [READ])):
        tally = found(policy("3", *old), policy("new", *new), recorded(1), unknown)
        assert (tally.not_comparable, tally.acts) == ({"record.countries": 1}, 1)
    assert found(policy("3", READ), policy("new", READ, night)).not_comparable == {"context.source_ip": 1}
    of_others = READ | {"id": "where", "actions": [Action.DELETE], "where": "'AT' in record.countries"}
    assert found(policy("3", READ), policy("new", READ, of_others)).not_comparable == {}


def test_whose_the_clients_are_is_in_the_record() -> None:
    tally = found(policy("3", READ), policy("new", READ | {"where": "record.own"}))
    assert [effect for effect, _, _ in tally.lines] == [Effect.FEWER]


def test_rules_in_warn_only_mode_are_counted_then_and_now() -> None:
    watching = DENY | {"id": "try-out", "mode": "observe"}
    tally = found(policy("3", READ), policy("new", READ, watching), recorded(1, observed=("3:night",)), recorded(2))
    assert (tally.observed_then, tally.observed_by_new, tally.different) == ({"3:night": 1}, {"new:try-out": 2}, 0)


def test_the_share_that_a_limit_leaves_is_that_of_the_day_of_the_act() -> None:
    """The newcomer's change: ten percent become five."""
    asked = request(action=Action.EXPORT, ids=tuple(map(str, range(8))))
    act = recorded(1, asked=asked)
    act = replace(act, request=replace(act.request, usage=Usage(Counts(exported_day=2), Counts(exported_day=8), base=100)))
    share = {"counter": "exported_day", "of": "base", "reason": "export_limit"}
    old, new = (policy(name, READ | {"limit": share | {"percent": percent}}) for name, percent in (("3", 10.0), ("new", 5.0)))
    line = found(old, new, act).lines[Effect.FEWER, "P-00000001", Action.EXPORT]
    assert [(example.before, example.after) for example in line.examples] == [(8, 3)]
