"""The head of an answer: framing is ours, nothing can split it. On real sockets: `test_addon.py`."""

from __future__ import annotations

import pytest

from gateway.exchange import Response
from gateway.wire import reason, wire_headers


def test_framing_headers_are_ours_alone() -> None:
    headers = (("content-length", "9"), ("transfer-encoding", "chunked"), ("connection", "keep-alive"), ("x-a", "b"))
    assert wire_headers(Response(200, headers, b"abc"), close=False) == [(b"x-a", b"b"), (b"content-length", b"3")]
    assert wire_headers(Response(200, (), b""), close=True) == [(b"content-length", b"0"), (b"connection", b"close")]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_no_length(status: int) -> None:
    assert wire_headers(Response(status, (("x-a", "b"),)), close=False) == [(b"x-a", b"b")]


def test_repeated_headers_stay_apart() -> None:
    cookies = (("set-cookie", "a=1"), ("set-cookie", "b=2"))
    assert wire_headers(Response(200, cookies), close=False)[:2] == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä"])
def test_a_name_that_is_none_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="header"):
        wire_headers(Response(200, ((name, "x"),)), close=False)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\0b", "a\x7f", "€"])
def test_a_value_that_could_split_the_answer_is_an_error(value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        wire_headers(Response(200, (("x-a", value),)), close=False)


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600])
def test_only_final_statuses_leave(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        wire_headers(Response(status), close=False)


def test_reasons_are_those_of_the_standard() -> None:
    assert reason(404) == b"Not Found"
    assert reason(599) == b""
