"""What holds whatever the rules are: hypothesis makes them up, with records, levels, needs, limits and masks."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decision import Allow, Challenge, Deny
from policies.document import PolicyText
from policies.engine import decide, sight
from policies.needs import AllOf
from policies.reasons import REASONS
from policies.request import Action, ApprovalProof, Counts, KeyClass, KeyProof, Level, Status
from policies.rule import compiled
from tests.policies.acts import FIELDS, NOON
from tests.policies.test_columns import CONDITIONS, SCHEMA, acts

ACTIONS = ["list", "export", "update"]
WHENS = ["true", "resource.asked > 2", "resource.others_count > 0", 'principal.team == "south"', "10 / resource.asked > 3"]
NEEDS = [
    "key",
    {"key": {"fresh": 300}},
    {"approval": {"role": "owner"}},
    "justify",
    {"any": ["key", "acknowledge"]},
    {"all": ["key", "justify"]},
]
MASKS = [{"contact": "hide"}, {"contact": "null", "margin": "hide"}, {"margin": {"last": 3}}]
REASON_CODES = ["day_limit", "not_for_you", "export_needs_key", "limit_needs_key"]


@st.composite
def limits(draw):
    reason = draw(st.sampled_from(["export_limit", "delete_limit"]))
    return {"counter": draw(st.sampled_from(["exported_day", "answer"])), "count": draw(st.integers(1, 6)), "reason": reason}


@st.composite
def rules(draw, limited=True):
    effect = draw(st.sampled_from(["allow", "allow", "allow", "deny", "require", "oblige"]))
    rule = {"roles": "any", "actions": draw(st.sets(st.sampled_from(ACTIONS), min_size=1)), "resource": "client", "effect": effect}
    rule |= {"reason": draw(st.sampled_from(REASON_CODES))}
    if draw(st.booleans()):
        rule["where"] = draw(CONDITIONS)
    if not draw(st.integers(0, 3)):
        rule["when"] = draw(st.sampled_from(WHENS))
    if not draw(st.integers(0, 9)):
        rule["mode"] = "observe"
    if effect == "require" or (effect == "allow" and not draw(st.integers(0, 2))):
        rule["require"] = draw(st.sampled_from(NEEDS))
    if effect == "oblige" or (effect == "allow" and not draw(st.integers(0, 2))):
        rule |= {"masks": draw(st.sampled_from(MASKS)), "for": draw(st.sampled_from(["others", "all"]))}
        rule |= draw(st.sampled_from([{}, {"keep": "own"}, {"whole": True}]))
        if limited and draw(st.booleans()):
            rule["limit"] = draw(limits())
    if effect == "allow" and not draw(st.integers(0, 4)):
        rule["levels"] = {"watched": {"effect": "deny"}, "departing": {"require": "key"}}
    return rule


@st.composite
def questions(draw):
    request = draw(acts())
    ids = request.resource.ids
    level, proven = draw(st.sampled_from(list(Level))), draw(st.sampled_from([None, NOON]))
    key_class = None if proven is None else draw(st.sampled_from(KeyClass))
    principal = replace(
        request.principal,
        level=level,
        proven_at=proven,
        proven_with=key_class,
        status=draw(st.sampled_from([Status.ACTIVE] * 4 + [Status.GONE])),
    )
    before = Counts(exported_day=draw(st.integers(0, 3)))
    return replace(
        request,
        action=Action(draw(st.sampled_from(ACTIONS))),
        principal=principal,
        resource=replace(request.resource, ids=draw(st.sampled_from([ids, ids, ids, ids, None]))),
        usage=replace(request.usage, before=before, after=before),
    )


@st.composite
def proofs(draw, request):
    """The same act with whatever a person could bring."""
    ids = frozenset(request.resource.ids or ())
    signed = draw(st.sampled_from([ids, frozenset(sorted(ids)[1:])]))
    touch = KeyProof("g", "d", NOON, draw(st.booleans()), signed, FIELDS, key_class=draw(st.sampled_from(KeyClass)))
    approval = ApprovalProof("chief", frozenset({"owner"}), NOON, True, signed, FIELDS)
    return replace(
        request,
        proof=draw(st.sampled_from([None, touch])),
        approvals=draw(st.sampled_from([(), (approval,)])),
        justified=draw(st.booleans()),
        acknowledged=draw(st.booleans()),
    )


def policy(texts):
    return compiled([PolicyText.model_validate({"rules": [{"id": f"r{n}", **text} for n, text in enumerate(texts)]})], "1", SCHEMA)


def going(request, decision):
    """Clients that would leave with this decision."""
    if isinstance(decision, Deny):
        return frozenset()
    ids, keep = frozenset(request.resource.ids or ()), decision.obligations.keep
    return ids if keep is None else ids & keep


def masks(request, duties):
    return {(name, i): duties.mask_of(name, i) for name in ("contact", "margin") for i in request.resource.ids or ()}


def summary(request, decision):
    """Everything of a decision in which the order of rules must not show."""
    codes = {because.reason.code for because in decision.reasons}
    said = [type(decision), codes, set(decision.rules), set(decision.observed)]
    if not isinstance(decision, Deny):
        duties = decision.obligations
        said += [duties.keep, masks(request, duties), duties.notify, duties.watermark]
    if isinstance(decision, Challenge):
        said += [set(decision.need.needs) if isinstance(decision.need, AllOf) else {decision.need}, decision.asked, decision.allowed]
    return said


EVERYTHING = {"roles": "any", "actions": ACTIONS, "resource": "client", "effect": "allow"}
POLICIES = st.tuples(st.lists(rules(), min_size=1, max_size=6), st.sampled_from([[], [EVERYTHING]])).map(lambda two: two[0] + two[1])


@settings(max_examples=300, deadline=None)
@given(POLICIES, questions(), st.data())
def test_the_order_of_rules_never_shows(texts, request, data):
    one = policy(texts)
    numbered = [{"id": f"r{n}", **text} for n, text in enumerate(texts)]
    Random(data.draw(st.integers(0, 99))).shuffle(numbered)  # noqa: S311 # hypothesis gives the seed
    other = compiled([PolicyText.model_validate({"rules": numbered})], "1", SCHEMA)
    request = data.draw(proofs(request))
    first, second = summary(request, decide(request, one)), summary(request, decide(request, other))
    if "rule_error" not in first[1]:  # of several rules that fail one is named
        assert first == second
    else:
        assert first[:2] == second[:2]
    assert masks(request, sight(request, one)) == masks(request, sight(request, other))


@settings(max_examples=300, deadline=None)
@given(st.lists(rules(limited=False), min_size=1, max_size=5), questions(), st.sampled_from(WHENS), st.none() | CONDITIONS)
def test_one_more_deny_never_widens(texts, request, when, where):
    deny = {"roles": "any", "actions": ACTIONS, "resource": "client", "effect": "deny", "reason": "day_limit", "when": when}
    before = decide(request, policy(texts))
    after = decide(request, policy([*texts, deny | ({} if where is None else {"where": where})]))
    assert going(request, after) <= going(request, before)
    if isinstance(before, Deny):
        assert isinstance(after, Deny)
    if isinstance(before, Challenge) and isinstance(after, Allow) and after.obligations.keep is not None:
        assert going(request, after) < going(request, before), "what was asked for was asked for clients that do not go any more"
    if not isinstance(before, Deny) and not isinstance(after, Deny):
        kept = going(request, after)  # of clients that do not go any more nothing needs a mask
        was, now = masks(request, before.obligations), masks(request, after.obligations)
        assert {key: mask for key, mask in was.items() if key[1] in kept} == {key: mask for key, mask in now.items() if key[1] in kept}


@settings(max_examples=300, deadline=None)
@given(POLICIES, questions(), st.data())
def test_no_proof_raises_what_may_go(texts, request, data):
    """X24: touches, approvals and words let an act happen, they add no client to it and lift no mask and no denial."""
    rules_ = policy(texts)
    without, brought = decide(request, rules_), data.draw(proofs(request))
    decision = decide(brought, rules_)
    if isinstance(without, Deny):
        assert decision == without
        return
    assert not isinstance(decision, Deny)
    assert decision.obligations == without.obligations
    if isinstance(without, Allow):
        assert isinstance(decision, Allow)


@settings(max_examples=300, deadline=None)
@given(POLICIES, questions())
def test_a_limit_is_held_by_whatever_goes(texts, request):
    free = [{name: value for name, value in text.items() if name != "limit"} for text in texts]
    decision = decide(request, policy(texts))
    kept = going(request, decision)
    assert kept <= going(request, decide(request, policy(free))) or isinstance(decide(request, policy(free)), Deny)
    if isinstance(decision, Deny) or request.resource.ids is None:
        return
    counted = request.usage.before.exported_day
    for text in texts:
        applies = text.get("mode") != "observe" and "where" not in text and "when" not in text and "levels" not in text
        if applies and "limit" in text and request.action.value in text["actions"]:
            taken = counted if text["limit"]["counter"] == "exported_day" else 0
            assert len(kept) <= max(0, text["limit"]["count"] - taken)


@settings(max_examples=300, deadline=None)
@given(POLICIES, questions(), st.data())
def test_every_answer_says_why_in_words(texts, request, data):
    decision = decide(data.draw(proofs(request)), policy(texts))
    assert decision.reasons
    for because in decision.reasons:
        assert REASONS[because.reason.code] is because.reason
        for language in ("de", "en"):
            assert because.for_employee(language)
            assert because.for_reviewer(language)
            assert not any(i in because.for_reviewer(language).split() for i in request.resource.ids or ())


@settings(max_examples=100, deadline=None)
@given(st.lists(rules(), max_size=4), questions())
def test_what_no_rule_allows_is_denied(texts, request):
    assert isinstance(decide(request, policy([text for text in texts if text["effect"] != "allow"])), Deny)
