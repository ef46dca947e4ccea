"""Every number that can be read in a text is a candidate: told once more by looking at every group of digits for itself."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.client_index.candidates import GAP, SEPARATORS, candidates
from detectors.client_index.hashes import MOST_DIGITS, number
from detectors.client_index.officials import Officials

_BETWEEN = re.compile(f"[{re.escape(SEPARATORS.decode())}]{{1,{GAP}}}")
_TEXTS = st.lists(
    st.one_of(
        st.text("0123456789", min_size=1, max_size=19),
        st.text("0123456789", min_size=1, max_size=3),
        st.just("00"),
        st.text(SEPARATORS.decode(), min_size=1, max_size=GAP + 1),
        st.sampled_from(["a", ",", "\n", "·", "–", "é"]),
    ),
    max_size=24,
).map("".join)


def every_number(text: str, shortest: int) -> set[tuple[int, int]]:
    """The numbers of a text of one piece, and where each begins."""
    found = set()
    groups = list(re.finditer("[0-9]+", text))
    for first, begin in enumerate(groups):
        digits = ""
        for last, group in enumerate(groups[first:], first):
            if last > first and not _BETWEEN.fullmatch(text, groups[last - 1].end(), group.start()):
                break
            digits += group[0]
            if shortest <= len(digits) <= MOST_DIGITS:
                found.add((number(digits), begin.start()))
                if digits.startswith("00") and len(digits) >= shortest + 2:
                    found.add((number(digits[2:]), begin.start()))
    return found


@settings(max_examples=1_000, deadline=None)
@given(text=_TEXTS, shortest=st.integers(2, 8))
def test_the_numbers_of_a_text_are_those_of_all_its_windows(text: str, shortest: int) -> None:
    (found,) = candidates(text, shortest=shortest, officials=Officials([]))
    numbers = list(zip(found.numbers.tolist(), found.number_places.tolist(), strict=True))
    assert set(numbers) == every_number(found.piece, shortest)
