"""Answers of the CRM, cut into pieces at every place. Nonsense on real sockets: `test_upstream.py`."""

from __future__ import annotations

import gzip
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.answer import Answer, UpstreamError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'[{"id": 1, "name": "Anna"}]'
PACKED = gzip.compress(BODY, mtime=0)
PLAIN = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CHUNKS = b"5\r\n%s\r\n%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:])
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS
GZIPPED = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(PACKED), PACKED)


@pytest.mark.parametrize("wire", [PLAIN, CHUNKED, GZIPPED])
@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_an_answer_reads_the_same_however_it_is_cut(wire: bytes, cuts: list[int]) -> None:
    answer = Answer(1_000, head_only=False)
    places = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    done = [answer.feed(wire[start:end]) for start, end in pairwise(places) if start < end]
    assert done[-1]
    assert not any(done[:-1])
    response = answer.response()
    assert (response.status, response.headers, response.body) == (200, (("content-type", "application/json"),), BODY)
    assert answer.keep_alive


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", True),
    ],
)
def test_a_connection_is_kept_only_where_both_sides_mean_it(head: bytes, keeps: bool) -> None:
    answer = Answer(1_000, head_only=False)
    assert answer.feed(head + b"Content-Length: 0\r\n\r\n")
    assert answer.keep_alive is keeps


def test_the_answer_to_a_head_has_no_body_whatever_its_length_says() -> None:
    answer = Answer(10, head_only=True)
    assert answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    assert answer.response().body == b""


def test_the_limit_counts_packed_and_unpacked_bytes() -> None:
    packed = gzip.compress(b"\0" * 10_000)
    answer = Answer(5_000, head_only=False)
    assert answer.feed(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed))
    with pytest.raises(UpstreamError, match="too large"):
        answer.response()


@given(st.binary(max_size=300))
def test_whatever_comes_is_an_answer_or_an_upstream_error(noise: bytes) -> None:
    answer = Answer(1_000, head_only=False)
    try:
        done = answer.feed(b"HTTP/1.1 200 OK\r\n" + noise)
        body = answer.response().body if done else b""
    except UpstreamError:
        return
    assert len(body) <= 1_000
