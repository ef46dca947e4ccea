"""X24 as a property: whatever is proven, confirmed, approved or explained, no client more goes out than without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decision import Allow, Challenge, Deny
from policies.document import PolicyText
from policies.engine import decide
from policies.request import AccessRequest, Action, ApprovalProof, ClientId, Counts, KeyClass, KeyProof, Level
from policies.rule import Policy, compiled
from tests.policies.acts import FIELDS, NOON, act

PIECES: list[Any] = ["key", {"key": {"fresh": 300}}, "approval", {"approval": {"count": 2, "role": "owner"}}, "justify", "acknowledge"]
NEEDS = st.one_of(
    st.sampled_from(PIECES),
    st.builds(
        lambda kind, parts: {kind: parts}, st.sampled_from(["all", "any"]), st.lists(st.sampled_from(PIECES), min_size=2, max_size=3)
    ),
)
LIMITS = st.one_of(
    st.builds(lambda count: {"counter": "exported_day", "count": count, "reason": "export_limit"}, st.integers(1, 12)),
    st.builds(lambda count: {"counter": "answer", "count": count, "reason": "export_limit"}, st.integers(1, 12)),
    st.just({"counter": "exported_day", "percent": 0.2, "of": "base", "reason": "export_limit"}),
)
WHERE = st.sampled_from([None, "record.own", "!record.own", '"vip" in record.categories', 'record.language == "de"'])


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Exports with needs, limits, levels and conditions on records, in every mixture."""
    rules: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        rule = {
            "effect": "allow",
            "where": draw(WHERE),
            "limit": draw(st.one_of(st.none(), LIMITS)),
            "require": draw(st.one_of(st.none(), NEEDS)),
        }
        rule |= {"keep": draw(st.sampled_from(["own", "all"])), "whole": draw(st.booleans()), "reason": "export_needs_key"}
        if draw(st.booleans()):
            rule["levels"] = {"watched": draw(st.sampled_from([{"limit": draw(LIMITS)}, {"require": draw(NEEDS)}, {"effect": "deny"}]))}
        rules.append(rule)
    rules.append({"effect": "oblige", "limit": draw(LIMITS), "where": draw(WHERE)})
    if draw(st.booleans()):
        rules.append({"effect": "deny", "where": draw(WHERE), "reason": "not_for_you"})
    if draw(st.booleans()):
        rules.append({"effect": "require", "require": draw(NEEDS), "reason": "limit_needs_key"})
    common = {"roles": "any", "actions": ["export", "report"], "resource": "client"}
    given_ = [
        {"id": f"r{at}", **common, **{name: value for name, value in one.items() if value is not None}} for at, one in enumerate(rules)
    ]
    return compiled([PolicyText.model_validate({"rules": given_})], "1")


def proven(question: AccessRequest) -> AccessRequest:
    """The same act with everything that anybody could ask for."""
    ids = frozenset(question.resource.ids or ())
    key = KeyProof("grant", "digest", NOON, True, ids, question.resource.fields, key_class=KeyClass.VERIFIED)
    approvals = tuple(
        ApprovalProof(f"approver-{n}", frozenset({"owner"}), NOON - timedelta(minutes=1), True, ids, FIELDS) for n in (1, 2, 3)
    )
    person = replace(question.principal, proven_at=NOON - timedelta(seconds=10), proven_with=KeyClass.VERIFIED)
    return replace(question, principal=person, proof=key, approvals=approvals, justified=True, acknowledged=True)


def going(question: AccessRequest, policy: Policy) -> frozenset[ClientId]:
    """Who would go out, of a challenge after everything that it asks for."""
    match decide(question, policy):
        case Allow(obligations=duties) | Challenge(obligations=duties):
            ids = frozenset(question.resource.ids or ())
            return ids if duties.keep is None else duties.keep & ids
        case Deny():
            return frozenset()


@settings(max_examples=300, deadline=None)
@given(
    policies(),
    st.sampled_from(list(Level)),
    st.sampled_from([Action.EXPORT, Action.REPORT]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_a_proof_of_every_kind_lets_nobody_more_go(policy: Policy, level: Level, action: Action, own: int, others: int, had: int) -> None:
    count = own + others
    records = {"categories": [("vip",) if n % 2 else () for n in range(count)], "language": ["de" if n % 3 else None for n in range(count)]}
    before, after = Counts(exported_day=had), Counts(exported_day=had + count)
    question = act(action, own=own, others=others, before=before, after=after, records=records, principal={"level": level})
    without, with_it = decide(question, policy), decide(proven(question), policy)
    assert isinstance(with_it, Deny) or not isinstance(without, Deny)
    assert going(proven(question), policy) == going(question, policy)
    assert not (isinstance(without, Challenge) and isinstance(with_it, Challenge)), "everything was given"


@settings(max_examples=200, deadline=None)
@given(policies(), st.sampled_from(list(Level)), st.integers(1, 9), st.integers(0, 9), st.integers(0, 20))
def test_what_goes_out_with_every_proof_stays_within_every_limit(policy: Policy, level: Level, own: int, others: int, had: int) -> None:
    """Worked out here again, from the rules as they are written."""
    count = own + others
    records = {"categories": [("vip",)] * count, "language": ["de"] * count}
    before, after = Counts(exported_day=had), Counts(exported_day=had + count)
    question = proven(act(Action.EXPORT, own=own, others=others, before=before, after=after, records=records, principal={"level": level}))
    gone = going(question, policy)
    for rule in policy.rules:
        limit = rule.text.limit
        if limit is None or (rule.levels is not None and level not in rule.levels):
            continue
        about = {one for one in gone if rule.text.where is None or _is_about(rule.text.where, one)}
        most = limit.count if limit.count is not None else int(3000 * (limit.percent or 0) / 100)
        assert len(about) <= max(0, most - (had if limit.counter == "exported_day" else 0))


def _is_about(where: str, client: ClientId) -> bool:
    """All are VIPs and German here; only whose they are differs."""
    return client.startswith("own") if where == "record.own" else client.startswith("other") if where == "!record.own" else True
