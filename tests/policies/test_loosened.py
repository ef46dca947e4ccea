"""Which changes of rules are named as letting more go: never too few, and not those that are plainly narrower."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decision import Allow, Challenge, Decision, Deny
from policies.engine import decide
from policies.loosened import loosened
from policies.masks import strictest
from policies.request import AccessRequest
from tests.policies.test_columns import CONDITIONS
from tests.policies.test_laws import MASKS, NEEDS, WHENS, going, policy, questions, rules

READS: dict[str, Any] = {"id": "reads", "roles": ["manager"], "actions": ["read", "list"], "resource": "client", "effect": "allow"}
MASKED = READS | {"masks": {"contact": {"last": 3}}, "for": "all"}
OUT = READS | {"id": "out", "actions": ["export"], "require": "key", "reason": "export_needs_key", "keep": "own"}
LIMITED = OUT | {"limit": {"counter": "exported_day", "percent": 10, "of": "base", "reason": "export_limit"}}
STOP = READS | {"id": "stop", "effect": "deny", "reason": "day_limit", "reaches": {"counter": "shown_day", "percent": 15}}
OBLIGE = READS | {"id": "masks", "effect": "oblige", "masks": {"contact": "hide"}, "for": "others"}
ASK = READS | {"id": "asks", "effect": "require", "require": {"key": {"fresh": 300}}, "reason": "limit_needs_key"}


def without(text: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in text.items() if name not in names}


WIDER = {
    "a new allow": ([READS], [READS, OUT]),
    "a new allow that nobody meets": ([READS], [READS, OUT | {"when": 'context.source_ip == "10.1.2.3"'}]),
    "another role": ([READS], [READS | {"roles": ["manager", "intern"]}]),
    "anybody": ([READS], [READS | {"roles": "any"}]),
    "another act": ([READS], [READS | {"actions": ["read", "list", "search"]}]),
    "any road": ([READS | {"channels": ["web"]}], [READS]),
    "another road": ([READS | {"channels": ["web"]}], [READS | {"channels": ["api"]}]),
    "any status": ([READS | {"status": ["active"]}], [READS]),
    "another condition": ([READS | {"when": "resource.asked < 5"}], [READS | {"when": "resource.asked < 6"}]),
    "other clients": ([READS | {"where": "record.own"}], [READS | {"where": "record.active"}]),
    "all clients": ([READS | {"where": "record.own"}], [READS]),
    "no mask": ([MASKED], [READS]),
    "a mask that tells more": ([MASKED], [MASKED | {"masks": {"contact": {"last": 8}}}]),
    "a mask for fewer": ([MASKED], [MASKED | {"for": "others"}]),
    "no key": ([OUT], [without(OUT, "require")]),
    "a key that was touched before": ([OUT], [OUT | {"require": {"key": {"fresh": 60}}}]),
    "a synced key": ([OUT], [OUT | {"require": {"key": {"class": "any"}}}]),
    "a key that nobody vouches for": ([OUT | {"require": {"key": {"class": "verified"}}}], [OUT]),
    "no limit": ([LIMITED], [OUT]),
    "a higher limit": ([LIMITED], [LIMITED | {"limit": LIMITED["limit"] | {"percent": 10.1}}]),
    "a limit of something else": ([LIMITED], [LIMITED | {"limit": LIMITED["limit"] | {"counter": "exported_hour"}}]),
    "a share of something else": ([LIMITED], [LIMITED | {"limit": LIMITED["limit"] | {"of": "book"}}]),
    "more at least": ([LIMITED], [LIMITED | {"limit": LIMITED["limit"] | {"at_least": 5}}]),
    "not only the own": ([OUT], [OUT | {"keep": "all"}]),
    "a level": ([STOP, READS], [STOP | {"levels": {"departing": {"reaches": {"counter": "shown_day", "percent": 99}}}}, READS]),
    "no stop": ([STOP, READS], [READS]),
    "a later stop": ([STOP, READS], [STOP | {"reaches": {"counter": "shown_day", "percent": 15.5}}, READS]),
    "a stop for fewer acts": ([STOP, READS], [STOP | {"actions": ["read"]}, READS]),
    "a stop that only warns": ([STOP, READS], [STOP | {"mode": "observe"}, READS]),
    "a stop with one way out": ([STOP, READS], [STOP | {"when": 'context.source_ip != "10.1.2.3"'}, READS]),
    "nothing asked for": ([ASK, READS], [READS]),
    "less asked for": ([ASK, READS], [ASK | {"require": {"key": {"fresh": 301}}}, READS]),
    "a duty less": ([OBLIGE, READS], [READS]),
    "nobody is told": ([READS | {"notify": True}], [READS]),
}
"""What is named -> before, after."""
NARROWER = {
    "a stronger key": ([OUT], [OUT | {"require": {"key": {"class": "verified"}}}]),
    "the same key in more words": ([OUT], [OUT | {"require": {"key": {"class": "hardware", "fresh": 0}}}]),
    "other words": ([READS], [READS | {"about": "Nothing else."}]),
    "another name": ([MASKED, STOP], [MASKED | {"id": "cards"}, STOP | {"id": "enough"}]),
    "fewer roles and acts": ([READS | {"roles": ["manager", "intern"]}], [READS | {"actions": ["read"]}]),
    "no allow any more": ([READS, OUT], [READS]),
    "a half that another rule has": ([READS], [READS | {"actions": ["read"]}, READS | {"id": "lists", "actions": ["list"]}]),
    "a limit of 5 percent": ([LIMITED], [LIMITED | {"limit": LIMITED["limit"] | {"percent": 5}}]),
    "an earlier stop": ([STOP, READS], [STOP | {"reaches": {"counter": "shown_day", "percent": 5}}, READS]),
    "a stop for ever": ([STOP, READS], [without(STOP, "reaches"), READS]),
    "a mask that tells less": ([MASKED], [MASKED | {"masks": {"contact": "hide", "city": "hide"}}]),
    "a key for this act": ([ASK, READS], [ASK | {"require": "key"}, READS]),
    "only some clients": ([READS], [READS | {"where": "record.own"}]),
    "a stop where nothing is allowed": ([STOP | {"actions": ["delete"]}, READS], [READS]),
    "denied instead of asked for": ([ASK, READS], [STOP, without(ASK, "require") | {"effect": "deny"}, READS]),
    "a warning": ([READS, STOP | {"mode": "observe"}], [READS]),
}


@pytest.mark.parametrize(("before", "after"), WIDER.values(), ids=WIDER.keys())
def test_what_may_let_more_go_is_named(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert list(loosened(policy(before), policy(after)))


@pytest.mark.parametrize(("before", "after"), NARROWER.values(), ids=NARROWER.keys())
def test_what_is_plainly_narrower_is_not(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert list(loosened(policy(before), policy(after))) == []


CHANGES = st.one_of(
    st.fixed_dictionaries({"mode": st.just("observe")}),
    st.fixed_dictionaries({"when": st.sampled_from(WHENS)}),
    st.fixed_dictionaries({"where": CONDITIONS}),
    st.fixed_dictionaries({"actions": st.sets(st.sampled_from(["list", "export", "update"]), min_size=1)}),
    st.fixed_dictionaries({"roles": st.just(["manager"])}),
    st.sampled_from([{"when": None}, {"where": None}, {"masks": None, "for": None}, {"require": None}, {"keep": "own"}, {"whole": None}]),
    st.builds(lambda masks: {"masks": masks, "for": "all"}, st.sampled_from(MASKS)),
    st.fixed_dictionaries({"require": st.sampled_from(NEEDS)}),
)


@settings(max_examples=1_000, deadline=None)
@given(st.lists(rules(limited=False), min_size=1, max_size=5), questions(), st.data())
def test_where_nothing_is_named_nothing_is_wider(texts: list[dict[str, Any]], request: AccessRequest, data: st.DataObject) -> None:
    changed = list(texts)
    for place in data.draw(st.sets(st.integers(0, len(texts) - 1), min_size=1, max_size=2)):
        change: dict[str, Any] | None = data.draw(st.one_of(st.none(), rules(limited=False), CHANGES))
        merged = {} if change is None else changed[place] | change
        changed[place] = {name: value for name, value in merged.items() if value is not None}
    try:
        old, new = policy(texts), policy([text for text in changed if text])
    except ValueError:
        return  # no rule at all
    if not list(loosened(old, new)):
        check_no_wider(request, decide(request, old), decide(request, new))


def check_no_wider(request: AccessRequest, before: Decision, after: Decision) -> None:
    if isinstance(before, Deny):
        assert isinstance(after, Deny)
        return
    if isinstance(after, Deny):
        return
    kept = going(request, after)
    assert kept <= going(request, before)
    if isinstance(before, Challenge) and isinstance(after, Allow):
        assert kept < going(request, before), "what was asked for was asked for clients that do not go any more"
    for name in ("contact", "margin"):
        for client in kept:
            was, now = before.obligations.mask_of(name, client), after.obligations.mask_of(name, client)
            assert was is None or (now is not None and strictest(was, now) == now)
