"""Two decisions on one act: what is wider is never called narrower, and every difference has its words."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.compare import Kind, compare, implies
from policies.decision import Allow, Challenge, Decision, Deny, FieldMask, Obligations
from policies.masks import HIDE, NULL, Mask, MaskKind, strictest
from policies.needs import Acknowledge, AllOf, AnyOf, Approval, Code, Justify, Key, Need
from policies.reasons import ALLOWED, NOT_FOR_YOU, REASONS, Because
from policies.request import Action
from tests.policies.acts import act

BECAUSE = (Because(ALLOWED),)
CLIENTS = frozenset({"a", "b", "c"})
LAST_2, LAST_4 = Mask(MaskKind.LAST, 2), Mask(MaskKind.LAST, 4)


def allow(**duties: object) -> Allow:
    return Allow(BECAUSE, Obligations(**duties))  # type: ignore[arg-type]


TOUCH = Key()


def challenge(need: Need = TOUCH, **duties: object) -> Challenge:
    return Challenge(BECAUSE, need, 3, 3, Obligations(**duties))  # type: ignore[arg-type]


def deny(reason: str = "not_for_you", **more: bool) -> Deny:
    return Deny((Because(REASONS[reason]),), **more)


def mask(name: str, how: Mask, *clients: str) -> FieldMask:
    return FieldMask(name, how, frozenset(clients))


SEEN: list[tuple[Decision, Decision, Kind, str]] = [
    (deny(), allow(), Kind.WIDER, "allow instead of deny (not_for_you)"),
    (deny(), challenge(), Kind.WIDER, "challenge instead of deny (not_for_you)"),
    (challenge(), allow(), Kind.WIDER, "allow instead of challenge (allowed)"),
    (challenge(Key()), challenge(Key(300)), Kind.WIDER, "needs key within 300 seconds instead of key"),
    (challenge(AllOf((Key(), Approval(2)))), challenge(Key()), Kind.WIDER, "needs key instead of key and approval by 2 (owner)"),
    (challenge(Key()), challenge(AnyOf((Key(), Justify()))), Kind.WIDER, "needs key or justify instead of key"),
    (challenge(Approval(2)), challenge(Approval(1)), Kind.WIDER, "needs approval by 1 (owner) instead of approval by 2 (owner)"),
    (allow(keep=frozenset("a")), allow(keep=frozenset("ab")), Kind.WIDER, "2 clients instead of 1 client"),
    (allow(keep=frozenset("a")), allow(), Kind.WIDER, "all clients instead of 1 client"),
    (allow(masks=(mask("phone", HIDE, "a", "b"),)), allow(), Kind.WIDER, "phone clear instead of hide for 2 clients"),
    (allow(masks=(mask("phone", HIDE, "a", "b"),)), allow(masks=(mask("phone", HIDE, "a"),)), Kind.WIDER, "for 1 client"),
    (allow(masks=(mask("phone", HIDE, "a"),)), allow(masks=(mask("phone", LAST_2, "a"),)), Kind.WIDER, "phone last 2 instead of hide"),
    (allow(notify=True), allow(), Kind.WIDER, "the reviewer is no longer told"),
    (allow(watermark=True), allow(), Kind.WIDER, "no watermark any more"),
    (allow(drop_written=frozenset({"phone"})), allow(), Kind.WIDER, "a mask may be written back to phone"),
    (allow(hidden=frozenset({"phone"})), allow(), Kind.WIDER, "the order of an answer may tell phone"),
    (deny(quarantine=True), deny(), Kind.WIDER, "the file is no longer put aside"),
]


@pytest.mark.parametrize(("old", "new", "kind", "words"), SEEN)
def test_what_is_wider_is_named_and_the_way_back_is_narrower(old: Decision, new: Decision, kind: Kind, words: str) -> None:
    there, back = compare(old, new), compare(new, old)
    assert (there.kind, back.kind) == (kind, Kind.NARROWER)
    assert there.widens
    assert not back.widens
    assert words in " | ".join(map(str, there.changes))
    assert compare(old, old).kind is compare(new, new).kind is Kind.SAME


def test_wider_in_one_thing_and_narrower_in_another_is_other_and_still_widens() -> None:
    found = compare(allow(keep=frozenset("ab")), allow(keep=frozenset("bc")))
    assert (found.kind, found.widens) == (Kind.OTHER, True)
    assert [change.kind for change in found.changes] == [Kind.WIDER, Kind.NARROWER]
    found = compare(allow(keep=frozenset("a")), challenge(keep=CLIENTS))
    assert (found.kind, found.widens) == (Kind.OTHER, True)


def test_another_reason_alone_widens_nothing() -> None:
    found = compare(deny(), deny("frozen"))
    assert (found.kind, found.widens) == (Kind.OTHER, False)
    assert str(found.changes[0]) == "reason frozen instead of not_for_you"


def test_masks_that_tell_different_things_count_as_wider_in_both_directions() -> None:
    one, two = Mask(MaskKind.HASH), LAST_4
    assert compare(allow(masks=(mask("phone", one, "a"),)), allow(masks=(mask("phone", two, "a"),))).widens
    assert compare(allow(masks=(mask("phone", two, "a"),)), allow(masks=(mask("phone", one, "a"),))).widens


def test_with_the_request_all_clients_are_those_asked_for_and_contact_is_its_fields() -> None:
    request = act(Action.READ, own=2, others=1)
    every = frozenset(request.resource.ids or ())
    assert request.resource.contact_fields
    assert compare(allow(keep=every), allow()).kind is Kind.WIDER
    assert compare(allow(keep=every), allow(), request).kind is Kind.SAME
    grouped = allow(masks=(FieldMask("contact", HIDE, every),))
    named = allow(masks=tuple(FieldMask(name, HIDE, every) for name in request.resource.contact_fields))
    assert compare(grouped, named, request).kind is Kind.SAME
    assert compare(grouped, named).widens


def test_a_mask_that_holds_by_two_rules_is_the_stricter_one() -> None:
    twice = allow(masks=(mask("phone", LAST_4, "a"), mask("phone", HIDE, "a")))
    assert compare(twice, allow(masks=(mask("phone", strictest(LAST_4, HIDE), "a"),))).kind is Kind.SAME
    assert compare(twice, allow(masks=(mask("phone", LAST_4, "a"),))).kind is Kind.WIDER


ATOMS: list[Need] = [Code(), Key(), Key(60), Key(300), Approval(1), Approval(2), Approval(2, "owner", 60), Justify(), Acknowledge()]


@given(st.data())
def test_implied_needs_are_met_by_whatever_meets_the_need(data: st.DataObject) -> None:
    """Against the plain meaning: a need is met by a set of what was brought."""
    needs = st.recursive(
        st.sampled_from(ATOMS),
        lambda inner: st.builds(
            lambda kind, parts: kind(tuple(parts)), st.sampled_from([AllOf, AnyOf]), st.lists(inner, min_size=2, max_size=3)
        ),
        max_leaves=6,
    )
    one, other = data.draw(needs), data.draw(needs)
    if implies(one, other):
        people = ((0, 0), (1, 60), (2, 60), (2, 3600))
        for brought in product((None, 0, 60, 300), people, (0, 1), (0, 1), (0, 1)):
            assert not met(one, brought) or met(other, brought)


def met(need: Need, brought: tuple[int | None, tuple[int, int], int, int, int]) -> bool:
    touch, (people, age), justified, read, code = brought
    match need:
        case AllOf(needs):
            return all(met(part, brought) for part in needs)
        case AnyOf(needs):
            return any(met(part, brought) for part in needs)
        case Key(fresh):
            return touch is not None and touch <= fresh
        case Code():
            return bool(code) or touch == 0
        case Approval(count, _, expires):
            return people >= count and age <= expires
        case Justify():
            return bool(justified)
        case Acknowledge():
            return bool(read)


def test_every_need_implies_itself_and_nothing_else_is_taken_for_it() -> None:
    assert all(implies(one, one) for one in ATOMS)
    assert not implies(Justify(), Acknowledge())
    assert not implies(Key(), Approval())
    assert implies(Key(), Code())
    assert not implies(Code(), Key())
    assert not implies(Key(60), Code()), "a touch for another act is none for this one"
    assert implies(AllOf((Key(), Justify())), AnyOf((Approval(), Justify())))


def test_a_decision_without_duties_is_unlike_one_that_leaves_nothing() -> None:
    assert compare(replace(allow(), obligations=Obligations(keep=frozenset())), allow()).widens
    assert compare(Deny((Because(NOT_FOR_YOU),)), allow(masks=(mask("phone", NULL, "a"),))).kind is Kind.WIDER
