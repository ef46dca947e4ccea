"""The decision itself: deny wins, default deny, obligations and requirements add up."""

from policies.decision import Allow, Challenge, Deny, MaskKind
from policies.engine import decide
from policies.reasons import EXPORT_LIMIT, EXPORT_NEEDS_KEY
from policies.request import Action, Counts
from tests.policies.acts import act, starter, touched


def test_a_manager_sees_his_own_clients_clear_and_those_of_others_masked():
    decision = decide(act(Action.LIST, own=40, others=60), starter())
    assert isinstance(decision, Allow)
    assert decision.obligations.masks == {"contact": MaskKind.HIDE}
    assert decision.obligations.masked == {f"other{i}" for i in range(60)}
    assert decision.obligations.keep is None
    assert decision.rules == ("1:manager-reads",)


def test_an_export_waits_for_the_key_and_names_both_numbers():
    decision = decide(act(Action.EXPORT, own=480, others=2520, before=Counts(exported_day=40)), starter())
    assert isinstance(decision, Challenge)
    assert (decision.asked, decision.allowed) == (3000, 260)
    assert decision.obligations.keep == {f"own{i}" for i in range(260)}
    limit, key = decision.reasons
    assert limit.reason is EXPORT_LIMIT
    assert limit.values == {"asked": 3000, "limit": 260, "day_limit": 300, "share": 10}
    assert key.reason is EXPORT_NEEDS_KEY


def test_a_touch_over_exactly_these_clients_releases_them():
    decision = decide(act(Action.EXPORT, own=40, proof=touched(40)), starter())
    assert isinstance(decision, Allow)
    assert decision.obligations.keep == {f"own{i}" for i in range(40)}


def test_what_no_rule_allows_is_denied():
    decision = decide(act(Action.SHARE, own=1), starter())
    assert isinstance(decision, Deny)
    assert [because.reason.code for because in decision.reasons] == ["not_for_you"]
