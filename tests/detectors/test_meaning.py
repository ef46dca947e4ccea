"""What decoded bytes say: asked of one content, and of many at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.meaning import may_mean_something, means_something

_CONTENTS = st.one_of(
    st.binary(min_size=1, max_size=17),
    st.text(min_size=1, max_size=5).map(lambda text: text.encode("utf-8", "replace")),
    st.text("abc@.\u00e4\u0434\0\x04", min_size=1, max_size=8).map(lambda text: text.encode("utf-16-le")[:17]),
    st.sampled_from([b"PK\x03\x04\xff", b"\x1f\x8b\xff\xff", b"MZ\xff\x80\x80", b"M\xff\xff"]),
)


@settings(max_examples=1_000, deadline=None)
@given(st.lists(_CONTENTS, min_size=1, max_size=8))
def test_what_may_mean_nothing_means_nothing(contents: list[bytes]) -> None:
    rows = np.array([list(content.ljust(18, b"\xff")) for content in contents], np.uint8)
    may = may_mean_something(rows, np.array([len(content) for content in contents]))
    for content, possible in zip(contents, may.tolist(), strict=True):
        assert possible or not means_something(content)


def test_most_noise_is_told_at_once() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (1_000, 18)).astype(np.uint8)
    assert may_mean_something(noise, np.full(1_000, 15)).sum() < 50
