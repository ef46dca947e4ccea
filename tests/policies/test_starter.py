"""What must hold for the shipped rules whatever is asked: thousands of made-up acts, the same in every run."""

from dataclasses import fields, replace
from random import Random

import pytest

from policies.decision import Allow, Challenge, Deny
from policies.engine import decide, sight
from policies.request import AccessRequest, Action, Context, Counts, KeyClass, KeyProof, Principal, Resource, Status, Usage
from policies.rule import PolicyText, compiled
from tests.policies.acts import CONTACT, NOON, starter, texts

STARTER = starter()
TEXT = PolicyText(rules=[rule for text in texts() for rule in text.rules])
FIELDS = ["name", "phone", "email", "city"]
IDS = [f"c{n}" for n in range(12)]
ROLES = ["manager", "owner", "head_of_sales", "accountant", "visitor"]
NUMBERS = {"taken_minute": [0, 299, 300, 301, 400], "paced_cards": [0, 0, 0, 29, 30]}


def some(random, words):
    return frozenset(random.sample(words, random.randint(0, len(words))))


def counts(random):
    return Counts(**{field.name: random.choice(NUMBERS.get(field.name, [0, 0, 1, 2, 3, 5, 9, 15, 40])) for field in fields(Counts)})


def touch(random):
    ids, signed = random.choice([some(random, IDS), frozenset(IDS)]), random.choice([some(random, FIELDS), frozenset(FIELDS)])
    return KeyProof("g", "d", NOON, random.random() < 0.8, ids, signed, key_class=random.choice(list(KeyClass)))


def made_up(random, action=None, roles=None):
    ids = tuple(some(random, IDS))
    asked, written, questioned = some(random, FIELDS), some(random, FIELDS), random.choice([some(random, FIELDS), frozenset()])
    status = random.choice([Status.ACTIVE, Status.ACTIVE, Status.ACTIVE, *Status])
    has = random.sample(roles or ROLES, random.choice([1, 1, min(2, len(roles or ROLES))]))
    return AccessRequest(
        act_id="a",
        principal=Principal("p", "P-1", frozenset(has), status, random.random() < 0.1),
        action=action or random.choice(list(Action)),
        resource=Resource(
            type=random.choice(["client", "client", "client", "client", "other", "system", "nonsense"]),
            ids=random.choice([ids, ids, ids, None]),
            own=some(random, list(ids)),
            fields=asked,
            contact_fields=(asked | written) & CONTACT,
            questioned_fields=questioned,
            questioned_contact_fields=random.choice([questioned & CONTACT, frozenset()]),
            written_fields=random.choice([written, frozenset()]),
        ),
        context=Context(at=NOON, origin_trusted=random.random() < 0.9),
        usage=Usage(counts(random), counts(random), base=random.choice([1, 30, 60, 300]), book=random.choice([0, 10, 40])),
        proof=random.choice([None, touch(random)]),
    )


def acts(count=2_000, **given):
    return [made_up(Random(seed), **given) for seed in range(count)]  # noqa: S311 # the same acts in every run


def verdict(decision):
    match decision:
        case Deny():
            return "deny", frozenset(), None
        case Challenge(obligations=duties) | Allow(obligations=duties):
            return type(decision).__name__, duties.masked, duties.keep


def goes_out(request, decision):
    """Clients that would leave with this decision."""
    if isinstance(decision, Deny):
        return frozenset()
    keep = decision.obligations.keep
    ids = frozenset(request.resource.ids or ())
    return ids if keep is None else ids & keep


def test_the_acts_are_no_monoculture():
    """The tests below say something only if every kind of answer is among them."""
    found = {(type(decide(request, STARTER)).__name__, request.action) for request in acts(6_000)}
    assert {("Allow", Action.EXPORT), ("Challenge", Action.EXPORT), ("Deny", Action.EXPORT), ("Allow", Action.DELETE)} <= found
    assert {("Allow", Action.LIST), ("Challenge", Action.LIST), ("Deny", Action.LIST), ("Allow", Action.UPDATE)} <= found


def test_every_act_has_a_decision_with_its_reasons():
    for request in acts():
        decision = decide(request, STARTER)
        assert decision.reasons
        for because in decision.reasons:
            for language in ("de", "en"):
                assert because.for_employee(language)
                assert because.for_reviewer(language)


def test_the_order_of_the_rules_never_matters():
    for seed in range(10):
        rules = list(TEXT.rules)
        Random(seed).shuffle(rules)  # noqa: S311 # the same orders in every run
        shuffled = compiled([TEXT.model_copy(update={"rules": rules})], "1")
        for request in acts(400):
            one, other = decide(request, STARTER), decide(request, shuffled)
            assert verdict(one) == verdict(other), request
            assert {because.reason.code for because in one.reasons} == {because.reason.code for because in other.reasons}


@pytest.mark.parametrize("when", ["true", "resource.others_count > 0", "usage.after.shown_day > 20", "1 / resource.asked > 0"])
def test_one_more_deny_never_widens(when):
    deny = {"id": "more", "roles": "any", "actions": "any", "resource": "any", "when": when, "effect": "deny", "reason": "day_limit"}
    stricter = compiled([TEXT, PolicyText.model_validate({"rules": [deny]})], "1")
    for request in acts():
        after = decide(request, stricter)
        assert isinstance(after, Deny) or verdict(after) == verdict(decide(request, STARTER)), request


def test_no_contact_value_of_anothers_client_goes_out_clear_to_a_manager():
    for request in acts(roles=["manager"]):
        decision = decide(request, STARTER)
        if request.resource.type == "client" and not isinstance(decision, Deny):
            clear = goes_out(request, decision) - (decision.obligations.masked)
            assert clear <= request.resource.own, request


def test_no_touch_lifts_the_limit_of_a_day():
    for request in acts(action=Action.EXPORT, roles=["manager"]):
        if request.resource.type == "client":
            going = goes_out(request, decide(request, STARTER))
            assert not going or len(going) + request.usage.before.exported_day <= request.usage.base * 10 // 100, request


@pytest.mark.parametrize("action", [Action.EXPORT, Action.REPORT, Action.PRINT, Action.DELETE])
def test_it_happens_only_with_a_verified_touch_over_exactly_it(action):
    for request in acts(action=action):
        decision = decide(request, STARTER)
        going = goes_out(request, decision)
        if isinstance(decision, Allow) and going:
            assert request.proof is not None
            assert request.proof.user_verified
            assert going <= request.proof.ids
            assert request.resource.fields | request.resource.written_fields <= request.proof.fields


def test_who_leaves_or_is_frozen_exports_and_deletes_nothing():
    for request in acts(4_000):
        decision = decide(request, STARTER)
        if request.principal.frozen or request.principal.status is Status.GONE:
            assert isinstance(decision, Deny), request
        if request.principal.status is not Status.ACTIVE and request.action in {Action.EXPORT, Action.REPORT, Action.PRINT, Action.DELETE}:
            assert isinstance(decision, Deny), request


def test_a_question_on_a_masked_field_is_never_answered():
    for request in acts(roles=["manager", "accountant"]):
        if request.resource.questioned_contact_fields:
            assert isinstance(decide(request, STARTER), Deny), request


def test_what_is_released_is_masked_as_sight_said_before():
    for request in acts(4_000):
        request = replace(request, usage=replace(request.usage, after=replace(request.usage.after, taken_minute=0)))
        decision = decide(request, STARTER)
        if isinstance(decision, Allow) and request.action in {Action.LIST, Action.READ}:
            assert decision.obligations.masked == sight(request, STARTER).masked


@pytest.mark.parametrize("action", [Action.SHARE, Action.GRANT_ACCESS, Action.REASSIGN, Action.BULK])
@pytest.mark.parametrize("role", ["manager", "owner", "head_of_sales", "accountant"])
def test_roads_out_that_nobody_judges_yet_are_closed_to_everybody(action, role):
    """X21: what the CRM itself sends away, new credentials and new owners."""
    for kind in ("client", "system", "other"):
        request = AccessRequest("a", Principal("p", "P-1", frozenset({role}), Status.ACTIVE), action, Resource(type=kind), Context(at=NOON))
        assert isinstance(decide(request, STARTER), Deny)
