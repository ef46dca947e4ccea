"""One reading of a request on its way out, and the head that is written from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.forward.framing import FramingError, Wire, outgoing, read

WIRE = Wire(
    method=b"POST",
    scheme="http",
    host="Web.Example",
    port=80,
    target=b"/a//b/../%2e?x=%zz&y",
    version=b"HTTP/1.1",
    headers=((b"Host", b"web.example"), (b"X-Own", b" kept "), (b"Cookie", b"a=1"), (b"Cookie", b"b=2")),
    source_ip="192.168.0.7",
    connection_id="one",
)


def with_headers(*lines: tuple[bytes, bytes], **changes: object) -> Wire:
    return replace(WIRE, headers=((b"Host", b"web.example"), *lines), **changes)  # type: ignore[arg-type]


def test_a_target_goes_on_as_it_came() -> None:
    asked = read(WIRE)
    assert (asked.host, asked.target, asked.path, asked.query) == ("web.example", "/a//b/../%2e?x=%zz&y", "/a//b/../%2e", "x=%zz&y")


def test_the_head_for_the_server_has_one_host_and_one_length() -> None:
    assert outgoing(read(WIRE), b"hallo") == [
        (b"host", b"web.example"),
        (b"x-own", b"kept"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"content-length", b"5"),
    ]


def test_a_port_that_is_not_the_schemes_stands_in_host() -> None:
    other = replace(WIRE, port=8080, headers=((b"Host", b"web.example:8080"),))
    assert outgoing(read(other), b"")[0] == (b"host", b"web.example:8080")
    six = replace(WIRE, host="2001:db8::7", port=8080, headers=((b"Host", b"[2001:db8::7]:8080"),))
    assert outgoing(read(six), b"")[0] == (b"host", b"[2001:db8::7]:8080")


@pytest.mark.parametrize(("method", "length"), [(b"POST", [b"0"]), (b"PUT", [b"0"]), (b"GET", []), (b"DELETE", [])])
def test_only_methods_with_a_body_say_that_it_is_empty(method: bytes, length: list[bytes]) -> None:
    asked = read(replace(WIRE, method=method))
    assert [value for name, value in outgoing(asked, b"") if name == b"content-length"] == length


def test_a_websocket_goes_on_without_extensions() -> None:
    lines = [(b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"websocket"), (b"Sec-WebSocket-Version", b"13")]
    asked = read(with_headers(*lines, (b"Sec-WebSocket-Extensions", b"permessage-deflate"), (b"Sec-WebSocket-Key", b"x"), method=b"GET"))
    assert asked.upgrade
    names = [name for name, _ in outgoing(asked, b"")]
    assert b"sec-websocket-extensions" not in names
    assert dict(outgoing(asked, b""))[b"upgrade"] == b"websocket"


@pytest.mark.parametrize("upgrade", [b"h2c", b"TLS/1.0", b"websocket, h2c"])
def test_no_other_upgrade_goes_on(upgrade: bytes) -> None:
    asked = read(with_headers((b"Connection", b"Upgrade"), (b"Upgrade", upgrade), (b"Sec-WebSocket-Version", b"13"), method=b"GET"))
    assert not asked.upgrade
    assert {b"upgrade", b"connection"} & {name for name, _ in outgoing(asked, b"")} == set()


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (replace(WIRE, version=b"HTTP/2.0"), 400),
        (replace(WIRE, method=b"post"), 400),
        (replace(WIRE, method=b"PO ST"), 400),
        (replace(WIRE, target=b"*"), 400),
        (replace(WIRE, target=b"http://web.example/"), 400),
        (replace(WIRE, target=b"/a b"), 400),
        (replace(WIRE, target=b"/a#b"), 400),
        (replace(WIRE, target=b"/\xff"), 400),
        (replace(WIRE, target=b"/" + b"a" * 70_000), 414),
        (replace(WIRE, trailers=True), 400),
        (replace(WIRE, scheme="https"), 400),
        (replace(WIRE, headers=()), 400),
        (replace(WIRE, headers=((b"Host", b"other.example"),)), 403),
        (replace(WIRE, headers=((b"Host", b"web.example:81"),)), 403),
        (replace(WIRE, headers=((b"Host", b"web.example:x"),)), 400),
        (replace(WIRE, headers=((b"Host", b"a@web.example"),)), 400),
        (with_headers((b"Host", b"web.example")), 400),
        (with_headers((b"X", b"a\r\n b")), 400),
        (with_headers((b"X", b"a\x00")), 400),
        (with_headers((b"X Y", b"a")), 400),
        (with_headers((b"", b"a")), 400),
        (with_headers(*[(b"X-%d" % number, b"") for number in range(201)]), 431),
        (replace(WIRE, tls=True, scheme="https", port=443, sni="web.example", headers=((b"Host", b"other.example"),)), 403),
        (replace(WIRE, tls=True, scheme="https", port=443, sni="other.example"), 403),
        (replace(WIRE, tls=True, scheme="https", port=443, sni=None), 403),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(wire: Wire, status: int) -> None:
    with pytest.raises(FramingError) as error:
        read(wire)
    assert error.value.status == status


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        ({}, False),
        ({b"Accept": b"text/html,*/*"}, True),
        ({b"Accept": b"text/html", b"X-Requested-With": b"XMLHttpRequest"}, False),
        ({b"Sec-Fetch-Mode": b"navigate", b"Sec-Fetch-Dest": b"document"}, True),
        ({b"Sec-Fetch-Mode": b"navigate", b"Sec-Fetch-Dest": b"iframe"}, True),
        ({b"Sec-Fetch-Mode": b"navigate", b"Sec-Fetch-Dest": b"embed"}, False),
        ({b"Sec-Fetch-Mode": b"cors", b"Accept": b"text/html"}, False),
        ({b"Sec-Fetch-Mode": b"no-cors", b"Accept": b"*/*"}, False),
    ],
)
def test_a_person_gets_a_page_and_a_program_a_document(headers: dict[bytes, bytes], page: bool) -> None:
    assert read(with_headers(*headers.items())).is_page is page
