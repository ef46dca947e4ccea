"""The trace says the same as the decision."""

from policies.decision import Allow, Challenge
from policies.engine import decide
from policies.explain import Outcome, explain
from policies.request import Action, Status
from policies.rule import PolicyText, compiled
from tests.policies.acts import act, clients, starter


def outcomes(explanation):
    return {step.rule.partition(":")[2]: step.outcome for step in explanation.steps}


def test_every_rule_that_could_apply_says_what_became_of_it():
    request = act(Action.LIST, own=1, others=1)
    explained = explain(request, starter())
    assert explained.decision == decide(request, starter())
    assert outcomes(explained) == {
        "foreign-site": Outcome.CONDITION_FALSE,
        "pace-of-a-script": Outcome.NOT_REACHED,
        "manager-reads": Outcome.MATCHED,
        "masked-question": Outcome.CONDITION_FALSE,
        "manager-others-key": Outcome.NOT_REACHED,
        "manager-others-stop": Outcome.NOT_REACHED,
    }


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
