"""One reading of a request, or none. The same cases on real sockets: `tests/hostile/test_framing.py`."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange import Request
from gateway.hygiene import RawRequest, RefusedError, canonical, target, upstream_headers

HOSTS = frozenset({"crm.localhost:8400"})
HOST = (b"Host", b"crm.localhost:8400")
GET = RawRequest(b"GET", b"/", b"", b"HTTP/1.1", (HOST,), b"", "192.0.2.1", "c1")


def read(raw: RawRequest, limit: int = 10_000) -> Request:
    return canonical(raw, hosts=HOSTS, body_limit=limit)


def get(path: bytes, *headers: tuple[bytes, bytes]) -> Request:
    return read(replace(GET, target=path, headers=(HOST, *headers)))


def post(body: bytes, *headers: tuple[bytes, bytes], limit: int = 10_000) -> Request:
    return read(replace(GET, method=b"POST", headers=(HOST, *headers), body=body), limit)


@pytest.mark.parametrize(
    ("wire", "path", "again"),
    [
        (b"/", "/", "/"),
        (b"/crm/rpc/", "/crm/rpc/", "/crm/rpc/"),
        (b"/crm/%72pc/", "/crm/rpc/", "/crm/rpc/"),
        (b"/m%C3%BCller", "/müller", "/m%C3%BCller"),
        (b"/a%20b", "/a b", "/a%20b"),
        (b"/a%23b%3Fc", "/a#b?c", "/a%23b%3Fc"),
        (b"/data/party.party", "/data/party.party", "/data/party.party"),
        (b"/.well-known/x", "/.well-known/x", "/.well-known/x"),
        (b"/.torwart/held", "/.torwart/held", "/.torwart/held"),
        (b"/.torwar%74/held", "/.torwart/held", "/.torwart/held"),
        (b"/100%25", "/100%", "/100%25"),
    ],
)
def test_a_path_is_decoded_once_and_encoded_in_one_way(wire: bytes, path: str, again: str) -> None:
    request = get(wire)
    assert request.path == path
    assert target(request) == again


@pytest.mark.parametrize(
    "wire",
    [
        *(b"", b"*", b"x", b"//", b"/a//b", b"/.", b"/..", b"/a/../b", b"/%2e", b"/%2E%2e/x", b"/a/.%2e", b"/a.", b"/a./b", b"/a/..."),
        *(b"/a%2Fb", b"/a%5cb", b"/a\\b", b"/a;b", b"/a%3Bb", b"/a#b", b"/a%00", b"/a%0d%0ab", b"/a\tb", b"/a%7f", b"/a%C2%85"),
        *(b"/\xc3\xbc", b"/%ff", b"/%c0%af", b"/%", b"/%6", b"/%zz", b"/%2561", b"/%252e"),
        *(b"/.Torwart", b"/.torwarT/", b"/.torwart%20", b"/x/.torwart", b"/.torwartx"),
        *(b"http://crm.localhost:8400/", b"/" + b"a" * 20_000),
    ],
)
def test_a_path_with_two_readings_is_refused(wire: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        get(wire)
    assert refused.value.status in (400, 414)


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (b"", ()),
        (b"a=1&a=2", (("a", "1"), ("a", "2"))),
        (b"dl=;&h=1", (("dl", ";"), ("h", "1"))),
        (b"f=rec_name&f", (("f", "rec_name"), ("f", ""))),
        (b"d=%5B%5B%22name%22%2C%22ilike%22%2C%22%25ab%25%22%5D%5D", (("d", '[["name","ilike","%ab%"]]'),)),
        (b"a=b=c", (("a", "b=c"),)),
        (b"a=b+c%2B", (("a", "b c+"),)),
    ],
)
def test_a_query_is_read_in_one_way_and_written_in_one_way(query: bytes, pairs: tuple[tuple[str, str], ...]) -> None:
    request = get(b"/x?" + query)
    assert request.query == pairs
    assert get(target(request).encode()).query == pairs


@pytest.mark.parametrize("query", [b"&", b"a=1&", b"=1", b"a=%0", b"a=%zz", b"a=%00", b"a=%0a", b"a=%ff", b"a=#", b"a= b"])
def test_a_query_with_two_readings_is_refused(query: bytes) -> None:
    with pytest.raises(RefusedError):
        get(b"/x?" + query)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_whatever_is_accepted_reads_the_same_again(path: bytes, query: bytes) -> None:
    try:
        request = get(b"/" + path + b"?" + query)
    except RefusedError:
        return
    again = get(target(request).encode("ascii"))
    assert (again.path, again.query) == (request.path, request.query)
    assert target(again) == target(request)


def test_list_headers_are_joined_and_others_are_refused_when_repeated() -> None:
    assert get(b"/", (b"Accept", b"a"), (b"accept", b"b")).header("accept") == "a, b"
    for name in (b"Authorization", b"Content-Type", b"Cookie", b"Range", b"X-Anything", b"Host"):
        with pytest.raises(RefusedError):
            get(b"/", (name, b"a"), (name.lower(), b"a"))


@pytest.mark.parametrize(
    "name", [b"X-User", b"X-Forwarded-For", b"Forwarded", b"X-Original-URL", b"Proxy-Authorization", b"If-Match", b"TE"]
)
def test_only_known_headers_are_kept(name: bytes) -> None:
    request = get(b"/", (name, b"evil"), (b"Accept", b"text/html"))
    assert request.headers == (("accept", "text/html"),)


def test_the_peer_is_named_by_us_alone() -> None:
    request = get(b"/", (b"X-Forwarded-For", b"203.0.113.9"))
    assert upstream_headers(request) == (("x-forwarded-for", "192.0.2.1"),)


@pytest.mark.parametrize(
    "value", [b"", b"crm.localhost", b"crm.localhost.:8400", b"crm.localhost:8400 ", b"evil:8400", b"crm.localhost:8400,evil"]
)
def test_only_the_public_name_is_a_host(value: bytes) -> None:
    raw = replace(GET, headers=((b"Host", value),))
    if value.strip() == b"crm.localhost:8400":
        assert read(raw).path == "/"
    else:
        with pytest.raises(RefusedError):
            read(raw)


def test_the_host_is_compared_without_regard_to_case() -> None:
    assert read(replace(GET, headers=((b"HOST", b"CRM.localhost:8400"),))).path == "/"


@pytest.mark.parametrize("cookie", [b"a=1; a=1", b"a=1;a=2", b"a =1; a=2", b"a=" + b"1" * 8_190])
def test_a_cookie_with_two_readings_is_refused(cookie: bytes) -> None:
    with pytest.raises(RefusedError):
        get(b"/", (b"Cookie", cookie))


def test_a_cookie_is_written_in_one_way() -> None:
    assert get(b"/", (b"Cookie", b"a=1;b=x=y ;  junk; c=")).header("cookie") == "a=1; b=x=y; c="


def test_a_packed_body_is_unpacked_within_its_budget() -> None:
    gz = (b"Content-Encoding", b"gzip")
    assert post(gzip.compress(b"abc"), gz).body == b"abc"
    assert post(b"abc", (b"Content-Encoding", b"identity")).body == b"abc"
    for body, status in [
        (gzip.compress(b"abc")[:-1], 400),
        (gzip.compress(b"abc") + b"x", 400),
        (gzip.compress(b"abc") * 2, 400),
        (b"abc", 400),
        (gzip.compress(b"a" * 10_001), 413),
    ]:
        with pytest.raises(RefusedError) as refused:
            post(body, gz)
        assert refused.value.status == status
    with pytest.raises(RefusedError) as refused:
        post(gzip.compress(b"\0" * 1_000_000), gz, limit=2_000_000)
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("coding", "status"), [(b"gzip, gzip", 400), (b"identity, gzip", 400), (b"br", 415), (b"deflate", 415), (b"foo", 415)]
)
def test_other_content_encodings_are_refused(coding: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        post(b"abc", (b"Content-Encoding", coding))
    assert refused.value.status == status


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE"])
def test_a_body_where_none_belongs_is_refused(method: bytes) -> None:
    with pytest.raises(RefusedError):
        read(replace(GET, method=method, body=b"x"))


@pytest.mark.parametrize("method", [b"get", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT", b"PROPFIND", b"", b"G\xc3\x8bT"])
def test_unknown_methods_are_refused(method: bytes) -> None:
    with pytest.raises(RefusedError):
        read(replace(GET, method=method))


def test_a_refusal_names_no_value() -> None:
    for raw in (replace(GET, target=b"//secret"), replace(GET, headers=(HOST, (b"secret_x", b"secret")), body=b"")):
        with pytest.raises(RefusedError) as refused:
            read(raw)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize("origin", [b"http://evil.example", b"null", b"", b"http://crm.localhost", b"crm.localhost:8400", b"http://["])
def test_a_page_of_another_origin_sends_nothing(origin: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        post(b"{}", (b"Origin", origin))
    assert (caught.value.status, caught.value.what) == (403, "foreign origin")


@pytest.mark.parametrize("origin", [b"http://crm.localhost:8400", b"HTTP://CRM.localhost:8400"])
def test_a_page_of_the_crm_names_its_own_origin(origin: bytes) -> None:
    assert post(b"{}", (b"Origin", origin)).header("origin") == origin.decode()
