"""Trees are as plain as they can be, and mean the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.tree import ITEM, And, Compare, Exists, Has, In, Match, Not, Op, Or, Text, all_of, any_of, attributes_of
from tests.policies.filtering import holds

LEAVES = st.sampled_from(
    [
        Compare("score", Op.GT, 1),
        Compare("score", Op.LE, 1),
        Compare("city", Op.EQ, "Bern"),
        Compare("city", Op.NE, "Bern"),
        In("city", ("Bern", "Wien")),
        Has("city"),
        Text("city", Match.ENDS_WITH, "n"),
        Exists("tags"),
        Exists("tags", Compare(ITEM, Op.EQ, "x")),
    ]
)
TREES = st.recursive(
    st.booleans() | LEAVES | LEAVES.map(Not),
    lambda inner: st.lists(inner, max_size=4).flatmap(lambda trees: st.sampled_from([all_of(trees), any_of(trees)])),
    max_leaves=12,
)
TAGS = st.sampled_from([(), ("x",), ("y", "x"), ("y",)])
RECORDS = st.fixed_dictionaries({"score": st.integers(0, 2), "city": st.sampled_from([None, "Bern", "Wien", "Ulm"]), "tags": TAGS})


@settings(max_examples=400, deadline=None)
@given(st.lists(TREES, max_size=4), RECORDS)
def test_joined_trees_mean_what_was_joined(trees, record):
    assert holds(all_of(trees), record) == all(holds(tree, record) for tree in trees)
    assert holds(any_of(trees), record) == any(holds(tree, record) for tree in trees)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_a_tree_has_the_form_that_translators_rely_on(tree):
    match tree:
        case And(nodes) | Or(nodes):
            assert len(nodes) > 1
            assert len(set(nodes)) == len(nodes)
            for node in nodes:
                assert type(node) is not type(tree)
                assert not isinstance(node, bool)
                test_a_tree_has_the_form_that_translators_rely_on.hypothesis.inner_test(node)
        case Not(leaf):
            assert not isinstance(leaf, And | Or | Not)


def test_joining_drops_what_says_nothing():
    bern, has = Compare("city", Op.EQ, "Bern"), Has("city")
    assert all_of([True, bern, bern]) == bern
    assert all_of([bern, False]) is False
    assert any_of([bern, True]) is True
    assert any_of([]) is False
    assert all_of([]) is True
    assert all_of([has, bern]) == bern
    assert any_of([has, bern]) == has
    assert all_of([has, Not(bern)]) == And((has, Not(bern)))
    assert any_of([bern, Not(bern)]) is True
    assert all_of([Not(has), has]) is False
    assert attributes_of(all_of([bern, Exists("tags", Compare(ITEM, Op.EQ, "x"))])) == {"city", "tags"}
