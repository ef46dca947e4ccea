"""What is missing before an act may happen: AND and OR of touches, approvals, words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.compare import need_in_words
from policies.document import read_need, written_need
from policies.needs import (
    BY_CODE,
    Acknowledge,
    AllOf,
    AnyOf,
    Approval,
    Code,
    Justify,
    Key,
    RequirementKind,
    key_asked,
    kinds,
    missing,
    of_others,
    to_ask,
    whose,
)
from policies.request import Action, ApprovalProof, CodeProof, KeyClass
from tests.policies.acts import FIELDS, NOON, act, touched

GOING = ("own0", "own1")
OWNER = Approval()
TWO = Approval(2, "owner", 600)


def yes(approver="chief", *, roles=("owner",), age=0, verified=True, ids=GOING, fields=FIELDS):
    return ApprovalProof(approver, frozenset(roles), NOON - timedelta(seconds=age), verified, frozenset(ids), fields)


def asked(*approvals, **given):
    return replace(act(Action.EXPORT, own=2), approvals=approvals, **given)


def with_touch(age, key_class=KeyClass.HARDWARE):
    request = asked()
    principal = replace(request.principal, proven_at=NOON - timedelta(seconds=age), proven_with=key_class)
    return replace(request, principal=principal)


def test_a_touch_of_this_act_or_a_fresh_one_where_that_is_enough():
    assert missing(Key(), asked(), GOING) == Key()
    assert missing(Key(), asked(proof=touched(2)), GOING) is None
    assert missing(Key(), asked(proof=touched(1)), GOING) == Key()
    assert missing(Key(), with_touch(0), GOING) == Key(), "only a touch over this act counts"
    assert missing(Key(300), with_touch(300), GOING) is None
    assert missing(Key(300), with_touch(301), GOING) == Key(300)
    assert missing(Key(300), with_touch(-1), GOING) == Key(300), "a touch from the future is none"
    assert missing(Key(300), asked(proof=touched(1)), GOING) == Key(300)


@pytest.mark.parametrize("least", KeyClass)
@pytest.mark.parametrize("given", KeyClass)
def test_a_key_of_a_weaker_class_proves_nothing(given, least):
    """Promises E82: a synced passkey where hardware is demanded."""
    enough = list(KeyClass).index(given) >= list(KeyClass).index(least)
    need = Key(300, least)
    assert missing(need, asked(proof=touched(2, key_class=given)), GOING) == (None if enough else need)
    assert missing(need, with_touch(10, given), GOING) == (None if enough else need)
    assert missing(need, with_touch(10, None), GOING) == need
    assert Key().key_class is KeyClass.HARDWARE, "a synced key is refused where a rule says nothing else"


@pytest.mark.parametrize(
    ("text", "need", "written"),
    [
        ("key", Key(), "key"),
        ({"key": {}}, Key(), "key"),
        ({"key": {"class": "hardware"}}, Key(), "key"),
        ({"key": {"class": "any"}}, Key(0, KeyClass.SYNCED), {"key": {"class": "any"}}),
        ({"key": {"class": "verified", "fresh": 60}}, Key(60, KeyClass.VERIFIED), {"key": {"fresh": 60, "class": "verified"}}),
    ],
)
def test_a_class_is_read_and_written(text, need, written):
    assert read_need(text) == need
    assert written_need(need) == written
    assert read_need(written) == need


@pytest.mark.parametrize(
    "about", [{"class": "synced"}, {"class": "strong"}, {"class": None}, {"class": ["any"]}, {"kind": "any"}, {"class": 1}]
)
def test_another_class_is_an_error_that_says_which_there_are(about):
    with pytest.raises(ValueError, match=r"any, hardware, verified|fresh and class"):
        read_need({"key": about})


def test_a_class_is_said_in_words():
    assert [need_in_words(Key(0, one)) for one in KeyClass] == ["any key", "key", "verified key"]
    assert need_in_words(Key(60, KeyClass.VERIFIED)) == "verified key within 60 seconds"


def test_the_class_that_is_asked_for():
    any_key, verified = Key(0, KeyClass.SYNCED), Key(0, KeyClass.VERIFIED)
    assert key_asked(Key()) is KeyClass.HARDWARE
    assert key_asked(AllOf((any_key, Justify(), verified))) is KeyClass.VERIFIED
    assert key_asked(AllOf((any_key, Justify()))) is KeyClass.SYNCED
    assert key_asked(AnyOf((OWNER, any_key, verified))) is KeyClass.SYNCED, "the first way that the person can go alone"
    assert key_asked(AnyOf((OWNER, TWO))) is KeyClass.SYNCED


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


def coded(own=2, *, fields=FIELDS, **said):
    return CodeProof("grant-1", "digest", NOON, frozenset(f"own{number}" for number in range(own)), fields, **said)


def read(**given):
    return replace(asked(**given), action=Action.READ)


def test_a_code_or_a_touch_for_exactly_this_act_does_where_a_code_is_asked_for():
    assert missing(Code(), read(), GOING) == Code()
    assert missing(Code(), read(proof=coded()), GOING) is None
    assert missing(Code(), read(proof=touched(2)), GOING) is None
    assert missing(Code(), read(proof=coded(1)), GOING) == Code(), "not for more clients"
    assert missing(Code(), read(proof=coded(fields=frozenset({"name"}))), GOING) == Code(), "not for other fields"
    assert missing(Code(), replace(with_touch(1), action=Action.READ), GOING) == Code(), "no touch for another act"


def test_a_code_is_no_key():
    """Promises E86: forced where the key is demanded, it counts for nothing."""
    assert missing(Key(), read(proof=coded()), GOING) == Key()
    assert missing(Key(300), read(proof=coded()), GOING) == Key(300)
    assert missing(AllOf((Key(), Code())), read(proof=coded()), GOING) == Key()
    assert missing(AnyOf((Key(), Code())), read(proof=coded()), GOING) is None


@pytest.mark.parametrize("action", sorted(set(Action) - BY_CODE))
def test_on_acts_that_carry_away_or_destroy_a_code_is_asked_for_as_the_key(action):
    request = replace(asked(proof=coded()), action=action)
    assert missing(Code(), request, GOING) == Key()
    assert missing(AnyOf((Key(), Code())), request, GOING) == Key()
    assert missing(Code(), read(proof=coded()), GOING, action) == Key(), "by its effect, whatever it is named"
    assert missing(Code(), replace(request, proof=touched(2)), GOING) is None


def test_the_code_is_offered_only_where_it_completes_all_that_is_asked():
    key, code, why, seen = RequirementKind.KEY, RequirementKind.CODE, RequirementKind.JUSTIFY, RequirementKind.ACKNOWLEDGE
    assert to_ask(Code()) == {key, code}
    assert to_ask(AnyOf((Key(), Code()))) == {key, code}
    assert to_ask(AllOf((Justify(), AnyOf((Key(), Code()))))) == {key, code, why}
    assert to_ask(AllOf((Key(), Code()))) == {key}
    assert to_ask(AllOf((Key(), AnyOf((Key(), Code()))))) == {key}
    assert to_ask(Justify()) == {key, why}, "a word alone is given with the key"
    assert to_ask(AnyOf((Justify(), AllOf((Code(), Acknowledge()))))) == {key, code, why, seen}, "whichever is given, all is said"
    assert to_ask(AllOf((OWNER, Code()))) is None


def test_words_given_with_a_code_count_for_what_it_covers():
    proof = coded(justified=True, acknowledged=True)
    assert missing(AllOf((Code(), Justify(), Acknowledge())), read(proof=proof), GOING) is None
    assert missing(Justify(), read(proof=replace(proof, ids=frozenset())), GOING) == Justify()


def test_one_of_several_roles_counts():
    need = Approval(2, "owner|head_of_sales")
    assert missing(need, asked(yes(), yes("head", roles=("head_of_sales",))), GOING) is None
    assert missing(need, asked(yes(), yes("other", roles=("manager",))), GOING) == need


def test_whoever_is_alone_counts_for_a_second_person_and_nobody_else_for_themselves():
    me = asked().principal.id
    assert missing(OWNER, asked(yes(me)), GOING) == OWNER
    assert missing(TWO, asked(replace(yes(me), alone=True)), GOING) is None
    assert missing(TWO, asked(replace(yes(me, age=601), alone=True)), GOING) == TWO
    assert missing(OWNER, asked(replace(yes(me, roles=("manager",)), alone=True)), GOING) == OWNER


@pytest.mark.parametrize(
    ("need", "others", "said"),
    [
        (Key(), None, ""),
        (AllOf((Key(), OWNER)), OWNER, "owner"),
        (
            AllOf((OWNER, AnyOf((TWO, Approval(1, "head"))))),
            AllOf((OWNER, AnyOf((TWO, Approval(1, "head"))))),
            "owner + (2 × owner / head)",
        ),
        (AnyOf((Key(), OWNER)), None, ""),
        (AnyOf((AllOf((Key(), OWNER)), TWO)), AnyOf((OWNER, TWO)), "owner / 2 × owner"),
    ],
)
def test_what_others_have_to_give_first_and_whose_it_is(need, others, said):
    assert of_others(need) == others
    assert whose(others) == said if others is not None else others is None
