"""Conditions as steps: what several share stands there once, and failures cost only those conditions that they can reach."""

from policies.program import program
from policies.where import Conditions
from tests.policies.test_columns import SCHEMA


def compiled(*sources):
    conditions = Conditions(SCHEMA)
    wheres = [conditions.where(source) for source in sources]
    return wheres, program(wheres)


def test_what_several_conditions_share_is_one_step():
    shared = "(record.own && record.vip)"
    _, one = compiled(shared)
    _, several = compiled(shared, f"{shared} || record.score > 1", f"!({shared}) || record.score > 2", "record.vip && record.own")
    assert len(one.true.steps) == 1
    assert len(several.leaves) == 4
    assert len(several.true.steps) == 4, "the shared one, two that go on from it, and for its opposite the one that De Morgan makes of it"


def test_the_same_condition_and_no_condition_add_nothing():
    conditions = Conditions(SCHEMA)
    where = conditions.where("record.own || record.vip")
    assert program([where, None, where, conditions.where("record.own || record.vip")]) == program([where])
    assert program([None]) == program([])
    assert not program([]).leaves


def test_choices_inside_each_other_stay_small():
    condition = "record.own"
    for _ in range(20):
        condition = f"({condition} ? record.vip : record.score > 1)"
    _, one = compiled(condition)
    assert len(one.true.steps) < 20 * 6


def test_only_conditions_that_a_failed_leaf_reaches_are_doubted():
    (sure, doubtful), both = compiled("record.own && record.score > 1", "record.vip || record.score > 2")
    (number,) = [number for number, leaf in enumerate(both.leaves) if leaf.attributes == ("vip",)]
    doubts = both.doubts(frozenset({number}))
    assert set(doubts.places) == {doubtful}
    assert both.doubts(frozenset({number})) is doubts
    assert set(both.doubts(frozenset(range(len(both.leaves)))).places) == {sure, doubtful}


def test_of_very_many_ways_to_fail_the_rest_is_one_that_doubts_everything():
    wheres, many = compiled(*[f"record.score > {number}" for number in range(60)])
    doubts = [many.doubts(frozenset({number})) for number in range(60)]
    assert set(doubts[0].places) == {wheres[0]}
    assert set(doubts[-1].places) == set(wheres)
    assert set(many.doubts(frozenset({0, 1})).places) == set(wheres)
    assert len(many._doubts) < 60
