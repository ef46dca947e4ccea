"""Sliding sets against the slow and obvious way of counting."""

from hypothesis import given
from hypothesis import strategies as st

from audit_store.windows import SlidingSets

STEPS = st.lists(
    st.tuples(st.integers(0, 400), st.frozensets(st.sampled_from("abcdefgh"), max_size=4), st.booleans()), min_size=1, max_size=40
)


@given(STEPS, st.frozensets(st.sampled_from("abcdefghij")))
def test_counts_are_those_of_looking_at_everything_again(steps: list[tuple[int, frozenset[str], bool]], asked: frozenset[str]) -> None:
    """Times come in any order, as from several processes; counting happens in between, at a time that never goes back."""
    sets, added, now = SlidingSets(10, 60, 200), [], 0
    for at, clients, count in steps:
        sets.add(at, clients)
        added.append((at, clients))
        if count:
            now = max(now, at)
            sets.expire(now)
            inside = [frozenset().union(*(who for when, who in added if when > now - seconds)) for seconds in (10, 60, 200)]
            assert sets.counts() == tuple(map(len, inside))
            assert sets.counts_with(asked) == tuple(len(members | asked) for members in inside)


def test_what_leaves_is_told_once_per_window() -> None:
    sets = SlidingSets(10, 60)
    sets.add(0, frozenset("ab"))
    sets.add(5, frozenset("b"))
    assert sets.expire(10) == (["a"], [])
    assert sets.expire(15) == (["b"], [])
    assert [sorted(gone) for gone in sets.expire(1000)] == [[], ["a", "b"]]
    assert sets.expire(2000) == ([], [])
