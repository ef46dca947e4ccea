"""Refusals that repeat: the first ones are told one by one, the rest become exact counts."""

import pytest

from audit_store import gathered
from audit_store.gathered import ALONE, MAX_KINDS, MOST_UNTOLD, Gathered


def flood(kept: Gathered[str], times: int, key: str = "a") -> tuple[int, int]:
    """How many were to be recorded alone, and how many were counted out meanwhile."""
    alone = counted = 0
    for number in range(times):
        alone += kept.first_of(key, "others", f"{key}{number}", "all") is None
        counted += sum(count for _, count in kept.due())
    return alone, counted


def test_the_first_are_alone_and_the_rest_are_one_count_about_the_first() -> None:
    kept: Gathered[str] = Gathered()
    assert flood(kept, ALONE + 500) == (ALONE, 0)
    assert list(kept.due()) == []
    assert list(kept.due(all_of_them=True)) == [("a0", 500)]
    assert list(kept.due(all_of_them=True)) == []


def test_a_kind_never_has_more_untold_than_a_kill_may_lose() -> None:
    kept: Gathered[str] = Gathered()
    alone, counted = flood(kept, ALONE + 5 * MOST_UNTOLD + 7)
    assert (alone, counted) == (ALONE, 5 * MOST_UNTOLD)
    assert sum(count for _, count in kept.due(all_of_them=True)) == 7


def test_after_the_window_a_kind_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Gathered[str] = Gathered()
    flood(kept, ALONE + 3)
    monkeypatch.setattr(gathered, "WINDOW_SECONDS", 0)
    assert list(kept.due()) == [("a0", 3)]
    assert kept.first_of("a", "others", "later", "all") is None


def test_kinds_do_not_hide_each_other() -> None:
    kept: Gathered[str] = Gathered()
    flood(kept, 1_000)
    assert kept.first_of("b", "others", "b0", "all") is None


def test_so_many_sources_are_told_apart_and_no_more() -> None:
    kept: Gathered[str] = Gathered()
    for number in range(MAX_KINDS + 5_000):
        kept.first_of(number, "others", str(number), "all")
    assert len(kept._kinds) == MAX_KINDS + 1
    assert list(kept.due(all_of_them=True)) == [("all", 5_000 - ALONE)], "nobody is named for what others did"


def test_what_could_not_be_recorded_is_counted_on() -> None:
    kept: Gathered[str] = Gathered()
    flood(kept, ALONE + 3)
    for about, times in kept.due(all_of_them=True):
        kept.again("late", about, times)
    assert list(kept.due(all_of_them=True)) == [("a0", 3)]
