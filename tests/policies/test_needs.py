"""What is missing before an act may happen: AND and OR of touches, approvals, words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.needs import Acknowledge, AllOf, AnyOf, Approval, Justify, Key, RequirementKind, kinds, missing, to_ask
from policies.request import Action, ApprovalProof
from tests.policies.acts import FIELDS, NOON, act, touched

GOING = ("own0", "own1")
OWNER = Approval()
TWO = Approval(2, "owner", 600)


def yes(approver="chief", *, roles=("owner",), age=0, verified=True, ids=GOING, fields=FIELDS):
    return ApprovalProof(approver, frozenset(roles), NOON - timedelta(seconds=age), verified, frozenset(ids), fields)


def asked(*approvals, **given):
    return replace(act(Action.EXPORT, own=2), approvals=approvals, **given)


def with_touch(age):
    request = asked()
    return replace(request, principal=replace(request.principal, proven_at=NOON - timedelta(seconds=age)))


def test_a_touch_of_this_act_or_a_fresh_one_where_that_is_enough():
    assert missing(Key(), asked(), GOING) == Key()
    assert missing(Key(), asked(proof=touched(2)), GOING) is None
    assert missing(Key(), asked(proof=touched(1)), GOING) == Key()
    assert missing(Key(), with_touch(0), GOING) == Key(), "only a touch over this act counts"
    assert missing(Key(300), with_touch(300), GOING) is None
    assert missing(Key(300), with_touch(301), GOING) == Key(300)
    assert missing(Key(300), with_touch(-1), GOING) == Key(300), "a touch from the future is none"
    assert missing(Key(300), asked(proof=touched(1)), GOING) == Key(300)


@pytest.mark.parametrize(
    "proof",
    [
        yes("person-1"),
        yes(roles=("manager",)),
        yes(age=3_601),
        yes(age=-1),
        yes(verified=False),
        yes(ids=("own0",)),
        yes(fields=frozenset({"name"})),
    ],
    ids=["of one's own act", "another role", "too old", "from the future", "no PIN", "fewer clients", "fewer fields"],
)
def test_what_is_no_approval(proof):
    assert missing(OWNER, asked(yes()), GOING) is None
    assert missing(OWNER, asked(proof), GOING) == OWNER


def test_approvals_are_counted_by_people():
    assert missing(TWO, asked(yes("a"), yes("a", age=5)), GOING) == TWO
    assert missing(TWO, asked(yes("a"), yes("b")), GOING) is None
    assert missing(TWO, asked(yes("a"), yes("b", age=601)), GOING) == TWO
    assert missing(TWO, asked(yes("a"), yes("person-1")), GOING) == TWO


def test_words_of_ones_own():
    assert missing(Justify(), asked(), ()) == Justify()
    assert missing(Justify(), asked(justified=True), ()) is None
    assert missing(Acknowledge(), asked(justified=True), ()) == Acknowledge()
    assert missing(Acknowledge(), asked(acknowledged=True), ()) is None


def test_of_all_and_any_only_what_is_open_is_left():
    both = AllOf((Key(), OWNER, Justify()))
    assert missing(both, asked(), GOING) == both
    assert missing(both, asked(yes(), proof=touched(2)), GOING) == Justify()
    assert missing(both, asked(yes(), proof=touched(2), justified=True), GOING) is None
    either = AnyOf((AllOf((Key(), Justify())), TWO))
    assert missing(either, asked(), GOING) == either
    assert missing(either, asked(justified=True), GOING) == AnyOf((Key(), TWO))
    assert missing(either, asked(yes("a"), yes("b")), GOING) is None
    assert missing(AllOf((either, Acknowledge())), asked(yes("a"), yes("b")), GOING) == Acknowledge()


def test_the_kinds_of_a_need_are_named_once():
    need = AllOf((AnyOf((Justify(), Key())), Key(5), OWNER))
    assert kinds(need) == (RequirementKind.JUSTIFY, RequirementKind.KEY, RequirementKind.APPROVAL)


def test_what_the_person_can_give_alone_is_asked_for():
    key, why, read = RequirementKind.KEY, RequirementKind.JUSTIFY, RequirementKind.ACKNOWLEDGE
    assert to_ask(Key()) == {key}
    assert to_ask(Justify()) == {key, why}
    assert to_ask(AllOf((Justify(), Acknowledge()))) == {key, why, read}
    assert to_ask(AnyOf((OWNER, Acknowledge(), Key()))) == {key, read}
    assert to_ask(OWNER) is None
    assert to_ask(AllOf((Key(), OWNER))) is None


def test_words_signed_with_a_touch_count_for_what_it_covers_only():
    proof = replace(touched(2), justified=True, acknowledged=True)
    assert missing(AllOf((Key(), Justify(), Acknowledge())), asked(proof=proof), GOING) is None
    assert missing(Justify(), asked(proof=replace(proof, ids=frozenset())), GOING) == Justify()
    assert missing(Justify(), asked(proof=touched(2)), GOING) == Justify()
