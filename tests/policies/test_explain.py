"""The trace says the same as the decision."""

from policies.decision import Allow, Challenge
from policies.engine import decide
from policies.explain import Outcome, explain
from policies.request import Action, Level, Status
from policies.rule import PolicyText, compiled
from tests.policies.acts import act, clients, on_records, starter


def outcomes(explanation):
    return {step.rule.partition(":")[2]: step.outcome for step in explanation.steps}


def test_every_rule_that_could_apply_says_what_became_of_it():
    request = act(Action.LIST, own=1, others=1)
    explained = explain(request, starter())
    assert explained.decision == decide(request, starter())
    assert (
        outcomes(explained).items()
        >= {
            "foreign-site": Outcome.CONDITION_FALSE,
            "pace-of-a-script": Outcome.NOT_REACHED,
            "manager-reads": Outcome.MATCHED,
            "manager-others-key": Outcome.NOT_REACHED,
            "manager-others-stop": Outcome.NOT_REACHED,
        }.items()
    )


def test_the_effect_of_an_act_is_shown_where_it_differs_from_its_name():
    ids = frozenset(clients(300)[0])
    explained = explain(act(Action.READ, own=300, clear_contact_ids=ids), starter())
    assert explained.action is Action.EXPORT
    assert isinstance(explained.decision, Challenge)
    assert outcomes(explained)["leaving"] is Outcome.OTHER_STATUS
    assert outcomes(explain(act(Action.EXPORT, own=3, status=Status.LAST_DAY), starter()))["leaving"] is Outcome.MATCHED


def test_a_rule_that_failed_is_shown():
    rules = [{"id": "x", "roles": "any", "actions": ["read"], "resource": "client", "effect": "allow", "when": "1 / resource.asked > 0"}]
    policy = compiled([PolicyText.model_validate({"rules": rules})], "1")
    assert outcomes(explain(act(Action.READ, own=0), policy)) == {"x": Outcome.FAILED}
    assert isinstance(explain(act(Action.READ, own=1), policy).decision, Allow)


RULE = {"roles": "any", "actions": ["list"], "resource": "client", "effect": "allow"}


def explained(request, *rules):
    texts = [RULE | rule for rule in rules]
    return explain(request, compiled([PolicyText.model_validate({"rules": texts})], "1"))


def test_every_way_not_to_match_has_its_name():
    deny = {"effect": "deny", "reason": "day_limit"}
    found = explained(
        act(Action.LIST, own=1),
        {"id": "level", "levels": {"watched": deny}},
        {"id": "road", "channels": ["cloud"]} | deny,
        {"id": "status", "status": ["last_day"]} | deny,
        {"id": "count", "reaches": {"counter": "shown_day", "count": 3}} | deny,
        {"id": "never", "when": "false"} | deny,
        {"id": "nobody", "where": "!record.own"} | deny,
        {"id": "warns", "mode": "observe"} | deny,
        {"id": "warns-broken", "mode": "observe", "when": "1 / 0 > 1"} | deny,
        {"id": "quiet", "mode": "observe", "when": "false"} | deny,
    )
    assert [(step.rule, step.outcome) for step in found.steps] == [
        ("1:level", Outcome.MATCHED),
        ("1:road", Outcome.OTHER_CHANNEL),
        ("1:status", Outcome.OTHER_STATUS),
        ("1:count", Outcome.NOT_REACHED),
        ("1:never", Outcome.CONDITION_FALSE),
        ("1:nobody", Outcome.NO_RECORD),
        ("1:warns", Outcome.OBSERVED),
        ("1:warns-broken", Outcome.OBSERVED),
        ("1:quiet", Outcome.CONDITION_FALSE),
    ]
    assert found.steps[0].levels == (Level.DEPARTING, Level.NORMAL)
    assert isinstance(found.decision, Allow)
    assert found.decision.observed == ("1:warns", "1:warns-broken")


def test_a_rule_about_records_says_of_how_many_and_for_how_many_it_failed():
    request = on_records(act(Action.LIST), ("first", "second", "third"), records={"language": ["xx-de", "xx-fr", None]})
    some = {"id": "some", "where": 'record.language == "xx-de"'}
    broken = {"id": "broken", "where": "record.created_at > context.at"}
    found = explained(request, some, broken)
    assert [(step.outcome, step.records, step.failed) for step in found.steps] == [(Outcome.MATCHED, 1, 1), (Outcome.FAILED, 0, 3)]
    waiting = explained(act(Action.LIST, own=None), some)
    assert [(step.outcome, step.records) for step in waiting.steps] == [(Outcome.MATCHED, None)]
    for word in ("first", "second", "third", "xx-"):
        assert word not in repr(found.steps)
